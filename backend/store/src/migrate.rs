//! Brings the schema up to date: one process at a time, each step whole or not at all.

use postern_migrations::{Migrator, MigratorTrait};
use sea_orm::{
    SqlxPostgresConnector,
    sqlx::{self, postgres::PgPoolOptions},
};

use crate::{
    StoreError,
    open::{Pools, Store},
};

/// The key of the advisory lock: "postern" in ASCII.
const LOCK_KEY: i64 = 0x70_6f73_7465_726e;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    pub name: String,
    pub applied: bool,
}

impl Store {
    /// Applies what is missing. Replicas that start together wait for each other.
    ///
    /// # Errors
    /// When the database does not answer, or its schema is newer than this binary.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.inner.pools {
            // SQLite: one writer at a time; each step is an immediate transaction, so a second process waits for it
            // and then finds it applied.
            Pools::Sqlite { .. } => Migrator::up(&self.writer(), None).await.map_err(StoreError::orm("migrating")),
            Pools::Postgres { web, .. } => self.migrate_postgres(web).await,
        }
    }

    async fn migrate_postgres(&self, web: &sqlx::PgPool) -> Result<(), StoreError> {
        // One connection holds the lock and does the work: when it breaks, the lock is gone with it.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with((*web.connect_options()).clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]))
            .await
            .map_err(StoreError::during("connecting to migrate"))?;
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(LOCK_KEY)
            .execute(&pool)
            .await
            .map_err(StoreError::during("waiting for another migration"))?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
        let outcome = Migrator::up(&connection, None).await.map_err(StoreError::orm("migrating"));
        pool.close().await;
        outcome
    }

    /// Every known step and whether it is applied; fails when the database has one that this binary does not know.
    ///
    /// # Errors
    /// When the database does not answer, or its schema is newer than this binary.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, StoreError> {
        let reader = self.reader();
        let applied =
            Migrator::get_applied_migrations(&reader).await.map_err(StoreError::orm("reading the migrations"))?;
        let applied: Vec<String> = applied.iter().map(|step| step.name().to_owned()).collect();
        Ok(Migrator::migrations()
            .iter()
            .map(|step| MigrationState {
                name: step.name().to_owned(),
                applied: applied.iter().any(|name| name == step.name()),
            })
            .collect())
    }
}
