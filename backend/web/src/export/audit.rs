//! The audit log, newest first.

use postern_store::{
    StoreError, TenantStore,
    tenant::{AuditEntry, AuditFilter},
};
use serde_json::{Value, json};

use super::{Export, Record, unless_empty};

/// Entries may be long.
const CHUNK: u64 = 250;

pub(crate) struct AuditExport(pub(crate) AuditFilter);

impl Export for AuditExport {
    const NAME: &'static str = "audit";
    const ACTION: &'static str = "audit.exported";
    const COLUMNS: &'static [&'static str] =
        &["id", "seq", "at", "actor_kind", "actor_id", "remote", "action", "target", "data"];
    type Place = i64;

    async fn read(&self, store: &TenantStore, after: Option<i64>) -> Result<(Vec<Record>, Option<i64>), StoreError> {
        let entries = store.audit(&self.0, after, CHUNK).await?;
        let goes_on = entries.len() as u64 == CHUNK;
        let place = entries.last().filter(|_| goes_on).map(|last| last.seq);
        Ok((entries.into_iter().map(record).collect(), place))
    }
}

fn record(entry: AuditEntry) -> Record {
    vec![
        json!(entry.id),
        json!(entry.seq),
        json!(entry.at),
        Value::String(entry.actor_kind),
        unless_empty(entry.actor_id),
        unless_empty(entry.remote),
        Value::String(entry.action),
        Value::String(entry.target),
        entry.data,
    ]
}
