//! A run as it is remembered.

use postern_domain::{RunId, SourceId, TenantId, Timestamp};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    given::{Column, Row, bound, given, names, overwrites},
    words::{RunStatus, Trigger},
    writing::{Bind, Writing},
};
use crate::{StoreError, column::from_json};

const TABLE: &str = "poll_runs";

/// One run; or, of status `quiet`, a streak of them that found nothing, within one day of UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub trigger: Trigger,
    pub status: RunStatus,
    /// The instant it was due at; of a streak, the first.
    pub scheduled_at: Timestamp,
    pub started_at: Timestamp,
    /// Of a streak, the last. None while it is under way.
    pub ended_at: Option<Timestamp>,
    /// How many runs this row stands for.
    pub runs: u32,
    pub counts: RunCounts,
    pub cursor_before: Option<Value>,
    pub cursor_after: Option<Value>,
    /// Why it did not succeed; of one that did, what it left out.
    pub error: Option<RunError>,
}

/// What a run asked, read and made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromQueryResult)]
pub struct RunCounts {
    pub requests: i64,
    pub not_modified: i64,
    pub pages: i64,
    pub records: i64,
    /// Events that were written.
    pub emitted: i64,
    /// Records that were known and had changed.
    pub changed: i64,
    /// News whose dedup key another event had.
    pub duplicates: i64,
    /// What a webhook had brought before.
    pub confirmed: i64,
    /// What a webhook should have brought, and did not.
    pub lost: i64,
    /// Changes that no webhook's key could match: neither brought nor lost.
    pub unmatched: i64,
    pub quarantined: i64,
    pub held: i64,
    pub bytes: i64,
}

/// Why a run did not succeed, or what it left out, for the person who has to do something about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    pub class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// The setting to look at, as `poll.request.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub message: String,
    /// Of the last error of a source: what it is the latest of. No run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streak: Option<Box<Streak>>,
}

/// Errors of one class, one after the other. To have to wait in between is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    pub class: String,
    pub since: Timestamp,
    pub times: u32,
}

/// The setting at fault when what a tenant declared is used up.
pub const DECLARED_BUDGET: &str = "poll.limits.budget";

/// The class of what a good run says when it did not look for deletions.
pub const DELETION_SKIPPED: &str = "deletion_skipped";

impl RunError {
    /// The run was good, and did not look for deletions.
    #[must_use]
    pub fn is_of_skipped_deletions(&self) -> bool {
        self.class == DELETION_SKIPPED
    }

    /// Nobody was asked: what the tenant declared is used up for now.
    #[must_use]
    pub fn is_of_declared_budget(&self) -> bool {
        self.field.as_deref() == Some(DECLARED_BUDGET)
    }
}

impl RunRow {
    /// One that has just begun.
    #[must_use]
    pub fn begun(id: RunId, (tenant, source): (TenantId, SourceId), trigger: Trigger, at: RunTimes) -> Self {
        Self {
            id,
            tenant,
            source,
            trigger,
            status: RunStatus::Running,
            scheduled_at: at.scheduled_at,
            started_at: at.started_at,
            ended_at: None,
            runs: 1,
            counts: RunCounts::default(),
            cursor_before: None,
            cursor_after: None,
            error: None,
        }
    }
}

/// When a run was due, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTimes {
    pub scheduled_at: Timestamp,
    pub started_at: Timestamp,
}

pub(super) const COLUMNS: &[Column] = &[
    Column::Uuid("id"),
    Column::Uuid("tenant_id"),
    Column::Uuid("source_id"),
    Column::Text("trigger"),
    Column::Text("state"),
    Column::Long("scheduled_at"),
    Column::Long("started_at"),
    Column::Long("ended_at"),
    Column::Int("runs"),
    Column::Long("requests"),
    Column::Long("not_modified"),
    Column::Long("pages"),
    Column::Long("records"),
    Column::Long("emitted"),
    Column::Long("changed"),
    Column::Long("duplicates"),
    Column::Long("confirmed"),
    Column::Long("lost"),
    Column::Long("unmatched"),
    Column::Long("quarantined"),
    Column::Long("held"),
    Column::Long("bytes"),
    Column::Text("cursor_before"),
    Column::Text("cursor_after"),
    Column::Text("error"),
];

