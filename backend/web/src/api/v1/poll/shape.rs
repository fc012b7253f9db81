//! How a source that polls is, and its runs, as the API shows them.

use postern_domain::{SourceId, Timestamp};
use postern_pipeline::polling::Overview;
use postern_polling::advice::{Alarm, Standing};
use postern_store::polling::{Asked, MoveRead, RunError, RunRow, RunStatus, Trigger};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::schema;
/// How a source runs by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Polling)]
pub(crate) struct PollingView {
    #[schema(value_type = schema::PollHealth)]
    health: &'static str,
    /// None while it is paused, or waits for somebody.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Timestamp>,
    /// How far apart its runs are now; null of a cron that keeps its moments.
    interval_s: Option<i64>,
    /// Why that is longer than the settings say.
    slowed: Option<SlowedView>,
    /// The next five runs, as the scheduler will make them if nothing changes.
    #[schema(value_type = Vec<String>)]
    upcoming: Vec<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_run_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_ok_at: Option<Timestamp>,
    /// When it last found something new.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_change_at: Option<Timestamp>,
    /// Why it is not well; or, of class `deletion_skipped`, what its good runs leave out.
    last_error: Option<RunErrorView>,
    /// Runs that failed in a row.
    errors: u32,
    /// Nothing is asked of the provider before.
    #[schema(value_type = Option<String>, format = DateTime)]
    blocked_until: Option<Timestamp>,
    /// The run that is under way.
    run_id: Option<String>,
    /// Events that wait for a release.
    held: u32,
    /// Instants that passed while a run was under way.
    skipped_overlap: i64,
}

/// Somebody should look at the webhooks of this source.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceAlarm)]
pub(crate) struct AlarmView {
    #[schema(value_type = schema::AlarmKind)]
    kind: &'static str,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Of `loss`: the share of the records compared that no webhook brought in time, when the alarm began.
    rate: Option<f64>,
    /// Of `loss`: how many records were compared.
    n: Option<u64>,
    /// Of `silent`.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_webhook_at: Option<Timestamp>,
    /// Whether the poll runs at its shortest interval: until three runs in a row found nothing lost.
    hurries: bool,
}

impl AlarmView {
    pub(crate) fn of(alarm: &Standing) -> Self {
        let is_loss = alarm.kind == Alarm::Loss;
        Self {
            kind: alarm.kind.as_str(),
            since: alarm.since,
            rate: is_loss.then(|| alarm.rate()),
            n: is_loss.then_some(alarm.n),
            last_webhook_at: alarm.last_webhook_at,
            hurries: alarm.hurries(),
        }
    }
}

/// All who share the budget want more than it has, so each of them runs less often, in proportion to what it wants.
#[derive(Serialize, ToSchema)]
#[schema(as = Slowed)]
pub(crate) struct SlowedView {
    /// Requests that they want in `per_s` seconds.
    wanted: u64,
    /// Requests that there are in that time.
    requests: u32,
    per_s: u32,
}

/// What went wrong, and which setting to look at.
#[derive(Serialize, ToSchema)]
#[schema(as = RunError)]
pub(crate) struct RunErrorView {
    class: String,
    /// The status that was answered.
    http: Option<u16>,
    /// Such as `poll.request.url`.
    field: Option<String>,
    message: String,
}

/// A run; of state `quiet` several, one after the other within a day of UTC, that found nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunView {
    id: String,
    source_id: String,
    #[schema(value_type = schema::RunTrigger)]
    trigger: &'static str,
    #[schema(value_type = schema::RunOutcome)]
    state: &'static str,
    /// The instant it was due at; of several, the first.
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// How many runs this stands for.
    runs: u32,
    requests: i64,
    /// Requests that were answered 304.
    not_modified: i64,
    pages: i64,
    /// Items that were read.
    records: i64,
    /// Events that were made.
    emitted: i64,
    /// Items that were known and had changed.
    changed: i64,
    /// News whose dedup key another event had.
    duplicates: i64,
    /// What the webhook had brought.
    confirmed: i64,
    /// What the webhook should have brought, and did not in time.
    lost: i64,
    /// Changes without an ordered version, which no webhook can be matched to: neither brought nor lost.
    unmatched: i64,
    quarantined: i64,
    held: i64,
    bytes: i64,
    #[schema(value_type = Option<Object>)]
    cursor_before: Option<Value>,
    #[schema(value_type = Option<Object>)]
    cursor_after: Option<Value>,
    /// Why it did not succeed; of one that did, what it left out: class `deletion_skipped`.
    error: Option<RunErrorView>,
}

