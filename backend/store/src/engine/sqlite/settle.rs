//! Writes attempts and what follows from them.

use std::collections::HashSet;

use postern_domain::DeliveryId;
use sea_orm::sqlx::{self, AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::{
        pieces::{marks, pieces, placeholders},
        rows::{Settlement, Verdict},
    },
};

const DOING: &str = "settling attempts";

/// Settles on the assumption that no delivered one has lost its lease, and answers which of the others have. `None`: the
/// assumption was wrong, and the transaction is to be rolled back.
pub(super) async fn settle_as_held(
    tx: &mut SqliteConnection,
    all: &[&Settlement],
) -> Result<Option<Vec<DeliveryId>>, StoreError> {
    let (delivered, others): (Vec<&Settlement>, Vec<&Settlement>) =
        all.iter().copied().partition(|row| row.verdict == Verdict::Delivered);
    for range in pieces(delivered.len()) {
        let rows = delivered.get(range).unwrap_or_default();
        let answered = answered(rows);
        let sql =
            [history(rows.len()), gone(rows.len()), attempts(rows.len(), answered.len(), "DO NOTHING")].join("; ");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        query = bind_held(bind_finish(query, rows), rows);
        query = bind_held(query, rows);
        query = bind_attempts(query, rows, &answered, |row| row.attempt.kind.as_str());
        let done = query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        if done.rows_affected() != (3 * rows.len() + answered.len()) as u64 {
            return Ok(None);
        }
    }
    if others.is_empty() { Ok(Some(Vec::new())) } else { settle(tx, &others).await.map(Some) }
}

/// Answers the deliveries whose lease was lost.
pub(crate) async fn settle(tx: &mut SqliteConnection, all: &[&Settlement]) -> Result<Vec<DeliveryId>, StoreError> {
    let (released, tried): (Vec<&Settlement>, Vec<&Settlement>) =
        all.iter().copied().partition(|row| row.verdict == Verdict::Released);
    release(tx, &released).await?;
    let mut settled: HashSet<Uuid> = HashSet::with_capacity(tried.len());
    let (again, done): (Vec<&Settlement>, Vec<&Settlement>) =
        tried.iter().copied().partition(|row| matches!(row.verdict, Verdict::Again { .. }));
    let (dead, delivered): (Vec<&Settlement>, Vec<&Settlement>) =
        done.into_iter().partition(|row| matches!(row.verdict, Verdict::Dead(_)));
    finish(tx, &delivered, &mut settled).await?;
    for row in dead {
        finish(tx, &[row], &mut settled).await?;
    }
    for row in again {
        if put_back(tx, row).await? {
            settled.insert(row.attempt.delivery.uuid());
        }
    }
    insert_attempts(tx, &tried, &settled).await?;
    Ok(tried.iter().map(|row| row.attempt.delivery).filter(|id| !settled.contains(&id.uuid())).collect())
}

async fn release(tx: &mut SqliteConnection, released: &[&Settlement]) -> Result<(), StoreError> {
    for row in released {
        sqlx::query(
            "UPDATE queue SET state = 'pending', lease_token = NULL, leased_by = NULL, leased_at = NULL, \
             leased_until = NULL WHERE delivery_id = ? AND lease_token = ?",
        )
        .bind(row.attempt.delivery.uuid())
        .bind(row.attempt.id.uuid())
        .execute(&mut *tx)
        .await
        .map_err(StoreError::during("releasing leases"))?;
    }
    Ok(())
}

/// Moves rows of one verdict from the queue to the history. A lease token is unique, so two lists match pair by pair.
async fn finish(
    tx: &mut SqliteConnection,
    rows: &[&Settlement],
    settled: &mut HashSet<Uuid>,
) -> Result<(), StoreError> {
    for range in pieces(rows.len()) {
        let rows = rows.get(range).unwrap_or_default();
        let query = bind_held(bind_finish(sqlx::query(AssertSqlSafe(history(rows.len()))), rows), rows);
        let done = query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        if done.rows_affected() == rows.len() as u64 {
            settled.extend(rows.iter().map(|row| row.attempt.delivery.uuid()));
        } else {
            settled.extend(still_held(tx, rows).await?);
        }
        let query = bind_held(sqlx::query(AssertSqlSafe(gone(rows.len()))), rows);
        query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
    }
    Ok(())
}

