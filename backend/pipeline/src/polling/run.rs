//! One run of a source, from the claim to its end.

use std::{sync::Arc, time::Instant};

use postern_domain::{Timestamp, source::SourceKind};
use postern_polling::{
    CursorState, CursorValue, Emit, FirstRun, Hash, Newest, Order, PollSettings, Windows, advice::Standing,
};
use postern_store::{
    StoreError,
    polling::{ClaimedRun, PollState, Progress, RunError, RunRow, RunTimes, Trigger, Validators},
};
use serde_json::Value;

use super::{
    alarm,
    budget::Asker,
    claim::{EXTEND_EVERY, LEASE_MS},
    commit::{Holding, NotWritten},
    end::Ended,
    failure::Failure,
    notes,
    rooms::Room,
    sample::Secrets,
};
use crate::{Engine, SourceEntry};

/// A run under way.
pub(super) struct Run {
    pub(super) engine: Arc<Engine>,
    pub(super) source: Arc<SourceEntry>,
    pub(super) settings: Arc<PollSettings>,
    /// As it was claimed.
    pub(super) state: PollState,
    pub(super) holding: Holding,
    /// With all that was counted so far.
    pub(super) row: RunRow,
    pub(super) cursor: CursorState,
    /// As it was committed last, or could have been.
    pub(super) progress: Progress,
    /// Up to where the provider's records have settled.
    pub(super) until: Option<CursorValue>,
    /// A record waits for a webhook, or for the next poll: an unchanged page would hide it.
    pub(super) is_pending: bool,
    /// Of these, some wait for a webhook.
    pub(super) is_awaiting: bool,
    /// About the webhooks beside, as it stands.
    pub(super) alarm: Option<Standing>,
    pub(super) is_held: bool,
    pub(super) wrote_page: bool,
    /// What it left out, though it is a good run.
    pub(super) note: Option<RunError>,
    pub(super) newest: Option<Newest>,
    /// Meanwhile, where the list goes on.
    pub(super) behind: Option<Value>,
    /// Hashes of all records listed, where deletions are looked for.
    pub(super) listed: Option<std::collections::HashSet<Hash>>,
    pub(super) answers: Answers,
    /// Where the API cuts its lists off.
    pub(super) windows: Option<Windows>,
    pub(super) secrets: Secrets,
}

/// What the answers of a run said about the next one.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Of the first page.
    pub(super) validators: Validators,
    pub(super) exhausted_until: Option<Timestamp>,
    /// Not more often than this.
    pub(super) floor_s: u32,
    /// The run listed all that there is to list.
    pub(super) is_whole: bool,
}

/// How a run came to its end.
#[derive(Debug)]
pub(super) enum Finish {
    /// The list was read to its end, or as far as it had to be.
    Complete,
    /// The first page is the one of the last run.
    Unchanged,
    /// The limit of pages: the next run goes on from there.
    Partial,
    /// The engine stops, or the source is no longer polled.
    Stopped,
    Failed(Failure),
}

/// Why the pages were not read further.
#[derive(Debug)]
pub(super) enum Stop {
    LostLease,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(cause: StoreError) -> Self {
        Self::Failed(Failure::internal(&cause))
    }
}

impl From<NotWritten> for Stop {
    fn from(cause: NotWritten) -> Self {
        match cause {
            NotWritten::LostLease => Self::LostLease,
            NotWritten::Store(cause) => cause.into(),
        }
    }
}

pub(super) async fn run(engine: Arc<Engine>, claim: ClaimedRun, room: Room) {
    let id = claim.state.source;
    let Some(mut run) = Run::begin(&engine, claim).await else { return };
    let lease = (run.holding.source, run.holding.token);
    let stop = tokio::select! {
        finish = Box::pin(run.walk()) => finish,
        () = keep_lease(&engine, lease) => Err(Stop::LostLease),
    };
    let finish = match stop {
        Ok(finish) => finish,
        Err(Stop::Failed(failure)) => Finish::Failed(failure),
        Err(Stop::LostLease) => {
            // Whoever has the lease now has put this run on record.
            tracing::info!(source.id = %id, "A run of `{id}` lost its lease and wrote nothing more");
            return;
        }
    };
    if let Finish::Failed(failure) = &finish {
        let (class, status) = (failure.error.class.as_str(), failure.error.http);
        tracing::info!(source.id = %id, class, status, "A run of `{id}` failed");
    }
    run.judge_webhooks(&finish).await;
    let before = notes::Before::of(&run.state);
    let end = run.end(finish, rand::random());
    Box::pin(engine.tell_of_run(&before, &end)).await;
    // The task that writes lives as long as there are runs.
    let _ = engine.polls.ended.send(Ended { end, room });
}

