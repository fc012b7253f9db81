//! Reading the audit trail of a tenant.

use postern_domain::{AuditId, Timestamp};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use super::TenantStore;
use crate::{
    StoreError,
    column::from_json,
    entity::audit_entry::{Column, Entity, Model},
    scope::scoped,
};

/// Who did what, when, from where.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: AuditId,
    /// Its place in the chain, from 1, without gaps.
    pub seq: i64,
    pub at: Timestamp,
    /// `engine`, `user`, `api_key` or `operator`.
    pub actor_kind: String,
    /// Empty for the engine and the operator.
    pub actor_id: String,
    /// The client's address; empty when there was none.
    pub remote: String,
    pub action: String,
    pub target: String,
    /// `before`, `after`, `changed`: without secrets.
    pub data: Value,
}

/// What to look for; everything given must fit.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// An actor's id, or a kind of actor.
    pub actor: Option<String>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub from: Option<Timestamp>,
    /// Not included.
    pub to: Option<Timestamp>,
}

impl TenantStore {
    /// At most `limit` entries, newest first, beginning behind (before) `after`.
    ///
    /// # Errors
    /// When the database does not answer, or an entry cannot be read.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<i64>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut entries = scoped::<Entity>(self.scope);
        if let Some(actor) = &filter.actor {
            entries = entries.filter(Column::ActorId.eq(actor.as_str()).or(Column::ActorKind.eq(actor.as_str())));
        }
        if let Some(action) = &filter.action {
            entries = entries.filter(Column::Action.eq(action.as_str()));
        }
        if let Some(target) = &filter.target {
            entries = entries.filter(Column::Target.eq(target.as_str()));
        }
        if let Some(from) = filter.from {
            entries = entries.filter(Column::At.gte(from.as_micros()));
        }
        if let Some(to) = filter.to {
            entries = entries.filter(Column::At.lt(to.as_micros()));
        }
        if let Some(after) = after {
            entries = entries.filter(Column::Seq.lt(after));
        }
        let rows = entries.order_by_desc(Column::Seq).limit(limit).all(&self.store.reader()).await;
        rows.map_err(StoreError::orm("reading the audit trail"))?.into_iter().map(AuditEntry::read).collect()
    }
}

impl AuditEntry {
    fn read(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: AuditId::from_uuid(row.id),
            seq: row.seq,
            at: Timestamp::from_micros(row.at),
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            remote: row.remote,
            action: row.action,
            target: row.target,
            data: from_json("audit_entries", &row.data)?,
        })
    }
}