/// Which of them have not lost their lease.
async fn still_held(tx: &mut SqliteConnection, rows: &[&Settlement]) -> Result<Vec<Uuid>, StoreError> {
    let mut held = Vec::with_capacity(rows.len());
    for row in rows {
        let found: Option<Uuid> =
            sqlx::query_scalar("SELECT delivery_id FROM queue WHERE delivery_id = ? AND lease_token = ?")
                .bind(row.attempt.delivery.uuid())
                .bind(row.attempt.id.uuid())
                .fetch_optional(&mut *tx)
                .await
                .map_err(StoreError::during(DOING))?;
        held.extend(found);
    }
    Ok(held)
}

async fn put_back(tx: &mut SqliteConnection, row: &Settlement) -> Result<bool, StoreError> {
    let Verdict::Again { due_at, retries } = row.verdict else { return Ok(false) };
    let done = sqlx::query(
        "UPDATE queue SET state = 'pending', due_at = ?, retries = ?, attempts = attempts + 1, asked_by = NULL, \
         lease_token = NULL, leased_by = NULL, leased_at = NULL, leased_until = NULL \
         WHERE delivery_id = ? AND lease_token = ?",
    )
    .bind(due_at.as_micros())
    .bind(retries)
    .bind(row.attempt.delivery.uuid())
    .bind(row.attempt.id.uuid())
    .execute(tx)
    .await
    .map_err(StoreError::during(DOING))?;
    Ok(done.rows_affected() == 1)
}

/// What is ours is only inserted. A try whose lease was lost may already be on record as `interrupted`, and then that row
/// is told what really happened: a statement of its own, since one that may overwrite costs more.
async fn insert_attempts(
    tx: &mut SqliteConnection,
    tried: &[&Settlement],
    settled: &HashSet<Uuid>,
) -> Result<(), StoreError> {
    let (ours, lost): (Vec<&Settlement>, Vec<&Settlement>) =
        tried.iter().copied().partition(|row| settled.contains(&row.attempt.delivery.uuid()));
    for range in pieces(ours.len()) {
        let rows = ours.get(range).unwrap_or_default();
        insert(tx, rows, "DO NOTHING", |row| row.attempt.kind.as_str()).await?;
    }
    let told = "DO UPDATE SET kind = 'superseded', status = excluded.status, duration_us = excluded.duration_us, \
                request_headers = excluded.request_headers, response_headers = excluded.response_headers, \
                response_bytes = excluded.response_bytes, truncated = excluded.truncated, detail = excluded.detail, \
                sent_sha256 = excluded.sent_sha256, sent_bytes = excluded.sent_bytes \
                WHERE attempts.kind = 'interrupted'";
    for row in lost {
        insert(tx, &[row], told, |_| "superseded").await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut SqliteConnection,
    rows: &[&Settlement],
    on_conflict: &str,
    kind: impl Fn(&Settlement) -> &'static str,
) -> Result<(), StoreError> {
    let answered = answered(rows);
    let sql = attempts(rows.len(), answered.len(), on_conflict);
    let query = bind_attempts(sqlx::query(AssertSqlSafe(sql)), rows, &answered, kind);
    query.execute(tx).await.map_err(StoreError::during(DOING))?;
    Ok(())
}

/// Those with a body to be kept.
fn answered<'a>(rows: &[&'a Settlement]) -> Vec<&'a Settlement> {
    rows.iter().copied().filter(|row| !row.attempt.body.is_empty()).collect()
}

