//! A tenant as it is after a month: many sources, destinations and connections, a million events of all outcomes, what
//! was refused, and an audit log. Put into a database whose server is stopped, as in [`crate::seed`].

use anyhow::{Context, Result};
use postern_domain::{Clock, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, TenantId};
use sha2::{Digest, Sha256};
use std::str::FromStr;
use uuid::Uuid;

use crate::{
    api::Route,
    database::Database,
    options::Kind,
    seed::{self, DAY_MS, HEADERS, NUMBERS, made_id},
};

const DAYS: i64 = 30;
const AUDIT_ENTRIES: i64 = 50_000;
/// Tries of the one event that has many.
const TRIES: i64 = 60;
/// Which deliveries wait; those of the last way are held.
const WAITS: &str = "({number} % 1000 = 4 OR {number} % 250 = 49)";
/// Which events have a delivery: one of a hundred is filtered, one of 200 000 is not routed.
const ROUTED: &str = "({number} % 100 <> 3 AND {number} % 200000 <> 11)";
const DEAD: &str = "{number} % 500 = 1";

const EVENTS: &[&str] = &[
    "INSERT INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, body_bytes,
        body_sha256, filtered)
    {numbers} SELECT {event}, {tenant}, w.source, CASE WHEN {number} % 250000 = 7 THEN 'rare.once' ELSE
        'thing' || ({number} % 12) || '.changed' END, 'evt_' || {number}, 'application/json', '{headers}', '192.0.2.7',
        {ms} * 1000, 128, {sha256}, CASE WHEN {number} % 100 = 3 THEN 1 ELSE 0 END
    FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50",
    "INSERT INTO event_bodies (event_id, body) {numbers} SELECT {event}, {body} FROM numbers",
    "INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, reason, retries,
        attempts, body_bytes, finished_at)
    {numbers} SELECT {delivery}, {tenant}, {event}, w.source, w.connection, w.destination,
        CASE WHEN {dead} THEN 'dead' WHEN {number} % 5000 = 2 THEN 'cancelled' ELSE 'delivered' END, NULL, 0,
        CASE WHEN {number} % 20 = 5 OR {dead} THEN 2 ELSE 1 END, 128, {ms} * 1000 + 3000 + {number} * 7919 % 2000000
    FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50 AND {routed} AND NOT {waits}",
    "INSERT INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, state, due_at, retries,
        attempts, body_bytes)
    {numbers} SELECT {delivery}, {tenant}, {event}, w.source, w.connection, w.destination, 'pending', 9000000000000000, 1,
        1, 128 FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50 AND {waits}",
    "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, dns_us, connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers,
        response_bytes, truncated, detail, next_attempt_at)
    {numbers} SELECT {attempt}, {tenant}, {delivery}, w.destination, 1, 'engine', '', {ms} * 1000 + 1000, 900, NULL, NULL,
        800, 'POST', 'http://127.0.0.1/', '{headers}', 'answered',
        CASE WHEN {number} % 20 = 5 OR {dead} OR {waits} THEN 503 ELSE 200 END, '{}', 2, false, NULL, NULL
    FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50 AND {routed}",
    "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, dns_us, connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers,
        response_bytes, truncated, detail, next_attempt_at)
    {numbers} SELECT {second}, {tenant}, {delivery}, w.destination, 2, 'engine', '', {ms} * 1000 + 2000, 900, NULL, NULL,
        800, 'POST', 'http://127.0.0.1/', '{headers}', 'answered', CASE WHEN {dead} THEN 503 ELSE 200 END, '{}', 2, false,
        NULL, NULL
    FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50 AND {routed} AND ({number} % 20 = 5 OR {dead})",
    "INSERT INTO requests (id, tenant_id, source_id, at, outcome, cause, expected, remote, method, headers, body_bytes,
        dedup_key, event_id)
    {numbers} SELECT {request}, {tenant}, w.source, {ms} * 1000,
        CASE WHEN {number} % 100 = 0 THEN 'refused' ELSE 'duplicate' END,
        CASE WHEN {number} % 100 = 0 THEN 'signature' ELSE 'dedup_key' END, 'v1', '192.0.2.7', 'POST', '{headers}', 128,
        NULL, NULL FROM numbers CROSS JOIN ways w WHERE w.i = {number} % 50 AND {number} % 50 = 0",
];

