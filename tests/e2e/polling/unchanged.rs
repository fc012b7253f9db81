//! What has not changed: 304, and everything that must not be taken for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    feed::{self, Feed, moment},
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, until};

/// As many servers do: the tag tells how many records there are.
fn tagged(asked: &Asked, feed: &Feed) -> Said {
    let tag = format!("W/\"{}-{}\"", feed.len(), asked.target.len());
    if asked.header("if-none-match") == tag {
        return Said::status(304).header("etag", tag);
    }
    feed::page(&feed.all()).header("etag", tag)
}

on_every_database! {
    async fn an_unchanged_page_leaves_the_cursor_where_it_is(database: Database) {
        let records = Feed::of(3);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| tagged(asked, &feed)).await;
        let changes =
            json!({ "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 } });
        let source = stand.source("/tagged", changes).await;
        source.run_well().await;
        let before = source.cursor().await;
        assert_eq!(before["cursor"], json!(moment(3)));
        for _ in 0..3 {
            let run = source.run_well().await;
            assert_eq!(run["emitted"], 0, "{run}");
            assert!(run["not_modified"].as_u64() >= Some(1), "{run}");
        }
        let after = source.cursor().await;
        assert_eq!((&after["cursor"], &after["seq"]), (&before["cursor"], &before["seq"]), "{after}");
        let asked = stand.upstream.asked();
        assert!(asked.last().expect("requests").header("if-none-match").starts_with("W/\"3-"), "verbatim");
        // Its own tag does not hide what is new.
        records.grow(1);
        source.run_well().await;
        assert_eq!(source.events().await.len(), 4);
    }

    async fn another_url_does_not_get_the_tag_of_the_one_before(database: Database) {
        let records = Feed::of(2);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| tagged(asked, &feed)).await;
        let source = stand.source("/tagged", json!({ "request": { "query": { "state": "a" } } })).await;
        source.run_well().await;
        source.run_well().await;
        let asked = stand.upstream.asked();
        assert_ne!(asked.last().expect("requests").header("if-none-match"), "");
        let before = asked.len();
        source.change(stand.settings("/tagged", json!({ "request": { "query": { "state": "b" } } }))).await;
        source.run_well().await;
        let asked = stand.upstream.asked();
        assert_eq!(asked[before].param("state").as_deref(), Some("b"));
        assert_eq!(asked[before].header("if-none-match"), "", "the tag belongs to the other URL");
    }

    /// A run that did not come to its end has not seen what its first page's tag stands for.
    async fn a_run_that_broke_off_does_not_leave_its_tag(database: Database) {
        let records = Feed::of(30);
        let feed = records.clone();
        let broken = Arc::new(AtomicBool::new(true));
        let breaks = Arc::clone(&broken);
        let stand = Stand::new(database, move |asked| {
            if asked.number("page", 1) == 2 && breaks.load(Ordering::SeqCst) {
                return Said::status(404);
            }
            if asked.header("if-none-match") == "\"thirty\"" {
                return Said::status(304);
            }
            feed::linked(asked, &feed.all(), 10).header("etag", "\"thirty\"")
        })
        .await;
        let source = stand.source("/paged", json!({ "paginate": { "kind": "link" } })).await;
        source.run().await;
        broken.store(false, Ordering::SeqCst);
        source.run_well().await;
        assert_eq!(source.events().await.len(), 30);
    }

    /// A day of them would be a row for each second otherwise.
    async fn runs_that_find_nothing_are_one_row(database: Database) {
        let records = Feed::of(2);
        let stand = Stand::new(database, move |asked| tagged(asked, &records)).await;
        let source = stand.source("/tagged", json!({ "schedule": every_s(1) })).await;
        until(Duration::from_secs(30), "it is asked again and again", || stand.upstream.count() >= 7).await;
        let runs = source.runs().await;
        assert!(runs.len() <= 3, "{runs:?}");
        let quiet = runs.iter().find(|run| run["state"] == "quiet").expect("a streak");
        assert!(quiet["runs"].as_u64() >= Some(4), "{quiet}");
        assert_eq!((&quiet["runs"], &quiet["emitted"]), (&quiet["not_modified"], &json!(0)), "{quiet}");
        assert!(stand.inspect().await.number("SELECT count(*) FROM poll_runs").await <= 2);
    }

    async fn last_modified_is_sent_where_there_is_no_tag(database: Database) {
        const AT: &str = "Sun, 01 Mar 2026 00:00:00 GMT";
        let stand = Stand::new(database, |asked| match asked.header("if-modified-since") {
            AT => Said::status(304),
            _ => Said::json(&json!({ "data": [{ "id": 1 }] })).header("last-modified", AT),
        })
        .await;
        let source = stand.source("/dated", json!({})).await;
        source.run_well().await;
        let run = source.run_well().await;
        assert!(run["not_modified"].as_u64() >= Some(1), "{run}");
        assert_eq!(source.events().await.len(), 1);
    }
}
