//! Adds an entry to a tenant's chain, in the transaction of the change that it tells of.

use postern_domain::{Actor, AuditId, TenantId, TenantScope, Timestamp};
use postern_seal::Keyring;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, Statement,
    Value as Parameter,
};
use serde_json::Value;

use super::mac;
use crate::{
    StoreError,
    column::to_json,
    entity::audit_entry::{Column, Entity, Model},
    scope::scoped,
};

const DOING: &str = "writing an audit entry";

/// One thing that somebody did.
pub(crate) struct Change<'a> {
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a Actor,
    pub(crate) action: &'a str,
    pub(crate) target: &'a str,
    /// Without secrets.
    pub(crate) data: &'a Value,
}

/// A new tenant's chain, before its first entry.
pub(crate) async fn begin_chain(tx: &DatabaseTransaction, tenant: TenantId) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_heads (tenant_id, seq, mac) VALUES ($1, 0, $2)";
    execute(tx, sql, [Parameter::from(tenant.uuid()), Parameter::from(Vec::<u8>::new())]).await
}

/// Waits for other writers to this chain, then adds to it.
pub(crate) async fn append(
    tx: &DatabaseTransaction,
    keyring: &Keyring,
    scope: TenantScope,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    let seq = take_place(tx, scope).await?;
    let before =
        scoped::<Entity>(scope).filter(Column::Seq.eq(seq - 1)).one(tx).await.map_err(StoreError::orm(DOING))?;
    let mut entry = Model {
        tenant_id: scope.tenant_id().uuid(),
        seq,
        id: AuditId::fresh().uuid(),
        at: change.at.as_micros(),
        actor_kind: change.actor.kind.as_str().to_owned(),
        actor_id: change.actor.id.clone(),
        remote: change.actor.remote.map_or_else(String::new, |address| address.to_string()),
        action: change.action.to_owned(),
        target: change.target.to_owned(),
        data: to_json(change.data),
        key_id: keyring.active_key_id().to_owned(),
        // When the entry before is gone, work goes on; the check will name the gap.
        prev: before.map_or_else(Vec::new, |entry| entry.mac),
        mac: Vec::new(),
    };
    let no_key = || StoreError::inconsistent("audit_entries", "no active key");
    entry.mac = mac::of_entry(keyring, &entry).ok_or_else(no_key)?.to_vec();
    let head = mac::of_head(keyring, &entry.key_id, scope.tenant_id(), (seq, &entry.mac)).ok_or_else(no_key)?;
    // Every column has its value: `reset_all` makes them all part of the statement.
    let row = sea_orm::ActiveModelTrait::reset_all(entry.into_active_model());
    Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::orm(DOING))?;
    let sql = "UPDATE audit_heads SET mac = $1 WHERE tenant_id = $2";
    execute(tx, sql, [Parameter::from(head.to_vec()), Parameter::from(scope.tenant_id().uuid())]).await
}

/// The number of the next entry. From here on other writers to this chain wait.
async fn take_place(tx: &DatabaseTransaction, scope: TenantScope) -> Result<i64, StoreError> {
    let sql = "UPDATE audit_heads SET seq = seq + 1 WHERE tenant_id = $1 RETURNING seq";
    let tenant = [Parameter::from(scope.tenant_id().uuid())];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, tenant);
    let row = tx.query_one_raw(statement).await.map_err(StoreError::orm(DOING))?;
    let row = row.ok_or_else(|| StoreError::inconsistent("audit_heads", "a tenant without a chain"))?;
    row.try_get("", "seq").map_err(StoreError::orm(DOING))
}

async fn execute<const N: usize>(
    tx: &DatabaseTransaction,
    sql: &str,
    values: [Parameter; N],
) -> Result<(), StoreError> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    tx.execute_raw(statement).await.map(|_| ()).map_err(StoreError::orm(DOING))
}
