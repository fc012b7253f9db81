//! How much waits: bounded looks at the queue, for metrics.

use sea_orm::sqlx;

use crate::{StoreError, open::Pools, open::Store};

/// Counting stops here: a metric must not scan a million rows.
const COUNTED: i64 = 100_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Pending and leased, counted up to [`COUNTED`].
    pub unsettled: i64,
}

impl Store {
    /// # Errors
    /// When the database does not answer.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT 1 AS one FROM queue LIMIT $1) AS counted";
        let unsettled = match &self.inner.pools {
            Pools::Postgres { web, .. } => sqlx::query_scalar(sql).bind(COUNTED).fetch_one(web).await,
            Pools::Sqlite { readers, .. } => sqlx::query_scalar(sql).bind(COUNTED).fetch_one(readers).await,
        }
        .map_err(StoreError::during("counting the backlog"))?;
        Ok(Backlog { unsettled })
    }

    /// Answers when the database does, and whether its schema is complete.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => sqlx::query("SELECT 1").execute(engine).await.map(|_| ()),
            Pools::Sqlite { readers, .. } => sqlx::query("SELECT 1").execute(readers).await.map(|_| ()),
        }
        .map_err(StoreError::during("asking the database for a sign of life"))
    }

    /// The database's clock; ours on SQLite, which has no other.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn database_now(&self) -> Result<postern_domain::Timestamp, StoreError> {
        let Pools::Postgres { engine, .. } = &self.inner.pools else { return Ok(self.clock().now()) };
        let micros: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            .fetch_one(engine)
            .await
            .map_err(StoreError::during("reading the database's clock"))?;
        Ok(postern_domain::Timestamp::from_micros(micros))
    }
}
