//! The one place that commits: takes what has gathered, routes it, writes it in one transaction, and only then lets the
//! callers have their answer and the dispatcher its work.
//!
//! No timer waits for a batch to fill: an idle system commits at once, a busy one in groups. On SQLite accepted events
//! and settled attempts share a transaction; on PostgreSQL two writers work side by side.

mod commit;
mod fair;
mod route;
mod settle;

pub(crate) use commit::{give_back, send_off};
pub(crate) use route::{Routed, route};

use std::{borrow::Borrow, collections::VecDeque, sync::Arc, time::Duration};

use postern_store::{Backend, engine::Settlement};
use tokio::sync::mpsc;

use crate::{engine::Engine, inlet::Submission, lanes::Slot};

/// What one transaction takes at most.
const BATCH_EVENTS: usize = 256;
/// So many are looked at to see who waits.
const LOOKED_AT: usize = 1_024;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// A source has at most half as many connections, so one event always fits.
const BATCH_DELIVERIES: usize = 2_000;
const BATCH_SETTLEMENTS: usize = 256;
/// So long a page may still change before it goes into SQLite's file.
const CHECKPOINT_AFTER: Duration = Duration::from_millis(100);

/// A lease that has come to its end. Its slot is given back once that is written.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) settlement: Settlement,
    /// For the end-to-end figure, of first tries.
    pub(crate) received_at: Option<postern_domain::Timestamp>,
    pub(crate) connection: postern_domain::ConnectionId,
    #[expect(dead_code, reason = "held until the settlement is written")]
    pub(crate) slot: Slot,
}

impl Borrow<Settlement> for Settled {
    fn borrow(&self) -> &Settlement {
        &self.settlement
    }
}

pub(crate) fn start(
    engine: &Arc<Engine>,
    accepted: mpsc::Receiver<Submission>,
    settled: mpsc::UnboundedReceiver<Settled>,
) {
    let accepts = Accepts { queue: accepted, left_over: VecDeque::new() };
    let settles = Settles { queue: settled, left_over: VecDeque::new() };
    match engine.store.backend() {
        Backend::Sqlite => {
            engine.tasks.spawn("writer", run_both(Arc::clone(engine), accepts, settles));
            engine.tasks.spawn("checkpoint", run_checkpoints(Arc::clone(engine)));
        }
        Backend::Postgres => {
            engine.tasks.spawn("accept-writer", run_accepts(Arc::clone(engine), accepts));
            engine.tasks.spawn("settle-writer", run_settles(Arc::clone(engine), settles));
        }
    }
}

struct Accepts {
    queue: mpsc::Receiver<Submission>,
    left_over: VecDeque<Submission>,
}

impl Accepts {
    /// Waits for at least one.
    async fn fill(&mut self) {
        if self.left_over.is_empty()
            && let Some(first) = self.queue.recv().await
        {
            self.left_over.push_back(first);
        }
    }

    /// A batch of what is there, within the bounds.
    fn take(&mut self, engine: &Engine) -> Vec<Submission> {
        while self.left_over.len() < LOOKED_AT
            && let Ok(more) = self.queue.try_recv()
        {
            self.left_over.push_back(more);
        }
        fair::order(&mut self.left_over, |waiting| waiting.event.tenant);
        let (mut bytes, mut deliveries) = (0, 0);
        let mut batch = Vec::with_capacity(self.left_over.len().min(BATCH_EVENTS));
        let maps = engine.routing.read();
        while batch.len() < BATCH_EVENTS
            && let Some(next) = self.left_over.pop_front()
        {
            bytes += next.event.body.len();
            deliveries += maps.connections_of(next.event.source).len();
            if !batch.is_empty() && (bytes > BATCH_BYTES || deliveries > BATCH_DELIVERIES) {
                self.left_over.push_front(next);
                break;
            }
            batch.push(next);
        }
        batch
    }
}

struct Settles {
    queue: mpsc::UnboundedReceiver<Settled>,
    left_over: VecDeque<Settled>,
}

impl Settles {
    async fn fill(&mut self) {
        if self.left_over.is_empty()
            && let Some(first) = self.queue.recv().await
        {
            self.left_over.push_back(first);
        }
    }

    /// A batch with each delivery once: two leases of one delivery must be judged one after the other.
    fn take(&mut self) -> Vec<Settled> {
        while self.left_over.len() < BATCH_SETTLEMENTS
            && let Ok(more) = self.queue.try_recv()
        {
            self.left_over.push_back(more);
        }
        let mut seen = std::collections::HashSet::with_capacity(self.left_over.len());
        let mut bytes = 0;
        let (mut batch, mut later) = (Vec::with_capacity(self.left_over.len()), VecDeque::new());
        for next in self.left_over.drain(..) {
            let fits = batch.is_empty() || bytes + next.settlement.attempt.body.len() <= BATCH_BYTES;
            if fits && seen.insert(next.settlement.attempt.delivery) {
                bytes += next.settlement.attempt.body.len();
                batch.push(next);
            } else {
                later.push_back(next);
            }
        }
        self.left_over = later;
        batch
    }
}

async fn run_accepts(engine: Arc<Engine>, mut accepts: Accepts) {
    while serve(&engine, accepts.fill()).await {
        let batch = accepts.take(&engine);
        if !batch.is_empty() {
            commit::accept(&engine, batch, Vec::new()).await;
        }
    }
    while let Some(batch) = Some(accepts.take(&engine)).filter(|batch| !batch.is_empty()) {
        commit::accept(&engine, batch, Vec::new()).await;
    }
}

/// Settling goes on until nothing is under way: shutdown waits for it.
async fn run_settles(engine: Arc<Engine>, mut settles: Settles) {
    loop {
        if !serve(&engine, settles.fill()).await {
            if engine.lanes.in_flight() == 0 {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), settles.fill()).await;
        }
        settle::settle(&engine, settles.take()).await;
    }
}

async fn run_both(engine: Arc<Engine>, mut accepts: Accepts, mut settles: Settles) {
    loop {
        let more = serve(&engine, async {
            tokio::select! {
                () = accepts.fill() => {}
                () = settles.fill() => {}
            }
        })
        .await;
        let (batch, settled) = (accepts.take(&engine), settles.take());
        if !more && batch.is_empty() && settled.is_empty() {
            if engine.lanes.in_flight() == 0 {
                return;
            }
            let _ = tokio::time::timeout(Duration::from_millis(50), settles.fill()).await;
        }
        if batch.is_empty() {
            settle::settle(&engine, settled).await;
        } else {
            commit::accept(&engine, batch, settled).await;
        }
    }
}

/// Soon after something was committed, and not again before more was.
async fn run_checkpoints(engine: Arc<Engine>) {
    while serve(&engine, engine.store.log_has_grown()).await {
        tokio::time::sleep(CHECKPOINT_AFTER).await;
        if let Err(cause) = engine.store.checkpoint().await {
            tracing::warn!(%cause, "The log of the SQLite file stays long for now");
        }
    }
}

/// False once the engine is stopping.
async fn serve(engine: &Engine, filled: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = filled => true,
        () = engine.tasks.stopped() => false,
    }
}
