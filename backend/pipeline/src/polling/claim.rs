//! Starts the runs that are due.

use std::{sync::Arc, time::Duration};

use postern_store::{
    StoreError,
    polling::{ClaimTerms, ClaimedRun, RunKind},
};

use super::{rooms, run, tick};
use crate::Engine;

/// A run that is alive makes its lease longer; one that is not is taken over when it ends.
pub(super) const LEASE_MS: i64 = 60_000;
pub(super) const EXTEND_EVERY: Duration = Duration::from_secs(15);
/// What one claim takes at most.
const CLAIM: u32 = 256;
/// While much is due and all rooms are taken, a claim waits for so many to be free: a claim for one or two is not worth
/// its transaction.
const WORTH_A_CLAIM: u32 = rooms::MOST / 8;

impl Engine {
    /// Starts a run for each source that is due, as far as there is room; returns when no more are due now.
    ///
    /// # Errors
    /// When the database does not answer. What was claimed before runs; the lease of what cannot run is let run out.
    pub async fn claim_polls(self: &Arc<Self>) -> Result<(), StoreError> {
        while self.dispatches() && self.instance.is_live() && !self.tasks.stopping() {
            let most = self.polls.rooms.free().min(CLAIM);
            if most < WORTH_A_CLAIM.min(CLAIM) && !self.wait_for_room().await {
                return Ok(());
            }
            let most = self.polls.rooms.free().min(CLAIM);
            if most == 0 {
                continue;
            }
            let terms = ClaimTerms {
                now: self.clock.now(),
                instance: self.instance.id(),
                lease_ms: LEASE_MS,
                most,
                per_tenant: rooms::MOST_OF_A_TENANT,
            };
            let claimed = self.store.claim_polls(&terms).await?;
            let is_full = u32::try_from(claimed.len()).unwrap_or(u32::MAX) >= most;
            if claimed.iter().any(|claim| claim.config_version > self.routing.version()) {
                // A change of its settings makes a source due, and they may have been changed elsewhere.
                self.routing.refresh().await?;
            }
            for claim in claimed {
                self.start_run(claim);
            }
            if !is_full {
                break;
            }
        }
        Ok(())
    }

    /// How many runs are under way in this process, those whose end is not yet written among them.
    #[must_use]
    pub fn polls_running(&self) -> u32 {
        self.polls.rooms.taken()
    }

    /// False when the engine stops meanwhile.
    async fn wait_for_room(&self) -> bool {
        while self.polls.rooms.free() < WORTH_A_CLAIM {
            tokio::select! {
                () = self.polls.rooms.freed() => {}
                () = self.tasks.stopped() => return false,
            }
        }
        true
    }

    fn start_run(self: &Arc<Self>, claim: ClaimedRun) {
        let figures = &self.metrics.polling;
        let late_ms = claim.started_at.ms_since(claim.scheduled_at).max(0);
        figures.start_delay.observe(f64::from(u32::try_from(late_ms).unwrap_or(u32::MAX)) / 1e3);
        let room = self.polls.rooms.take();
        figures.running.set(i64::from(self.polls.rooms.taken()));
        match claim.state.kind {
            RunKind::Poll => self.tasks.spawn("poll", run::run(Arc::clone(self), claim, room)),
            RunKind::Schedule => self.tasks.spawn("tick", tick::run(Arc::clone(self), claim, room)),
        }
    }
}
