//! What sources, destinations, connections and keys have in common as rows of a tenant.

use std::{marker::PhantomData, str::FromStr};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PrimaryKeyTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

use super::TenantStore;
use crate::{
    StoreError,
    column::Sealer,
    scope::{Owned, scoped},
};

/// The columns that every such table has, and how a value becomes a row and back.
pub trait Record: Sized + Send + Sync {
    type Table: Owned;
    type Row: ActiveModelTrait<Entity = Self::Table> + Send;
    type Id: Copy + FromStr + ToString + Send;

    /// In audit actions: `source` as in `source.created`.
    const NOUN: &'static str;
    /// What the audit trail calls its end.
    const ENDED: &'static str = "deleted";
    const ID: <Self::Table as EntityTrait>::Column;
    const ENDED_AT: <Self::Table as EntityTrait>::Column;
    const UPDATED_AT: Option<<Self::Table as EntityTrait>::Column>;
    const VERSION: <Self::Table as EntityTrait>::Column;

    fn uuid(id: Self::Id) -> Uuid;
    fn id(&self) -> Self::Id;

    /// # Errors
    /// When the row holds what we would not have written.
    fn read(row: <Self::Table as EntityTrait>::Model, sealer: &Sealer<'_>) -> Result<Self, StoreError>;

    /// The row of a new one, complete but for its version.
    ///
    /// # Errors
    /// When a secret cannot be sealed.
    fn row(&self, sealer: &Sealer<'_>) -> Result<Self::Row, StoreError>;

    /// Only the columns that differ, so that what the engine writes to the others stays.
    ///
    /// # Errors
    /// When a secret cannot be sealed.
    fn changes(&self, after: &Self, sealer: &Sealer<'_>) -> Result<Self::Row, StoreError>;

    /// For the audit trail; holds no secret.
    fn snapshot(&self) -> Value;

    /// What the audit trail calls a change from `self` to `after`.
    fn action(&self, after: &Self) -> &'static str;

    /// Secrets that differ, by name: the snapshot cannot show them.
    fn changed_secrets(&self, _after: &Self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// The rows of one kind that a tenant has.
#[derive(Debug)]
pub struct Records<'a, R> {
    pub(super) tenant: &'a TenantStore,
    kind: PhantomData<R>,
}

impl<'a, R> Records<'a, R> {
    pub(super) const fn of(tenant: &'a TenantStore) -> Self {
        Self { tenant, kind: PhantomData }
    }
}

impl<R: Record> Records<'_, R>
where
    <R::Table as EntityTrait>::Model: IntoActiveModel<R::Row>,
    <<R::Table as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType: From<Uuid>,
{
    /// The one with this id, unless it is deleted or somebody else's.
    ///
    /// # Errors
    /// When the database does not answer, or the row cannot be read.
    pub async fn find(&self, id: R::Id) -> Result<Option<R>, StoreError> {
        let row = scoped::<R::Table>(self.tenant.scope)
            .filter(R::ID.eq(R::uuid(id)))
            .filter(R::ENDED_AT.is_null())
            .one(&self.tenant.store.reader())
            .await
            .map_err(StoreError::orm("reading the configuration"))?;
        row.map(|row| R::read(row, &self.tenant.sealer())).transpose()
    }

    /// At most `limit`, oldest first, beginning behind `after`.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn list(&self, after: Option<R::Id>, limit: u64) -> Result<Vec<R>, StoreError> {
        let mut rows = scoped::<R::Table>(self.tenant.scope).filter(R::ENDED_AT.is_null());
        if let Some(after) = after {
            rows = rows.filter(R::ID.gt(R::uuid(after)));
        }
        let rows = rows
            .order_by_asc(R::ID)
            .limit(limit)
            .all(&self.tenant.store.reader())
            .await
            .map_err(StoreError::orm("listing the configuration"))?;
        let sealer = self.tenant.sealer();
        rows.into_iter().map(|row| R::read(row, &sealer)).collect()
    }
}
