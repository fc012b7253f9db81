//! Settles attempts in one statement.

use std::collections::HashSet;

use postern_domain::DeliveryId;
use sea_orm::sqlx::{self, PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::rows::{Settlement, Verdict},
};

/// Only rows whose lease is still ours move. What is final leaves the queue for the history, the rest goes back into it.
/// An attempt whose lease was lost is kept as `superseded`; where the sweep had already noted it as `interrupted`, that
/// row now says what really happened.
const SETTLE: &str = "
WITH gone AS (
    DELETE FROM queue WHERE delivery_id = ANY ($1::uuid[]) AND lease_token = ANY ($2::uuid[])
    RETURNING delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, retries, attempts, body_bytes),
history AS (
    INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, reason, retries,
        attempts, body_bytes, finished_at)
    SELECT delivery_id, tenant_id, event_id, source_id, connection_id, destination_id,
        CASE WHEN delivery_id = ANY ($3::uuid[]) THEN 'dead' ELSE 'delivered' END,
        CASE WHEN delivery_id = ANY ($3::uuid[]) THEN ($4::text[])[array_position($3::uuid[], delivery_id)] END,
        retries, attempts + 1, body_bytes, $5 FROM gone),
again AS (
    UPDATE queue SET state = 'pending', due_at = ($8::bigint[])[array_position($6::uuid[], delivery_id)],
        retries = ($9::int[])[array_position($6::uuid[], delivery_id)], attempts = attempts + 1, asked_by = NULL,
        lease_token = NULL, leased_by = NULL, leased_at = NULL, leased_until = NULL
    WHERE delivery_id = ANY ($6::uuid[]) AND lease_token = ANY ($7::uuid[])
    RETURNING delivery_id),
settled AS (SELECT delivery_id FROM gone UNION ALL SELECT delivery_id FROM again),
tries AS (
    INSERT INTO attempts AS known (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, dns_us, connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers,
        response_bytes, truncated, detail, next_attempt_at, sent_sha256, sent_bytes)
    SELECT id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at, duration_us, dns_us,
        connect_us, first_byte_us, method, url, request_headers,
        CASE WHEN delivery_id IN (SELECT delivery_id FROM settled) THEN kind ELSE 'superseded' END, status,
        response_headers, response_bytes, truncated, detail, next_attempt_at, sent_sha256, sent_bytes
    FROM unnest($10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::int[], $15::text[], $16::text[], $17::bigint[],
        $18::int[], $19::int[], $20::int[], $21::int[], $22::text[], $23::text[], $24::text[], $25::text[], $26::int[],
        $27::text[], $28::int[], $29::bool[], $30::text[], $31::bigint[], $32::bytea[], $33::int[])
    AS tried (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at, duration_us, dns_us,
        connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers, response_bytes,
        truncated, detail, next_attempt_at, sent_sha256, sent_bytes)
    ON CONFLICT (id) DO UPDATE SET kind = 'superseded', status = excluded.status, duration_us = excluded.duration_us,
        request_headers = excluded.request_headers, response_headers = excluded.response_headers,
        response_bytes = excluded.response_bytes, truncated = excluded.truncated, detail = excluded.detail,
        sent_sha256 = excluded.sent_sha256, sent_bytes = excluded.sent_bytes
        WHERE known.kind = 'interrupted'),
answers AS (
    INSERT INTO attempt_bodies (attempt_id, body) SELECT * FROM unnest($34::uuid[], $35::bytea[])
    ON CONFLICT (attempt_id) DO NOTHING)
SELECT ARRAY(SELECT delivery_id FROM settled) AS settled";

const RELEASE: &str = "
UPDATE queue SET state = 'pending', lease_token = NULL, leased_by = NULL, leased_at = NULL, leased_until = NULL
WHERE delivery_id = ANY ($1::uuid[]) AND lease_token = ANY ($2::uuid[])";

pub(in crate::engine) async fn settle(pool: &PgPool, all: &[&Settlement]) -> Result<Vec<DeliveryId>, StoreError> {
    let (released, tried): (Vec<_>, Vec<_>) = all.iter().copied().partition(|row| row.verdict == Verdict::Released);
    if !released.is_empty() {
        sqlx::query(RELEASE)
            .bind(of(&released, |row| row.attempt.delivery.uuid()))
            .bind(of(&released, |row| row.attempt.id.uuid()))
            .execute(pool)
            .await
            .map_err(StoreError::during("releasing leases"))?;
    }
    if tried.is_empty() {
        return Ok(Vec::new());
    }
    write(pool, &tried).await
}

