//! Sources and destinations: made, shown, changed, paused, deleted.

use serde_json::{Value, json};

use crate::harness::{Client, Server};

#[test]
fn a_source_is_made_and_shown_without_its_secrets() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let body = json!({
        "name": " Stripe ", "kind": "webhook", "provider": "stripe", "secrets": ["whsec_hush"],
        "allowed_ips": ["192.0.2.1"], "dedup": { "key": "header:X-Id" }, "response": { "status": 202, "body": "{}" },
        "max_body_bytes": 2048, "rate_limit": { "per_s": 5 }, "public_url": "https://example.com/x",
    });
    let made = tenant.post("/api/v1/sources", body);
    assert_eq!(made.status, 201, "{made:?}");
    let source = &made.json;
    assert_eq!(source["name"], "Stripe");
    assert_eq!((&source["provider"], &source["scheme"]), (&json!("stripe"), &json!("stripe")));
    assert_eq!(source["dedup"], json!({ "key": "header:X-Id", "window_s": 604_800 }));
    assert_eq!(source["response"], json!({ "status": 202, "content_type": "application/json", "body": "{}" }));
    assert_eq!((&source["secrets_count"], &source["state"]), (&json!(1), &json!("active")));
    assert_eq!(source["created_at"], "2026-03-01T10:00:00.000000Z");
    let url = source["ingest_url"].as_str().expect("a URL");
    assert!(
        url.starts_with("https://hooks.example.com/in/") && url.len() == "https://hooks.example.com/in/".len() + 32
    );
    assert!(!made.text.contains("hush"));
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1/sources/{}", source["id"].as_str().expect("an id")).as_str())
    );
    let seen = tenant.get(made.header("location").expect("a place"));
    assert_eq!(seen.json, made.json);
    assert_eq!(tenant.get("/api/v1/sources").json["data"], json!([made.json]));
    assert!(!tenant.get("/api/v1/audit").text.contains("hush"));
}

#[test]
fn a_published_source_has_no_front_door() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let made = tenant.post("/api/v1/sources", json!({ "name": "p", "kind": "publish" }));
    assert_eq!((made.status, &made.json["ingest_url"]), (201, &Value::Null));
    for (field, value) in [("scheme", json!("none")), ("secrets", json!(["x"])), ("public_url", json!("https://a.b"))] {
        let body = json!({ "name": "p", "kind": "publish", field: value });
        assert_eq!(tenant.post("/api/v1/sources", body).refusal(), (422, "invalid_fields", vec![field]));
    }
}

#[test]
fn a_patch_changes_what_it_names() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let made = tenant.post(
        "/api/v1/sources",
        json!({ "name": "s", "kind": "webhook", "provider": "github", "secrets": ["one"], "rate_limit": { "per_s": 1 } }),
    );
    let path = made.header("location").expect("a place");
    let patch = |body: Value| tenant.call("PATCH", path, Some(body));
    server.clock.advance_ms(1_000);
    let unchanged = patch(json!({}));
    assert_eq!((unchanged.status, &unchanged.json), (200, &made.json), "nothing written, not even the moment");
    let renamed = patch(json!({ "name": "t" }));
    assert_eq!((&renamed.json["name"], &renamed.json["rate_limit"]["per_s"]), (&json!("t"), &json!(1)));
    assert_eq!(renamed.json["updated_at"], "2026-03-01T10:00:01.000000Z");
    assert_eq!(renamed.json["ingest_url"], made.json["ingest_url"]);
    let cleared = patch(json!({ "rate_limit": null, "secrets": ["two", "three"] }));
    assert_eq!((&cleared.json["rate_limit"], &cleared.json["secrets_count"]), (&Value::Null, &json!(2)));
    assert_eq!(patch(json!({ "name": null })).refusal(), (422, "invalid_fields", vec!["name"]));
    assert_eq!(patch(json!({ "secrets": [] })).refusal().2, ["secrets"]);
    assert_eq!(patch(json!({ "kind": "publish" })).refusal().2, ["kind"]);
    assert_eq!(patch(json!({ "response": { "status": 301 } })).refusal().2, ["response.status"]);
    assert_eq!(patch(json!({ "dedup": { "key": "json:$[" } })).refusal().2, ["dedup.key"]);
    let last = &tenant.get("/api/v1/audit?limit=1").json["data"][0];
    assert_eq!(
        (&last["action"], &last["data"]["changed"]),
        (&json!("source.updated"), &json!(["secrets", "rate_limit", "secrets_count"]))
    );
}

