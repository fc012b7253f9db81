//! Where a next link or a redirect may lead: to the same place, and not round in circles.

use serde_json::json;

use super::{
    feed::{self, Feed},
    stand::{Polled, Stand},
    upstream::{Said, Upstream},
};
use crate::harness::{Database, on_every_database};

const SECRETS: [&str; 4] = ["bearer-of-the-test", "YmFzaWM6cGFzcw", "key-in-a-header", "key-in-the-query"];

/// The ways to prove who asks, with [`SECRETS`].
fn credentials() -> [serde_json::Value; 4] {
    [
        json!({ "kind": "bearer", "token": SECRETS[0] }),
        json!({ "kind": "basic", "username": "basic", "password": "pass" }),
        json!({ "kind": "api_key", "in": "header", "name": "x-api-key", "value": SECRETS[2] }),
        json!({ "kind": "api_key", "in": "query", "name": "api_key", "value": SECRETS[3] }),
    ]
}

/// Its first run fails; gives what is told of it.
async fn fails(source: &Polled) -> String {
    let (run, cursor) = source.first_run().await;
    assert_eq!(run["state"], "failed", "{run}");
    assert_ne!(cursor["health"], "ok", "a failure is seen: {cursor}");
    let message = cursor["last_error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(!message.is_empty(), "a failure is told: {cursor}");
    message
}

on_every_database! {
    async fn links_that_go_round_in_circles_end_the_run(database: Database) {
        let records = Feed::of(4);
        let stand = Stand::new(database, move |asked| {
            let next = match (asked.path(), asked.number("page", 1)) {
                ("/itself", _) => "/itself".to_owned(),
                ("/pair", 1) => "/pair?page=2".to_owned(),
                ("/pair", _) => "/pair?page=1".to_owned(),
                (_, number) => format!("/body?page={}", 1 + number % 3),
            };
            let page = json!({ "data": records.all(), "next": next, "token": "again" });
            Said::json(&page).header("link", format!("<{next}>; rel=\"next\""))
        })
        .await;
        let mut sources = Vec::new();
        for (path, paginate, most) in [
            ("/itself", json!({ "kind": "link" }), 2),
            ("/pair", json!({ "kind": "link" }), 3),
            ("/body", json!({ "kind": "body_link", "path": "$.next" }), 4),
            ("/token", json!({ "kind": "cursor", "path": "$.token", "param": "after" }), 3),
        ] {
            sources.push((path, most, stand.source(path, json!({ "paginate": paginate })).await));
        }
        for (path, most, source) in sources {
            let message = fails(&source).await;
            assert!(stand.upstream.asked_for(path).len() <= most, "{path} goes on and on");
            assert!(message.contains("circle"), "{path}: {message}");
            assert_eq!(source.events().await.len(), 4, "{path}: what was read before stays");
        }
    }

    async fn a_link_to_another_host_is_not_followed_and_gets_no_credential(database: Database) {
        let elsewhere = Upstream::start(|_| Said::json(&json!({ "data": [{ "id": "foreign" }] }))).await;
        let records = Feed::of(2);
        let foreign = elsewhere.url("/next");
        let stand = Stand::new(database, move |asked| {
            let said = feed::page(&records.all());
            match asked.path() {
                "/link" => said.header("link", format!("<{foreign}>; rel=\"next\"")),
                "/schemeless" => said.header("link", format!("<{}>; rel=\"next\"", foreign.trim_start_matches("http:"))),
                "/body" => Said::json(&json!({ "data": records.all(), "next": foreign })),
                _ => Said::status(302).header("location", foreign.as_str()),
            }
        })
        .await;
        let mut sources = Vec::new();
        for auth in credentials() {
            for (path, paginate) in [
                ("/link", json!({ "kind": "link" })),
                ("/schemeless", json!({ "kind": "link" })),
                ("/body", json!({ "kind": "body_link", "path": "$.next" })),
                ("/redirect", json!({ "kind": "none" })),
            ] {
                let changes = json!({ "request": { "auth": auth }, "paginate": paginate, "budget_key": path });
                sources.push((path, stand.source(path, changes).await));
            }
        }
        for (path, source) in sources {
            let message = fails(&source).await;
            assert!(!SECRETS.iter().any(|secret| message.contains(secret)), "{path}: {message}");
        }
        assert_eq!(elsewhere.count(), 0, "{:?}", elsewhere.asked());
        let asked = stand.upstream.asked();
        let carried = asked.iter().filter(|asked| SECRETS.iter().any(|secret| asked.carries(secret)));
        assert_eq!(carried.count(), asked.len(), "the provider itself gets the credential each time");
    }

    async fn redirects_within_the_host_are_followed_three_times_at_most(database: Database) {
        let stand = Stand::new(database, |asked| match asked.path() {
            "/one" => Said::status(302).header("location", "/records"),
            "/three" => Said::status(307).header("location", "/two"),
            "/two" => Said::status(301).header("location", "/one"),
            "/four" => Said::status(302).header("location", "/three"),
            "/round" => Said::status(302).header("location", "/round"),
            _ => Said::json(&json!({ "data": [{ "id": 1 }] })),
        })
        .await;
        let mut sources = Vec::new();
        for (path, records) in [("/one", 1), ("/two", 1), ("/three", 1), ("/four", 0), ("/round", 0)] {
            sources.push((path, records, stand.source(path, json!({})).await));
        }
        for (path, records, source) in sources {
            if records == 0 {
                fails(&source).await;
            }
            source.first_run().await;
            assert_eq!(source.events().await.len(), records, "{path}");
        }
    }
}
