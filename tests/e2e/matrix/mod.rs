//! Who may do what, over every operation of the server's own OpenAPI document: without a credential, with a key that
//! lacks the one permission, with another tenant's ids wherever an id is taken, and with exactly the permission named.
//!
//! [`table`] says what a good request is; the rest is generated. Start at [`walk`].

mod document;
mod pages;
mod routes;
mod table;
mod tenant;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use self::{document::Operation, table::Good, tenant::Tenant};
use crate::harness::{Answer, Api, Database, Server, on_every_database, text};

on_every_database! {
    async fn nobody_passes_who_should_not(database: Database) {
        let server = Server::start(database).await;
        let own = Tenant::new(server.bootstrap().await).await;
        let other = Tenant::new(server.tenant("second").await).await;
        walk(&own, &other).await;
    }
}

/// Every check over every operation; that the good requests succeed comes last and shows that the others were well made.
async fn walk(own: &Tenant, other: &Tenant) {
    let operations = table::in_order(document::operations(&own.api).await);
    let permissions = permissions(&operations);
    let (before, others) = (own.state().await, other.state().await);
    for operation in &operations {
        without_a_credential(operation, own).await;
        with_ids_of_another_tenant(operation, own, other).await;
        with_ids_of_another_kind(operation, own).await;
        with_a_tenant_of_its_choice(operation, own, other).await;
    }
    by_methods_that_are_not_there(&operations, own).await;
    let searched = ["/audit?target=", "/audit?actor=", "/events?q="];
    for path in searched {
        found_alike(own, path, [&other.source, &other.event, &other.delivery, &other.key]).await;
    }
    assert_eq!(own.state().await, before, "a refused request left a trace");
    for permission in &permissions {
        without(permission, &permissions, &operations, own).await;
    }
    for operation in &operations {
        with_its_permission_alone(operation, own).await;
    }
    assert_eq!(other.state().await, others, "what one tenant did has changed what another has");
}

/// Of what is the same for every tenant: each key may read it.
const ANY: &str = "any";

/// Every operation names one, and those that share a name are one.
fn permissions(operations: &[Operation]) -> BTreeSet<String> {
    let nameless: Vec<_> = operations.iter().filter(|operation| operation.permission.is_none()).collect();
    assert!(nameless.is_empty(), "without x-permission: {nameless:?}");
    operations.iter().filter_map(|operation| operation.permission.clone()).filter(|one| one != ANY).collect()
}

async fn ask(api: &Api, operation: &Operation, path: &str, body: Option<&Value>) -> Answer {
    let body = body.map(|body| body.to_string().into_bytes());
    api.send(operation.method.clone(), path, &[], body).await.expect("an answer")
}

/// What must not differ between an id that somebody else has and one that nobody has.
fn shown(answer: &Answer) -> (u16, Option<String>, Value) {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("trace_id");
    }
    (answer.status, answer.header("content-type").map(str::to_owned), body)
}

fn unknown(id: &str) -> String {
    let (kind, _) = id.split_once('_').expect("an id");
    format!("{kind}_01h455vb4pex5vsknk084sn02q")
}

async fn without_a_credential(operation: &Operation, own: &Tenant) {
    let Good { path, body, .. } = table::good(operation, own);
    let (nobody, key) = (own.api.with_key(""), own.api.key());
    let longer = format!("Bearer {key}0");
    let shorter = format!("Bearer {}", &key[..key.len() - 1]);
    let wrong = ["Bearer", "Bearer ", "Bearer pst_live_", "Basic dTpw", &shorter, &longer, key];
    let body = || body.as_ref().map(|body| body.to_string().into_bytes());
    let mut attempts: Vec<(String, Vec<(&str, &str)>)> =
        wrong.map(|value| (path.clone(), vec![("authorization", value)])).to_vec();
    attempts.push((path.clone(), vec![]));
    attempts
        .push((format!("{path}?api_key={key}&access_token={key}"), vec![("cookie", "postern=1"), ("x-api-key", key)]));
    for (path, headers) in attempts {
        let answer = nobody.send(operation.method.clone(), &path, &headers, body()).await.expect("an answer");
        assert_eq!(answer.status, 401, "{} with {headers:?}", operation.name);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{}", operation.name);
        assert_eq!(answer.json()["code"], "unauthenticated", "{}", operation.name);
    }
}

async fn with_ids_of_another_tenant(operation: &Operation, own: &Tenant, other: &Tenant) {
    let good = table::good(operation, own);
    let theirs = table::good(operation, other);
    let mut tried = Vec::new();
    if operation.takes_path_id() {
        let id = table::path_id(operation, other);
        tried.push((operation.at(id), operation.at(&unknown(id)), good.body.clone(), good.body.clone()));
    }
    for name in &operation.query_ids {
        let (path, id) = (&good.path, other.id(name));
        tried.push((format!("{path}?{name}={id}"), format!("{path}?{name}={}", unknown(id)), None, None));
    }
    for name in &operation.body_ids {
        let id = theirs.body.as_ref().and_then(|body| body[name].as_str()).unwrap_or_else(|| other.id(name));
        let with = |id: &str| {
            let mut body = good.body.clone().expect("a body");
            body[name] = json!(id);
            Some(body)
        };
        tried.push((good.path.clone(), good.path.clone(), with(id), with(&unknown(id))));
    }
    for (path, path_of_nobody, body, body_of_nobody) in tried {
        let somebodys = ask(&own.api, operation, &path, body.as_ref()).await;
        let nobodys = ask(&own.api, operation, &path_of_nobody, body_of_nobody.as_ref()).await;
        assert_eq!(somebodys.status, 404, "{} at {path} with {body:?}: {}", operation.name, somebodys.json());
        assert_eq!(shown(&somebodys), shown(&nobodys), "{} at {path} with {body:?}", operation.name);
    }
}

