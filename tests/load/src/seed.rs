//! Puts a past, or a backlog, into a database whose server is stopped: by SQL, because a million deliveries made one by
//! one would take longer than all that is measured.
//!
//! The same statements for both databases; what differs stands between braces and is filled in by [`fill`].

use std::str::FromStr;

use anyhow::{Context, Result};
use postern_domain::{Clock, ConnectionId, DestinationId, SourceId, TenantId, Timestamp, id::first_uuid_at};
use postern_migrations::DAILY_TABLES;
use uuid::Uuid;

use crate::{
    database::Database,
    options::Kind,
    stand::{Tenant, Way},
};

pub(crate) const DAY_MS: i64 = 86_400_000;
/// Days of the past that deliveries are spread over. Bodies are kept as long, so retention drops none of it.
const PAST_DAYS: i64 = 30;
/// Days of the past that have partitions.
const PARTITION_DAYS: i64 = 90;
const DEDUP_DAYS: i64 = 7;
/// Over how long a backlog came in.
const BACKLOG_MS: i64 = 600_000;

pub(crate) const NUMBERS: &str = "WITH RECURSIVE numbers (n) AS (
    SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count})";

const EVENTS: &[&str] = &[
    "INSERT INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, body_bytes,
        body_sha256, filtered)
    {numbers} SELECT {event}, {tenant}, {source}, 'payment.succeeded', 'evt_' || ({offset} + n), 'application/json',
        '{headers}', '127.0.0.1', {ms} * 1000, 560, {sha256}, 0 FROM numbers",
    "INSERT INTO event_bodies (event_id, body) {numbers} SELECT {event}, {body} FROM numbers",
];

const FINISHED: &[&str] = &[
    "INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, reason, retries,
        attempts, body_bytes, finished_at)
    {numbers} SELECT {delivery}, {tenant}, {event}, {source}, {connection}, {destination}, 'delivered', NULL, 0, 1, 560,
        {ms} * 1000 + 3000 FROM numbers",
    "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, dns_us, connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers,
        response_bytes, truncated, detail, next_attempt_at)
    {numbers} SELECT {attempt}, {tenant}, {delivery}, {destination}, 1, 'engine', 'past', {ms} * 1000 + 1000, 900, NULL,
        NULL, 800, 'POST', 'http://127.0.0.1/', '{headers}', 'answered', 200, '{}', 2, false, NULL, NULL FROM numbers",
    "INSERT INTO attempt_bodies (attempt_id, body) {numbers} SELECT {attempt}, {answer} FROM numbers",
];

const KEYS: &str = "INSERT INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at)
    {numbers} SELECT {source}, {hash}, {event}, {hash}, {ms} * 1000 + 604800000000 FROM numbers";

const DUE: &str = "INSERT INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, state,
        due_at, retries, attempts, body_bytes)
    {numbers} SELECT {delivery}, {tenant}, {event}, {source}, {connection}, {destination}, 'pending', {ms} * 1000, 0, 0, 560
    FROM numbers";

pub(crate) const HEADERS: &str = r#"{"content-type":"application/json","user-agent":"Stripe/1.0 (+https://stripe.com/docs/webhooks)","stripe-signature":"t=1700000000,v1=0000000000000000000000000000000000000000000000000000000000000000"}"#;

/// `total` finished deliveries over 30 days, 90 days of partitions, analysed.
pub(crate) async fn past(database: &Database, (tenant, way): (&Tenant, &Way), total: u64) -> Result<()> {
    let ends = Ends::read(tenant, way)?;
    let today = Clock::System.now().as_millis().div_euclid(DAY_MS);
    let per_day = i64::try_from(total)? / PAST_DAYS;
    let mut statements = if database.kind == Kind::Postgres { partitions(today) } else { Vec::new() };
    for back in 1..=PAST_DAYS {
        let span =
            Span { start_ms: (today - back) * DAY_MS, length_ms: DAY_MS, count: per_day, offset: back * per_day };
        let keys = (back <= DEDUP_DAYS).then_some(KEYS);
        let day = EVENTS.iter().chain(FINISHED).copied().chain(keys);
        statements.push("BEGIN".to_owned());
        statements.extend(day.map(|template| fill(template, database.kind, &ends, &span)));
        statements.push("COMMIT".to_owned());
    }
    statements.extend(tidy(database.kind));
    database.run(&statements).await
}

