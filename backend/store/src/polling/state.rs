//! What is known of a source that runs by itself: when it is due, who runs it, how far it came.

use postern_domain::{RunId, SourceId, TenantId, Timestamp};
use sea_orm::{FromQueryResult, sqlx};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    run::RunError,
    words::{Health, RunKind, Trigger},
};
use crate::{StoreError, column::from_json};

const TABLE: &str = "poll_states";

/// One row for each source of kind `poll` or `schedule`, and for each webhook source that polls beside.
#[derive(Clone, Debug, PartialEq)]
pub struct PollState {
    pub source: SourceId,
    pub tenant: TenantId,
    pub kind: RunKind,
    /// None: it is not due by itself, because it is paused or waits for somebody.
    pub next_run_at: Option<Timestamp>,
    /// When its settings were last changed, or it was resumed. None of a source that has not been since this is written
    /// down.
    pub planned_at: Option<Timestamp>,
    /// A run that somebody asked for, and nobody has claimed yet.
    pub asked: Option<(RunId, Trigger)>,
    pub running: Option<Running>,
    /// How many pages were ever committed, and cursors moved.
    pub seq: i64,
    /// How often it began anew.
    pub epoch: i32,
    pub progress: Progress,
    pub validators: Validators,
    pub health: Health,
    /// In a row.
    pub errors: u32,
    pub blocked_until: Option<Timestamp>,
    pub last_ok_at: Option<Timestamp>,
    pub last_change_at: Option<Timestamp>,
    pub last_run_at: Option<Timestamp>,
    pub last_error: Option<RunError>,
    /// Of an adaptive interval.
    pub interval_ms: Option<i64>,
    /// What an adaptive interval remembers.
    pub rate: Option<Value>,
    /// Whether a first run was complete.
    pub primed: bool,
    /// Records that were last seen before this day are listed no more.
    pub forget_before: Option<i32>,
    /// Events that wait for somebody to let them go.
    pub held: u32,
    pub skipped_overlap: i64,
    /// Of a poll beside a webhook: the alarm that stands.
    pub alarm: Option<Value>,
    pub alarm_ended_at: Option<Timestamp>,
    /// When a run last found what a webhook should have brought.
    pub last_lost_at: Option<Timestamp>,
}

/// A run that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub run: RunId,
    pub trigger: Trigger,
    pub scheduled_at: Timestamp,
    pub started_at: Timestamp,
    /// Fences what it writes.
    pub token: Uuid,
    pub leased_by: Uuid,
    pub leased_until: Timestamp,
}

/// How far a source came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub cursor: Option<Value>,
    /// What the cursor becomes when the run is complete.
    pub candidate: Option<Value>,
    /// Where the next run goes on, when this one ends early.
    pub resume: Option<Value>,
}

/// What a conditional request is made with, and of which URL it is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// A hash of the first page's URL as it was asked.
    pub page_key: Option<String>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Progress {
    /// Where the cursor goes when the run is complete, without what else a run has to remember.
    #[must_use]
    pub fn coming(&self) -> Option<&Value> {
        match &self.candidate {
            Some(Value::Object(saved)) => saved.get("value"),
            plain => plain.as_ref(),
        }
    }

    /// From another place: what a run finds there tells nothing of webhooks. What waits is still looked for.
    #[must_use]
    pub fn moved(&self, to: Option<Value>) -> Self {
        let mut kept = match &self.candidate {
            Some(Value::Object(saved)) => saved.clone(),
            _ => Map::new(),
        };
        kept.retain(|name, _| matches!(name.as_str(), "sought" | "held"));
        kept.insert("moved".to_owned(), true.into());
        Self { cursor: to, candidate: Some(Value::Object(kept)), resume: None }
    }
}

pub(super) const COLUMNS: &str = "source_id, tenant_id, kind, next_run_at, due_trigger, due_run_id, lease_token, \
    leased_by, leased_until, run_id, run_trigger, run_scheduled_at, run_started_at, seq, epoch, cursor, candidate, \
    resume, page_key, etag, last_modified, health, errors, blocked_until, last_ok_at, last_change_at, last_run_at, \
    last_error, interval_ms, rate, primed, forget_before, held, skipped_overlap, alarm, alarm_ended_at, last_lost_at, \
    planned_at";

macro_rules! stored {
    ($($field:ident: $type:ty),+) => {
        #[derive(FromQueryResult)]
        pub(super) struct StoredState { $(pub(super) $field: $type),+ }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for StoredState
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    };
}

