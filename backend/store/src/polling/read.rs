//! What a tenant may read of its sources' runs, newest first.

use postern_domain::{RunId, SourceId, TenantId, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::{
    given::names,
    run::{self, RunCounts, RunRow, RunTimes, StoredRun},
    state::{self, PollState, Running, StoredState},
    words::{RunStatus, Trigger},
};
use crate::{
    StoreError, TenantStore,
    column::from_json,
    read::{ListError, Slice, Window, query::Query},
};

/// A step of the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct MoveRead {
    pub id: Uuid,
    pub at: Timestamp,
    pub from: Option<Value>,
    pub to: Option<Value>,
    pub actor_kind: String,
    pub actor_id: String,
    pub reason: String,
}

/// An item that could not become an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRead {
    pub id: Uuid,
    pub run: RunId,
    pub at: Timestamp,
    pub reason: String,
    pub sample: Vec<u8>,
}

const READING: &str = "reading the runs of a source";

impl TenantStore {
    /// How a source that runs by itself is; `None` when the tenant has none of this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn poll_state(&self, source: SourceId) -> Result<Option<PollState>, StoreError> {
        Ok(self.poll_states(&[source]).await?.pop())
    }

    /// The same of several, in no order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn poll_states(&self, sources: &[SourceId]) -> Result<Vec<PollState>, StoreError> {
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = sources.iter().map(|id| id.uuid()).collect();
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT ").sql(state::COLUMNS).sql(" FROM poll_states WHERE source_id IN ").ids(&ids);
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        let rows: Vec<StoredState> = query.all(&db, "reading the state of sources").await?;
        rows.into_iter().map(StoredState::read).collect()
    }

    /// The runs of a source, newest first. One that was asked for, the one that is under way and the streak that is not
    /// over are among them.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn runs(&self, source: SourceId, window: &Window) -> Result<Slice<RunRow>, ListError> {
        let db = self.store.reader();
        self.check_source(&db, source).await?;
        let mut query = Query::on(&db);
        query.sql("SELECT ").sql(&names(run::COLUMNS)).sql(" FROM poll_runs");
        self.along(&mut query, source, window);
        let rows: Vec<StoredRun> = query.all(&db, READING).await?;
        let mut runs: Vec<RunRow> = rows.into_iter().map(StoredRun::read).collect::<Result<_, _>>()?;
        for run in self.unwritten_runs(&db, source).await? {
            let key = run.id.uuid();
            let wanted = window.spans(key) && window.after.is_none_or(|after| key < after);
            if wanted && !runs.iter().any(|other| other.id == run.id) {
                runs.push(run);
            }
        }
        runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
        Ok(sliced(runs, window, |run| run.id.uuid()))
    }

    /// One run; `None` when the tenant has no such run of this source. One that ended in a streak is found by the id of
    /// the streak's first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&self, source: SourceId, id: RunId) -> Result<Option<RunRow>, StoreError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT ").sql(&names(run::COLUMNS)).sql(" FROM poll_runs WHERE id = ").bind(id.uuid());
        query.guard("source_id", source.uuid()).guard("tenant_id", self.scope.tenant_id().uuid());
        let row: Option<StoredRun> = query.one(&db, READING).await?;
        if let Some(row) = row {
            return row.read().map(Some);
        }
        Ok(self.unwritten_runs(&db, source).await?.into_iter().find(|run| run.id == id))
    }

    /// The steps of the cursor, newest first.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn cursor_moves(&self, source: SourceId, window: &Window) -> Result<Slice<MoveRead>, ListError> {
        let db = self.store.reader();
        self.check_source(&db, source).await?;
        let mut query = Query::on(&db);
        query.sql("SELECT id, at, from_cursor, to_cursor, actor_kind, actor_id, reason FROM poll_moves");
        self.along(&mut query, source, window);
        let rows: Vec<StoredMove> = query.all(&db, "reading the steps of a cursor").await?;
        let moves = rows.into_iter().map(StoredMove::read).collect::<Result<_, _>>()?;
        Ok(sliced(moves, window, |step: &MoveRead| step.id))
    }

    /// Items that could not become events, newest first.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn quarantine(&self, source: SourceId, window: &Window) -> Result<Slice<QuarantineRead>, ListError> {
        let db = self.store.reader();
        self.check_source(&db, source).await?;
        let mut query = Query::on(&db);
        query.sql("SELECT id, run_id, at, reason, sample FROM poll_quarantine");
        self.along(&mut query, source, window);
        let rows: Vec<StoredItem> = query.all(&db, "reading what could not become an event").await?;
        let item = |row: StoredItem| QuarantineRead {
            id: row.id,
            run: RunId::from_uuid(row.run_id),
            at: Timestamp::from_micros(row.at),
            reason: row.reason,
            sample: row.sample,
        };
        Ok(sliced(rows.into_iter().map(item).collect(), window, |item| item.id))
    }

    /// What stands in the state of a source and not among its runs yet.
    async fn unwritten_runs(&self, db: &impl ConnectionTrait, source: SourceId) -> Result<Vec<RunRow>, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(state::COLUMNS).sql(", ").sql(QUIET).sql(" FROM poll_states WHERE source_id = ");
        query.bind(source.uuid()).guard("tenant_id", self.scope.tenant_id().uuid());
        let Some(row) = query.one::<StateWithStreak>(db, READING).await? else { return Ok(Vec::new()) };
        let (streak, state) = (row.streak, row.state.read()?);
        let whose = (state.tenant, state.source);
        let mut runs = Vec::new();
        if let Some((id, trigger)) = state.asked {
            let due_at = state.next_run_at.unwrap_or_default();
            let times = RunTimes { scheduled_at: due_at, started_at: due_at };
            runs.push(RunRow { status: RunStatus::Queued, ..RunRow::begun(id, whose, trigger, times) });
        }
        if let Some(Running { run, trigger, scheduled_at, started_at, .. }) = state.running {
            let times = RunTimes { scheduled_at, started_at };
            let begun = RunRow::begun(run, whose, trigger, times);
            runs.push(RunRow { cursor_before: state.progress.cursor, ..begun });
        }
        runs.extend(streak.into_run(whose));
        Ok(runs)
    }

    /// A little more than the window's limit, so that it is known whether the list goes on.
    fn along(&self, query: &mut Query, source: SourceId, window: &Window) {
        query.sql(" WHERE source_id = ").bind(source.uuid());
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        if let Some(lowest) = window.lowest() {
            query.sql(" AND id >= ").bind(lowest);
        }
        if let Some(below) = window.below() {
            query.sql(" AND id < ").bind(below);
        }
        query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(window.limit()).unwrap_or(i64::MAX) + 1);
    }
}

