//! The end of runs, many in one transaction.

use std::collections::HashSet;

use postern_domain::{SourceId, Timestamp, id::fresh_uuid};
use serde_json::Value;
use uuid::Uuid;

use super::{
    day_of,
    given::{Column, Row, assignments, bound, by_index, given, names},
    record::MoveRow,
    run::{self, RunError, RunRow},
    state::{Progress, Validators},
    words::{Health, Trigger},
    writing::{Bind, Writing},
};
use crate::{Store, StoreError, open::Backend};

const DOING: &str = "ending runs";

/// A run that has ended, and what follows for its source.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    pub source: SourceId,
    pub token: Uuid,
    /// Found nothing and wrote no page. Unless somebody asked for it, it is added to the streak of its day.
    pub quiet: bool,
    /// All of the run; `ended_at` must be set.
    pub run: RunRow,
    pub after: StateAfter,
    /// Where the cursor went during the run, as one step.
    pub moved: Option<MoveRow>,
}

/// The source as it is from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct StateAfter {
    pub next_run_at: Option<Timestamp>,
    pub health: Health,
    pub errors: u32,
    pub blocked_until: Option<Timestamp>,
    pub last_ok_at: Option<Timestamp>,
    pub last_change_at: Option<Timestamp>,
    pub last_error: Option<RunError>,
    pub progress: Progress,
    pub validators: Validators,
    pub interval_ms: Option<i64>,
    pub rate: Option<Value>,
    pub primed: bool,
    /// Of a poll beside a webhook: the alarm as this run leaves it, if one still stands when this is written.
    pub alarm: Option<Value>,
    /// When a run last found what a webhook should have brought.
    pub last_lost_at: Option<Timestamp>,
    /// Records that were last seen before this day are listed no more, and may be forgotten.
    pub forget_before: Option<i32>,
    /// Instants that passed during the run; added to those before.
    pub skipped_overlap: i64,
}

const AFTER: &[Column] = &[
    Column::Text("health"),
    Column::Int("errors"),
    Column::Long("blocked_until"),
    Column::Long("last_ok_at"),
    Column::Long("last_change_at"),
    Column::Long("last_run_at"),
    Column::Text("last_error"),
    Column::Text("cursor"),
    Column::Text("candidate"),
    Column::Text("resume"),
    Column::Text("page_key"),
    Column::Text("etag"),
    Column::Text("last_modified"),
    Column::Long("interval_ms"),
    Column::Text("rate"),
    Column::Bool("primed"),
    Column::Long("last_lost_at"),
    Column::Int("forget_before"),
    Column::Int("quiet_day"),
];

/// What an end brings besides, under names that are not the state's own.
const ENDED: &[Column] = &[
    Column::Uuid("of_source"),
    Column::Uuid("token"),
    Column::Long("next_at"),
    Column::Text("alarm_after"),
    Column::Long("skipped"),
    Column::Uuid("run"),
    Column::Long("scheduled_at"),
    Column::Long("started_at"),
    Column::Long("ended_at"),
    Column::Long("requests"),
    Column::Long("not_modified"),
    Column::Long("pages"),
    Column::Long("records"),
    Column::Long("bytes"),
];

/// As much of an end as a streak is ended by, under names that are not the state's own.
const STREAK_END: &[Column] = &[Column::Uuid("of_source"), Column::Uuid("token"), Column::Int("ended_day")];

const MOVE: &[Column] = &[
    Column::Uuid("id"),
    Column::Uuid("tenant_id"),
    Column::Uuid("source_id"),
    Column::Long("at"),
    Column::Text("from_cursor"),
    Column::Text("to_cursor"),
    Column::Text("actor_kind"),
    Column::Text("actor_id"),
    Column::Text("reason"),
];

/// A streak that is over becomes a row.
pub(super) const STREAK: &str = "quiet_run_id, tenant_id, source_id, 'schedule', 'quiet', quiet_scheduled_at, \
    quiet_started_at, quiet_ended_at, quiet_runs, quiet_requests, quiet_not_modified, quiet_pages, quiet_records, \
    0, 0, 0, 0, 0, 0, 0, 0, quiet_bytes, NULL, NULL, NULL FROM poll_states";

