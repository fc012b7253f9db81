//! Who is at work. A heartbeat is written by the database's clock, and death is judged by it, so that the clocks of
//! replicas need not agree.

use sea_orm::sqlx;
use uuid::Uuid;

use crate::{StoreError, open::Pools, open::Store};

const NOW_POSTGRES: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const DOING: &str = "writing a heartbeat";

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// False: the others took this instance for dead and voided its leases; it must enter anew.
    pub known: bool,
    /// How many are alive, this one included.
    pub live: u32,
    /// The database's clock in microseconds.
    pub database_now: i64,
}

impl Store {
    /// Enters this process among those at work. On SQLite there is only ever one, and nothing is written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn enter(&self, instance: Uuid) -> Result<(), StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else { return Ok(()) };
        let sql =
            format!("INSERT INTO instances (id, started_at, beat_at) VALUES ($1, {NOW_POSTGRES}, {NOW_POSTGRES})");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(instance)
            .execute(engine)
            .await
            .map_err(StoreError::during(DOING))?;
        Ok(())
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn beat(&self, instance: Uuid, dead_after_ms: i64) -> Result<Beat, StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else {
            return Ok(Beat { known: true, live: 1, database_now: self.clock().now().as_micros() });
        };
        let sql = format!(
            "WITH beat AS (UPDATE instances SET beat_at = {NOW_POSTGRES} WHERE id = $1 AND beat_at > 0 RETURNING id) \
             SELECT EXISTS (SELECT 1 FROM beat), \
             (SELECT count(*) FROM instances WHERE id = $1 OR beat_at >= {NOW_POSTGRES} - $2 * 1000), {NOW_POSTGRES}"
        );
        let (known, live, database_now): (bool, i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(instance)
            .bind(dead_after_ms)
            .fetch_one(engine)
            .await
            .map_err(StoreError::during(DOING))?;
        Ok(Beat { known, live: u32::try_from(live).unwrap_or(1).max(1), database_now })
    }

    /// Instances whose heartbeat stopped `dead_after_ms` ago.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn dead_instances(&self, dead_after_ms: i64) -> Result<Vec<Uuid>, StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else { return Ok(Vec::new()) };
        let sql = format!("SELECT id FROM instances WHERE beat_at < {NOW_POSTGRES} - $1 * 1000 LIMIT 100");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(dead_after_ms)
            .fetch_all(engine)
            .await
            .map_err(StoreError::during("looking for stopped replicas"))
    }

    /// Declares an instance dead if its heartbeat is still stopped: from then on it cannot beat again, so its leases can
    /// be voided without it making new ones. False when it came back in time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn declare_dead(&self, instance: Uuid, dead_after_ms: i64) -> Result<bool, StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else { return Ok(false) };
        let sql = format!("UPDATE instances SET beat_at = 0 WHERE id = $1 AND beat_at < {NOW_POSTGRES} - $2 * 1000");
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(instance)
            .bind(dead_after_ms)
            .execute(engine)
            .await
            .map_err(StoreError::during("declaring a replica dead"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes an instance off the list: it left, or it was declared dead and its leases are void. While it still holds
    /// one, of a delivery, a source or a call, it stays listed, and the next look voids that too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn strike_off(&self, instance: Uuid) -> Result<(), StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else { return Ok(()) };
        sqlx::query(
            "DELETE FROM instances WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM queue WHERE leased_by = $1) \
                     AND NOT EXISTS (SELECT 1 FROM poll_states WHERE leased_by = $1 AND lease_token IS NOT NULL) \
                     AND NOT EXISTS (SELECT 1 FROM calls WHERE leased_by = $1 AND lease_token IS NOT NULL)",
        )
        .bind(instance)
        .execute(engine)
        .await
        .map_err(StoreError::during("striking off a replica"))?;
        Ok(())
    }
}
