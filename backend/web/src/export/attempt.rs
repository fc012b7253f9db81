//! The attempts: who, when, where to, with what result. Headers and bodies stay where they are.

use postern_domain::AttemptId;
use postern_store::{
    StoreError, TenantStore,
    read::{AttemptFilter, ListedAttempt},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Export, Record, unless_empty};

pub(crate) struct AttemptExport {
    filter: AttemptFilter,
    /// Made at the beginning: what comes later is not waited for.
    below: AttemptId,
}

impl AttemptExport {
    pub(crate) fn of(filter: AttemptFilter) -> Self {
        Self { filter, below: AttemptId::fresh() }
    }
}

impl Export for AttemptExport {
    const NAME: &'static str = "attempts";
    const ACTION: &'static str = "attempt.exported";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "started_at",
        "delivery_id",
        "delivery_state",
        "number",
        "event_id",
        "event_type",
        "source_id",
        "connection_id",
        "destination_id",
        "destination_name",
        "actor_kind",
        "actor_id",
        "method",
        "url",
        "result",
        "status",
        "detail",
        "duration_ms",
        "dns_us",
        "connect_us",
        "first_byte_us",
        "total_us",
        "next_attempt_at",
    ];
    type Place = Uuid;

    async fn read(&self, store: &TenantStore, after: Option<Uuid>) -> Result<(Vec<Record>, Option<Uuid>), StoreError> {
        let slice = store.list_attempts(&self.filter, after, self.below).await?;
        Ok((slice.rows.into_iter().map(record).collect(), slice.next))
    }
}

fn record(attempt: ListedAttempt) -> Record {
    let duration_ms = attempt.duration_us().saturating_add(500) / 1_000;
    let (way, timings) = (attempt.way, attempt.timings);
    vec![
        json!(attempt.id),
        json!(attempt.started_at),
        json!(attempt.delivery),
        json!(way.as_ref().map(|way| way.state.as_str())),
        json!(attempt.number),
        json!(way.as_ref().map(|way| way.event)),
        json!(way.as_ref().and_then(|way| way.event_type.as_deref())),
        json!(way.as_ref().map(|way| way.source)),
        json!(way.as_ref().map(|way| way.connection)),
        json!(attempt.destination),
        json!(attempt.destination_name),
        Value::String(attempt.actor_kind),
        unless_empty(attempt.actor_id),
        Value::String(attempt.method),
        Value::String(attempt.url),
        json!(attempt.kind),
        json!(attempt.status),
        json!(attempt.detail),
        json!(duration_ms),
        json!(timings.dns_us),
        json!(timings.connect_us),
        json!(timings.first_byte_us),
        json!(timings.total_us),
        json!(attempt.next_attempt_at),
    ]
}
