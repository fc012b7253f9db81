//! Changes of when and from where a source runs, in the transaction of whatever caused them.

use postern_domain::{RunId, SourceId, Timestamp, id::fresh_uuid};
use serde_json::{Value, json};

use super::{
    end::STREAK,
    given::{names, without_nul},
    recover::{ENDED, FREE, UNDER_WAY},
    run::{COLUMNS, RunError},
    state::{self, PollState, StoredState},
    words::{Health, RunKind, Trigger},
};
use crate::{
    StoreError, TenantTx,
    read::query::{Found, Query},
};

/// What a new or changed source means for its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub source: SourceId,
    pub kind: RunKind,
    /// None: while it is paused, or has no instant left.
    pub next_run_at: Option<Timestamp>,
    pub restart: Restart,
    pub patience: Patience,
}

/// What becomes of a wait that the provider asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It is the same provider, asked with the same budget.
    Keep,
    /// Who is asked from now on, or with which budget, is another.
    End,
}

/// What becomes of how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It goes on from there.
    Keep,
    /// The next run is like a first one. What was seen is known.
    Prime,
    /// The same, and what was seen is forgotten: what is asked for now is something else. [`PollState::epoch`] is one
    /// higher.
    Fresh,
}

/// Where somebody wants a source to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct CursorMove {
    pub source: SourceId,
    pub to: Option<Value>,
    pub reason: String,
    pub keys: Keys,
}

/// Whether what was seen counts as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// What was an event before does not become one again.
    Same,
    /// All is news again: what was seen is forgotten, and [`PollState::epoch`] is one higher, for the keys.
    Fresh,
}

/// What became of the wish for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is due now; or one was asked for before, and is.
    Queued(RunId),
    /// One is under way.
    Running(RunId),
    /// The source is paused.
    Paused,
}

const PLANNING: &str = "planning a source";
const MOVING: &str = "moving a cursor";
const ASKING: &str = "asking for a run";
const FORGOTTEN_AT_ONCE: i64 = 20_000;