/// An id of the wrong kind is nobody's id, and so is what is no id at all.
async fn with_ids_of_another_kind(operation: &Operation, own: &Tenant) {
    let good = table::good(operation, own);
    let right = if operation.takes_path_id() { table::path_id(operation, own) } else { &own.source };
    let (_, suffix) = right.split_once('_').expect("an id");
    let other_kind = if right == own.key { &own.source } else { &own.key };
    let wrong =
        [other_kind.clone(), format!("ten_{suffix}"), right.to_uppercase(), format!("{right}0"), "1".to_owned()];
    for id in wrong.iter().filter(|_| operation.takes_path_id()) {
        let answer = ask(&own.api, operation, &operation.at(id), good.body.as_ref()).await;
        let nobodys = ask(&own.api, operation, &operation.at(&unknown(right)), good.body.as_ref()).await;
        assert_eq!((answer.status, shown(&answer)), (404, shown(&nobodys)), "{} at {id}", operation.name);
    }
    for name in &operation.query_ids {
        for id in [&own.key, "1", ""] {
            let answer = ask(&own.api, operation, &format!("{}?{name}={id}", good.path), None).await;
            assert_eq!(answer.status, 404, "{} with {name}={id}: {}", operation.name, answer.json());
        }
    }
}

/// The tenant comes from the key; a field, parameter or header of that name decides nothing.
async fn with_a_tenant_of_its_choice(operation: &Operation, own: &Tenant, other: &Tenant) {
    let good = table::good(operation, own);
    if operation.takes_body {
        let mut body = good.body.clone().unwrap_or_else(|| json!({}));
        body["tenant_id"] = json!(other.source.replace("src_", "ten_"));
        let answer = ask(&own.api, operation, &good.path, Some(&body)).await;
        assert_eq!(answer.status, 422, "{}: {}", operation.name, answer.json());
        assert_eq!(answer.json()["errors"][0]["field"], "tenant_id", "{}", operation.name);
    }
    if operation.method == Method::GET && !operation.takes_path_id() {
        let answer = ask(&own.api, operation, &format!("{}?tenant_id=1", good.path), None).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["field"]),
            (400, &json!("tenant_id")),
            "{}",
            operation.name
        );
    }
}

/// 405, with the methods that are there. So nothing is changed by a GET, whatever it asks to be taken for.
async fn by_methods_that_are_not_there(operations: &[Operation], own: &Tenant) {
    let mut paths: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    operations.iter().for_each(|operation| paths.entry(&operation.path).or_default().push(operation));
    for (path, there) in paths {
        let at = there[0].at(table::path_id(there[0], own));
        let allowed: BTreeSet<&str> = there.iter().map(|operation| operation.method.as_str()).collect();
        for method in
            ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"].into_iter().filter(|method| !allowed.contains(method))
        {
            let overrides = [("x-http-method-override", "DELETE"), ("x-method-override", "POST")];
            let answer =
                own.api.send(method.parse().expect("a method"), &at, &overrides, None).await.expect("an answer");
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.json());
            let named: BTreeSet<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
            assert_eq!(named, allowed, "{method} {path}");
        }
    }
}

/// A search for what another tenant has finds what a search for nothing finds.
async fn found_alike(own: &Tenant, path: &str, theirs: [&str; 4]) {
    for id in theirs {
        let found = own.api.found(&format!("{path}{id}")).await;
        assert_eq!(found, json!({ "data": [], "next_cursor": null }), "{path}{id}");
    }
}

/// A key that may do all else.
async fn without(permission: &str, all: &BTreeSet<String>, operations: &[Operation], own: &Tenant) {
    let scopes: Vec<_> = all.iter().filter(|other| *other != permission).collect();
    let made = own.api.created("/api-keys", json!({ "name": "weak", "scopes": scopes })).await;
    let weak = own.api.with_key(&text(&made, "key"));
    for operation in operations.iter().filter(|operation| operation.permission.as_deref() == Some(permission)) {
        let Good { path, body, .. } = table::good(operation, own);
        let answer = ask(&weak, operation, &path, body.as_ref()).await;
        assert_eq!(answer.status, 403, "{} without {permission}: {}", operation.name, answer.json());
        assert_eq!(answer.json()["code"], "permission_missing", "{}", operation.name);
    }
}

async fn with_its_permission_alone(operation: &Operation, own: &Tenant) {
    let scope = operation.permission.as_deref().filter(|one| *one != ANY).unwrap_or("audit:read");
    let made = own.api.created("/api-keys", json!({ "name": "narrow", "scopes": [scope] })).await;
    let Good { path, body, status } = table::good(operation, own);
    let answer = ask(&own.api.with_key(&text(&made, "key")), operation, &path, body.as_ref()).await;
    assert_eq!(answer.status, status, "{}: {}", operation.name, answer.json());
}