impl Run {
    /// `None` when the configuration cannot be read; the lease then runs out.
    async fn begin(engine: &Arc<Engine>, claim: ClaimedRun) -> Option<Self> {
        let id = claim.state.source;
        let source = match engine.routing.source(id).await {
            Ok(source) => source.filter(|source| !source.paused),
            Err(cause) => {
                tracing::warn!(source.id = %id, %cause, "The configuration of `{id}` could not be read for a run");
                return None;
            }
        };
        let source = source?;
        let settings = Arc::clone(source.poll.as_ref()?);
        let state = claim.state;
        let times = RunTimes { scheduled_at: claim.scheduled_at, started_at: claim.started_at };
        let mut row = RunRow::begun(claim.run, (state.tenant, state.source), claim.trigger, times);
        row.cursor_before.clone_from(&state.progress.cursor);
        let progress = state.progress.clone();
        let cursor = CursorState::read(&settings.cursor, progress.cursor.as_ref(), progress.candidate.as_ref());
        // Of a list that is read newest first they were emitted before it was left.
        let is_behind_newest = settings.cursor.order == Order::Desc && progress.resume.is_some();
        let newest = match settings.first_run {
            FirstRun::LastN(most) if !state.primed && !is_behind_newest => {
                Some(Newest::new(most, settings.cursor.order))
            }
            _ => None,
        };
        let holding = Holding { source: id, tenant: state.tenant, token: claim.token, seq: state.seq };
        Some(Self {
            engine: Arc::clone(engine),
            listed: (settings.emit == Emit::AllChanges).then(Default::default),
            is_held: state.held > 0,
            alarm: alarm::standing(&state),
            source,
            settings,
            holding,
            row,
            cursor,
            progress,
            state,
            until: None,
            is_pending: false,
            is_awaiting: false,
            wrote_page: false,
            note: None,
            newest,
            behind: None,
            answers: Answers::default(),
            windows: None,
            secrets: Secrets::default(),
        })
    }

    /// Whether it looks for what the webhooks of its source did not bring.
    pub(super) fn reconciles(&self) -> bool {
        self.source.kind == SourceKind::Webhook
    }

    /// Whether what it finds tells how webhooks fare: not of a first run, nor after somebody moved the cursor, until the
    /// list has been read to its end from there.
    pub(super) fn compares(&self) -> bool {
        self.state.primed && self.row.trigger != Trigger::Rewind && !self.cursor.is_moved()
    }

    pub(super) fn asker(&self) -> Asker {
        match self.row.trigger {
            Trigger::Manual | Trigger::Rewind => Asker::Person,
            Trigger::Schedule => Asker::Timetable,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + std::time::Duration::from_secs(u64::from(self.settings.limits.run_timeout_s))
    }
}

/// Makes the lease longer while the run goes on; returns when it is lost.
async fn keep_lease(engine: &Engine, (source, token): (postern_domain::SourceId, uuid::Uuid)) {
    let mut kept_at = Instant::now();
    loop {
        tokio::time::sleep(EXTEND_EVERY).await;
        match engine.store.extend_poll(source, token, LEASE_MS).await {
            Ok(true) => kept_at = Instant::now(),
            Ok(false) => return,
            Err(cause) => {
                tracing::warn!(source.id = %source, %cause, "The lease of `{source}` could not be made longer yet");
                // A commit would be refused by now; nothing is to be asked in its name either.
                if kept_at.elapsed().as_millis() >= u128::from(LEASE_MS.unsigned_abs()) {
                    return;
                }
            }
        }
    }
}
