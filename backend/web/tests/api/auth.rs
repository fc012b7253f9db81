//! Who gets in.

use serde_json::json;

use crate::harness::{Server, request};

#[test]
fn only_a_bearer_key_in_one_header_opens_the_door() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let bearer = format!("Bearer {}", tenant.key);
    let other = format!("Bearer {}", server.tenant("b").key);
    let get = |path: &str, headers: &[(&str, &str)]| server.send(&request("GET", path, headers, b""));
    assert_eq!(get("/api/v1/sources", &[("authorization", &bearer)]).status, 200);
    assert_eq!(get("/api/v1/sources", &[("authorization", &bearer.replace("Bearer", "bearer"))]).status, 200);
    let last = if bearer.ends_with('x') { 'y' } else { 'x' };
    let changed = format!("{}{last}", &bearer[..bearer.len() - 1]);
    for authorization in
        ["", "Bearer", "Bearer ", "Basic eDp5", tenant.key.as_str(), "Bearer pst_live_x", &changed, "Bearer \u{e9}"]
    {
        let answer = get("/api/v1/sources", &[("authorization", authorization)]);
        assert_eq!(answer.refusal().0, 401, "{authorization}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(get("/api/v1/sources", &[]).refusal().1, "unauthenticated");
    assert_eq!(get("/api/v1/sources", &[("cookie", &format!("postern={}", tenant.key))]).status, 401);
    assert_eq!(get(&format!("/api/v1/sources?api_key={}", tenant.key), &[]).status, 401);
    let two = get("/api/v1/sources", &[("authorization", &bearer), ("authorization", &other)]);
    assert_eq!(two.refusal().1, "malformed_request");
    assert_eq!(get("/api/v1/nothing", &[]).status, 401, "nobody learns which paths exist");
    assert_eq!(get("/api/v1/nothing", &[("authorization", &bearer)]).refusal().1, "not_found");
}

#[test]
fn a_revoked_or_expired_key_opens_nothing() {
    let server = Server::new();
    let owner = server.tenant("a");
    let body = json!({ "name": "short", "scopes": ["sources:read"], "expires_at": "2026-03-01T10:01:00Z" });
    let made = owner.post("/api/v1/api-keys", body);
    let short = crate::harness::Client { server: &server, key: made.json["key"].as_str().expect("a key").to_owned() };
    assert_eq!(short.get("/api/v1/sources").status, 200);
    server.clock.advance_ms(60_000);
    assert_eq!(short.get("/api/v1/sources").refusal().1, "unauthenticated");
    let id = made.json["id"].as_str().expect("an id");
    let second = owner.weaker(&["sources:read"]);
    assert_eq!(second.get("/api/v1/sources").status, 200);
    let keys = owner.get("/api/v1/api-keys");
    let other =
        keys.json["data"].as_array().expect("a list").iter().find(|key| key["name"] == "weaker").expect("there");
    let path = format!("/api/v1/api-keys/{}", other["id"].as_str().expect("an id"));
    assert_eq!(owner.call("DELETE", &path, None).status, 204);
    assert_eq!(second.get("/api/v1/sources").refusal().1, "unauthenticated");
    assert_eq!(owner.get(&path).status, 404);
    assert_eq!(owner.get(&format!("/api/v1/api-keys/{id}")).status, 200);
}

#[test]
fn a_key_with_an_address_list_works_from_there_only() {
    let server = Server::new();
    let owner = server.tenant("a");
    let body = json!({ "name": "office", "scopes": ["sources:read"], "allowed_ips": ["203.0.113.0/24"] });
    let key = owner.post("/api/v1/api-keys", body).json["key"].as_str().expect("a key").to_owned();
    let office = crate::harness::Client { server: &server, key };
    let from = |address: &str| office.call_with("GET", "/api/v1/sources", &[("x-forwarded-for", address)], None);
    assert_eq!(office.get("/api/v1/sources").refusal().1, "address_not_allowed");
    assert_eq!(from("203.0.113.7").status, 200);
    assert_eq!(from("203.0.113.7, 198.51.100.1").refusal().1, "address_not_allowed", "only the proxy's word counts");
}

#[test]
fn nobody_gives_away_what_they_do_not_have() {
    let server = Server::new();
    let owner = server.tenant("a");
    let keeper = owner.weaker(&["keys:write", "sources:read"]);
    let make = |scopes: serde_json::Value| keeper.post("/api/v1/api-keys", json!({ "name": "k", "scopes": scopes }));
    assert_eq!(make(json!(["sources:read", "sources:read"])).json["scopes"], json!(["sources:read"]));
    assert_eq!(make(json!(["sources:write"])).refusal().1, "permission_missing");
    assert_eq!(make(json!([])).refusal(), (422, "invalid_fields", vec!["scopes"]));
    assert_eq!(make(json!(["everything"])).refusal(), (422, "invalid_fields", vec!["scopes"]));
    let past = json!({ "name": "k", "scopes": ["sources:read"], "expires_at": "2026-03-01T09:00:00Z" });
    assert_eq!(keeper.post("/api/v1/api-keys", past).refusal().2, ["expires_at"]);
    assert_eq!(keeper.get("/api/v1/api-keys").refusal().1, "permission_missing");
}

#[test]
fn a_key_is_shown_once() {
    let server = Server::new();
    let owner = server.tenant("a");
    let made = owner.post("/api/v1/api-keys", json!({ "name": "k", "scopes": ["sources:read"] }));
    let key = made.json["key"].as_str().expect("a key");
    assert!(key.starts_with(made.json["prefix"].as_str().expect("a prefix")));
    let location = made.header("location").expect("a place");
    let seen = owner.get(location);
    assert_eq!((seen.status, seen.json["key"].is_null()), (200, true));
    for text in [seen.text, owner.get("/api/v1/api-keys").text, owner.get("/api/v1/audit").text] {
        assert!(!text.contains(key), "{text}");
    }
}

#[test]
fn every_answer_has_the_headers_that_protect() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let plain = |path: &str| server.send(&request("GET", path, &[], b""));
    for answer in [
        tenant.get("/api/v1/sources"),
        tenant.get("/api/v1/sources/x"),
        plain("/api/v1/x"),
        plain("/"),
        plain("/openapi.json"),
    ] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
    }
    assert_ne!(plain("/").header("x-request-id"), plain("/").header("x-request-id"));
}
