//! Days of PostgreSQL: partitions opened ahead and dropped behind. On SQLite, rows deleted in small batches.

use postern_domain::{Timestamp, id::first_uuid_at};
use postern_migrations::DAILY_TABLES;
use sea_orm::sqlx::{self, AssertSqlSafe, PgPool, SqlitePool};
use uuid::Uuid;

use crate::{StoreError, open::Pools, open::Store};

const DAY_MS: i64 = 86_400_000;
/// Days that are open ahead after the job ran.
const OPEN_AHEAD: i64 = 7;
/// A day is only written to, and dropped as a whole: a vacuum for the sake of what was inserted would write it all once
/// more while the day is busiest. Statistics are still taken, and old transactions still frozen.
const STORAGE: &str = "WITH (autovacuum_vacuum_insert_threshold = -1)";
/// SQLSTATE: rows of the default partition belong to the new one.
const CHECK_VIOLATION: &str = "23514";
/// Rows that go in one transaction on SQLite, where every writer waits for it.
const SQLITE_BATCH: i64 = 500;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bodies of events and of responses.
    pub payload_days: u32,
    /// Everything else that grows: events, deliveries, attempts, requests.
    pub metadata_days: u32,
}

impl Retention {
    /// What is older than this is dropped, or about to be: the start of a day.
    pub(crate) fn oldest_kept(self, now: Timestamp) -> Timestamp {
        day_start(day_number(now) - i64::from(self.metadata_days))
    }

    /// The same for payloads.
    pub(crate) fn oldest_payload(self, now: Timestamp) -> Timestamp {
        day_start(day_number(now) - i64::from(self.payload_days))
    }

    fn days(self, table: &str) -> i64 {
        i64::from(if table.ends_with("_bodies") { self.payload_days } else { self.metadata_days })
    }
}

fn day_number(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

fn day_start(day: i64) -> Timestamp {
    Timestamp::from_micros(day.saturating_mul(DAY_MS).saturating_mul(1_000))
}

fn partition_name(table: &str, day: i64) -> String {
    // The date is for people; it is also parsed back, so it is the ISO form without dashes.
    let date = day_start(day).to_string();
    format!("{table}_p{}", date.get(..10).unwrap_or_default().replace('-', ""))
}

impl Store {
    /// Opens the partitions of yesterday, today and the days ahead. A no-op on SQLite.
    ///
    /// # Errors
    /// When the database does not answer. Partitions are opened one by one, so the next call goes on where this ended.
    pub async fn open_partitions(&self, now: Timestamp) -> Result<(), StoreError> {
        let Pools::Postgres { web, .. } = &self.inner.pools else { return Ok(()) };
        let today = day_number(now);
        for day in today - 1..=today + OPEN_AHEAD {
            for table in DAILY_TABLES {
                open_partition(web, table, day).await?;
            }
        }
        Ok(())
    }

    /// How many whole days after today have a partition in every table. Large on SQLite, which needs none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn days_open_ahead(&self, now: Timestamp) -> Result<i64, StoreError> {
        let Pools::Postgres { web, .. } = &self.inner.pools else { return Ok(OPEN_AHEAD) };
        let today = day_number(now);
        let mut ahead = 0;
        while ahead < OPEN_AHEAD {
            for (table, _) in DAILY_TABLES {
                if !exists(web, &partition_name(table, today + ahead + 1)).await? {
                    return Ok(ahead);
                }
            }
            ahead += 1;
        }
        Ok(ahead)
    }

    /// Drops what is past its retention. Deliveries that are still unsettled then must have been ended before
    /// (see [`Store::expire_unsettled`]). Answers how many partitions or rows went.
    ///
    /// # Errors
    /// When the database does not answer; what went is gone, the next call goes on.
    pub async fn drop_expired(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        match &self.inner.pools {
            Pools::Postgres { web, .. } => drop_partitions(web, now, retention).await,
            Pools::Sqlite { writer, .. } => delete_rows(writer, now, retention).await,
        }
    }

    /// Ends deliveries that outlived their event: `dead`, reason `expired`, in batches. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer; what ended until then stays so.
    pub async fn expire_unsettled(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        let days = i64::from(retention.payload_days.min(retention.metadata_days));
        let before = first_uuid_at(day_start(day_number(now) - days));
        self.end_unsettled("event_id < $1", before, ("dead", Some("expired")), now).await
    }

    /// Cancels what waits on a connection that was deleted. Answers how many.
    ///
    /// # Errors
    /// As [`Store::expire_unsettled`].
    pub async fn cancel_deleted(
        &self,
        connection: postern_domain::ConnectionId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.end_unsettled("connection_id = $1", connection.uuid(), ("cancelled", Some("connection_deleted")), now)
            .await
    }

    async fn end_unsettled(
        &self,
        which: &'static str,
        bound: Uuid,
        (state, reason): (&'static str, Option<&'static str>),
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let doing = "ending deliveries";
        let chosen = format!(
            "delivery_id IN (SELECT delivery_id FROM queue WHERE state = 'pending' AND {which} LIMIT {SQLITE_BATCH})"
        );
        let keep = "INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, reason, \
             retries, attempts, body_bytes, finished_at) SELECT delivery_id, tenant_id, event_id, source_id, \
             connection_id, destination_id, $2, $3, retries, attempts, body_bytes, $4 FROM gone";
        let mut total = 0;
        loop {
            let some = match &self.inner.pools {
                Pools::Postgres { web, .. } => {
                    let sql = format!("WITH gone AS (DELETE FROM queue WHERE {chosen} RETURNING *) {keep}");
                    let query =
                        sqlx::query(AssertSqlSafe(sql)).bind(bound).bind(state).bind(reason).bind(now.as_micros());
                    query.execute(web).await.map_err(StoreError::during(doing))?.rows_affected()
                }
                Pools::Sqlite { writer, .. } => {
                    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::during(doing))?;
                    let sql = format!("WITH gone AS (SELECT * FROM queue WHERE {chosen}) {keep}");
                    let query =
                        sqlx::query(AssertSqlSafe(sql)).bind(bound).bind(state).bind(reason).bind(now.as_micros());
                    let some = query.execute(&mut *tx).await.map_err(StoreError::during(doing))?.rows_affected();
                    let sql = format!("DELETE FROM queue WHERE {chosen}");
                    sqlx::query(AssertSqlSafe(sql))
                        .bind(bound)
                        .execute(&mut *tx)
                        .await
                        .map_err(StoreError::during(doing))?;
                    tx.commit().await.map_err(StoreError::during(doing))?;
                    some
                }
            };
            total += some;
            if some < SQLITE_BATCH.unsigned_abs() {
                return Ok(total);
            }
        }
    }
}