/// Writes runs as they are now, over what was written of them before.
pub(super) async fn write(
    tx: &mut Writing,
    doing: &'static str,
    runs: impl IntoIterator<Item = &RunRow>,
) -> Result<(), StoreError> {
    let sql = format!(
        "WITH {} INSERT INTO poll_runs ({names}) SELECT {names} FROM given WHERE true \
         ON CONFLICT (id) DO UPDATE SET {}",
        given(tx.backend(), COLUMNS),
        overwrites(COLUMNS),
        names = names(COLUMNS)
    );
    let rows = bound(runs.into_iter().map(row));
    tx.execute(doing, sql, &[Bind::Text(&rows)]).await.map(|_| ())
}

fn row(run: &RunRow) -> Row {
    let counts = &run.counts;
    let error = run.error.as_ref().and_then(|error| serde_json::to_value(error).ok());
    Row::default()
        .uuid("id", run.id.uuid())
        .uuid("tenant_id", run.tenant.uuid())
        .uuid("source_id", run.source.uuid())
        .text("trigger", Some(run.trigger.as_str()))
        .text("state", Some(run.status.as_str()))
        .at("scheduled_at", Some(run.scheduled_at))
        .at("started_at", Some(run.started_at))
        .at("ended_at", run.ended_at)
        .int("runs", run.runs)
        .int("requests", counts.requests)
        .int("not_modified", counts.not_modified)
        .int("pages", counts.pages)
        .int("records", counts.records)
        .int("emitted", counts.emitted)
        .int("changed", counts.changed)
        .int("duplicates", counts.duplicates)
        .int("confirmed", counts.confirmed)
        .int("lost", counts.lost)
        .int("unmatched", counts.unmatched)
        .int("quarantined", counts.quarantined)
        .int("held", counts.held)
        .int("bytes", counts.bytes)
        .json("cursor_before", run.cursor_before.as_ref())
        .json("cursor_after", run.cursor_after.as_ref())
        .json("error", error.as_ref())
}

#[derive(FromQueryResult)]
pub(super) struct StoredRun {
    id: Uuid,
    tenant_id: Uuid,
    source_id: Uuid,
    trigger: String,
    state: String,
    scheduled_at: i64,
    started_at: i64,
    ended_at: Option<i64>,
    runs: i32,
    #[sea_orm(nested)]
    counts: RunCounts,
    cursor_before: Option<String>,
    cursor_after: Option<String>,
    error: Option<String>,
}

impl StoredRun {
    pub(super) fn read(self) -> Result<RunRow, StoreError> {
        let value = |text: Option<String>| text.map(|text| from_json::<Value>(TABLE, &text)).transpose();
        let unknown = |what: &str| StoreError::inconsistent(TABLE, format!("unknown {what}"));
        Ok(RunRow {
            id: RunId::from_uuid(self.id),
            tenant: TenantId::from_uuid(self.tenant_id),
            source: SourceId::from_uuid(self.source_id),
            trigger: Trigger::parse(&self.trigger).ok_or_else(|| unknown("trigger"))?,
            status: RunStatus::parse(&self.state).ok_or_else(|| unknown("state"))?,
            scheduled_at: Timestamp::from_micros(self.scheduled_at),
            started_at: Timestamp::from_micros(self.started_at),
            ended_at: self.ended_at.map(Timestamp::from_micros),
            runs: u32::try_from(self.runs).unwrap_or(0),
            counts: self.counts,
            cursor_before: value(self.cursor_before)?,
            cursor_after: value(self.cursor_after)?,
            error: self.error.map(|text| from_json(TABLE, &text)).transpose()?,
        })
    }
}
