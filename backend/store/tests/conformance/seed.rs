//! Rows put straight into the tables, as the engine would have left them.

use postern_domain::{AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, RequestId, SourceId, id::made_at};
use postern_store::TenantStore;
use uuid::Uuid;

use crate::{
    harness::{Db, Tenant},
    sample::configure,
};

/// A tenant with one source, one destination and the connection between them.
pub(crate) struct Owner {
    tenant: Tenant,
    pub(crate) source: SourceId,
    pub(crate) destination: DestinationId,
    pub(crate) connection: ConnectionId,
}

impl Owner {
    pub(crate) fn store(&self) -> TenantStore {
        self.tenant.store.clone()
    }

    /// The tenant, as a literal.
    pub(crate) fn literal(&self, db: &Db) -> String {
        db.literal(self.tenant.id.uuid())
    }

    /// Tenant and source, as literals.
    fn place(&self, db: &Db) -> String {
        format!("{}, {}", self.literal(db), db.literal(self.source.uuid()))
    }
}

pub(crate) async fn owner(db: &Db) -> Owner {
    let tenant = db.tenant(&EventId::fresh().to_string()).await;
    let made = configure(&tenant).await;
    Owner { tenant, source: made.source.id, destination: made.destination.id, connection: made.connection.id }
}

/// Bytes as a literal of this database.
pub(crate) fn bytes(db: &Db, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if db.is_postgres() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
}

/// An event with the payload `{}` and the dedup key `key-1`.
pub(crate) async fn event(db: &Db, owner: &Owner, event_type: &str) -> EventId {
    let id = EventId::fresh();
    put_events(db, owner, &[id], event_type).await;
    let (id_text, body) = (db.literal(id.uuid()), bytes(db, b"{}"));
    db.sql(&format!("INSERT INTO event_bodies (event_id, body) VALUES ({id_text}, {body})")).await;
    id
}

/// Events without a payload.
pub(crate) async fn put_events(db: &Db, owner: &Owner, ids: &[EventId], event_type: &str) {
    let (place, sha256) = (owner.place(db), bytes(db, &[7; 32]));
    let row = |id: &EventId| {
        let (id, at) = (id.uuid(), made_at(id.uuid()).as_micros());
        let id = db.literal(id);
        format!("({id}, {place}, '{event_type}', 'key-1', 'application/json', '{{}}', '::1', {at}, 2, {sha256}, 0)")
    };
    let rows: Vec<String> = ids.iter().map(row).collect();
    db.sql(&format!(
        "INSERT INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, \
         body_bytes, body_sha256, filtered) VALUES {}",
        rows.join(", ")
    ))
    .await;
}

/// A delivery in the state, tried so often; where it is kept follows from the state.
pub(crate) async fn delivery(db: &Db, owner: &Owner, event: EventId, (state, attempts): (&str, i32)) -> DeliveryId {
    let id = DeliveryId::fresh();
    let ids = [owner.connection.uuid(), owner.destination.uuid()].map(|id| db.literal(id)).join(", ");
    let (id_text, event, place) = (db.literal(id.uuid()), db.literal(event.uuid()), owner.place(db));
    let columns = "tenant_id, source_id, event_id, connection_id, destination_id, state, attempts, retries, body_bytes";
    let row = format!("{place}, {event}, {ids}, '{state}', {attempts}, 3, 2");
    if ["pending", "leased"].contains(&state) {
        let token = if state == "leased" { db.literal(AttemptId::fresh().uuid()) } else { "NULL".to_owned() };
        db.sql(&format!(
            "INSERT INTO queue (delivery_id, {columns}, due_at, lease_token) \
             VALUES ({id_text}, {row}, 9000000000000000, {token})"
        ))
        .await;
    } else {
        let at = made_at(id.uuid()).as_micros();
        db.sql(&format!("INSERT INTO deliveries (id, {columns}, finished_at) VALUES ({id_text}, {row}, {at})")).await;
    }
    id
}

/// An answered attempt with the response body.
pub(crate) async fn attempt(db: &Db, owner: &Owner, delivery: DeliveryId, (number, body): (i32, &[u8])) -> AttemptId {
    let id = AttemptId::fresh();
    let (id_text, at) = (db.literal(id.uuid()), made_at(id.uuid()).as_micros());
    let ids = [delivery.uuid(), owner.destination.uuid()].map(|id| db.literal(id)).join(", ");
    let (tenant, length) = (owner.literal(db), body.len());
    db.sql(&format!(
        "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at, \
         duration_us, dns_us, method, url, request_headers, kind, status, response_headers, response_bytes, truncated) \
         VALUES ({id_text}, {tenant}, {ids}, {number}, 'engine', '', {at}, 1500, 20, 'POST', 'bin', '{{\"a\":\"b\"}}', \
         'answered', 503, '{{}}', {length}, true)"
    ))
    .await;
    let body = bytes(db, body);
    db.sql(&format!("INSERT INTO attempt_bodies (attempt_id, body) VALUES ({id_text}, {body})")).await;
    id
}

/// A request that became no event.
pub(crate) async fn request(db: &Db, owner: &Owner, outcome: &str) -> RequestId {
    let id = RequestId::fresh();
    let (id_text, place, at) = (db.literal(id.uuid()), owner.place(db), made_at(id.uuid()).as_micros());
    db.sql(&format!(
        "INSERT INTO requests (id, tenant_id, source_id, at, outcome, cause, expected, remote, method, headers, \
         body_bytes) VALUES ({id_text}, {place}, {at}, '{outcome}', 'signature', 'v1', '::1', 'POST', '{{}}', 0)"
    ))
    .await;
    id
}

/// What the owner's bin was given.
pub(crate) async fn bin_request(db: &Db, owner: &Owner, event: EventId, body: &[u8]) -> RequestId {
    let id = RequestId::fresh();
    let ids: [Uuid; 4] = [owner.destination.uuid(), event.uuid(), DeliveryId::fresh().uuid(), id.uuid()];
    let (ids, tenant, body) = (ids.map(|id| db.literal(id)).join(", "), owner.literal(db), bytes(db, body));
    db.sql(&format!(
        "INSERT INTO bin_requests (destination_id, event_id, delivery_id, id, tenant_id, at, answered, headers, body) \
         VALUES ({ids}, {tenant}, 1, 200, '{{}}', {body})"
    ))
    .await;
    id
}

/// Attempts of one delivery, begun half a millisecond after the making of their ids, that never left.
pub(crate) async fn put_attempts(db: &Db, owner: &Owner, delivery: DeliveryId, ids: &[AttemptId]) {
    let ends = [delivery.uuid(), owner.destination.uuid()].map(|id| db.literal(id)).join(", ");
    let tenant = owner.literal(db);
    let row = |id: &AttemptId| {
        let (id, at) = (db.literal(id.uuid()), made_at(id.uuid()).as_micros() + 500);
        format!(
            "({id}, {tenant}, {ends}, 1, 'engine', '', {at}, 20, 'POST', 'http://a', '{{}}', 'dns', 0, false, 'no')"
        )
    };
    for ids in ids.chunks(500) {
        let rows: Vec<String> = ids.iter().map(row).collect();
        db.sql(&format!(
            "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, \
             started_at, duration_us, method, url, request_headers, kind, response_bytes, truncated, detail) VALUES {}",
            rows.join(", ")
        ))
        .await;
    }
}