fn sliced<T>(mut rows: Vec<T>, window: &Window, key: impl Fn(&T) -> Uuid) -> Slice<T> {
    let goes_on = rows.len() > window.limit();
    rows.truncate(window.limit());
    let next = rows.last().filter(|_| goes_on).map(key);
    Slice { rows, next }
}

#[derive(FromQueryResult)]
struct StoredMove {
    id: Uuid,
    at: i64,
    from_cursor: Option<String>,
    to_cursor: Option<String>,
    actor_kind: String,
    actor_id: String,
    reason: String,
}

impl StoredMove {
    fn read(self) -> Result<MoveRead, StoreError> {
        let value = |text: Option<String>| text.map(|text| from_json("poll_moves", &text)).transpose();
        Ok(MoveRead {
            id: self.id,
            at: Timestamp::from_micros(self.at),
            from: value(self.from_cursor)?,
            to: value(self.to_cursor)?,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            reason: self.reason,
        })
    }
}

#[derive(FromQueryResult)]
struct StoredItem {
    id: Uuid,
    run_id: Uuid,
    at: i64,
    reason: String,
    sample: Vec<u8>,
}

const QUIET: &str = "quiet_run_id, quiet_scheduled_at, quiet_started_at, quiet_ended_at, quiet_runs, quiet_requests, \
    quiet_not_modified, quiet_pages, quiet_records, quiet_bytes";

#[derive(FromQueryResult)]
struct StateWithStreak {
    #[sea_orm(nested)]
    state: StoredState,
    #[sea_orm(nested)]
    streak: StoredStreak,
}

#[derive(FromQueryResult)]
struct StoredStreak {
    quiet_run_id: Option<Uuid>,
    quiet_scheduled_at: Option<i64>,
    quiet_started_at: Option<i64>,
    quiet_ended_at: Option<i64>,
    quiet_runs: i32,
    quiet_requests: i64,
    quiet_not_modified: i64,
    quiet_pages: i64,
    quiet_records: i64,
    quiet_bytes: i64,
}

impl StoredStreak {
    fn into_run(self, whose: (TenantId, SourceId)) -> Option<RunRow> {
        let id = RunId::from_uuid(self.quiet_run_id?);
        let scheduled_at = Timestamp::from_micros(self.quiet_scheduled_at?);
        let times = RunTimes { scheduled_at, started_at: Timestamp::from_micros(self.quiet_started_at?) };
        Some(RunRow {
            status: RunStatus::Quiet,
            ended_at: self.quiet_ended_at.map(Timestamp::from_micros),
            runs: u32::try_from(self.quiet_runs).unwrap_or(0),
            counts: RunCounts {
                requests: self.quiet_requests,
                not_modified: self.quiet_not_modified,
                pages: self.quiet_pages,
                records: self.quiet_records,
                bytes: self.quiet_bytes,
                ..RunCounts::default()
            },
            ..RunRow::begun(id, whose, Trigger::Schedule, times)
        })
    }
}