#[test]
fn a_destination_shows_its_signing_secret_once_and_its_headers_never() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let body = json!({ "name": "d", "url": "https://example.org/in", "headers": { "X-Token": "hush" } });
    let made = tenant.post("/api/v1/destinations", body);
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.json["signing_secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_"));
    assert_eq!((&made.json["kind"], &made.json["header_names"]), (&json!("http"), &json!(["x-token"])));
    assert_eq!((&made.json["concurrency"], &made.json["timeout_ms"]), (&json!(32), &json!(15_000)));
    assert_eq!((&made.json["health"], &made.json["fail_next"]), (&json!("healthy"), &Value::Null));
    let path = made.header("location").expect("a place");
    let patched = tenant.call("PATCH", path, Some(json!({ "timeout_ms": 500 })));
    for text in
        [patched.text, tenant.get(path).text, tenant.get("/api/v1/destinations").text, tenant.get("/api/v1/audit").text]
    {
        assert!(!text.contains("hush") && !text.contains(&secret), "{text}");
    }
}

#[test]
fn a_bin_can_be_told_to_fail_and_has_no_url() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let made = tenant.post("/api/v1/destinations", json!({ "name": "b", "kind": "bin", "fail_next": 2 }));
    assert_eq!((made.status, &made.json["fail_next"], &made.json["url"]), (201, &json!(2), &Value::Null));
    let path = made.header("location").expect("a place");
    assert_eq!(tenant.call("PATCH", path, Some(json!({ "fail_next": 5 }))).json["fail_next"], 5);
    assert_eq!(tenant.call("PATCH", path, Some(json!({ "url": "https://a.example" }))).refusal().2, ["url"]);
    let http = json!({ "name": "h", "url": "https://example.org", "fail_next": 1 });
    assert_eq!(tenant.post("/api/v1/destinations", http).refusal().2, ["fail_next"]);
}

#[test]
fn a_url_that_leads_inside_is_refused_on_every_way_in() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("/api/v1/destinations/{}", {
        tenant.make("/api/v1/destinations", json!({ "name": "d", "url": "https://example.org" }))
    });
    let inside = [
        "http://127.0.0.1",
        "http://[::1]/",
        "http://169.254.169.254/",
        "ftp://example.org",
        "http://localhost",
        "x",
        "https://hooks.example.com/in/x",
        "https://u:p@example.org",
    ];
    for url in inside {
        let made = tenant.post("/api/v1/destinations", json!({ "name": "d", "url": url }));
        assert_eq!(made.refusal(), (422, "invalid_fields", vec!["url"]), "{url}");
        let patched = tenant.call("PATCH", &path, Some(json!({ "url": url })));
        assert_eq!(patched.refusal(), (422, "invalid_fields", vec!["url"]), "{url}");
    }
    assert_eq!(tenant.post("/api/v1/destinations", json!({ "name": "d" })).refusal().2, ["url"]);
    assert_eq!(tenant.get("/api/v1/destinations").json["data"].as_array().map(Vec::len), Some(1), "no trace");
}

fn switch(tenant: &Client<'_>, path: &str, word: &str) -> Value {
    let answer = tenant.call("POST", &format!("{path}/{word}"), None);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["state"].clone()
}

#[test]
fn pausing_and_resuming_can_be_repeated() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let (source, destination) = (tenant.make_source(), tenant.make_bin());
    let body = json!({ "source_id": source, "destination_id": destination });
    let connection = tenant.make("/api/v1/connections", body);
    for path in [
        format!("/api/v1/sources/{source}"),
        format!("/api/v1/destinations/{destination}"),
        format!("/api/v1/connections/{connection}"),
    ] {
        let words = ["pause", "pause", "resume", "resume"];
        assert_eq!(words.map(|word| switch(&tenant, &path, word)), ["paused", "paused", "active", "active"]);
    }
    let actions = tenant.get("/api/v1/audit?action=destination.paused").json["data"].as_array().map(Vec::len);
    assert_eq!(actions, Some(1), "what changes nothing is not on record");
}

#[test]
fn what_is_deleted_is_gone_with_its_connections() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let (source, destination) = (tenant.make_source(), tenant.make_bin());
    let pair = json!({ "source_id": source, "destination_id": destination });
    let connection = tenant.make("/api/v1/connections", pair.clone());
    assert_eq!(tenant.call("DELETE", &format!("/api/v1/destinations/{destination}"), None).status, 204);
    assert_eq!(tenant.get(&format!("/api/v1/destinations/{destination}")).status, 404);
    assert_eq!(tenant.get(&format!("/api/v1/connections/{connection}")).status, 404);
    assert_eq!(tenant.call("DELETE", &format!("/api/v1/destinations/{destination}"), None).status, 404);
    assert_eq!(tenant.post("/api/v1/connections", pair).refusal(), (404, "not_found", vec!["destination_id"]));
    let last = &tenant.get("/api/v1/audit?action=destination.deleted").json["data"][0];
    assert_eq!(last["data"]["connections"], json!([connection]));
}
