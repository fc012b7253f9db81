//! Every route of the document with no credential, another tenant's ids, and a key that may do everything else.

use std::collections::BTreeSet;

use postern_domain::permission::Permission;
use serde_json::{Value, json};

use crate::harness::{Client, Server, request};

/// That nobody has.
const RECEIPT: &str = "att_00000000000000000000000000";

struct Operation {
    method: String,
    path: String,
    permission: String,
    queries: Vec<String>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&postern_web::openapi::document()).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let queries = queries.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect();
            let permission = operation["x-permission"].as_str().expect("a permission").to_owned();
            all.push(Operation { method: method.to_uppercase(), path: path.clone(), permission, queries });
        }
    }
    assert!(all.len() > 30, "{} operations", all.len());
    all
}

/// What a tenant has, by the word that stands in paths.
struct Owned {
    ids: Vec<(&'static str, String)>,
}

impl Owned {
    fn of(tenant: &Client<'_>) -> Self {
        let (source, destination) = (tenant.make_source(), tenant.make_bin());
        let connection =
            tenant.make("/api/v1/connections", json!({ "source_id": source, "destination_id": destination }));
        let key = tenant.make("/api/v1/api-keys", json!({ "name": "k", "scopes": ["sources:read"] }));
        let email = format!("{key}@example.com");
        let member = tenant.make("/api/v1/members", json!({ "email": email, "role": "viewer" }));
        Self {
            ids: vec![
                ("sources", source),
                ("destinations", destination),
                ("connections", connection),
                ("api-keys", key),
                ("members", member),
            ],
        }
    }

    /// The path with this tenant's id in it. Of what needs traffic to come into being, an id that nobody has will do
    /// here; the store's own tests hold the rest.
    fn fill(&self, path: &str) -> String {
        let noun = path.trim_start_matches("/api/v1/").split('/').next().unwrap_or_default();
        let known = self.ids.iter().find(|(known, _)| *known == noun).map(|(_, id)| id.clone());
        path.replace("{provider}", "stripe")
            .replace("{id}", &known.unwrap_or_else(|| "evt_00000000000000000000000000".to_owned()))
    }
}

/// A body that would be accepted, where one is needed.
fn body(operation: &Operation, owned: &Owned) -> Option<Value> {
    let id = |noun: &str| owned.ids.iter().find(|(known, _)| *known == noun).map(|(_, id)| id.clone());
    match (operation.method.as_str(), operation.path.as_str()) {
        ("POST", "/api/v1/sources") => Some(json!({ "name": "s", "kind": "webhook", "scheme": "none" })),
        ("POST", "/api/v1/destinations") => Some(json!({ "name": "d", "kind": "bin" })),
        ("POST", "/api/v1/connections") => {
            Some(json!({ "source_id": id("sources"), "destination_id": id("destinations") }))
        }
        ("POST", "/api/v1/api-keys") => Some(json!({ "name": "k", "scopes": ["sources:read"] })),
        ("POST", "/api/v1/members") => Some(json!({ "email": "new@example.com", "role": "viewer" })),
        ("PATCH", "/api/v1/members/{id}") => Some(json!({ "role": "editor" })),
        ("POST", "/api/v1/events") => Some(json!({ "type": "t", "data": {}, "source_id": id("sources") })),
        ("POST", "/api/v1/calls") => {
            let request = json!({ "method": "GET", "url": "https://api.example.com/slow" });
            Some(json!({ "request": request, "source_id": id("sources") }))
        }
        ("POST", "/api/v1/sources/{id}/check") => Some(json!({ "method": "POST" })),
        ("POST", "/api/v1/sources/{id}/rotate-url") => Some(json!({})),
        ("POST", "/api/v1/sources/advice") => Some(json!({})),
        ("POST", "/api/v1/sources/poll/test") => {
            let request = json!({ "url": "https://api.example.com/list" });
            let schedule = json!({ "interval_s": 60 });
            Some(json!({ "poll": { "request": request, "schedule": schedule, "items": "$", "id": "$.id" } }))
        }
        ("POST", "/api/v1/sources/{id}/cursor") => Some(json!({ "to": null, "reason": "a day was lost" })),
        ("POST", "/api/v1/sources/{id}/held") => Some(json!({ "action": "release" })),
        ("POST", "/api/v1/destinations/{id}/lease") => Some(json!({})),
        ("POST", "/api/v1/destinations/{id}/ack") => Some(json!({ "receipts": [RECEIPT] })),
        ("POST", "/api/v1/destinations/{id}/nack") => Some(json!({ "receipt": RECEIPT })),
        ("POST", "/api/v1/destinations/{id}/extend") => Some(json!({ "receipt": RECEIPT, "seconds": 1 })),
        ("PATCH", _) => Some(json!({})),
        _ => None,
    }
}

#[test]
fn without_a_credential_every_route_is_shut() {
    let server = Server::new();
    let owner = server.tenant("a");
    let owned = Owned::of(&owner);
    for operation in operations() {
        let answer = server.send(&request(&operation.method, &owned.fill(&operation.path), &[], b""));
        assert_eq!(answer.refusal().1, "unauthenticated", "{} {}", operation.method, operation.path);
    }
}

#[test]
fn a_key_that_may_do_everything_else_is_too_weak() {
    let server = Server::new();
    let owner = server.tenant("a");
    let owned = Owned::of(&owner);
    for operation in operations().into_iter().filter(|operation| operation.permission != "any") {
        let others: Vec<&str> =
            Permission::ALL.iter().map(|known| known.as_str()).filter(|known| *known != operation.permission).collect();
        let answer =
            owner.weaker(&others).call(&operation.method, &owned.fill(&operation.path), body(&operation, &owned));
        assert_eq!(answer.refusal().1, "permission_missing", "{} {}", operation.method, operation.path);
    }
}

#[test]
fn another_tenants_id_is_answered_like_one_that_nobody_has() {
    let server = Server::new();
    let (a, b) = (server.tenant("a"), server.tenant("b"));
    let owned = Owned::of(&a);
    let before = a.get("/api/v1/audit").json;
    for operation in operations() {
        let name = format!("{} {}", operation.method, operation.path);
        let answer = b.call(&operation.method, &owned.fill(&operation.path), body(&operation, &owned));
        let takes_an_id = operation.path.contains("{id}")
            || matches!(name.as_str(), "POST /api/v1/connections" | "POST /api/v1/events" | "POST /api/v1/calls");
        if takes_an_id {
            assert_eq!(answer.refusal().1, "not_found", "{name}");
        } else {
            assert!((200..300).contains(&answer.status), "{name}: {answer:?}");
        }
        for query in operation.queries.iter().filter(|query| query.ends_with("_id")) {
            let noun = format!("{}s", query.trim_end_matches("_id"));
            let id = owned.ids.iter().find(|(known, _)| *known == noun).map(|(_, id)| id.as_str());
            let id = id.unwrap_or("evt_00000000000000000000000000");
            let answer = b.get(&format!("{}?{query}={id}", operation.path));
            assert_eq!(answer.refusal().1, "not_found", "{name}?{query}");
        }
    }
    assert_eq!(a.get("/api/v1/audit").json, before, "nothing of the other tenant was touched");
    let seen = |tenant: &Client<'_>| {
        let all = ["sources", "destinations", "connections", "api-keys", "members"]
            .map(|noun| tenant.get(&format!("/api/v1/{noun}")).text);
        all.concat()
    };
    let foreign: BTreeSet<&str> = owned.ids.iter().map(|(_, id)| id.as_str()).collect();
    assert!(foreign.iter().all(|id| !seen(&b).contains(id) && seen(&a).contains(id)));
}