/// A run that was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = AskedRun)]
pub(crate) struct AskedView {
    /// Of the run; of one that was asked for before and has not begun.
    id: String,
    source_id: String,
    #[schema(value_type = schema::RunTrigger)]
    trigger: &'static str,
    /// `queued`, or `running` where one is under way.
    #[schema(value_type = schema::RunOutcome)]
    state: &'static str,
}

/// One move of a cursor.
#[derive(Serialize, ToSchema)]
#[schema(as = CursorMove)]
pub(crate) struct MoveView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = Option<Object>)]
    from: Option<Value>,
    #[schema(value_type = Option<Object>)]
    to: Option<Value>,
    /// `user` or `key` for a person or a program that moved it, `system` for a run.
    actor_kind: String,
    actor_id: String,
    reason: String,
}

impl PollingView {
    pub(crate) fn of(now: &Overview) -> Self {
        let state = &now.state;
        Self {
            health: now.health.as_str(),
            next_run_at: state.next_run_at,
            interval_s: now.interval_ms.map(|interval_ms| (interval_ms + 999) / 1_000),
            slowed: now.slowed.map(|slowed| SlowedView {
                wanted: slowed.wanted,
                requests: slowed.requests,
                per_s: slowed.per_s,
            }),
            upcoming: now.upcoming.clone(),
            last_run_at: state.last_run_at,
            last_ok_at: state.last_ok_at,
            last_change_at: state.last_change_at,
            last_error: state.last_error.as_ref().map(RunErrorView::of),
            errors: state.errors,
            blocked_until: state.blocked_until,
            run_id: state.running.map(|running| running.run.to_string()),
            held: state.held,
            skipped_overlap: state.skipped_overlap,
        }
    }
}

impl RunErrorView {
    fn of(error: &RunError) -> Self {
        Self {
            class: error.class.clone(),
            http: error.http,
            field: error.field.clone(),
            message: error.message.clone(),
        }
    }
}

impl RunView {
    pub(crate) fn of(run: RunRow) -> Self {
        let counts = run.counts;
        Self {
            id: run.id.to_string(),
            source_id: run.source.to_string(),
            trigger: run.trigger.as_str(),
            state: run.status.as_str(),
            scheduled_at: run.scheduled_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            runs: run.runs,
            requests: counts.requests,
            not_modified: counts.not_modified,
            pages: counts.pages,
            records: counts.records,
            emitted: counts.emitted,
            changed: counts.changed,
            duplicates: counts.duplicates,
            confirmed: counts.confirmed,
            lost: counts.lost,
            unmatched: counts.unmatched,
            quarantined: counts.quarantined,
            held: counts.held,
            bytes: counts.bytes,
            error: run.error.as_ref().map(RunErrorView::of),
            cursor_before: run.cursor_before,
            cursor_after: run.cursor_after,
        }
    }
}

impl AskedView {
    pub(crate) fn of(source: SourceId, asked: Asked) -> Self {
        let (id, state) = match asked {
            Asked::Queued(run) => (run.to_string(), RunStatus::Queued),
            Asked::Running(run) => (run.to_string(), RunStatus::Running),
            Asked::Paused => (String::new(), RunStatus::Cancelled),
        };
        Self { id, source_id: source.to_string(), trigger: Trigger::Manual.as_str(), state: state.as_str() }
    }
}

impl MoveView {
    pub(crate) fn of(step: MoveRead) -> Self {
        Self {
            at: step.at,
            from: step.from,
            to: step.to,
            actor_kind: step.actor_kind,
            actor_id: step.actor_id,
            reason: step.reason,
        }
    }
}