impl Store {
    /// Ends runs. Answers the sources whose lease was lost: of them nothing was written.
    ///
    /// # Errors
    /// When the database does not answer, or refuses a row (then none is written).
    pub async fn end_runs(&self, ends: &[RunEnd]) -> Result<Vec<SourceId>, StoreError> {
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = Writing::begin(self, DOING).await?;
        let rows = bound(ends.iter().map(row));
        lock(&mut tx, &rows).await?;
        end_streaks(&mut tx, &rows).await?;
        let ended: HashSet<Uuid> = set_states(&mut tx, &rows).await?;
        let (ended, lost): (Vec<&RunEnd>, Vec<&RunEnd>) =
            ends.iter().partition(|end| ended.contains(&end.source.uuid()));
        let told: Vec<&RunRow> = ended.iter().filter(|end| streak_day(end).is_none()).map(|end| &end.run).collect();
        if !told.is_empty() {
            run::write(&mut tx, DOING, told).await?;
        }
        write_moves(&mut tx, &ended).await?;
        tx.commit(self, DOING).await?;
        Ok(lost.into_iter().map(|end| end.source).collect())
    }
}

/// The day whose streak the run is added to. Who asked for a run wants to find it again, so it stands by itself.
fn streak_day(end: &RunEnd) -> Option<i32> {
    let ended_at = end.run.ended_at.unwrap_or(end.run.started_at);
    let asked_for = matches!(end.run.trigger, Trigger::Manual | Trigger::Rewind);
    (end.quiet && !asked_for).then(|| day_of(ended_at))
}

fn row(end: &RunEnd) -> Row {
    let (after, run) = (&end.after, &end.run);
    let ended_at = run.ended_at.unwrap_or(run.started_at);
    let error = after.last_error.as_ref().and_then(|error| serde_json::to_value(error).ok());
    Row::default()
        .text("health", Some(after.health.as_str()))
        .int("errors", after.errors)
        .at("blocked_until", after.blocked_until)
        .at("last_ok_at", after.last_ok_at)
        .at("last_change_at", after.last_change_at)
        .at("last_run_at", Some(ended_at))
        .json("last_error", error.as_ref())
        .json("cursor", after.progress.cursor.as_ref())
        .json("candidate", after.progress.candidate.as_ref())
        .json("resume", after.progress.resume.as_ref())
        .text("page_key", after.validators.page_key.as_deref())
        .text("etag", after.validators.etag.as_deref())
        .text("last_modified", after.validators.last_modified.as_deref())
        .int("interval_ms", after.interval_ms)
        .json("rate", after.rate.as_ref())
        .int("primed", after.primed)
        .at("last_lost_at", after.last_lost_at)
        .int("forget_before", after.forget_before)
        .int("quiet_day", streak_day(end))
        .int("ended_day", streak_day(end))
        .uuid("of_source", end.source.uuid())
        .uuid("token", end.token)
        .at("next_at", after.next_run_at)
        .json("alarm_after", after.alarm.as_ref())
        .int("skipped", after.skipped_overlap)
        .uuid("run", run.id.uuid())
        .at("scheduled_at", Some(run.scheduled_at))
        .at("started_at", Some(run.started_at))
        .at("ended_at", Some(ended_at))
        .int("requests", run.counts.requests)
        .int("not_modified", run.counts.not_modified)
        .int("pages", run.counts.pages)
        .int("records", run.counts.records)
        .int("bytes", run.counts.bytes)
}

fn ended(backend: Backend) -> String {
    given(backend, &[AFTER, ENDED].concat())
}

/// In one order, so that two batches never wait for each other in a circle. SQLite has one writer.
async fn lock(tx: &mut Writing, rows: &str) -> Result<(), StoreError> {
    if tx.backend() == Backend::Sqlite {
        return Ok(());
    }
    let sql = format!(
        "WITH {} SELECT source_id FROM poll_states WHERE source_id = ANY (ARRAY(SELECT of_source FROM given)) \
         ORDER BY source_id FOR UPDATE",
        given(Backend::Postgres, ENDED)
    );
    tx.execute(DOING, sql, &[Bind::Text(rows)]).await.map(|_| ())
}

