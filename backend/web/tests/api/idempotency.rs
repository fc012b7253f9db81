//! A change that is sent twice is made once.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server, request};

fn make(tenant: &Client<'_>, path: &str, key: &str, body: Value) -> Answer {
    tenant.call_with("POST", path, &[("idempotency-key", key)], Some(body))
}

#[test]
fn a_repeated_change_is_made_once_and_shows_no_secret_again() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let body = json!({ "name": "d", "url": "https://example.org/in" });
    let first = make(&tenant, "/api/v1/destinations", "k1", body.clone());
    let second = make(&tenant, "/api/v1/destinations", "k1", body.clone());
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(second.json["id"], first.json["id"]);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), (None, Some("true")));
    assert!(first.json["signing_secret"].is_string() && second.json["signing_secret"].is_null());
    assert_eq!(tenant.get("/api/v1/destinations").json["data"].as_array().map(Vec::len), Some(1));

    let key = json!({ "name": "k", "scopes": ["sources:read"] });
    assert!(make(&tenant, "/api/v1/api-keys", "k2", key.clone()).json["key"].is_string());
    assert!(make(&tenant, "/api/v1/api-keys", "k2", key).json["key"].is_null());
    let source = json!({ "name": "s", "kind": "webhook", "scheme": "none" });
    let first = make(&tenant, "/api/v1/sources", "k3", source.clone());
    assert_eq!(make(&tenant, "/api/v1/sources", "k3", source).json, first.json);
}

#[test]
fn a_key_is_good_for_one_request_only() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let body = json!({ "name": "d", "kind": "bin" });
    assert_eq!(make(&tenant, "/api/v1/destinations", "k", body.clone()).status, 201);
    let other = make(&tenant, "/api/v1/destinations", "k", json!({ "name": "e", "kind": "bin" }));
    assert_eq!(other.refusal().1, "idempotency_mismatch");
    let elsewhere = make(&tenant, "/api/v1/sources", "k", body.clone());
    assert_eq!(elsewhere.status, 422, "not even looked up: the body is refused first");
    assert_eq!(
        make(&server.tenant("b"), "/api/v1/destinations", "k", body.clone()).header("idempotency-replayed"),
        None
    );
    server.clock.advance_ms(25 * 3_600_000);
    assert_eq!(make(&tenant, "/api/v1/destinations", "k", body).header("idempotency-replayed"), None);
}

#[test]
fn a_refused_change_leaves_its_key_free() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let bad = json!({ "source_id": tenant.make_source(), "destination_id": "dst_x" });
    assert_eq!(make(&tenant, "/api/v1/connections", "k", bad).status, 404);
    let good = json!({ "source_id": tenant.make_source(), "destination_id": tenant.make_bin() });
    assert_eq!(make(&tenant, "/api/v1/connections", "k", good).status, 201);
}

#[test]
fn a_deletion_is_repeated_like_any_change() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("/api/v1/sources/{}", tenant.make_source());
    let delete = || tenant.call_with("DELETE", &path, &[("idempotency-key", "k")], None);
    assert_eq!((delete().status, delete().status), (204, 204));
    assert_eq!(delete().header("idempotency-replayed"), Some("true"));
    assert_eq!(tenant.call("DELETE", &path, None).status, 404);
}

#[test]
fn a_key_that_is_none_is_refused() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("/api/v1/sources/{}/pause", tenant.make_source());
    let bearer = format!("Bearer {}", tenant.key);
    let pause = |keys: &[&str]| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
        server.send(&request("POST", &path, &headers, b""))
    };
    assert_eq!(pause(&[&"x".repeat(200)]).status, 200);
    for keys in [vec![""], vec!["x".repeat(201).leak() as &str], vec!["a", "b"], vec!["\u{e9}"]] {
        assert_eq!(pause(&keys).refusal().1, "malformed_request", "{keys:?}");
    }
}
