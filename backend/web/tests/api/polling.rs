//! Sources that poll: their settings in and out, runs, the cursor, tests and advice.

use serde_json::{Value, json};

use crate::harness::{Client, Server};

const SOURCES: &str = "/api/v1/sources";
const TOKEN: &str = "a-token-that-nobody-else-has";

fn settings() -> Value {
    json!({
        "request": {
            "url": "https://api.example.com/orders", "query": { "since": "{{cursor}}" },
            "headers": { "accept": "application/json", "x-key": TOKEN },
            "auth": { "kind": "bearer", "token": TOKEN }
        },
        "schedule": { "interval_s": 300 },
        "items": "$.data[*]", "id": "$.id", "type": "order.changed",
        "cursor": { "mode": "timestamp", "value": "$.updated_at" }
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut settings = settings();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = settings.pointer_mut(parent).expect("its parent");
        parent.as_object_mut().expect("an object").insert((*key).to_owned(), value.clone());
    }
    settings
}

fn poller(tenant: &Client<'_>) -> String {
    tenant.make(SOURCES, json!({ "name": "orders", "kind": "poll", "poll": settings() }))
}

#[test]
fn settings_come_back_without_their_secrets_and_keep_them() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let made = tenant.post(SOURCES, json!({ "name": "orders", "kind": "poll", "poll": settings() }));
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!made.text.contains(TOKEN), "{}", made.text);
    let poll = &made.json["poll"];
    assert_eq!(poll["request"]["auth"], json!({ "kind": "bearer", "token": "***" }));
    assert_eq!(poll["request"]["headers"]["x-key"], "***");
    assert_eq!(poll["request"]["headers"]["accept"], "application/json");
    assert_eq!((&made.json["ingest_url"], &made.json["schedule"]), (&Value::Null, &Value::Null));
    let path = format!("{SOURCES}/{}", made.json["id"].as_str().expect("an id"));
    let mut again = poll.clone();
    again["schedule"]["interval_s"] = json!(600);
    let changed = tenant.call("PATCH", &path, Some(json!({ "poll": again })));
    assert_eq!((changed.status, &changed.json["poll"]["schedule"]["interval_s"]), (200, &json!(600)), "{changed:?}");
    assert_eq!(changed.json["poll"]["request"]["auth"]["token"], "***");
    let shown = tenant.get(&path);
    assert_eq!(shown.json["polling"]["health"], "priming", "{shown:?}");
    assert_eq!(shown.json["polling"]["upcoming"].as_array().map(Vec::len), Some(5), "{shown:?}");
    assert_eq!(shown.json["polling"]["upcoming"][0], shown.json["polling"]["next_run_at"]);
    let audit = tenant.get("/api/v1/audit");
    assert!(!audit.text.contains(TOKEN), "{}", audit.text);
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    let server = Server::new();
    let tenant = server.tenant("a");
    for (field, poll) in [
        ("poll.request.url", with(&[("/request/url", json!("ftp://example.com"))])),
        ("poll.request.url", with(&[("/request/url", json!("http://169.254.169.254/latest"))])),
        ("poll.schedule.interval_s", with(&[("/schedule/interval_s", json!(4))])),
        ("poll.schedule.cron", with(&[("/schedule", json!({ "cron": "61 * * * *" }))])),
        ("poll.schedule.timezone", with(&[("/schedule", json!({ "cron": "* * * * *", "timezone": "Mars/Olympus" }))])),
        ("poll.items", with(&[("/items", json!("data[*"))])),
        ("poll.request.nonsense", with(&[("/request/nonsense", json!(1))])),
        ("poll.nonsense", with(&[("/nonsense", json!(1))])),
    ] {
        let refused = tenant.post(SOURCES, json!({ "name": "orders", "kind": "poll", "poll": poll }));
        assert_eq!(refused.refusal(), (422, "invalid_fields", vec![field]), "{refused:?}");
    }
    let without = tenant.post(SOURCES, json!({ "name": "orders", "kind": "poll" }));
    assert_eq!(without.refusal(), (422, "invalid_fields", vec!["poll"]));
    let misplaced = tenant.post(SOURCES, json!({ "name": "p", "kind": "publish", "poll": settings() }));
    assert_eq!(misplaced.refusal(), (422, "invalid_fields", vec!["poll"]));
    let webhook = tenant.post(SOURCES, json!({ "name": "p", "kind": "poll", "poll": settings(), "secrets": ["x"] }));
    assert_eq!(webhook.refusal(), (422, "invalid_fields", vec!["secrets"]));
}

