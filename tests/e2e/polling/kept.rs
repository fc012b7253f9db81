//! What is kept of pages that could not be taken, and what lists of sources say of polling.

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::Stand,
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, text};

const CREDENTIAL: &str = "the-credential/itself";

/// Of forty records two without an id; each tells what it should not.
fn telling(asked: &Asked) -> Value {
    let record = |number: usize| {
        let mut record =
            json!({ "echo": asked.header("authorization"), "card": { "number": "4111-1111" }, "n": number });
        if number >= 2 {
            record["id"] = json!(number);
        }
        record
    };
    json!({ "data": (0..40).map(record).collect::<Vec<_>>() })
}

on_every_database! {
    async fn what_is_set_aside_is_shown_to_its_tenant_and_without_secrets(database: Database) {
        let stand = Stand::new(database, |asked| match asked.path() {
            "/few" => Said::json(&telling(asked)),
            _ => Said::bytes("text/html", format!("<p>Who is {}?</p><token>abc-def</token>", asked.header("authorization"))),
        })
        .await;
        let auth = json!({ "request": { "auth": { "kind": "bearer", "token": CREDENTIAL } } });
        let (few, html) = (stand.source("/few", auth.clone()).await, stand.source("/html", auth).await);
        let (run, _) = few.first_run().await;
        html.first_run().await;
        let path = format!("/sources/{}/quarantine", few.id);
        let whole = few.api.found(&path).await;
        let items = whole["data"].as_array().expect("items");
        assert_eq!((items.len(), &whole["next_cursor"]), (2, &Value::Null), "{whole}");
        for item in items {
            assert_eq!((&item["run_id"], item["at"].is_string()), (&run["id"], true), "{item}");
            assert!(text(item, "reason").contains("$.id"), "{item}");
            let sample = text(item, "sample");
            assert!(sample.contains(r#""echo":"Bearer [redacted]""#) && sample.contains(r#""card":[redacted]"#), "{item}");
        }
        let page = html.api.found(&format!("/sources/{}/quarantine", html.id)).await;
        assert_eq!(page["data"][0]["sample"], "<p>Who is Bearer [redacted]?</p><token>[redacted]</token>", "{page}");
        // In the tables they do not stand either.
        let inspector = stand.inspect().await;
        let kept = inspector.either(
            "SELECT count(*) FROM poll_quarantine WHERE CAST(sample AS text) LIKE '%credential%' OR CAST(sample AS text) LIKE '%4111%'",
            "SELECT count(*) FROM poll_quarantine WHERE encode(sample, 'escape') LIKE '%credential%' OR encode(sample, 'escape') LIKE '%4111%'",
        );
        assert_eq!(inspector.number(kept).await, 0);

        let first = few.api.found(&format!("{path}?limit=1")).await;
        let next = text(&first, "next_cursor");
        let second = few.api.found(&format!("{path}?limit=1&cursor={next}")).await;
        assert_eq!([&first["data"][0], &second["data"][0]], [&items[0], &items[1]], "newest first, each once");
        let since = few.api.found(&format!("{path}?from=2020-01-01T00:00:00Z")).await;
        assert_eq!(since["data"], whole["data"]);
        let before = few.api.found(&format!("{path}?to=2020-01-01T00:00:00Z")).await;
        assert_eq!(before["data"], json!([]));
        let stranger = stand.server.tenant("stranger").await;
        assert_eq!(stranger.get(&path).await.0, 404);
    }

    async fn a_list_of_sources_says_how_each_of_them_polls(database: Database) {
        let records = Feed::of(3);
        let stand = Stand::new(database, move |asked| match asked.path() {
            "/good" => feed::page(&records.all()),
            _ => Said::json(&json!({ "nothing": [] })),
        })
        .await;
        let (good, bad) = (stand.source("/good", json!({})).await, stand.source("/bad", json!({})).await);
        let plain = stand.api.created("/sources", json!({ "name": "published", "kind": "publish" })).await;
        good.run_well().await;
        bad.first_run().await;
        bad.health_is("schema_drift").await;
        let list = stand.api.found("/sources?limit=250").await;
        let listed = |id: &str| {
            let all = list["data"].as_array().expect("sources");
            all.iter().find(|source| source["id"] == id).expect("listed")["polling"].clone()
        };
        assert_eq!(listed(&text(&plain, "id")), Value::Null);
        for (source, health) in [(&good, "ok"), (&bad, "schema_drift")] {
            let polling = listed(&source.id);
            assert_eq!(polling["health"], health, "{polling}");
            assert_eq!(polling, source.shown().await["polling"], "as where one is looked at");
        }
        assert_eq!(listed(&bad.id)["last_error"]["field"], "poll.items");
        assert!(listed(&good.id)["last_ok_at"].is_string());
    }
}