const AUDIT: &[&str] = &[
    "INSERT INTO audit_entries (tenant_id, seq, id, at, actor_kind, actor_id, remote, action, target, data, key_id, prev,
        mac)
    {numbers} SELECT {tenant}, h.seq + 1 + n, {event}, {ms} * 1000, CASE WHEN n % 10 = 0 THEN 'operator' ELSE 'user' END,
        CASE WHEN n % 10 = 0 THEN '' ELSE 'usr_' || (n % 7) END, '192.0.2.7',
        CASE WHEN n % 20000 = 7 THEN 'rare.action' WHEN n % 3 = 0 THEN 'source.updated' ELSE 'session.started' END,
        'thing_' || (n % 100), '{}', 'a', {sha256}, {sha256} FROM numbers CROSS JOIN audit_heads h
    WHERE h.tenant_id = {tenant}",
    "UPDATE audit_heads SET seq = seq + {count} WHERE tenant_id = {tenant}",
];

const MANY_TRIES: &str =
    "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, method, url, request_headers, kind, status, response_headers, response_bytes, truncated)
    {numbers} SELECT {attempt}, {tenant}, {one_delivery}, w.destination, 2 + n, 'engine', '', {ms} * 1000, 900, 'POST',
        'http://127.0.0.1/', '{headers}', 'answered', 503, '{}', 2, false
    FROM numbers CROSS JOIN ways w WHERE w.i = 0";

/// What of it the pages are asked for by name.
pub(crate) struct World {
    pub(crate) event: String,
    pub(crate) delivery: String,
    pub(crate) dedup_key: String,
    /// Where the month begins, in milliseconds.
    pub(crate) start_ms: i64,
}

/// `total` events of the tenant over 30 days until now, spread over its ways.
pub(crate) async fn seed(database: &Database, tenant: &str, routes: &[Route], total: u64) -> Result<World> {
    let tenant = TenantId::from_str(tenant).context("a tenant's id")?.uuid();
    let (now_ms, per_day) = (Clock::System.now().as_millis(), i64::try_from(total)? / DAYS);
    let start_ms = now_ms - DAYS * DAY_MS;
    let kind = database.kind;
    let mut statements = ways(kind, routes)?;
    if kind == Kind::Postgres {
        statements.extend(seed::partitions(now_ms.div_euclid(DAY_MS)));
    }
    let span =
        |day: i64| Span { start_ms: start_ms + day * DAY_MS, length_ms: DAY_MS, count: per_day, offset: day * per_day };
    for day in 0..DAYS {
        statements.push("BEGIN".to_owned());
        statements.extend(EVENTS.iter().map(|template| fill(template, kind, tenant, &span(day))));
        statements.push("COMMIT".to_owned());
    }
    let audit = Span { start_ms, length_ms: DAYS * DAY_MS, count: AUDIT_ENTRIES, offset: 0 };
    statements.extend(AUDIT.iter().map(|template| fill(template, kind, tenant, &audit)));
    // In the middle of the month: a delivered event of the first way.
    let number = per_day * DAYS / 2 / 50 * 50;
    let (day, place) = (number / per_day, number % per_day);
    let ms = span(day).start_ms + place * DAY_MS / per_day;
    let (event, delivery) = (made(1, ms, number), made(2, ms, number));
    let tries = Span { start_ms: ms, length_ms: DAY_MS, count: TRIES, offset: 1_000_000_000 };
    statements.push(fill(&MANY_TRIES.replace("{one_delivery}", &literal(kind, delivery)), kind, tenant, &tries));
    let dedup_key = format!("evt_{number}");
    let first = routes.first().context("no ways")?;
    let source = SourceId::from_str(&first.source)?.uuid();
    statements.push(known_key(kind, (source, event), &dedup_key));
    let last = routes.last().context("no ways")?;
    let paused = literal(kind, DestinationId::from_str(&last.destination)?.uuid());
    statements.push(format!("UPDATE destinations SET state = 'paused' WHERE id = {paused}"));
    statements.extend(seed::tidy(kind));
    database.run(&statements).await?;
    let (event, delivery) = (EventId::from_uuid(event).to_string(), DeliveryId::from_uuid(delivery).to_string());
    Ok(World { event, delivery, dedup_key, start_ms })
}

