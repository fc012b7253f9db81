//! Settings that cannot work are refused when they are saved, by field and with what to do.

use serde_json::{Value, json};

use super::{
    stand::{Polled, Stand, options, settings},
    upstream::{Said, Upstream},
};
use crate::harness::{Database, Options, Server, on_every_database, text};

const PAGE: &str = "https://api.example.com/orders";

/// What is changed in good settings, the field that is named, and words of what is said about it.
fn bad() -> Vec<(Value, &'static str, &'static str)> {
    let schedule = |schedule: Value| json!({ "schedule": schedule });
    let url = |url: &str| json!({ "request": { "url": url } });
    vec![
        (schedule(json!({ "interval_s": 0 })), "poll.schedule.interval_s", "5"),
        (schedule(json!({ "interval_s": 4 })), "poll.schedule.interval_s", "5"),
        (schedule(json!({ "interval_s": -60 })), "poll.schedule.interval_s", ""),
        (schedule(json!({ "interval_s": 1.5 })), "poll.schedule.interval_s", ""),
        (schedule(json!({ "interval_s": 100_000_000 })), "poll.schedule.interval_s", ""),
        (schedule(json!({})), "poll.schedule", "cron"),
        (schedule(json!({ "interval_s": 60, "cron": "0 * * * *" })), "poll.schedule", "interval_s"),
        (schedule(json!({ "cron": "every monday" })), "poll.schedule.cron", ""),
        (schedule(json!({ "cron": "61 * * * *" })), "poll.schedule.cron", ""),
        (schedule(json!({ "cron": "0 0 31 2 *" })), "poll.schedule.cron", ""),
        (schedule(json!({ "cron": "* * * * * *" })), "poll.schedule.cron", "5"),
        (schedule(json!({ "cron": "0 * * * *", "timezone": "Mars/Olympus" })), "poll.schedule.timezone", ""),
        (url("not a url"), "poll.request.url", ""),
        (url("ftp://example.com/orders"), "poll.request.url", ""),
        (url("http://10.0.0.1/orders"), "poll.request.url", ""),
        (url("http://169.254.169.254/latest/meta-data"), "poll.request.url", ""),
        (url("http://[::1]:6379/"), "poll.request.url", ""),
        (url("https://user:password@api.example.com/"), "poll.request.url", ""),
        (url("{{cursor}}"), "poll.request.url", ""),
        (url("https://{{cursor}}.example.com/"), "poll.request.url", ""),
        (json!({ "request": { "method": "DELETE" } }), "poll.request.method", "GET"),
        (json!({ "request": { "headers": { "bad header": "x" } } }), "poll.request.headers", ""),
        (json!({ "request": { "headers": { "host": "other.example.com" } } }), "poll.request.headers", ""),
        (json!({ "request": { "query": { "q": "{{curser}}" } } }), "poll.request.query", "cursor"),
        (json!({ "request": { "auth": { "kind": "magic" } } }), "poll.request.auth.kind", "bearer"),
        (json!({ "request": { "auth": { "kind": "bearer" } } }), "poll.request.auth.token", ""),
        (json!({ "items": "data" }), "poll.items", "JSONPath"),
        (json!({ "items": "$[" }), "poll.items", "JSONPath"),
        (json!({ "id": "" }), "poll.id", ""),
        (json!({ "id": null }), "poll.id", ""),
        (json!({ "emit": "everything" }), "poll.emit", "new_and_updated"),
        (json!({ "first_run": { "last_n": 51 } }), "poll.first_run", "50"),
        (json!({ "first_run": { "since": "yesterday" } }), "poll.first_run", ""),
        (json!({ "cursor": { "mode": "timestamp" } }), "poll.cursor.value", ""),
        (json!({ "cursor": { "mode": "guess", "value": "$.at" } }), "poll.cursor.mode", ""),
        (json!({ "cursor": { "mode": "integer", "value": "$.n", "order": "random" } }), "poll.cursor.order", ""),
        (json!({ "paginate": { "kind": "cursor", "param": "after" } }), "poll.paginate.path", ""),
        (json!({ "paginate": { "kind": "scroll" } }), "poll.paginate.kind", "link"),
        (json!({ "paginate": { "kind": "link", "max_pages": 0 } }), "poll.paginate.max_pages", "1"),
        (json!({ "limits": { "request_timeout_s": 0 } }), "poll.limits.request_timeout_s", ""),
        (json!({ "limits": { "max_bytes": 1_000_000_000 } }), "poll.limits.max_bytes", ""),
        (json!({ "adaptive": { "min_s": 600, "max_s": 60 } }), "poll.adaptive", ""),
        (json!({ "pagination": { "kind": "link" } }), "poll.pagination", ""),
    ]
}