/// Within a transaction of somebody else's; none of them is to be released.
pub(crate) async fn settle_within(tx: &mut PgConnection, tried: &[&Settlement]) -> Result<Vec<DeliveryId>, StoreError> {
    write(tx, tried).await
}

fn of<'a, T>(rows: &[&'a Settlement], pick: impl Fn(&'a Settlement) -> T) -> Vec<T> {
    rows.iter().map(|row| pick(row)).collect()
}

fn micros(value: Option<u32>) -> Option<i32> {
    value.map(|micros| i32::try_from(micros).unwrap_or(i32::MAX))
}

async fn write(database: impl PgExecutor<'_>, tried: &[&Settlement]) -> Result<Vec<DeliveryId>, StoreError> {
    let (again, done): (Vec<&Settlement>, Vec<&Settlement>) =
        tried.iter().copied().partition(|row| matches!(row.verdict, Verdict::Again { .. }));
    let dead: Vec<(Uuid, &'static str)> = done
        .iter()
        .filter_map(|row| match row.verdict {
            Verdict::Dead(reason) => Some((row.attempt.delivery.uuid(), reason.as_str())),
            _ => None,
        })
        .collect();
    let answered: Vec<&Settlement> = tried.iter().copied().filter(|row| !row.attempt.body.is_empty()).collect();
    let row = sqlx::query(SETTLE)
        .bind(of(&done, |row| row.attempt.delivery.uuid()))
        .bind(of(&done, |row| row.attempt.id.uuid()))
        .bind(dead.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(dead.iter().map(|(_, reason)| *reason).collect::<Vec<_>>())
        .bind(tried.iter().map(|row| row.settled_at.as_micros()).max().unwrap_or_default())
        .bind(of(&again, |row| row.attempt.delivery.uuid()))
        .bind(of(&again, |row| row.attempt.id.uuid()))
        .bind(of(&again, |row| row.next_attempt_at().unwrap_or_default()))
        .bind(of(&again, |row| if let Verdict::Again { retries, .. } = row.verdict { retries } else { 0 }))
        .bind(of(tried, |row| row.attempt.id.uuid()))
        .bind(of(tried, |row| row.attempt.tenant.uuid()))
        .bind(of(tried, |row| row.attempt.delivery.uuid()))
        .bind(of(tried, |row| row.attempt.destination.uuid()))
        .bind(of(tried, |row| row.attempt.number))
        .bind(of(tried, |row| row.attempt.actor_kind.as_str()))
        .bind(of(tried, |row| row.attempt.actor_id.as_str()))
        .bind(of(tried, |row| row.attempt.started_at.as_micros()))
        .bind(of(tried, |row| micros(Some(row.attempt.timings.total_us)).unwrap_or_default()))
        .bind(of(tried, |row| micros(row.attempt.timings.dns_us)))
        .bind(of(tried, |row| micros(row.attempt.timings.connect_us)))
        .bind(of(tried, |row| micros(row.attempt.timings.first_byte_us)))
        .bind(of(tried, |row| row.attempt.method.as_str()))
        .bind(of(tried, |row| row.attempt.url.as_str()))
        .bind(of(tried, |row| row.attempt.request_headers.as_str()))
        .bind(of(tried, |row| row.attempt.kind.as_str()))
        .bind(of(tried, |row| row.attempt.status.map(i32::from)))
        .bind(of(tried, |row| row.attempt.response_headers.as_deref()))
        .bind(of(tried, |row| i32::try_from(row.attempt.body.len()).unwrap_or(i32::MAX)))
        .bind(of(tried, |row| row.attempt.truncated))
        .bind(of(tried, |row| row.attempt.detail.as_deref()))
        .bind(of(tried, Settlement::next_attempt_at))
        .bind(of(tried, |row| row.attempt.sent_sha256()))
        .bind(of(tried, |row| row.attempt.sent_bytes()))
        .bind(of(&answered, |row| row.attempt.id.uuid()))
        .bind(of(&answered, |row| row.attempt.body.as_ref()))
        .fetch_one(database)
        .await
        .map_err(StoreError::during("settling attempts"))?;
    let settled: Vec<Uuid> = row.try_get("settled").map_err(StoreError::during("settling attempts"))?;
    if settled.len() == tried.len() {
        return Ok(Vec::new());
    }
    let settled: HashSet<Uuid> = settled.into_iter().collect();
    Ok(tried.iter().map(|row| row.attempt.delivery).filter(|id| !settled.contains(&id.uuid())).collect())
}
