//! Starts the calls that are due, ends those whose time is over, and goes on with those whose holder is gone.

use std::{sync::Arc, time::Duration};

use postern_domain::attempt::{ResultKind, Timings};
use postern_store::{
    StoreError,
    calls::{Call, CallAttemptRow, CallTerms},
    engine::Lost,
};

use super::{
    MOST_OF_A_TENANT, run,
    settle::{self, Ended, Reason},
};
use crate::Engine;

/// A lease outlives its try by so much: for the answer to be written, also where the database is away for a moment.
const MARGIN_MS: i64 = 30_000;
/// What one claim takes at most.
const CLAIM: usize = 64;
/// So many overdue or lost ones are looked at together.
const BATCH: u32 = 100;
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
const LOST: &str = "the process ended while the request was under way; it may have left";

/// Looks for what is due as soon as somebody says that there may be something.
pub(crate) async fn run(engine: Arc<Engine>) {
    loop {
        tokio::select! {
            () = engine.calls.wake.notified() => {}
            () = engine.tasks.stopped() => return,
        }
        if let Err(cause) = engine.claim_calls().await {
            tracing::warn!(%cause, "Due calls could not be claimed");
            tokio::select! {
                () = tokio::time::sleep(FAILURE_PAUSE) => {}
                () = engine.tasks.stopped() => return,
            }
        }
    }
}

impl Engine {
    /// What is to be done about calls now and then: claims what is due, ends what is overdue, and hears what was called
    /// off elsewhere.
    ///
    /// # Errors
    /// When the database does not answer; the next run goes on.
    pub async fn tend_calls(self: &Arc<Self>) -> Result<(), StoreError> {
        if !self.dispatches() || self.tasks.stopping() {
            return Ok(());
        }
        self.claim_calls().await?;
        if self.calls.has_running() {
            for id in self.store.called_off(self.instance.id()).await? {
                self.calls.abort(id);
            }
        }
        self.end_overdue().await
    }

    /// Starts a try of each call that is due, as far as there is room.
    ///
    /// # Errors
    /// When the database does not answer. What was claimed before runs.
    pub async fn claim_calls(self: &Arc<Self>) -> Result<(), StoreError> {
        let _alone = self.calls.claiming.lock().await;
        while self.dispatches() && self.instance.is_live() && !self.tasks.stopping() {
            let most = self.calls.rooms.available_permits().min(CLAIM);
            if most == 0 {
                break;
            }
            let terms = CallTerms {
                now: self.clock.now(),
                instance: self.instance.id(),
                margin_ms: MARGIN_MS,
                most: u32::try_from(most).unwrap_or(u32::MAX),
                per_tenant: MOST_OF_A_TENANT,
            };
            let claimed = self.store.claim_calls(&terms).await?;
            let is_full = claimed.len() >= most;
            for claim in claimed {
                // Only this takes rooms, and it has looked before.
                let Ok(room) = Arc::clone(&self.calls.rooms).try_acquire_owned() else { break };
                self.tasks.spawn("call", run::run(Arc::clone(self), claim, room));
            }
            if !is_full {
                break;
            }
        }
        Ok(())
    }

    async fn end_overdue(self: &Arc<Self>) -> Result<(), StoreError> {
        loop {
            let overdue = self.store.overdue_calls(self.clock.now(), BATCH).await?;
            let is_full = overdue.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
            let mut ended = 0;
            for call in overdue {
                ended += usize::from(settle_or_tell(self, call, Reason::Overdue).await?);
            }
            // One that cannot be ended stays overdue, and must not be looked at again at once.
            if !is_full || ended == 0 {
                return Ok(());
            }
        }
    }

    /// Goes on with calls whose lease is void: the try that may have left is on record, and whether there is another is
    /// decided as for any that broke off.
    ///
    /// # Errors
    /// When the database does not answer; what was settled until then stays so.
    pub(crate) async fn recover_calls(self: &Arc<Self>, lost: Lost) -> Result<u64, StoreError> {
        let (mut total, mut after) = (0, None);
        loop {
            let calls = self.store.lost_calls(lost, after, BATCH).await?;
            let Some(last) = calls.last() else { break };
            after = Some(last.id);
            for call in calls {
                let Some(ended) = interrupted(self, &call) else { continue };
                total += u64::from(settle_or_tell(self, call, Reason::Tried(Box::new(ended))).await?);
            }
        }
        if total > 0 {
            self.calls.wake.notify_one();
        }
        Ok(total)
    }
}

/// One that the database refuses must not keep the others from being looked at. True when it was settled.
async fn settle_or_tell(engine: &Arc<Engine>, call: Call, reason: Reason) -> Result<bool, StoreError> {
    let id = call.id;
    match settle::settle(engine, call, reason).await {
        Ok(settled) => Ok(settled.is_some()),
        Err(cause) if cause.is_unavailable() => Err(cause),
        Err(cause) => {
            tracing::error!(call.id = %id, %cause, "Call `{id}` cannot be settled");
            Ok(false)
        }
    }
}

/// The try of a call whose holder is gone.
fn interrupted(engine: &Engine, call: &Call) -> Option<Ended> {
    let lease = call.lease?;
    let attempt = CallAttemptRow {
        id: lease.token,
        number: call.attempts.saturating_add(1),
        started_at: lease.at,
        ended_at: engine.clock.now(),
        kind: ResultKind::Interrupted,
        status: None,
        unknown: true,
        timings: Timings::default(),
        response_bytes: 0,
        detail: Some(LOST.to_owned()),
    };
    Some(Ended::without_answer(attempt))
}
