//! What runs no longer list is forgotten in time, and nothing else is.

use postern_store::Retention;
use serde_json::json;

use crate::{
    reads::{list, page, with},
    upstream::Upstream,
    yard::{self, Yard},
};

const DAY_S: i64 = 86_400;

/// One run each day.
async fn days(yard: &Yard, days: u32) {
    for _ in 0..days {
        yard.poll_after_s(DAY_S).await;
    }
}

/// Sweeps, and says which records are still known.
async fn known(yard: &Yard) -> Vec<String> {
    let now = yard.clock.now();
    let retention = Retention { payload_days: 3_000, metadata_days: 3_000 };
    yard.engine.store.expire_polls(now, retention).await.expect("sweeps");
    yard.engine.store.expire_keys(now).await.expect("sweeps");
    let ids = yard.texts("SELECT record_id FROM poll_records ORDER BY record_id").await;
    ids.into_iter().flatten().collect()
}

fn for_a_week() -> serde_json::Value {
    json!({ "limits": { "remember_days": 7 } })
}

#[tokio::test]
async fn what_is_listed_no_more_is_forgotten_after_its_days_and_what_is_listed_is_not() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..5));
        yard.source(with(list(&upstream.url("/")), for_a_week())).await;
        yard.poll().await;
        upstream.becomes(|_| page(3..6));
        days(&yard, 7).await;
        assert_eq!(known(&yard).await, ["1", "2", "3", "4", "5"], "not yet");
        // Each day another page, or nobody would read it.
        upstream.becomes(|_| page(3..7));
        days(&yard, 1).await;
        upstream.becomes(|_| page(3..8));
        days(&yard, 1).await;
        assert_eq!(known(&yard).await, ["3", "4", "5", "6", "7"]);
        assert_eq!(yard.events().await.len(), 7);
        upstream.becomes(|_| page(2..8));
        days(&yard, 1).await;
        assert_eq!(yard.events().await.len(), 8, "what comes back after that is news, and the rest is not");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_list_that_is_unchanged_paused_or_out_of_reach_forgets_nothing() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..5));
        yard.source(with(list(&upstream.url("/")), for_a_week())).await;
        yard.poll().await;
        days(&yard, 30).await;
        assert_eq!(known(&yard).await.len(), 4, "the page was the same, day after day");
        upstream.becomes(|_| crate::upstream::Reply::json("{\"things\":[]}"));
        days(&yard, 30).await;
        assert_eq!(known(&yard).await.len(), 4, "nothing was read");
        upstream.becomes(|_| page(1..6));
        days(&yard, 2).await;
        assert_eq!((known(&yard).await.len(), yard.events().await.len()), (5, 5), "nothing twice");
        yard
    })
    .await;
}

#[tokio::test]
async fn an_unchanged_record_is_written_seldom() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        for last in 4..9 {
            upstream.becomes(move |_| page(1..last));
            days(&yard, 10).await;
        }
        let written = "SELECT count(*) FROM poll_records WHERE record_id = '1' AND updated_at > ";
        let noon = yard::NOON.as_micros();
        assert_eq!(yard.count(&format!("{written}{noon}")).await, 0, "in fifty days not once");
        days(&yard, 60).await;
        upstream.becomes(|_| page(1..9));
        days(&yard, 1).await;
        assert_eq!(yard.count(&format!("{written}{noon}")).await, 1, "after a hundred once");
        assert_eq!(yard.events().await.len(), 8);
        yard
    })
    .await;
}
