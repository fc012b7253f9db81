//! What a good request to each operation is. An operation that is missing here fails the matrix, and so does one that
//! is here and no longer in the document.

use serde_json::{Value, json};

use super::{document::Operation, tenant::Tenant};

/// Routes that answer without a credential, and why that is right: the front door proves its senders by signature, the
/// others tell nothing of any tenant. `/metrics` answers loopback peers only, unless it has a token of its own.
pub(super) const PUBLIC: [&str; 6] = ["/in/{token}", "/healthz", "/readyz", "/metrics", "/openapi.json", "/login"];

/// A good request of a tenant.
pub(super) struct Good {
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) status: u16,
}

type Body = fn(&Tenant) -> Option<Value>;
type Row = (&'static str, u16, Body);

/// Operation, status, body. In this order they can be done one after the other: what is deleted is needed no more.
const ROWS: [Row; 70] = [
    ("GET /api/v1/providers", 200, none),
    ("GET /api/v1/providers/{provider}", 200, none),
    ("GET /api/v1/sources", 200, none),
    ("POST /api/v1/sources", 201, |_| Some(json!({ "name": "one more", "kind": "publish" }))),
    ("GET /api/v1/sources/{id}", 200, none),
    ("PATCH /api/v1/sources/{id}", 200, renamed),
    ("POST /api/v1/sources/{id}/check", 200, |_| Some(json!({ "method": "POST", "body": "{}" }))),
    ("POST /api/v1/sources/{id}/rotate-url", 200, |_| Some(json!({}))),
    // Its provider hands over no secret; whoever may not ask is not told so much.
    ("POST /api/v1/sources/{id}/await-handshake", 422, none),
    ("GET /api/v1/poll-templates", 200, none),
    // It is answered by nobody, which is what the test then says.
    ("POST /api/v1/sources/poll/test", 200, |_| Some(json!({ "poll": polling() }))),
    ("POST /api/v1/sources/advice", 200, |_| {
        Some(json!({ "offers_webhooks": "yes", "freshness_s": 60, "objects": 100 }))
    }),
    ("POST /api/v1/sources/{id}/poll", 202, none),
    ("GET /api/v1/sources/{id}/runs", 200, none),
    ("GET /api/v1/sources/{id}/quarantine", 200, none),
    ("GET /api/v1/sources/{id}/cursor", 200, none),
    ("POST /api/v1/sources/{id}/cursor", 200, |_| Some(json!({ "to": 7, "reason": "a day was lost" }))),
    ("POST /api/v1/sources/{id}/held", 200, |_| Some(json!({ "action": "release" }))),
    ("GET /api/v1/sources/{id}/advice", 200, none),
    ("POST /api/v1/sources/{id}/pause", 200, none),
    ("POST /api/v1/sources/{id}/resume", 200, none),
    ("GET /api/v1/destinations", 200, none),
    ("POST /api/v1/destinations", 201, |_| Some(json!({ "name": "one more", "kind": "bin" }))),
    ("GET /api/v1/destinations/{id}", 200, none),
    ("PATCH /api/v1/destinations/{id}", 200, renamed),
    ("POST /api/v1/destinations/{id}/pause", 200, none),
    ("POST /api/v1/destinations/{id}/resume", 200, none),
    ("GET /api/v1/destinations/{id}/requests", 200, none),
    ("POST /api/v1/destinations/{id}/lease", 200, |_| Some(json!({ "max": 1, "visibility_s": 600 }))),
    ("POST /api/v1/destinations/{id}/extend", 200, |own| Some(json!({ "receipt": own.receipts[0], "seconds": 600 }))),
    ("POST /api/v1/destinations/{id}/nack", 200, |own| Some(json!({ "receipt": own.receipts[0] }))),
    ("POST /api/v1/destinations/{id}/ack", 200, |own| Some(json!({ "receipts": [own.receipts[1]] }))),
    ("GET /api/v1/connections", 200, none),
    ("POST /api/v1/connections", 201, |own| Some(json!({ "source_id": own.source, "destination_id": own.bin }))),
    ("GET /api/v1/connections/{id}", 200, none),
    ("PATCH /api/v1/connections/{id}", 200, |_| Some(json!({ "event_types": ["payment.*"] }))),
    ("POST /api/v1/connections/{id}/pause", 200, none),
    ("POST /api/v1/connections/{id}/resume", 200, none),
    ("GET /api/v1/events", 200, none),
    ("POST /api/v1/events", 202, |own| Some(json!({ "type": "a.b", "data": {}, "source_id": own.publisher }))),
    ("GET /api/v1/events/{id}", 200, none),
    ("GET /api/v1/events/{id}/payload", 200, none),
    ("POST /api/v1/events/{id}/cancel", 200, none),
    ("GET /api/v1/calls", 200, none),
    ("POST /api/v1/calls", 202, |own| {
        let request = json!({ "method": "GET", "url": "http://127.0.0.1:9/" });
        Some(json!({ "request": request, "source_id": own.publisher, "delay_s": 3_600 }))
    }),
    ("GET /api/v1/calls/{id}", 200, none),
    ("GET /api/v1/calls/{id}/result", 200, none),
    ("POST /api/v1/calls/{id}/cancel", 200, none),
    ("POST /api/v1/calls/{id}/redrive", 202, none),
    ("GET /api/v1/deliveries", 200, none),
    ("GET /api/v1/deliveries/{id}", 200, none),
    ("POST /api/v1/deliveries/{id}/retry", 202, none),
    ("POST /api/v1/deliveries/{id}/cancel", 200, none),
    ("GET /api/v1/attempts/export", 200, none),
    ("GET /api/v1/requests", 200, none),
    ("GET /api/v1/catalogue", 200, none),
    ("GET /api/v1/api-keys", 200, none),
    ("POST /api/v1/api-keys", 201, |_| Some(json!({ "name": "one more", "scopes": ["keys:write"] }))),
    ("GET /api/v1/api-keys/{id}", 200, none),
    ("DELETE /api/v1/api-keys/{id}", 204, none),
    ("GET /api/v1/members", 200, none),
    ("POST /api/v1/members", 201, |own| {
        Some(json!({ "email": format!("more-{}@example.com", own.bin), "role": "viewer" }))
    }),
    ("GET /api/v1/members/{id}", 200, none),
    ("PATCH /api/v1/members/{id}", 200, |_| Some(json!({ "role": "viewer" }))),
    ("DELETE /api/v1/members/{id}", 204, none),
    ("GET /api/v1/audit", 200, none),
    ("GET /api/v1/audit/export", 200, none),
    ("DELETE /api/v1/connections/{id}", 204, none),
    ("DELETE /api/v1/destinations/{id}", 204, none),
    ("DELETE /api/v1/sources/{id}", 204, none),
];

/// What only a source that polls has.
const POLLS: [&str; 4] = ["/sources/{id}/poll", "/sources/{id}/runs", "/sources/{id}/cursor", "/sources/{id}/held"];

/// What only a queue has.
const PULLS: [&str; 4] = ["/lease", "/extend", "/nack", "/ack"];

/// Of an address where nobody listens, and never by itself.
pub(super) fn polling() -> Value {
    json!({
        "request": { "url": "http://127.0.0.1:9/list" },
        "schedule": { "interval_s": 86_400 },
        "items": "$.data[*]", "id": "$.id", "cursor": { "mode": "integer", "value": "$.at" }
    })
}

/// The operations of the document in the order of the table. Fails when one is missing on either side.
pub(super) fn in_order(mut described: Vec<Operation>) -> Vec<Operation> {
    let mut ordered = Vec::new();
    for (name, ..) in ROWS {
        let at = described.iter().position(|operation| operation.name == name);
        let at = at.unwrap_or_else(|| panic!("`{name}` is in the table of the matrix and not in the document"));
        ordered.push(described.swap_remove(at));
    }
    let missing: Vec<_> = described.iter().map(|operation| &operation.name).collect();
    assert!(missing.is_empty(), "not in the table of the matrix, tests/e2e/matrix/table.rs: {missing:?}");
    ordered
}

/// A good request of `tenant` to `operation`.
pub(super) fn good(operation: &Operation, tenant: &Tenant) -> Good {
    let (_, status, body) = ROWS.iter().find(|(name, ..)| *name == operation.name).expect("in the table");
    Good { path: operation.at(path_id(operation, tenant)), body: body(tenant), status: *status }
}

/// The id of `tenant` that belongs into the path of `operation`; anything when there is none.
pub(super) fn path_id<'a>(operation: &Operation, tenant: &'a Tenant) -> &'a str {
    match operation.name.as_str() {
        "POST /api/v1/deliveries/{id}/cancel" => &tenant.waiting,
        "POST /api/v1/calls/{id}/cancel" => &tenant.waiting_call,
        "GET /api/v1/destinations/{id}/requests" => &tenant.bin,
        pulls if PULLS.iter().any(|part| pulls.ends_with(part)) => &tenant.queue,
        polls if POLLS.iter().any(|part| polls.ends_with(part)) => &tenant.poller,
        _ if operation.takes_path_id() => tenant.id(collection(operation)),
        _ => "",
    }
}

/// `sources` of `/api/v1/sources/{id}/pause`.
pub(super) fn collection(operation: &Operation) -> &str {
    operation.path.split('/').nth(3).expect("a collection")
}

fn none(_: &Tenant) -> Option<Value> {
    None
}

fn renamed(_: &Tenant) -> Option<Value> {
    Some(json!({ "name": "another name" }))
}