/// `count` due deliveries of the last minutes.
pub(crate) async fn backlog(database: &Database, (tenant, way): (&Tenant, &Way), count: u64) -> Result<()> {
    let ends = Ends::read(tenant, way)?;
    let start_ms = Clock::System.now().as_millis() - BACKLOG_MS;
    let span = Span { start_ms, length_ms: BACKLOG_MS, count: i64::try_from(count)?, offset: 0 };
    let all = EVENTS.iter().copied().chain([DUE]);
    let mut statements = vec!["BEGIN".to_owned()];
    statements.extend(all.map(|template| fill(template, database.kind, &ends, &span)));
    statements.push("COMMIT".to_owned());
    statements.extend(tidy(database.kind));
    database.run(&statements).await
}

/// What a database that has lived for a while has done long since.
pub(crate) fn tidy(kind: Kind) -> Vec<String> {
    let statements: &[&str] = match kind {
        Kind::Sqlite => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
        Kind::Postgres => &["VACUUM (FREEZE, ANALYZE)", "CHECKPOINT"],
    };
    statements.iter().map(|sql| (*sql).to_owned()).collect()
}

pub(crate) fn partitions(today: i64) -> Vec<String> {
    let bound = |day: i64| first_uuid_at(Timestamp::from_micros(day * DAY_MS * 1_000));
    let mut statements = Vec::new();
    for day in today - PARTITION_DAYS..today {
        let date = Timestamp::from_micros(day * DAY_MS * 1_000).to_string();
        let date = date.get(..10).unwrap_or_default().replace('-', "");
        // Bodies are kept for 30 days: older partitions of them would be dropped at once.
        let kept = DAILY_TABLES.iter().filter(|(table, _)| day >= today - PAST_DAYS || !table.ends_with("_bodies"));
        statements.extend(kept.map(|(table, _)| {
            let (from, to) = (bound(day), bound(day + 1));
            format!(
                "CREATE TABLE IF NOT EXISTS {table}_p{date} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}')"
            )
        }));
    }
    statements
}

struct Ends {
    tenant: Uuid,
    source: Uuid,
    connection: Uuid,
    destination: Uuid,
}

impl Ends {
    fn read(tenant: &Tenant, way: &Way) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::from_str(&tenant.id).context("a tenant's id")?.uuid(),
            source: SourceId::from_str(&way.route.source).context("a source's id")?.uuid(),
            connection: ConnectionId::from_str(&way.route.connection).context("a connection's id")?.uuid(),
            destination: DestinationId::from_str(&way.route.destination).context("a destination's id")?.uuid(),
        })
    }
}

/// So many rows, spread evenly over a time.
struct Span {
    start_ms: i64,
    length_ms: i64,
    count: i64,
    /// Of their numbers, so that no two spans share one.
    offset: i64,
}

fn fill(template: &str, kind: Kind, ends: &Ends, span: &Span) -> String {
    let ms = format!("({} + n * {} / {})", span.start_ms, span.length_ms, span.count.max(1));
    let number = format!("({} + n)", span.offset);
    let id = |what: char| made_id(kind, what, (&ms, &number));
    let (literal, sha256, body, answer, hash): (fn(Uuid) -> String, _, _, _, _) = match kind {
        Kind::Sqlite => (
            |id| format!("x'{}'", id.simple()),
            "zeroblob(32)",
            "zeroblob(560)",
            "x'6f6b'",
            "randomblob(16)".to_owned(),
        ),
        Kind::Postgres => (
            |id| format!("'{id}'::uuid"),
            "decode(repeat('00', 32), 'hex')",
            "convert_to(repeat('x', 560), 'UTF8')",
            "'ok'::bytea",
            format!("decode(md5('{}' || {number}), 'hex')", ends.source),
        ),
    };
    template
        .replace("{numbers}", NUMBERS)
        .replace("{count}", &span.count.to_string())
        .replace("{offset}", &span.offset.to_string())
        .replace("{event}", &id('1'))
        .replace("{delivery}", &id('2'))
        .replace("{attempt}", &id('3'))
        .replace("{ms}", &ms)
        .replace("{tenant}", &literal(ends.tenant))
        .replace("{source}", &literal(ends.source))
        .replace("{connection}", &literal(ends.connection))
        .replace("{destination}", &literal(ends.destination))
        .replace("{sha256}", sha256)
        .replace("{body}", body)
        .replace("{answer}", answer)
        .replace("{hash}", &hash)
        .replace("{headers}", HEADERS)
}

/// A UUIDv7 of that millisecond that tells its kind and number, where a real one has chance.
pub(crate) fn made_id(kind: Kind, what: char, (ms, number): (&str, &str)) -> String {
    match kind {
        Kind::Sqlite => format!("unhex(printf('%012x7%03x8{what}%014x', {ms}, {number} & 4095, {number}))"),
        Kind::Postgres => format!(
            "(lpad(to_hex({ms}), 12, '0') || '7' || lpad(to_hex({number} & 4095), 3, '0') || '8{what}' || \
             lpad(to_hex({number}), 14, '0'))::uuid"
        ),
    }
}