on_every_database! {
    async fn bad_settings_are_refused_by_field(database: Database) {
        // The floor that an operator gets who says nothing, and no private address to go to.
        let server = Server::start_with(Options::new(database).env("POSTERN_EGRESS_ALLOW", "")).await;
        let api = server.bootstrap().await;
        let good = settings(PAGE, json!({ "schedule": { "interval_s": 60 } }));
        let source = api.created("/sources", json!({ "name": "good", "kind": "poll", "poll": good })).await;
        let inspector = server.inspect().await;
        let stored = "SELECT (SELECT count(*) FROM sources) + (SELECT count(*) FROM poll_states) + (SELECT count(*) FROM audit_entries)";
        let before = inspector.number(stored).await;
        let mut wrong = Vec::new();
        for (changes, field, words) in bad() {
            let poll = settings(PAGE, changes.clone());
            let made = api.post("/sources", json!({ "name": "bad", "kind": "poll", "poll": poll })).await;
            let path = format!("/sources/{}", source["id"].as_str().expect("an id"));
            let changed = api.patch(&path, json!({ "poll": poll })).await;
            let tested = api.post("/sources/poll/test", json!({ "poll": poll })).await;
            for (what, (status, problem)) in [("made", made), ("changed", changed), ("tested", tested)] {
                let error = &problem["errors"][0];
                let named = error["field"].as_str().unwrap_or_default();
                let detail = error["detail"].as_str().unwrap_or_default();
                let is_clear = status == 422 && named.starts_with(field) && detail.len() > 5 && detail.contains(words);
                if !is_clear {
                    wrong.push(format!("{what} with {changes}: {status} {problem}"));
                }
            }
        }
        assert!(wrong.is_empty(), "not refused, or not clearly:\n{}", wrong.join("\n"));
        assert_eq!(inspector.number(stored).await, before, "what is refused leaves no trace");
    }

    async fn kinds_and_settings_must_fit(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({ "data": [] }))).await;
        let poll = stand.settings("/records", json!({}));
        for (fields, field) in [
            (json!({ "name": "x", "kind": "poll" }), "poll"),
            (json!({ "name": "x", "kind": "publish", "poll": poll }), "poll"),
            (json!({ "name": "x", "kind": "poll", "poll": "https://example.com" }), "poll"),
            (json!({ "name": "x", "kind": "schedule" }), "schedule"),
            (
                json!({
                    "name": "x", "kind": "webhook", "scheme": "none", "poll": poll,
                    "dedup": { "key": "body", "window_s": 3_600 },
                }),
                "dedup.window_s",
            ),
            (json!({ "name": "x", "kind": "poll", "poll": poll, "schedule": { "interval_s": 60 } }), "schedule"),
        ] {
            let (status, problem) = stand.api.post("/sources", fields.clone()).await;
            assert_eq!(status, 422, "{fields}: {problem}");
            let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
            assert!(named.starts_with(field), "{fields}: {problem}");
        }
    }

    /// What is behind the address is found out only when it is asked for: at run time it is a state of health.
    async fn an_address_that_turns_out_to_be_private_is_never_asked(database: Database) {
        let upstream = Upstream::start(|_| Said::json(&json!({ "data": [{ "id": 1 }] }))).await;
        let options = options(database).env("POSTERN_EGRESS_ALLOW", "");
        let server = Server::start_with(options).await;
        let api = server.bootstrap().await;
        let port = upstream.url("").rsplit(':').next().expect("a port").to_owned();
        let poll = settings(&format!("http://localhost.localdomain.test:{port}/"), json!({}));
        let (status, answer) = api.post("/sources", json!({ "name": "x", "kind": "poll", "poll": poll })).await;
        if status == 201 {
            let source = Polled { api: api.clone(), id: text(&answer, "id") };
            source.run().await;
            assert_ne!(source.health().await, "ok");
        } else {
            assert_eq!(status, 422, "{answer}");
        }
        assert_eq!(upstream.count(), 0);
    }
}