async fn exists(pool: &PgPool, name: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(name)
        .fetch_one(pool)
        .await
        .map_err(StoreError::during("looking at partitions"))
}

async fn open_partition(pool: &PgPool, (table, key): (&str, &str), day: i64) -> Result<(), StoreError> {
    let name = partition_name(table, day);
    if exists(pool, &name).await? {
        return Ok(());
    }
    let (from, to) = (first_uuid_at(day_start(day)), first_uuid_at(day_start(day + 1)));
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}') {STORAGE}"
    );
    match sqlx::query(AssertSqlSafe(sql)).execute(pool).await {
        Ok(_) => Ok(()),
        // Another replica was first.
        Err(_) if exists(pool, &name).await? => Ok(()),
        // The day was not open when its first rows came, and the default partition caught them.
        Err(sqlx::Error::Database(cause)) if cause.code().as_deref() == Some(CHECK_VIOLATION) => {
            open_late(pool, (table, key), &name, (from, to)).await
        }
        Err(cause) => Err(StoreError::during("opening a partition")(cause)),
    }
}

/// Moves what the default partition caught into the day it belongs to.
async fn open_late(
    pool: &PgPool,
    (table, key): (&str, &str),
    name: &str,
    (from, to): (Uuid, Uuid),
) -> Result<(), StoreError> {
    let doing = "opening a partition late";
    let mut tx = pool.begin().await.map_err(StoreError::during(doing))?;
    for sql in [
        format!("LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"),
        format!(
            "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) {STORAGE}"
        ),
        format!(
            "WITH moved AS (DELETE FROM {table}_default WHERE {key} >= '{from}' AND {key} < '{to}' RETURNING *) \
             INSERT INTO {name} SELECT * FROM moved"
        ),
        format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}')"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.map_err(StoreError::during(doing))?;
    }
    tx.commit().await.map_err(StoreError::during(doing))
}

async fn drop_partitions(pool: &PgPool, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
    let doing = "dropping partitions";
    let mut dropped = 0;
    for (table, _) in DAILY_TABLES {
        let oldest_kept = partition_name(table, day_number(now) - retention.days(table));
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass($1) ORDER BY 1",
        )
        .bind(table)
        .fetch_all(pool)
        .await
        .map_err(StoreError::during(doing))?;
        let prefix = format!("{table}_p");
        for name in names.iter().filter(|name| name.starts_with(&prefix) && **name < oldest_kept) {
            sqlx::query(AssertSqlSafe(format!("DROP TABLE IF EXISTS {name}")))
                .execute(pool)
                .await
                .map_err(StoreError::during(doing))?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

async fn delete_rows(writer: &SqlitePool, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
    let mut total = 0;
    for (table, key) in DAILY_TABLES {
        let before = first_uuid_at(day_start(day_number(now) - retention.days(table)));
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {key} < ? ORDER BY {key} LIMIT ?)"
        );
        loop {
            let some = sqlx::query(AssertSqlSafe(sql.clone()))
                .bind(before)
                .bind(SQLITE_BATCH)
                .execute(writer)
                .await
                .map_err(StoreError::during("deleting what is past its retention"))?
                .rows_affected();
            total += some;
            if some < SQLITE_BATCH.unsigned_abs() {
                break;
            }
        }
    }
    Ok(total)
}