/// A table of the ways, for the statements to join.
fn ways(kind: Kind, routes: &[Route]) -> Result<Vec<String>> {
    let id = if kind == Kind::Postgres { "uuid" } else { "blob" };
    let table =
        format!("CREATE TEMP TABLE ways (i bigint PRIMARY KEY, source {id}, connection {id}, destination {id})");
    let mut statements = vec![table];
    for (place, route) in routes.iter().enumerate() {
        let ids = [
            SourceId::from_str(&route.source)?.uuid(),
            ConnectionId::from_str(&route.connection)?.uuid(),
            DestinationId::from_str(&route.destination)?.uuid(),
        ];
        let ids = ids.map(|id| literal(kind, id)).join(", ");
        statements.push(format!("INSERT INTO ways VALUES ({place}, {ids})"));
    }
    Ok(statements)
}

/// A dedup key is found by its hash.
fn known_key(kind: Kind, (source, event): (Uuid, Uuid), key: &str) -> String {
    let hash = hex::encode(Sha256::digest(key).iter().copied().take(16).collect::<Vec<u8>>());
    let hash = if kind == Kind::Postgres { format!("'\\x{hash}'") } else { format!("x'{hash}'") };
    let (source, event) = (literal(kind, source), literal(kind, event));
    format!(
        "INSERT INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at) \
         VALUES ({source}, {hash}, {event}, {hash}, 9000000000000000)"
    )
}

struct Span {
    start_ms: i64,
    length_ms: i64,
    count: i64,
    offset: i64,
}

fn literal(kind: Kind, id: Uuid) -> String {
    match kind {
        Kind::Sqlite => format!("x'{}'", id.simple()),
        Kind::Postgres => format!("'{id}'::uuid"),
    }
}

/// The same id as [`made_id`] makes in the database.
fn made(what: u128, ms: i64, number: i64) -> Uuid {
    let (ms, number) = (u128::from(ms.unsigned_abs()), u128::from(number.unsigned_abs()));
    Uuid::from_u128((ms << 80) | (0x7 << 76) | ((number & 4_095) << 64) | (0x8 << 60) | (what << 56) | number)
}

fn fill(template: &str, kind: Kind, tenant: Uuid, span: &Span) -> String {
    let ms = format!("({} + n * {} / {})", span.start_ms, span.length_ms, span.count.max(1));
    let number = format!("({} + n)", span.offset);
    let id = |what: char| made_id(kind, what, (&ms, &number));
    let (sha256, body) = match kind {
        Kind::Sqlite => ("zeroblob(32)", "zeroblob(128)"),
        Kind::Postgres => ("decode(repeat('00', 32), 'hex')", "convert_to(repeat('x', 128), 'UTF8')"),
    };
    template
        .replace("{numbers}", NUMBERS)
        .replace("{routed}", ROUTED)
        .replace("{waits}", WAITS)
        .replace("{dead}", DEAD)
        .replace("{count}", &span.count.to_string())
        .replace("{event}", &id('1'))
        .replace("{delivery}", &id('2'))
        .replace("{attempt}", &id('3'))
        .replace("{second}", &id('4'))
        .replace("{request}", &id('5'))
        .replace("{ms}", &ms)
        .replace("{number}", &number)
        .replace("{tenant}", &literal(kind, tenant))
        .replace("{sha256}", sha256)
        .replace("{body}", body)
        .replace("{headers}", HEADERS)
}
