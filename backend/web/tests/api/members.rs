//! Members over the API: what a key may do to them.

use serde_json::{Value, json};

use crate::harness::{Client, Server};

const PASSWORD: &str = "a long and secret one";

fn add(tenant: &Client<'_>, email: &str, role: &str) -> String {
    tenant.make("/api/v1/members", json!({ "email": email, "role": role, "password": PASSWORD }))
}

fn owner_of(tenant: &Client<'_>) -> String {
    let listed = tenant.get("/api/v1/members").json;
    let owner = listed["data"].as_array().expect("a list").iter().find(|member| member["role"] == "owner");
    owner.and_then(|member| member["id"].as_str()).expect("an owner").to_owned()
}

#[test]
fn a_member_is_added_changed_and_removed() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let body = json!({ "email": " Eve@Example.com", "role": "viewer", "password": PASSWORD });
    let made = tenant.post("/api/v1/members", body);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json["id"].as_str().expect("an id");
    assert!(id.starts_with("usr_") && made.header("location") == Some(&format!("/api/v1/members/{id}")));
    let expected =
        json!({ "id": id, "email": "eve@example.com", "role": "viewer", "created_at": "2026-03-01T10:00:00.000000Z" });
    assert_eq!(made.json, expected);
    let path = format!("/api/v1/members/{id}");
    assert_eq!(tenant.get(&path).json, expected);
    assert_eq!(tenant.get("/api/v1/members").json["data"].as_array().map(Vec::len), Some(2));
    let changed = tenant.call("PATCH", &path, Some(json!({ "role": "admin" })));
    assert_eq!((changed.status, &changed.json["role"]), (200, &json!("admin")));
    assert_eq!(tenant.call("DELETE", &path, None).status, 204);
    assert_eq!(tenant.get(&path).refusal().1, "not_found");
    assert_eq!(tenant.call("DELETE", &path, None).refusal().1, "not_found");
    let trail = tenant.get(&format!("/api/v1/audit?target={id}"));
    let actions: Vec<_> = trail.json["data"].as_array().expect("a list").iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["member.removed", "member.updated", "member.created"]);
    assert!(!trail.text.contains(PASSWORD) && !trail.text.contains("argon2"));
}

#[test]
fn what_cannot_be_a_member_is_refused_with_its_field() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let refusal = |body: Value| {
        let answer = tenant.post("/api/v1/members", body);
        let (status, code, fields) = answer.refusal();
        (status, code.to_owned(), fields.join(","))
    };
    let invalid = |field: &str| (422, "invalid_fields".to_owned(), field.to_owned());
    assert_eq!(refusal(json!({ "email": "eve", "role": "viewer" })), invalid("email"));
    assert_eq!(refusal(json!({ "email": "e@example.com", "role": "boss" })), invalid("role"));
    assert_eq!(
        refusal(json!({ "email": "e@example.com", "role": "viewer", "password": "short" })),
        invalid("password")
    );
    assert_eq!(refusal(json!({ "email": "e@example.com", "role": "viewer", "name": "E" })), invalid("name"));
    add(&tenant, "eve@example.com", "viewer");
    let again = tenant.post("/api/v1/members", json!({ "email": "EVE@example.com", "role": "admin" }));
    assert_eq!(again.refusal().0, 409);
    assert_eq!(again.refusal().1, "already_exists");
}

#[test]
fn a_key_makes_no_owners_and_hands_out_no_more_than_it_has() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let (admin, viewer) = (add(&tenant, "admin@example.com", "admin"), add(&tenant, "viewer@example.com", "viewer"));
    let patch = |client: &Client<'_>, id: &str, role: &str| {
        client.call("PATCH", &format!("/api/v1/members/{id}"), Some(json!({ "role": role })))
    };
    let above = |answer: crate::harness::Answer| assert_eq!(answer.refusal(), (403, "role_above_own", vec![]));
    above(tenant.post("/api/v1/members", json!({ "email": "o@example.com", "role": "owner" })));
    above(patch(&tenant, &viewer, "owner"));
    let narrow = tenant.weaker(&["members:write"]);
    above(narrow.post("/api/v1/members", json!({ "email": "e@example.com", "role": "editor" })));
    above(patch(&narrow, &viewer, "editor"));
    above(patch(&narrow, &admin, "viewer"));
    above(narrow.call("DELETE", &format!("/api/v1/members/{admin}"), None));
    assert_eq!(narrow.post("/api/v1/members", json!({ "email": "v@example.com", "role": "viewer" })).status, 201);
    assert_eq!(narrow.get("/api/v1/members").refusal().1, "permission_missing");
    assert_eq!(patch(&tenant, &viewer, "admin").status, 200);
}

#[test]
fn the_last_owner_stays() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("/api/v1/members/{}", owner_of(&tenant));
    assert_eq!(tenant.call("DELETE", &path, None).refusal(), (409, "last_owner", vec![]));
    let demoted = tenant.call("PATCH", &path, Some(json!({ "role": "viewer" })));
    assert_eq!(demoted.refusal(), (409, "last_owner", vec![]));
}

#[test]
fn a_member_added_twice_under_one_key_is_added_once() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let send = |email: &str, password: &str| {
        let body = json!({ "email": email, "role": "viewer", "password": password });
        tenant.call_with("POST", "/api/v1/members", &[("idempotency-key", "k")], Some(body))
    };
    let first = send("eve@example.com", PASSWORD);
    // Nothing is kept by which a password could be guessed, so it is not compared.
    let second = send("eve@example.com", "another one that is long");
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!((&first.json, second.header("idempotency-replayed")), (&second.json, Some("true")));
    assert_eq!(send("bob@example.com", PASSWORD).refusal().1, "idempotency_mismatch");
}
