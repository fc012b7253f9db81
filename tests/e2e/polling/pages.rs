//! Pages: every way to turn them, and what goes on while they are turned.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{
    feed::{self, Feed, moment, slice},
    stand::Stand,
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database};

const RECORDS: u32 = 25;
const SIZE: usize = 10;

/// Twenty-five records, by whatever way the path names.
fn turned(asked: &Asked, records: &[Value]) -> Said {
    let from = asked.param("after").map_or(0, |after| {
        let known = records.iter().map(|record| record["id"].to_string()).position(|id| id == after);
        known.expect("a record that is there") + 1
    });
    let rest = slice(records, from, SIZE);
    let last = (from + SIZE < records.len()).then(|| rest[rest.len() - 1]["id"].to_string());
    match asked.path() {
        "/link" => feed::linked(asked, records, SIZE),
        "/page" => feed::numbered(asked, records, SIZE),
        "/offset" => feed::page(slice(records, asked.number("offset", 0), asked.number("limit", SIZE))),
        "/cursor" => Said::json(&json!({ "data": rest, "next": last })),
        "/body_link" => {
            let next = last.map(|last| format!("/body_link?after={last}"));
            Said::json(&json!({ "data": rest, "links": { "next": next } }))
        }
        "/header" => {
            let said = feed::page(rest);
            last.map_or(said.clone(), |last| said.header("x-next", last))
        }
        _ => feed::page(records),
    }
}

on_every_database! {
    async fn every_way_to_turn_pages_reads_all_of_them_once(database: Database) {
        let records = Feed::of(RECORDS);
        let stand = Stand::new(database, move |asked| turned(asked, &records.all())).await;
        // The way, and how many requests it takes: page numbers and offsets end at an empty page.
        let mut sources = Vec::new();
        for (path, paginate, requests) in [
            ("/none", json!({ "kind": "none" }), 1),
            ("/link", json!({ "kind": "link" }), 3),
            ("/page", json!({ "kind": "page", "param": "page", "start": 1 }), 4),
            ("/offset", json!({ "kind": "offset", "param": "offset", "size_param": "limit", "size": 10 }), 4),
            ("/cursor", json!({ "kind": "cursor", "path": "$.next", "param": "after" }), 3),
            ("/body_link", json!({ "kind": "body_link", "path": "$.links.next" }), 3),
            ("/header", json!({ "kind": "header", "path": "x-next", "param": "after" }), 3),
        ] {
            let source = stand.source(path, json!({ "paginate": paginate })).await;
            sources.push((path, requests, source));
        }
        for (path, requests, source) in sources {
            source.first_run().await;
            let mut ids = source.records("id").await;
            ids.sort_by_key(|id| id.parse::<u32>().expect("a number"));
            assert_eq!(ids, (1..=RECORDS).map(|id| id.to_string()).collect::<Vec<_>>(), "{path}");
            let before = stand.upstream.asked_for(path).len();
            source.run_well().await;
            assert_eq!(source.events().await.len(), 25, "{path}: nothing was new the second time");
            let asked = stand.upstream.asked_for(path).len() - before;
            assert_eq!(asked, requests, "{path}");
        }
    }

    /// Each page is full of the same instant, and the cursor stands at it all the time.
    async fn ten_thousand_records_of_one_instant_cross_the_pages(database: Database) {
        let records = Feed::default();
        for id in 1..=10_000 {
            records.push(id, &moment(7));
        }
        let (feed, known) = (records.clone(), records.clone());
        let stand = Stand::new(database, move |asked| feed::linked(asked, &feed.since(asked), 1_000)).await;
        let changes = json!({
            "request": { "query": { "since": "{{cursor|default:2026-01-01T00:00:00Z}}" } },
            "paginate": { "kind": "link" },
            "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
            "limits": { "flood_hold": 20_000 },
        });
        let source = stand.source("/same", changes).await;
        source.run_well().await;
        let inspector = stand.inspect().await;
        assert_eq!(inspector.number("SELECT count(*) FROM events").await, 10_000);
        // The same instant goes on: what comes later in it is found, and nothing of what was there before.
        for id in 10_001..=10_003 {
            known.push(id, &moment(7));
        }
        source.run_well().await;
        assert_eq!(inspector.number("SELECT count(*) FROM events").await, 10_003);
        assert_eq!(source.cursor().await["cursor"], json!(moment(7)));
        let last = stand.upstream.asked();
        let since = last.last().expect("a request").param("since").expect("since");
        assert!(since.as_str() <= moment(7).as_str(), "a run begins at its cursor, not behind it: {since}");
    }

    /// Whoever pages by numbers sees records again that were pushed on to the next page.
    async fn inserts_into_a_descending_feed_are_neither_lost_nor_doubled(database: Database) {
        let records = Feed::of(40);
        let feed = records.clone();
        let first_broken = Arc::new(AtomicUsize::new(usize::MAX));
        let breaks = Arc::clone(&first_broken);
        let stand = Stand::new(database, move |asked| {
            let number = asked.number("page", 1);
            if number >= breaks.load(Ordering::SeqCst) {
                return Said::status(404);
            }
            let said = feed::numbered(asked, &feed.newest_first(), 10);
            // While this page is on its way, three more come in.
            if number < 4 {
                feed.grow(3);
            }
            said
        })
        .await;
        let changes = json!({
            "paginate": { "kind": "page", "param": "page", "start": 1 },
            "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "desc", "lookback_s": 0, "settle_s": 0 },
        });
        let source = stand.source("/newest", changes).await;
        source.run_well().await;
        source.run_well().await;
        // A run that breaks off in the middle has read what is new and not what is older: that is made up for.
        records.grow(35);
        first_broken.store(3, Ordering::SeqCst);
        let run = source.run().await;
        assert!(!["succeeded", "not_modified"].contains(&run["state"].as_str().expect("a state")), "{run}");
        first_broken.store(usize::MAX, Ordering::SeqCst);
        source.run_well().await;
        // The last run found what came during the one before; what came during itself, the next one finds.
        source.run_well().await;
        let ids = source.records("id").await;
        let known: Vec<String> = records.all().iter().map(|record| record["id"].to_string()).collect();
        let missing: Vec<&String> = known.iter().filter(|id| !ids.contains(id)).collect();
        assert!(missing.len() <= 9, "only what came during the last run may still be missing: {missing:?}");
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "doubled");
    }

    async fn a_run_that_ends_at_max_pages_goes_on_in_the_next_one(database: Database) {
        let records = Feed::of(50);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| feed::linked(asked, &feed.all(), 10)).await;
        let source = stand.source("/long", json!({ "paginate": { "kind": "link", "max_pages": 2 } })).await;
        for _ in 0..3 {
            let run = source.run_well().await;
            assert!(run["pages"].as_u64() <= Some(2), "{run}");
        }
        let pages: Vec<usize> = stand.upstream.asked().iter().map(|asked| asked.number("page", 1)).collect();
        assert!(pages.starts_with(&[1, 2, 3, 4, 5]), "{pages:?}");
        assert_eq!(source.events().await.len(), 50);
    }
}
