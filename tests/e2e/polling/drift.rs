//! Pages that are not what the settings expect: never silence, and never half a page.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Polled, Stand},
    upstream::Said,
};
use crate::harness::{Database, on_every_database};

const MIB: usize = 1_048_576;

/// What is wrong is seen on the source, and told with its cause.
async fn drifts(source: &Polled, path: &str) {
    let (run, seen) = source.first_run().await;
    assert_eq!((&seen["health"], &run["state"]), (&json!("schema_drift"), &json!("failed")), "{path}: {seen}");
    assert!(seen["last_error"]["message"].is_string(), "{path}: {seen}");
}

fn records(count: usize, without_id: usize) -> Value {
    let record = |number: usize| if number < without_id { json!({ "n": number }) } else { json!({ "id": number }) };
    json!({ "data": (0..count).map(record).collect::<Vec<_>>() })
}

on_every_database! {
    async fn a_missing_path_is_an_error_and_an_empty_list_is_not(database: Database) {
        let stand = Stand::new(database, |asked| match asked.path() {
            "/empty" => Said::json(&json!({ "data": [] })),
            "/renamed" => Said::json(&json!({ "items": [{ "id": 1 }] })),
            "/text" => Said::json(&json!({ "data": "none" })),
            "/html" => Said::bytes("text/html", "<!doctype html><title>Log in</title>"),
            "/cut" => Said::bytes("application/json", r#"{"data":[{"id":1},{"id":"#),
            _ => Said::bytes("application/json", ""),
        })
        .await;
        let empty = stand.source("/empty", json!({})).await;
        let mut sources = Vec::new();
        for path in ["/renamed", "/text", "/html", "/cut", "/nothing"] {
            sources.push((path, stand.source(path, json!({})).await));
        }
        let (_, seen) = empty.first_run().await;
        assert_eq!(seen["health"], "ok", "{seen}");
        for (path, source) in sources {
            drifts(&source, path).await;
            assert_eq!(source.events().await.len(), 0, "{path}");
        }
    }

    /// One good run, and all is well again.
    async fn a_schema_that_drifts_away_and_back_loses_nothing(database: Database) {
        let feed = Feed::of(3);
        let good = feed.clone();
        let stand = Stand::new(database, move |_| feed::page(&good.all())).await;
        let source = stand.source("/drifting", json!({})).await;
        source.run_well().await;
        feed.grow(2);
        let renamed = feed.clone();
        stand.upstream.answer(move |_| Said::json(&json!({ "records": renamed.all() })));
        source.run().await;
        source.health_is("schema_drift").await;
        assert_eq!(source.events().await.len(), 3);
        stand.upstream.answer(move |_| feed::page(&feed.all()));
        source.run_well().await;
        assert_eq!((source.health().await.as_str(), source.events().await.len()), ("ok", 5));
    }

    async fn a_few_records_without_an_id_are_set_aside_and_many_stop_the_page(database: Database) {
        let stand = Stand::new(database, |asked| match asked.path() {
            "/few" => Said::json(&records(40, 2)),
            _ => Said::json(&records(40, 6)),
        })
        .await;
        let (few, many) = (stand.source("/few", json!({})).await, stand.source("/many", json!({})).await);
        let (run, _) = few.first_run().await;
        assert_eq!((few.events().await.len(), &run["quarantined"]), (38, &json!(2)), "{run}");
        drifts(&many, "/many").await;
        assert_eq!(many.events().await.len(), 0, "the page counts whole or not at all");
    }

    async fn a_page_of_ten_mebibytes_is_read_and_a_larger_one_is_not(database: Database) {
        let stand = Stand::new(database, |asked| {
            let size = if asked.path() == "/ten" { 10 * MIB } else { 10 * MIB + 1 };
            let (head, tail) = (r#"{"data":[{"id":1}],"pad":""#, r#""}"#);
            let pad = "x".repeat(size - head.len() - tail.len());
            Said::bytes("application/json", format!("{head}{pad}{tail}"))
        })
        .await;
        let whole = stand.source("/ten", json!({})).await;
        let larger = stand.source("/more", json!({})).await;
        let limited = stand.source("/ten", json!({ "limits": { "max_bytes": 2_000_000 } })).await;
        let (run, seen) = whole.first_run().await;
        assert_eq!((&seen["health"], &run["emitted"]), (&json!("ok"), &json!(1)), "{seen}");
        for source in [larger, limited] {
            drifts(&source, "too large").await;
            assert_eq!(source.events().await.len(), 0);
        }
    }

    /// In a hundred bytes the provider says so slowly that it would take minutes.
    async fn what_comes_too_slowly_ends_at_the_timeout(database: Database) {
        let stand = Stand::new(database, |asked| match asked.path() {
            "/drops" => Said::Drop(records(30, 0).to_string().into_bytes(), Duration::from_millis(400)),
            "/silent" => Said::Nothing,
            _ => Said::Close,
        })
        .await;
        let mut sources = Vec::new();
        for path in ["/drops", "/silent", "/closed"] {
            let changes = json!({ "limits": { "request_timeout_s": 1, "run_timeout_s": 12 }, "budget_key": path });
            sources.push((path, stand.source(path, changes).await));
        }
        for (path, source) in sources {
            let (run, seen) = source.first_run().await;
            assert_eq!(seen["health"], "backoff", "{path}: {seen}");
            assert!(["failed", "timed_out"].contains(&run["state"].as_str().expect("a state")), "{run}");
            assert!(stand.upstream.asked_for(path).len() >= 2, "{path}: it is tried again within the run");
            assert_eq!(source.events().await.len(), 0);
        }
    }

    async fn what_the_provider_refuses_is_a_state_of_health(database: Database) {
        let stand = Stand::new(database, |asked| {
            Said::status(asked.path().trim_start_matches('/').parse().expect("a status"))
        })
        .await;
        let mut sources = Vec::new();
        for (status, expected) in [
            (401, "auth_required"),
            (403, "backoff"),
            (404, "backoff"),
            (405, "backoff"),
            (422, "backoff"),
            (500, "backoff"),
        ] {
            let path = format!("/{status}");
            let source = stand.source(&path, json!({ "budget_key": path })).await;
            sources.push((status, expected, source));
        }
        for (status, expected, source) in sources {
            let (_, seen) = source.first_run().await;
            assert_eq!((&seen["health"], &seen["last_error"]["http"]), (&json!(expected), &json!(status)), "{seen}");
        }
    }
}