stored! {
    source_id: Uuid, tenant_id: Uuid, kind: String, next_run_at: Option<i64>, due_trigger: Option<String>,
    due_run_id: Option<Uuid>, lease_token: Option<Uuid>, leased_by: Option<Uuid>, leased_until: Option<i64>,
    run_id: Option<Uuid>, run_trigger: Option<String>, run_scheduled_at: Option<i64>, run_started_at: Option<i64>,
    seq: i64, epoch: i32, cursor: Option<String>, candidate: Option<String>, resume: Option<String>,
    page_key: Option<String>, etag: Option<String>, last_modified: Option<String>, health: String, errors: i32,
    blocked_until: Option<i64>, last_ok_at: Option<i64>, last_change_at: Option<i64>, last_run_at: Option<i64>,
    last_error: Option<String>, interval_ms: Option<i64>, rate: Option<String>, primed: bool,
    forget_before: Option<i32>, held: i32, skipped_overlap: i64, alarm: Option<String>, alarm_ended_at: Option<i64>, last_lost_at: Option<i64>,
    planned_at: Option<i64>
}

impl StoredState {
    pub(super) fn read(self) -> Result<PollState, StoreError> {
        let value = |text: &Option<String>| text.as_deref().map(|text| from_json::<Value>(TABLE, text)).transpose();
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let unknown = |what: &str| StoreError::inconsistent(TABLE, format!("unknown {what}"));
        let trigger = |text: &str| Trigger::parse(text).ok_or_else(|| unknown("trigger"));
        let asked = self.due_run_id.zip(self.due_trigger.as_deref());
        Ok(PollState {
            source: SourceId::from_uuid(self.source_id),
            tenant: TenantId::from_uuid(self.tenant_id),
            kind: RunKind::parse(&self.kind).ok_or_else(|| unknown("kind"))?,
            next_run_at: at(self.next_run_at),
            planned_at: at(self.planned_at),
            asked: asked.map(|(run, text)| Ok::<_, StoreError>((RunId::from_uuid(run), trigger(text)?))).transpose()?,
            running: self.running()?,
            seq: self.seq,
            epoch: self.epoch,
            progress: Progress {
                cursor: value(&self.cursor)?,
                candidate: value(&self.candidate)?,
                resume: value(&self.resume)?,
            },
            health: Health::parse(&self.health).ok_or_else(|| unknown("health"))?,
            errors: u32::try_from(self.errors).unwrap_or(0),
            blocked_until: at(self.blocked_until),
            last_ok_at: at(self.last_ok_at),
            last_change_at: at(self.last_change_at),
            last_run_at: at(self.last_run_at),
            last_error: self.last_error.as_deref().map(|text| from_json(TABLE, text)).transpose()?,
            interval_ms: self.interval_ms,
            rate: value(&self.rate)?,
            primed: self.primed,
            forget_before: self.forget_before,
            held: u32::try_from(self.held).unwrap_or(0),
            skipped_overlap: self.skipped_overlap,
            alarm: value(&self.alarm)?,
            alarm_ended_at: at(self.alarm_ended_at),
            last_lost_at: at(self.last_lost_at),
            validators: Validators { page_key: self.page_key, etag: self.etag, last_modified: self.last_modified },
        })
    }

    fn running(&self) -> Result<Option<Running>, StoreError> {
        let unknown = || StoreError::inconsistent(TABLE, "a lease without a run");
        let Some((token, run)) = self.lease_token.zip(self.run_id) else { return Ok(None) };
        let started_at = Timestamp::from_micros(self.run_started_at.ok_or_else(unknown)?);
        Ok(Some(Running {
            run: RunId::from_uuid(run),
            trigger: self.run_trigger.as_deref().and_then(Trigger::parse).ok_or_else(unknown)?,
            scheduled_at: self.run_scheduled_at.map_or(started_at, Timestamp::from_micros),
            started_at,
            token,
            leased_by: self.leased_by.ok_or_else(unknown)?,
            leased_until: Timestamp::from_micros(self.leased_until.ok_or_else(unknown)?),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_remembers_besides_is_not_shown_as_where_the_cursor_goes() {
        for (candidate, coming) in [
            (None, None),
            (Some(json!(7)), Some(json!(7))),
            (Some(json!({ "value": 7, "not_past": 4 })), Some(json!(7))),
            (Some(json!({ "sought": [1] })), None),
        ] {
            let progress = Progress { candidate, ..Progress::default() };
            assert_eq!(progress.coming(), coming.as_ref());
        }
    }
}