#[test]
fn a_webhook_source_may_poll_beside_and_stop_again() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("{SOURCES}/{}", tenant.make_source());
    assert_eq!(tenant.post(&format!("{path}/poll"), json!({})).refusal().1, "wrong_state");
    let with = tenant.call("PATCH", &path, Some(json!({ "poll": settings() })));
    assert_eq!((with.status, &with.json["kind"]), (200, &json!("webhook")), "{with:?}");
    assert!(with.json["ingest_url"].is_string());
    assert_eq!(tenant.get(&path).json["polling"]["health"], "priming");
    let without = tenant.call("PATCH", &path, Some(json!({ "poll": null })));
    assert_eq!((without.status, &without.json["poll"]), (200, &Value::Null), "{without:?}");
    assert_eq!(tenant.get(&path).json["polling"], Value::Null);
    let own = format!("{SOURCES}/{}", poller(&tenant));
    let refused = tenant.call("PATCH", &own, Some(json!({ "poll": null })));
    assert_eq!(refused.refusal(), (422, "invalid_fields", vec!["poll"]));
}

#[test]
fn a_run_that_was_asked_for_is_one_run() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("{SOURCES}/{}", poller(&tenant));
    let asked = tenant.post(&format!("{path}/poll"), json!({}));
    assert_eq!((asked.status, &asked.json["state"], &asked.json["trigger"]), (202, &json!("queued"), &json!("manual")));
    assert!(asked.json["id"].as_str().is_some_and(|id| id.starts_with("run_")), "{asked:?}");
    let again = tenant.post(&format!("{path}/poll"), json!({}));
    assert_eq!((again.status, &again.json["id"]), (202, &asked.json["id"]), "{again:?}");
    assert_eq!(tenant.call("POST", &format!("{path}/pause"), None).status, 200);
    assert_eq!(tenant.post(&format!("{path}/poll"), json!({})).refusal().1, "wrong_state");
    assert_eq!(tenant.get(&path).json["polling"]["next_run_at"], Value::Null, "a paused source is not due");
    assert_eq!(tenant.call("POST", &format!("{path}/resume"), None).status, 200);
    assert!(tenant.get(&path).json["polling"]["next_run_at"].is_string());
    assert_eq!(tenant.get(&format!("{path}/runs")).json["next_cursor"], Value::Null);
    assert_eq!(tenant.get(&format!("{path}/runs?state=nonsense")).refusal().1, "invalid_query");
}

#[test]
fn a_cursor_is_moved_for_a_reason_and_on_record() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("{SOURCES}/{}/cursor", poller(&tenant));
    assert_eq!(tenant.get(&path).json["cursor"], Value::Null);
    for (field, body) in [
        ("to", json!({ "reason": "x" })),
        ("to", json!({ "to": "yesterday", "reason": "x" })),
        ("to", json!({ "to": {}, "reason": "x" })),
        ("reason", json!({ "to": "2026-03-01T00:00:00Z" })),
        ("reason", json!({ "to": null, "reason": " " })),
    ] {
        let refused = tenant.post(&path, body);
        assert_eq!(refused.refusal(), (422, "invalid_fields", vec![field]), "{refused:?}");
    }
    let moved = tenant.post(&path, json!({ "to": "2026-03-01T00:00:00Z", "reason": "a day was lost" }));
    assert_eq!((moved.status, &moved.json["cursor"]), (200, &json!("2026-03-01T00:00:00Z")), "{moved:?}");
    let shown = tenant.get(&path);
    assert_eq!(shown.json["cursor"], "2026-03-01T00:00:00Z");
    let step = &shown.json["data"][0];
    assert_eq!((&step["from"], &step["to"]), (&Value::Null, &json!("2026-03-01T00:00:00Z")), "{shown:?}");
    assert_eq!((&step["reason"], &step["actor_kind"]), (&json!("a day was lost"), &json!("api_key")));
    assert_eq!(tenant.get(&format!("{path}?nonsense=1")).refusal().1, "invalid_query");
}

