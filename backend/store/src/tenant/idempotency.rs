//! Changes that carry an Idempotency-Key: the key and the answer are written with the change itself, so that a change
//! that was made is always known to have been made.

use postern_domain::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::TenantTx;
use crate::{
    Store, StoreError,
    entity::idempotency_key::{ActiveModel, Column, Entity},
    scope::{scoped, scoped_update},
};

const DOING: &str = "looking at an Idempotency-Key";
/// A key can be used anew after so long.
const KEPT_S: i64 = 24 * 3600;

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Ours now: make the change, then [`TenantTx::answer_idempotency`].
    Fresh,
    /// The change was made before; this was the answer, without its secrets.
    Replay { status: u16, body: String },
    /// The key belongs to another request.
    Mismatch,
}

impl TenantTx {
    /// Takes the key, waiting for whoever is using it right now. To be called before any other change.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim_idempotency(&mut self, key: [u8; 32], fingerprint: [u8; 32]) -> Result<Claim, StoreError> {
        let row = ActiveModel {
            tenant_id: Set(self.scope.tenant_id().uuid()),
            key_hash: Set(key.to_vec()),
            fingerprint: Set(fingerprint.to_vec()),
            status: Set(0),
            body: Set(String::new()),
            created_at: Set(self.at.as_micros()),
        };
        let take_over_expired = OnConflict::columns([Column::TenantId, Column::KeyHash])
            .update_columns([Column::Fingerprint, Column::Status, Column::Body, Column::CreatedAt])
            .action_and_where(Expr::col((Entity, Column::CreatedAt)).lt(oldest_kept(self.at)))
            .to_owned();
        let written = Entity::insert(row)
            .on_conflict(take_over_expired)
            .exec_without_returning(&self.tx)
            .await
            .map_err(StoreError::orm(DOING))?;
        if written > 0 {
            self.claimed = Some(key);
            return Ok(Claim::Fresh);
        }
        let known = scoped::<Entity>(self.scope)
            .filter(Column::KeyHash.eq(key.to_vec()))
            .one(&self.tx)
            .await
            .map_err(StoreError::orm(DOING))?;
        let known = known.ok_or_else(|| StoreError::inconsistent("idempotency_keys", "a key that comes and goes"))?;
        if known.fingerprint != fingerprint {
            return Ok(Claim::Mismatch);
        }
        let status =
            u16::try_from(known.status).map_err(|cause| StoreError::inconsistent("idempotency_keys", cause))?;
        Ok(Claim::Replay { status, body: known.body })
    }

    /// Keeps the answer for the key that was claimed. It must hold no secret.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn answer_idempotency(&mut self, status: u16, body: &str) -> Result<(), StoreError> {
        let Some(key) = self.claimed else { return Ok(()) };
        scoped_update::<Entity>(self.scope)
            .col_expr(Column::Status, Expr::value(i32::from(status)))
            .col_expr(Column::Body, Expr::value(body))
            .filter(Column::KeyHash.eq(key.to_vec()))
            .exec(&self.tx)
            .await
            .map_err(StoreError::orm("keeping the answer to an Idempotency-Key"))?;
        Ok(())
    }
}

impl Store {
    /// Forgets keys that are too old to be replayed, of all tenants. Answers how many there were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_idempotency_keys(&self, now: Timestamp) -> Result<u64, StoreError> {
        let done = Entity::delete_many()
            .filter(Column::CreatedAt.lt(oldest_kept(now)))
            .exec(&self.writer())
            .await
            .map_err(StoreError::orm("forgetting old Idempotency-Keys"))?;
        Ok(done.rows_affected)
    }
}

fn oldest_kept(now: Timestamp) -> i64 {
    now.plus_secs(-KEPT_S).as_micros()
}