async fn end_streaks(tx: &mut Writing, rows: &str) -> Result<(), StoreError> {
    let sql = format!(
        "WITH {} INSERT INTO poll_runs ({}) SELECT {STREAK} JOIN given ON source_id = of_source AND lease_token = token \
         WHERE quiet_run_id IS NOT NULL AND (ended_day IS NULL OR ended_day <> poll_states.quiet_day){} \
         ON CONFLICT (id) DO NOTHING",
        given(tx.backend(), STREAK_END),
        names(run::COLUMNS),
        by_index(tx.backend())
    );
    tx.execute(DOING, sql, &[Bind::Text(rows)]).await.map(|_| ())
}

async fn set_states(tx: &mut Writing, rows: &str) -> Result<HashSet<Uuid>, StoreError> {
    let added = |column: &str| {
        format!(
            "quiet_{column} = CASE WHEN given.quiet_day IS NULL THEN 0 WHEN poll_states.quiet_day = given.quiet_day \
             THEN quiet_{column} + given.{column} ELSE given.{column} END"
        )
    };
    let kept = |column: &str, new: &str| {
        format!(
            "quiet_{column} = CASE WHEN given.quiet_day IS NULL THEN NULL WHEN poll_states.quiet_day = \
             given.quiet_day THEN quiet_{column} ELSE given.{new} END"
        )
    };
    let streak = [
        kept("run_id", "run"),
        kept("scheduled_at", "scheduled_at"),
        kept("started_at", "started_at"),
        added("requests"),
        added("not_modified"),
        added("pages"),
        added("records"),
        added("bytes"),
    ];
    // A run that was asked for meanwhile stays due. An alarm that was raised or ended meanwhile is not undone.
    let sql = format!(
        "WITH {} UPDATE poll_states SET {}, {}, \
         alarm = CASE WHEN alarm IS NOT NULL THEN coalesce(given.alarm_after, alarm) END, \
         quiet_ended_at = CASE WHEN given.quiet_day IS NOT NULL THEN given.ended_at END, \
         quiet_runs = CASE WHEN given.quiet_day IS NULL THEN 0 WHEN poll_states.quiet_day = given.quiet_day \
         THEN quiet_runs + 1 ELSE 1 END, \
         next_run_at = CASE WHEN due_run_id IS NULL THEN given.next_at ELSE next_run_at END, \
         skipped_overlap = skipped_overlap + given.skipped, lease_token = NULL, leased_by = NULL, leased_until = NULL, \
         run_id = NULL, run_trigger = NULL, run_scheduled_at = NULL, run_started_at = NULL \
         FROM given WHERE source_id = given.of_source AND lease_token = given.token{} RETURNING source_id",
        ended(tx.backend()),
        assignments(AFTER),
        streak.join(", "),
        by_index(tx.backend())
    );
    let ids: Vec<(Uuid,)> = tx.fetch(DOING, sql, &[Bind::Text(rows)]).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

async fn write_moves(tx: &mut Writing, ends: &[&RunEnd]) -> Result<(), StoreError> {
    let moves = ends.iter().filter_map(|end| end.moved.as_ref().map(|moved| (end, moved)));
    let rows: Vec<Row> = moves
        .map(|(end, moved)| {
            Row::default()
                .uuid("id", fresh_uuid())
                .uuid("tenant_id", end.run.tenant.uuid())
                .uuid("source_id", end.source.uuid())
                .at("at", end.run.ended_at)
                .json("from_cursor", moved.from.as_ref())
                .json("to_cursor", moved.to.as_ref())
                .text("actor_kind", Some(moved.actor.kind.as_str()))
                .text("actor_id", Some(&moved.actor.id))
                .text("reason", Some(&moved.reason))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "WITH {} INSERT INTO poll_moves ({names}) SELECT {names} FROM given",
        given(tx.backend(), MOVE),
        names = names(MOVE)
    );
    tx.execute(DOING, sql, &[Bind::Text(&bound(rows))]).await.map(|_| ())
}
