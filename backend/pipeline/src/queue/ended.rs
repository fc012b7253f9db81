//! Takes back what was leased and not heard of again in time.

use std::collections::HashMap;

use postern_domain::{DestinationId, attempt::ResultKind, queue::QueueSettings};
use postern_store::{StoreError, pull::HeldPull};

use super::{Ending, not_acknowledged, settle, settlement};
use crate::engine::Engine;

/// So many are taken back in one transaction.
const BATCH: u32 = 200;
/// And so often in a row: the next call, or the next sweep, goes on.
const ROUNDS: usize = 50;

impl Engine {
    /// Takes back what ran out in queues that nobody asks.
    ///
    /// # Errors
    /// When the database does not answer; what was taken back until then stays so.
    pub(crate) async fn sweep_queues(&self) -> Result<(), StoreError> {
        take_back(self, None).await
    }
}

/// Of one queue, or of all. Each lease that ran out is a receive that was not acknowledged.
pub(super) async fn take_back(engine: &Engine, of: Option<DestinationId>) -> Result<(), StoreError> {
    for _ in 0..ROUNDS {
        let ended = engine.store.ended_pulls(of, BATCH).await?;
        let count = ended.len();
        let (settings, now) = (settings(engine, &ended), engine.clock.now());
        let settlements = ended.iter().map(|pull| {
            // One that was deleted has no settings any more; what waits for it is cancelled.
            let settings = settings.get(&pull.destination).copied().unwrap_or_default();
            let ending = Ending {
                kind: ResultKind::LeaseExpired,
                at: pull.leased_until,
                detail: None,
                verdict: not_acknowledged(&settings, pull, now),
            };
            settlement(pull, ending)
        });
        settle(engine, settlements.collect()).await?;
        if count < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(())
}

fn settings(engine: &Engine, ended: &[HeldPull]) -> HashMap<DestinationId, QueueSettings> {
    let maps = engine.routing.read();
    let of = |pull: &HeldPull| Some((pull.destination, maps.destination(pull.destination)?.queue?));
    ended.iter().filter_map(of).collect()
}