/// A lease token is unique, so two lists match pair by pair.
fn held(rows: usize) -> String {
    format!("delivery_id IN ({0}) AND lease_token IN ({0})", marks(rows))
}

fn history(rows: usize) -> String {
    format!(
        "INSERT OR FAIL INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, reason, \
         retries, attempts, body_bytes, finished_at) SELECT delivery_id, tenant_id, event_id, source_id, \
         connection_id, destination_id, ?, ?, retries, attempts + 1, body_bytes, ? FROM queue WHERE {}",
        held(rows)
    )
}

fn gone(rows: usize) -> String {
    format!("DELETE FROM queue WHERE {}", held(rows))
}

/// Heads, and bodies if there are any.
fn attempts(rows: usize, bodies: usize, on_conflict: &str) -> String {
    let mut sql = format!(
        "INSERT OR FAIL INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, \
         started_at, duration_us, dns_us, connect_us, first_byte_us, method, url, request_headers, kind, status, \
         response_headers, response_bytes, truncated, detail, next_attempt_at, sent_sha256, sent_bytes) VALUES {} \
         ON CONFLICT (id) {on_conflict}",
        placeholders(rows, 24)
    );
    if bodies > 0 {
        sql.push_str("; INSERT OR FAIL INTO attempt_bodies (attempt_id, body) VALUES ");
        sql.push_str(&placeholders(bodies, 2));
        sql.push_str(" ON CONFLICT (attempt_id) DO NOTHING");
    }
    sql
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind_finish<'q>(query: Query<'q>, rows: &[&'q Settlement]) -> Query<'q> {
    let first = rows.first();
    let (state, reason) = match first.map(|row| row.verdict) {
        Some(Verdict::Dead(reason)) => ("dead", Some(reason.as_str())),
        _ => ("delivered", None),
    };
    query.bind(state).bind(reason).bind(first.map(|row| row.settled_at.as_micros()))
}

fn bind_held<'q>(mut query: Query<'q>, rows: &[&'q Settlement]) -> Query<'q> {
    for row in rows {
        query = query.bind(row.attempt.delivery.uuid());
    }
    for row in rows {
        query = query.bind(row.attempt.id.uuid());
    }
    query
}

fn bind_attempts<'q>(
    mut query: Query<'q>,
    rows: &[&'q Settlement],
    answered: &[&'q Settlement],
    kind: impl Fn(&Settlement) -> &'static str,
) -> Query<'q> {
    for row in rows {
        query = bind_attempt(query, row, kind(row));
    }
    for row in answered {
        query = query.bind(row.attempt.id.uuid()).bind(row.attempt.body.as_ref());
    }
    query
}

fn bind_attempt<'q>(query: Query<'q>, row: &'q Settlement, kind: &'static str) -> Query<'q> {
    let attempt = &row.attempt;
    query
        .bind(attempt.id.uuid())
        .bind(attempt.tenant.uuid())
        .bind(attempt.delivery.uuid())
        .bind(attempt.destination.uuid())
        .bind(attempt.number)
        .bind(attempt.actor_kind.as_str())
        .bind(attempt.actor_id.as_str())
        .bind(attempt.started_at.as_micros())
        .bind(attempt.timings.total_us)
        .bind(attempt.timings.dns_us)
        .bind(attempt.timings.connect_us)
        .bind(attempt.timings.first_byte_us)
        .bind(attempt.method.as_str())
        .bind(attempt.url.as_str())
        .bind(attempt.request_headers.as_str())
        .bind(kind)
        .bind(attempt.status)
        .bind(attempt.response_headers.as_deref())
        .bind(i64::try_from(attempt.body.len()).unwrap_or(i64::MAX))
        .bind(attempt.truncated)
        .bind(attempt.detail.as_deref())
        .bind(row.next_attempt_at())
        .bind(attempt.sent_sha256())
        .bind(attempt.sent_bytes())
}