impl TenantTx {
    /// Says when a new or changed source runs next. A run that is under way is cancelled: it was made by other settings.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_poll_plan(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let Some(state) = self.lock_poll_state(plan.source, PLANNING).await? else {
            return self.insert_poll_state(plan).await;
        };
        self.cancel_run(plan.source, PLANNING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET kind = ").bind(plan.kind.as_str());
        // A run that was asked for keeps its time.
        let asked_at = state.asked.and(state.next_run_at);
        let next_run_at = plan.next_run_at.map(|at| asked_at.map_or(at, |asked_at| asked_at.min(at)));
        query.sql(", next_run_at = ").bind(next_run_at.map(Timestamp::as_micros));
        query.sql(", planned_at = ").bind(self.at.as_micros());
        query.sql(", seq = seq + 1, errors = 0, last_error = NULL, page_key = NULL, etag = NULL, last_modified = NULL");
        // A wait for a declared budget is none of the provider's: what is left of it is seen when it is asked for.
        let is_own = state.last_error.as_ref().is_some_and(RunError::is_of_declared_budget);
        let waits = plan.patience == Patience::Keep && !is_own;
        let blocked_until = state.blocked_until.filter(|_| waits);
        query.sql(", blocked_until = ").bind(blocked_until.map(Timestamp::as_micros));
        query.sql(", health = ").bind(health_after(&state, plan.restart, blocked_until).as_str());
        if plan.restart != Restart::Keep {
            query.sql(
                ", cursor = NULL, candidate = NULL, resume = NULL, primed = false, interval_ms = NULL, rate = NULL",
            );
        }
        if plan.restart == Restart::Fresh {
            query.sql(", epoch = epoch + 1, forget_before = NULL");
        }
        query.sql(" WHERE source_id = ").bind(plan.source.uuid());
        query.execute(&self.tx, PLANNING).await?;
        let from = state.progress.cursor;
        match plan.restart {
            Restart::Prime if from.is_some() => {
                self.insert_move(plan.source, (from, None, "settings changed: begins anew")).await
            }
            Restart::Keep | Restart::Prime => Ok(()),
            Restart::Fresh => {
                self.forget_records(plan.source).await?;
                let reason = "settings changed: begins anew, and what was seen is forgotten";
                self.insert_move(plan.source, (from.clone(), None, reason)).await?;
                self.tell_move(plan.source, (from, None, reason), Keys::Fresh).await
            }
        }
    }

    /// Has a source run no more until somebody resumes it. How far it came stays, and so does what is wrong with it. A
    /// run that is under way is cancelled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stop_poll(&mut self, source: SourceId) -> Result<(), StoreError> {
        if self.lock_poll_state(source, PLANNING).await?.is_none() {
            return Ok(());
        }
        self.cancel_run(source, PLANNING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET seq = seq + 1, next_run_at = NULL WHERE source_id = ").bind(source.uuid());
        query.execute(&self.tx, PLANNING).await.map(|_| ())
    }

    /// Ends the runs of a source, which may go on otherwise. What it had seen stays until its records are swept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_poll_plan(&mut self, source: SourceId) -> Result<(), StoreError> {
        let Some(state) = self.lock_poll_state(source, PLANNING).await? else { return Ok(()) };
        self.cancel_run(source, PLANNING).await?;
        if let Some(alarm) = state.alarm {
            // Nobody looks after the webhooks any more.
            self.end_alarm(source, json!({ "alarm": alarm, "reason": "the poll ended" })).await?;
        }
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO poll_runs (").sql(&names(COLUMNS)).sql(") SELECT ").sql(STREAK);
        query.sql(" WHERE quiet_run_id IS NOT NULL AND source_id = ").bind(source.uuid());
        query.execute(&self.tx, PLANNING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM poll_states WHERE source_id = ").bind(source.uuid());
        query.execute(&self.tx, PLANNING).await.map(|_| ())
    }

    /// Moves the cursor, cancels the run that is under way and makes the source due, unless it is paused. `None` when
    /// the tenant has no such source that polls.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn move_cursor(&mut self, wish: &CursorMove) -> Result<Option<PollState>, StoreError> {
        let Some(state) = self.lock_poll_state(wish.source, MOVING).await? else { return Ok(None) };
        self.cancel_run(wish.source, MOVING).await?;
        let due = self.is_active(wish.source, MOVING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET seq = seq + 1, page_key = NULL, etag = NULL, last_modified = NULL, ");
        let moved = state.progress.moved(wish.to.clone());
        query.sql("resume = NULL, candidate = ").bind(moved.candidate.map(|marks| marks.to_string()));
        query.sql(", cursor = ").bind(moved.cursor.map(|cursor| cursor.to_string()));
        if due {
            let (run, trigger) = state.asked.unwrap_or_else(|| (RunId::fresh(), Trigger::Rewind));
            query.sql(", due_trigger = ").bind(trigger.as_str()).sql(", due_run_id = ").bind(run.uuid());
            query.sql(", next_run_at = ").bind(due_from(&state, self.at));
        }
        if wish.keys == Keys::Fresh {
            query.sql(", epoch = epoch + 1");
        }
        query.sql(" WHERE source_id = ").bind(wish.source.uuid());
        query.execute(&self.tx, MOVING).await?;
        if wish.keys == Keys::Fresh {
            self.forget_records(wish.source).await?;
        }
        self.insert_move(wish.source, (state.progress.cursor.clone(), wish.to.clone(), &wish.reason)).await?;
        self.tell_move(wish.source, (state.progress.cursor, wish.to.clone(), &wish.reason), wish.keys).await?;
        self.lock_poll_state(wish.source, MOVING).await
    }

    /// Makes the source due now, under this id, but not before a provider that asked for patience allows it. `None` when
    /// the tenant has no such source that runs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_run(
        &mut self,
        source: SourceId,
        run: RunId,
        trigger: Trigger,
    ) -> Result<Option<Asked>, StoreError> {
        let Some(state) = self.lock_poll_state(source, ASKING).await? else { return Ok(None) };
        if let Some(running) = state.running {
            return Ok(Some(Asked::Running(running.run)));
        }
        if let Some((asked, _)) = state.asked {
            return Ok(Some(Asked::Queued(asked)));
        }
        if !self.is_active(source, ASKING).await? {
            return Ok(Some(Asked::Paused));
        }
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET due_trigger = ").bind(trigger.as_str()).sql(", due_run_id = ");
        query.bind(run.uuid()).sql(", next_run_at = ").bind(due_from(&state, self.at));
        query.sql(" WHERE source_id = ").bind(source.uuid());
        query.execute(&self.tx, ASKING).await?;
        let data = json!({ "run": run, "trigger": trigger.as_str() });
        self.audit("source.run_asked".to_owned(), source.to_string(), data).await?;
        Ok(Some(Asked::Queued(run)))
    }

    /// As it is now; nobody claims, commits or ends for it until this ends.
    pub(super) async fn lock_poll_state(
        &self,
        source: SourceId,
        doing: &'static str,
    ) -> Result<Option<PollState>, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT ").sql(state::COLUMNS).sql(" FROM poll_states WHERE source_id = ").bind(source.uuid());
        query.sql(" AND tenant_id = ").bind(self.scope.tenant_id().uuid()).for_update();
        let row: Option<StoredState> = query.one(&self.tx, doing).await?;
        row.map(StoredState::read).transpose()
    }

    async fn insert_poll_state(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO poll_states (source_id, tenant_id, kind, next_run_at, planned_at, seq, epoch, ");
        query.sql("health, errors, primed, held, skipped_overlap, quiet_runs, quiet_requests, quiet_not_modified, quiet_pages, ");
        query.sql("quiet_records, quiet_bytes) VALUES (").bind(plan.source.uuid()).sql(", ");
        query.bind(self.scope.tenant_id().uuid()).sql(", ").bind(plan.kind.as_str()).sql(", ");
        query.bind(plan.next_run_at.map(Timestamp::as_micros)).sql(", ").bind(self.at.as_micros());
        query.sql(", 0, 0, 'priming', 0, false, 0, 0, 0, 0, 0, 0, 0, 0)");
        query.execute(&self.tx, PLANNING).await.map(|_| ())
    }

    /// What it writes from now on is refused.
    async fn cancel_run(&mut self, source: SourceId, doing: &'static str) -> Result<(), StoreError> {
        let row = UNDER_WAY.replace("{state}", "cancelled");
        let (before, after) = row.split_once("{now}").unwrap_or_default();
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO poll_runs (").sql(&names(COLUMNS)).sql(") SELECT ").sql(before);
        query.sql("CAST(").bind(self.at.as_micros()).sql(" AS bigint)").sql(after);
        query.sql(" WHERE lease_token IS NOT NULL AND source_id = ").bind(source.uuid()).sql(" ").sql(ENDED);
        if query.execute(&self.tx, doing).await? == 0 {
            return Ok(());
        }
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET ").sql(FREE).sql(" WHERE source_id = ").bind(source.uuid());
        query.execute(&self.tx, doing).await.map(|_| ())
    }

    /// In pieces, because a statement may take only so long.
    async fn forget_records(&self, source: SourceId) -> Result<(), StoreError> {
        loop {
            let mut query = Query::on(&self.tx);
            query.sql("DELETE FROM poll_records WHERE source_id = ").bind(source.uuid());
            query.sql(" AND record_hash IN (SELECT record_hash FROM poll_records WHERE source_id = ");
            query.bind(source.uuid()).sql(" ORDER BY record_hash LIMIT ").bind(FORGOTTEN_AT_ONCE).sql(")");
            if query.execute(&self.tx, MOVING).await? < FORGOTTEN_AT_ONCE.unsigned_abs() {
                return Ok(());
            }
        }
    }

    async fn is_active(&self, source: SourceId, doing: &'static str) -> Result<bool, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT 1 AS found FROM sources WHERE state = 'active' AND deleted_at IS NULL AND id = ");
        query.bind(source.uuid());
        Ok(query.one::<Found>(&self.tx, doing).await?.is_some())
    }

    async fn tell_move(
        &mut self,
        source: SourceId,
        (from, to, reason): (Option<Value>, Option<Value>, &str),
        keys: Keys,
    ) -> Result<(), StoreError> {
        let data = json!({ "from": from, "to": to, "reason": reason, "replay": keys == Keys::Fresh });
        self.audit("source.cursor_moved".to_owned(), source.to_string(), data).await
    }

    async fn insert_move(
        &self,
        source: SourceId,
        (from, to, reason): (Option<Value>, Option<Value>, &str),
    ) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql(
            "INSERT INTO poll_moves (id, tenant_id, source_id, at, from_cursor, to_cursor, actor_kind, actor_id, ",
        );
        query.sql("reason) VALUES (").bind(fresh_uuid()).sql(", ").bind(self.scope.tenant_id().uuid()).sql(", ");
        query.bind(source.uuid()).sql(", ").bind(self.at.as_micros()).sql(", ");
        query.bind(from.map(|value| value.to_string())).sql(", ").bind(to.map(|value| value.to_string())).sql(", ");
        query.bind(self.actor.kind.as_str()).sql(", ").bind(self.actor.id.clone()).sql(", ");
        query.bind(without_nul(reason)).sql(")");
        query.execute(&self.tx, MOVING).await.map(|_| ())
    }
}

/// A provider that asked for patience gets it, whoever asks. Of what a tenant declared a part is kept for this.
fn due_from(state: &PollState, now: Timestamp) -> i64 {
    let is_own = state.last_error.as_ref().is_some_and(RunError::is_of_declared_budget);
    state.blocked_until.filter(|_| !is_own).map_or(now, |until| until.max(now)).as_micros()
}

/// What was wrong may have been the settings. Events that are held stay so.
const fn health_after(state: &PollState, restart: Restart, blocked_until: Option<Timestamp>) -> Health {
    match (restart, state.health) {
        (_, Health::Held) => Health::Held,
        (Restart::Prime | Restart::Fresh, _) => Health::Priming,
        (Restart::Keep, Health::Throttled) if blocked_until.is_some() => Health::Throttled,
        (Restart::Keep, Health::Resync) => Health::Resync,
        (Restart::Keep, _) => {
            if state.primed {
                Health::Ok
            } else {
                Health::Priming
            }
        }
    }
}
