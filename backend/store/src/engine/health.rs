//! What the engine writes about configuration on its own: a destination that is gone, one that began to fail, a key that was used.

use postern_domain::{Actor, ApiKeyId, ConnectionId, DestinationId, TenantScope, Timestamp};
use sea_orm::sqlx;

use crate::{
    StoreError,
    open::{Pools, Store},
    tenant::{Destination, DestinationState},
};

impl Store {
    /// Holds a destination, with an audit entry by the engine. One that is not active stays as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_destination(
        &self,
        scope: TenantScope,
        id: DestinationId,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.tenant(scope).begin(&Actor::engine()).await?;
        let Some(before) = tx.find::<Destination>(id).await? else { return Ok(()) };
        if before.state == DestinationState::Active {
            let after =
                Destination { state: DestinationState::Held, state_reason: Some(reason.to_owned()), ..before.clone() };
            tx.update(&before, &after).await?;
        }
        tx.commit().await
    }

    /// Notes since when a destination fails, or that it no longer does. No version is raised: nothing is routed by it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_failing(&self, id: DestinationId, since: Option<Timestamp>) -> Result<(), StoreError> {
        let sql = "UPDATE destinations SET failing_since = $1 WHERE id = $2";
        let since = since.map(Timestamp::as_micros);
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                sqlx::query(sql).bind(since).bind(id.uuid()).execute(engine).await.map(|_| ())
            }
            Pools::Sqlite { writer, .. } => {
                sqlx::query(sql).bind(since).bind(id.uuid()).execute(writer).await.map(|_| ())
            }
        }
        .map_err(StoreError::during("noting the health of a destination"))
    }

    /// Notes that a key was used. No version is raised: it opens what it opened before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_key_used(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)";
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                sqlx::query(sql).bind(at.as_micros()).bind(id.uuid()).execute(engine).await.map(|_| ())
            }
            Pools::Sqlite { writer, .. } => {
                sqlx::query(sql).bind(at.as_micros()).bind(id.uuid()).execute(writer).await.map(|_| ())
            }
        }
        .map_err(StoreError::during("noting the use of a key"))
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn connection_is_deleted(&self, id: ConnectionId) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM connections WHERE id = $1 AND deleted_at IS NULL";
        let living: i64 = match &self.inner.pools {
            Pools::Postgres { engine, .. } => sqlx::query_scalar(sql).bind(id.uuid()).fetch_one(engine).await,
            Pools::Sqlite { readers, .. } => sqlx::query_scalar(sql).bind(id.uuid()).fetch_one(readers).await,
        }
        .map_err(StoreError::during("looking at a connection"))?;
        Ok(living == 0)
    }
}