#[test]
fn a_test_says_what_to_fix_and_keeps_nothing() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("{SOURCES}/poll/test");
    let blocked = tenant.post(&path, json!({ "poll": with(&[("/request/url", json!("http://127.0.0.1:1/x"))]) }));
    let field = match blocked.status {
        200 => blocked.json["error"]["field"].as_str().unwrap_or_default(),
        _ => blocked.refusal().2[0],
    };
    assert_eq!(field, "poll.request.url", "{blocked:?}");
    let unknown = tenant.post(&path, json!({ "poll": with(&[("/nonsense", json!(1))]) }));
    assert_eq!(unknown.refusal(), (422, "invalid_fields", vec!["poll.nonsense"]));
    let nobodys = json!({ "poll": settings(), "source_id": "src_01h455vb4pex5vsknk084sn02q" });
    assert_eq!(tenant.post(&path, nobodys).refusal(), (404, "not_found", vec!["source_id"]));
    assert_eq!(tenant.get(SOURCES).json["data"], json!([]));
}

#[test]
fn permissions_and_tenants_hold() {
    let server = Server::new();
    let (tenant, other) = (server.tenant("a"), server.tenant("b"));
    let path = format!("{SOURCES}/{}", poller(&tenant));
    let reader = tenant.weaker(&["sources:read"]);
    for read in ["runs", "quarantine", "cursor", "advice"] {
        let read = format!("{path}/{read}");
        assert_eq!(reader.get(&read).status, 200, "{read}");
        assert_eq!(other.get(&read).status, 404, "{read}");
        assert_eq!(tenant.weaker(&["events:read"]).get(&read).status, 403, "{read}");
    }
    for (verb, body) in [
        ("poll", json!({})),
        ("cursor", json!({ "to": null, "reason": "x" })),
        ("held", json!({ "action": "release" })),
    ] {
        let verb = format!("{path}/{verb}");
        assert_eq!(reader.post(&verb, body.clone()).status, 403, "{verb}");
        assert_eq!(other.post(&verb, body).status, 404, "{verb}");
    }
}

#[test]
fn templates_are_settings_and_advice_says_when_it_knows_too_little() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let templates = tenant.get("/api/v1/poll-templates");
    let all = templates.json["data"].as_array().expect("templates");
    assert!(all.len() >= 6, "{templates:?}");
    assert!(all.iter().all(|template| template["poll"]["request"]["url"].is_string()), "{templates:?}");
    let advice = tenant.get(&format!("{SOURCES}/{}/advice", poller(&tenant)));
    assert_eq!((advice.status, &advice.json["enough_data"]), (200, &json!(false)), "{advice:?}");
    let asked = json!({ "offers_webhooks": "no", "freshness_s": 3600, "objects": 100 });
    let first = tenant.post(&format!("{SOURCES}/advice"), asked);
    assert_eq!((first.status, &first.json["recommendation"]), (200, &json!("poll")), "{first:?}");
    assert!(first.json["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{first:?}");
    assert_eq!(tenant.post(&format!("{SOURCES}/advice"), json!({ "nonsense": 1 })).status, 422);
}
