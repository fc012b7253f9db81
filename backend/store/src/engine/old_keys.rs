//! Dedup keys whose window is over, deleted.
//!
//! They are found by walking over all keys, a stretch at a time: an index by expiry would cost every accepted event
//! more than a walk each hour costs.

use postern_domain::Timestamp;
use sea_orm::sqlx::{self, AssertSqlSafe};
use uuid::Uuid;

use super::pieces::placeholders;
use crate::{StoreError, open::Pools, open::Store};

const DOING: &str = "expiring dedup keys";
const STRETCH: usize = 1_000;

type Key = (Uuid, Vec<u8>);

impl Store {
    /// Deletes dedup keys whose window is over, in batches. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_keys(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut after: Key = (Uuid::nil(), Vec::new());
        let mut total = 0;
        loop {
            let mut keys = self.keys_after(&after).await?;
            let at_end = keys.len() < STRETCH;
            if let Some((source, hash, _)) = keys.last() {
                after = (*source, hash.clone());
            }
            keys.retain(|(_, _, expires_at)| *expires_at <= now.as_micros());
            if !keys.is_empty() {
                total += self.delete_keys(keys, now).await?;
            }
            if at_end {
                return Ok(total);
            }
        }
    }

    async fn keys_after(&self, (source, hash): &Key) -> Result<Vec<(Uuid, Vec<u8>, i64)>, StoreError> {
        let sql = "SELECT source_id, key_hash, expires_at FROM dedup_keys WHERE (source_id, key_hash) > ($1, $2) \
                   ORDER BY source_id, key_hash LIMIT $3";
        let limit = i64::try_from(STRETCH).unwrap_or(i64::MAX);
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                sqlx::query_as(sql).bind(source).bind(hash).bind(limit).fetch_all(engine).await
            }
            Pools::Sqlite { readers, .. } => {
                sqlx::query_as(sql).bind(source).bind(hash).bind(limit).fetch_all(readers).await
            }
        }
        .map_err(StoreError::during(DOING))
    }

    /// A key that was taken again since it was looked at stays.
    async fn delete_keys(&self, keys: Vec<(Uuid, Vec<u8>, i64)>, now: Timestamp) -> Result<u64, StoreError> {
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                let (sources, hashes): (Vec<Uuid>, Vec<Vec<u8>>) =
                    keys.into_iter().map(|(source, hash, _)| (source, hash)).unzip();
                let sql = "DELETE FROM dedup_keys USING unnest($1::uuid[], $2::bytea[]) AS old (source_id, key_hash) \
                           WHERE dedup_keys.source_id = old.source_id AND dedup_keys.key_hash = old.key_hash \
                           AND expires_at <= $3";
                let query = sqlx::query(sql).bind(sources).bind(hashes).bind(now.as_micros());
                query.execute(engine).await.map(|done| done.rows_affected())
            }
            Pools::Sqlite { writer, .. } => {
                let sql = format!(
                    "DELETE FROM dedup_keys WHERE (source_id, key_hash) IN (VALUES {}) AND expires_at <= ?",
                    placeholders(keys.len(), 2)
                );
                let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
                for (source, hash, _) in keys {
                    query = query.bind(source).bind(hash);
                }
                query.bind(now.as_micros()).execute(writer).await.map(|done| done.rows_affected())
            }
        }
        .map_err(StoreError::during(DOING))
    }
}
