//! Alarms about the webhooks of a source that polls beside them: by what they are judged, their beginning and their end.

use postern_domain::{SourceId, Timestamp, id::first_uuid_at};
use serde_json::Value;

use super::writing::{Bind, look};
use crate::{Store, StoreError, TenantTx, open::Backend, read::query::Query, tenant::Altered};

const JUDGING: &str = "judging the webhooks of a source";
const CHANGING: &str = "changing an alarm";
/// Losses are summed over so many runs at most, the latest.
const RUNS: i64 = 10_000;
/// So many events are looked through for webhooks, and so many webhooks are enough to know how they usually come.
const EVENTS: i64 = 5_000;
const WEBHOOKS: i64 = 200;

/// What polls found of the webhooks beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    pub lost: u64,
    pub confirmed: u64,
}

/// An alarm that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRaised {
    pub source: SourceId,
    /// As it is kept.
    pub alarm: Value,
    /// When the source is to run at the latest, if it is well and nobody runs it now.
    pub due_at: Option<Timestamp>,
    /// For the audit trail.
    pub data: Value,
}

impl Store {
    /// What the runs since then found, those of the latest 10 000 that are on record one by one. Runs in a streak have
    /// nothing to add.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhook_counts(&self, source: SourceId, since: Timestamp) -> Result<WebhookCounts, StoreError> {
        let sql = "SELECT CAST(coalesce(sum(lost), 0) AS bigint), CAST(coalesce(sum(confirmed), 0) AS bigint) FROM \
                   (SELECT lost, confirmed FROM poll_runs WHERE source_id = $1 AND id >= $2 AND started_at >= $4 \
                   ORDER BY id DESC LIMIT $3) AS latest";
        let binds = [
            Bind::Uuid(source.uuid()),
            Bind::Uuid(first_uuid_at(since)),
            Bind::Long(RUNS),
            Bind::Long(since.as_micros()),
        ];
        let sums: Vec<(i64, i64)> = look(self, JUDGING, sql, &binds).await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(sums.first().map_or_else(WebhookCounts::default, |(lost, confirmed)| WebhookCounts {
            lost: count(*lost),
            confirmed: count(*confirmed),
        }))
    }

    /// When the latest webhooks of a source came, the oldest first; 200 at most, of its last 5 000 events.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn webhook_arrivals(&self, source: SourceId) -> Result<Vec<Timestamp>, StoreError> {
        let index = if self.backend() == Backend::Sqlite { " INDEXED BY events_by_source" } else { "" };
        let sql = format!(
            "SELECT received_at FROM (SELECT id, received_at, origin FROM events{index} WHERE source_id = $1 \
             ORDER BY id DESC LIMIT $2) AS latest WHERE origin IS NULL ORDER BY id DESC LIMIT $3"
        );
        let binds = [Bind::Uuid(source.uuid()), Bind::Long(EVENTS), Bind::Long(WEBHOOKS)];
        let rows: Vec<(i64,)> = look(self, JUDGING, sql, &binds).await?;
        Ok(rows.into_iter().rev().map(|(at,)| Timestamp::from_micros(at)).collect())
    }
}

impl TenantTx {
    /// Has an alarm stand, with its entry in the audit trail; where one stands already, nothing is written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn raise_alarm(&mut self, raised: AlarmRaised) -> Result<Altered, StoreError> {
        let AlarmRaised { source, alarm, due_at, data } = raised;
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET alarm = ").bind(alarm.to_string());
        if let Some(due_at) = due_at {
            let due_at = due_at.as_micros();
            query
                .sql(", next_run_at = CASE WHEN lease_token IS NULL AND health = 'ok' AND next_run_at > ")
                .bind(due_at);
            query.sql(" THEN ").bind(due_at).sql(" ELSE next_run_at END");
        }
        query.sql(" WHERE alarm IS NULL AND source_id = ").bind(source.uuid());
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        self.told(query, ("source.alarm_raised", source), data).await
    }

    /// Ends the alarm that stands, with its entry in the audit trail; where there is none, nothing is written. What
    /// comes later is counted anew.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_alarm(&mut self, source: SourceId, data: Value) -> Result<Altered, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET alarm = NULL, alarm_ended_at = ").bind(self.at.as_micros());
        query.sql(" WHERE alarm IS NOT NULL AND source_id = ").bind(source.uuid());
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        self.told(query, ("source.alarm_ended", source), data).await
    }

    async fn told(
        &mut self,
        change: Query,
        (action, source): (&str, SourceId),
        data: Value,
    ) -> Result<Altered, StoreError> {
        if change.execute(&self.tx, CHANGING).await? == 0 {
            return Ok(Altered::No);
        }
        self.audit(action.to_owned(), source.to_string(), data).await?;
        Ok(Altered::Yes)
    }
}
