//! How often a source asks, and how long a change must hold before it counts.

use std::time::Duration;

use postern_domain::Timestamp;
use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Polled, Stand, every_s},
};
use crate::harness::{Database, on_every_database, poll_until};

const SOON: Duration = Duration::from_secs(30);

/// Between the runs that are to come.
async fn interval_ms(source: &Polled) -> i64 {
    let seen = source.shown().await;
    let at = |number: usize| {
        let text = seen["polling"]["upcoming"][number].as_str().unwrap_or_else(|| panic!("{seen}"));
        Timestamp::parse_rfc3339(text).expect("a moment").as_millis()
    };
    at(2) - at(1)
}

async fn becomes(source: &Polled, what: &str, holds: impl Fn(i64) -> bool) {
    poll_until(SOON, what, async || {
        let interval_ms = interval_ms(source).await;
        assert!((1_000..=3_000).contains(&interval_ms), "out of bounds: {interval_ms}");
        holds(interval_ms).then_some(())
    })
    .await;
}

on_every_database! {
    async fn an_adaptive_interval_follows_what_is_found(database: Database) {
        let records = Feed::of(3);
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let changes = json!({ "schedule": every_s(2), "adaptive": { "min_s": 1, "max_s": 3 } });
        let source = stand.source("/records", changes).await;
        source.first_run().await;
        becomes(&source, "it asks at its shortest interval after news", |ms| ms == 1_000).await;
        becomes(&source, "it grows by half without", |ms| ms == 1_500 || ms == 2_250).await;
        becomes(&source, "it grows to its bound", |ms| ms == 3_000).await;
        records.grow(1);
        becomes(&source, "it halves at least with news", |ms| ms <= 1_500).await;
        assert_eq!(source.events().await.len(), 4);
        let asked = stand.upstream.asked();
        let shortest = asked.windows(2).map(|two| two[1].at - two[0].at).min().expect("several");
        assert!(shortest >= Duration::from_millis(900), "{shortest:?}");
    }

    async fn a_change_counts_when_it_has_held(database: Database) {
        let records = Feed::default();
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let changes = json!({ "emit": "new_and_updated", "version": "$.version", "stable_polls": 2 });
        let source = stand.source("/orders", changes).await;
        source.first_run().await;
        let order = |state: &str, version: u32| json!({ "id": "order", "version": version, "state": state });
        let steps: [(Option<Value>, &[&str]); 9] = [
            (Some(order("a", 1)), &[]),
            (None, &[]),
            (None, &["a"]),
            (None, &["a"]),
            // What is gone before it has held never was.
            (Some(order("b", 2)), &["a"]),
            (None, &["a"]),
            (Some(order("c", 3)), &["a"]),
            (None, &["a"]),
            (None, &["a", "c"]),
        ];
        for (number, (change, expected)) in steps.into_iter().enumerate() {
            if let Some(record) = change {
                records.put(record);
            }
            source.run_well().await;
            assert_eq!(source.records("state").await, expected, "step {number}");
        }
    }
}
