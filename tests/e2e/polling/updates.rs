//! What is news: new records, changed ones, and what must not be emitted twice.

use serde_json::{Value, json};

use super::{
    feed::{self, Feed, moment},
    stand::{Polled, Stand},
    upstream::Said,
};
use crate::harness::{Database, on_every_database, until};

async fn put_and_run(records: &Feed, record: Value, source: &Polled) {
    records.put(record);
    source.run_well().await;
}

fn order(state: &str, version: u32) -> Value {
    json!({ "id": "order", "version": version, "state": state })
}

on_every_database! {
    async fn from_a_to_b_and_back_to_a_is_three_events(database: Database) {
        let records = Feed::default();
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let without_version = stand.source("/orders", json!({ "emit": "new_and_updated" })).await;
        let changes = json!({ "emit": "new_and_updated", "version": "$.version" });
        let with_version = stand.source("/orders", changes).await;
        let new_only = stand.source("/orders", json!({ "emit": "new" })).await;
        for (state, version) in [("a", 1), ("b", 2), ("a", 3), ("a", 3)] {
            for source in [&without_version, &with_version, &new_only] {
                put_and_run(&records, order(state, version), source).await;
            }
        }
        assert_eq!(without_version.records("state").await, ["a", "b", "a"]);
        assert_eq!(with_version.records("state").await, ["a", "b", "a"]);
        assert_eq!(new_only.records("state").await, ["a"]);
        // What is older than what is known is late, not new.
        put_and_run(&records, order("b", 2), &with_version).await;
        assert_eq!(with_version.records("state").await.len(), 3);
    }

    async fn fields_that_do_not_count_make_no_change(database: Database) {
        let records = Feed::default();
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let changes = json!({ "emit": "new_and_updated", "hash_exclude": ["$.seen_at"] });
        let source = stand.source("/orders", changes).await;
        for (state, seen_at) in [("a", 1), ("a", 2), ("b", 3), ("b", 4)] {
            put_and_run(&records, json!({ "id": 1, "state": state, "seen_at": seen_at }), &source).await;
        }
        assert_eq!(source.records("state").await, ["a", "b"]);
    }

    /// Numbers and spaces as the provider wrote them, whatever JSON says they mean.
    async fn the_payload_is_the_bytes_of_the_item(database: Database) {
        const ITEMS: [&str; 3] = [
            r#"{"id": 1,  "amount": 1.10, "big": 12345678901234567890123, "note": "Gr\u00fc\u00dfe 🎉"}"#,
            "{\"id\":2,\n  \"list\":[ 1 , 2e0 ],\"a\":1,\"a\":2}",
            r#"{"z":0,"a":{"id":9},"id":3}"#,
        ];
        let stand = Stand::new(database, |_| {
            Said::bytes("application/json", format!("{{ \"data\" : [ {} ] , \"more\":false}}", ITEMS.join(" ,\n ")))
        })
        .await;
        let (source, receiver) = stand.route("/exact", json!({ "type": "order.seen" })).await;
        source.run_well().await;
        let mut payloads = source.payloads().await;
        payloads.sort_unstable();
        let mut expected = ITEMS.map(|item| item.as_bytes().to_vec());
        expected.sort_unstable();
        assert_eq!(payloads, expected);
        until(std::time::Duration::from_secs(15), "all are delivered", || receiver.count() == 3).await;
        let mut bodies: Vec<Vec<u8>> = receiver.arrivals().into_iter().map(|arrival| arrival.body).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, expected);
        assert!(source.events().await.iter().all(|event| event["type"] == "order.seen"));
    }

    async fn the_first_run_emits_what_it_was_told_to(database: Database) {
        let records = Feed::of(30);
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let cursor = json!({ "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 });
        for (first_run, emitted) in [
            (json!("skip_existing"), 0),
            (json!({ "last_n": 5 }), 5),
            (json!({ "since": moment(21) }), 10),
            (json!("backfill"), 30),
        ] {
            let source = stand.source("/records", json!({ "first_run": first_run, "cursor": cursor })).await;
            source.run_well().await;
            source.run_well().await;
            assert_eq!(source.events().await.len(), emitted, "{first_run}");
        }
        // What comes after it is news for all of them.
        let source = stand.source("/records", json!({ "cursor": cursor, "first_run": "skip_existing" })).await;
        source.run_well().await;
        records.grow(2);
        source.run_well().await;
        assert_eq!(source.records("id").await, ["31", "32"]);
    }

    async fn a_record_twice_in_a_page_counts_once_in_its_last_version(database: Database) {
        let stand = Stand::new(database, |_| {
            Said::json(&json!({ "data": [order("b", 2), order("c", 3), order("a", 1)] }))
        })
        .await;
        let changes = json!({ "emit": "new_and_updated", "version": "$.version" });
        let source = stand.source("/orders", changes).await;
        source.run_well().await;
        assert_eq!(source.records("state").await, ["c"]);
    }

    /// Nobody's inbox is flooded because a list came back larger than ever.
    async fn a_flood_is_held_until_somebody_looks_at_it(database: Database) {
        let records = Feed::of(5);
        let feed = records.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.all())).await;
        let (source, receiver) = stand.route("/records", json!({ "limits": { "flood_hold": 10 } })).await;
        source.run_well().await;
        until(std::time::Duration::from_secs(15), "the usual is delivered", || receiver.count() == 5).await;
        records.grow(20);
        source.run().await;
        source.health_is("held").await;
        assert_eq!(receiver.count(), 5);
        let (status, answer) =
            source.api.post(&format!("/sources/{}/held", source.id), json!({ "action": "release" })).await;
        assert_eq!(status, 200, "{answer}");
        until(std::time::Duration::from_secs(15), "what was held is delivered", || receiver.count() == 25).await;
        records.grow(20);
        source.run().await;
        source.health_is("held").await;
        let (status, answer) =
            source.api.post(&format!("/sources/{}/held", source.id), json!({ "action": "discard" })).await;
        assert_eq!(status, 200, "{answer}");
        source.health_is("ok").await;
        records.grow(1);
        source.run_well().await;
        until(std::time::Duration::from_secs(15), "what comes next is delivered", || receiver.count() == 26).await;
    }
}
