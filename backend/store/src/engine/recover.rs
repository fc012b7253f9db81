//! Voids leases whose holder is gone: the delivery is due again at once, and the try that may have left is on record.
//!
//! Not those of who pulls: they are held in nobody's name, because no process of ours has to live for them ([`crate::pull`]).

use postern_domain::Timestamp;
use sea_orm::sqlx::{self, PgPool, Row, SqlitePool};
use uuid::Uuid;

use crate::{StoreError, engine::sqlite::IMMEDIATE, open::Pools, open::Store};

/// So many leases are voided in one transaction.
const BATCH: i64 = 500;
const DOING: &str = "voiding the leases of a stopped process";

/// Whose leases are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// All but those of this instance: what a starting SQLite server finds was its predecessor's.
    AllBut(Uuid),
    /// Those of an instance whose heartbeat stopped.
    Of(Uuid),
    /// Those that ran out, whichever process holds them: the last resort.
    Expired,
}

const RECOVER: &str = "
WITH lost AS (
    SELECT delivery_id, tenant_id, destination_id, attempts, lease_token, leased_at FROM queue
    WHERE state = 'leased' AND leased_by <> '00000000-0000-0000-0000-000000000000' AND CASE $1 WHEN 'of' THEN leased_by = $2 WHEN 'all_but' THEN leased_by <> $2
        ELSE leased_until < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint END
    LIMIT $3 FOR UPDATE SKIP LOCKED),
tries AS (
    INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at,
        duration_us, method, url, request_headers, kind, response_bytes, truncated, detail, next_attempt_at)
    SELECT lease_token, tenant_id, delivery_id, destination_id, attempts + 1, 'engine', '', leased_at, 0, 'POST',
        coalesce((SELECT url FROM destinations WHERE destinations.id = lost.destination_id), 'bin'), '{}', 'interrupted',
        0, false, 'the process ended while the request was under way; it may have left', $4 FROM lost
    ON CONFLICT (id) DO NOTHING)
UPDATE queue SET state = 'pending', due_at = $4, attempts = attempts + 1, lease_token = NULL, leased_by = NULL,
    leased_at = NULL, leased_until = NULL
WHERE delivery_id = ANY (ARRAY(SELECT delivery_id FROM lost))";

impl Store {
    /// Makes lost leases due at `now`, each with an `interrupted` attempt. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer; what was voided until then stays so.
    pub async fn recover(&self, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let some = match &self.inner.pools {
                Pools::Postgres { engine, .. } => recover_postgres(engine, lost, now).await?,
                Pools::Sqlite { writer, .. } => recover_sqlite(writer, lost, now).await?,
            };
            total += some;
            if some < BATCH.unsigned_abs() {
                return Ok(total);
            }
        }
    }
}

impl Lost {
    /// In the words of a statement, and the instance it is about.
    pub(crate) const fn terms(self) -> (&'static str, Uuid) {
        match self {
            Self::AllBut(instance) => ("all_but", instance),
            Self::Of(instance) => ("of", instance),
            Self::Expired => ("expired", Uuid::nil()),
        }
    }
}

async fn recover_postgres(pool: &PgPool, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
    let (which, instance) = lost.terms();
    let done = sqlx::query(RECOVER)
        .bind(which)
        .bind(instance)
        .bind(BATCH)
        .bind(now.as_micros())
        .execute(pool)
        .await
        .map_err(StoreError::during(DOING))?;
    Ok(done.rows_affected())
}

async fn recover_sqlite(writer: &SqlitePool, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
    let (which, instance) = lost.terms();
    let mut tx = writer.begin_with(IMMEDIATE).await.map_err(StoreError::during(DOING))?;
    let rows = sqlx::query(
        "SELECT delivery_id, lease_token FROM queue WHERE state = 'leased' \
         AND leased_by <> x'00000000000000000000000000000000' AND CASE ?1 WHEN 'of' THEN leased_by = ?2 WHEN 'all_but' THEN leased_by <> ?2 ELSE leased_until < ?4 END LIMIT ?3",
    )
    .bind(which)
    .bind(instance)
    .bind(BATCH)
    .bind(now.as_micros())
    .fetch_all(&mut *tx)
    .await
    .map_err(StoreError::during(DOING))?;
    for row in &rows {
        let delivery: Uuid = row.try_get(0).map_err(StoreError::during(DOING))?;
        sqlx::query(
            "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at, \
             duration_us, method, url, request_headers, kind, response_bytes, truncated, detail, next_attempt_at) \
             SELECT lease_token, tenant_id, delivery_id, destination_id, attempts + 1, 'engine', '', leased_at, 0, \
             'POST', coalesce((SELECT url FROM destinations WHERE destinations.id = destination_id), 'bin'), '{}', \
             'interrupted', 0, false, 'the process ended while the request was under way; it may have left', ?2 \
             FROM queue WHERE delivery_id = ?1 ON CONFLICT (id) DO NOTHING",
        )
        .bind(delivery)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StoreError::during(DOING))?;
        sqlx::query(
            "UPDATE queue SET state = 'pending', due_at = ?2, attempts = attempts + 1, lease_token = NULL, \
             leased_by = NULL, leased_at = NULL, leased_until = NULL WHERE delivery_id = ?1",
        )
        .bind(delivery)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StoreError::during(DOING))?;
    }
    tx.commit().await.map_err(StoreError::during(DOING))?;
    Ok(u64::try_from(rows.len()).unwrap_or(0))
}
