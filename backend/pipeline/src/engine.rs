//! The parts of the engine in one place, and their start and end.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use postern_domain::{Clock, TenantId};
use postern_limits::KeyedLimiter;
use postern_signatures::Presets;
use postern_store::{Backend, Retention, Store, StoreError, engine::Lost};
use tokio::sync::mpsc;

use crate::{
    calls::{self, Calls},
    claim,
    inlet::Inlet,
    instance::Instance,
    key_use::KeyUse,
    keys::Keys,
    lanes::Lanes,
    metrics::Metrics,
    people::hashing::Hashing,
    polling::{self, Polls},
    queue::Gates,
    recorder::{self, Recorder},
    routing::Routing,
    tasks::Tasks,
    writer::{self, Settled},
};

/// Of the time that a shutdown has, the requests of calls get so much to come to their end.
const CALLS_SHARE: f32 = 0.9;

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Accepts and dispatches.
    All,
    /// Accepts; deliveries wait for a worker.
    Http,
    /// Dispatches.
    Worker,
}

#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    pub duty: Duty,
    /// Longer than any request timeout with a margin: checked at start.
    pub lease_ms: i64,
    pub retention: Retention,
    /// Requests a second that one tenant may send to the front door of this installation, and at one moment.
    pub tenant_rate_per_s: u32,
    /// The shortest interval at which a source may poll.
    pub min_poll_interval_s: u32,
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub egress: postern_egress::Client,
    pub clock: Clock,
    pub presets: Arc<Presets>,
    pub options: EngineOptions,
}

#[derive(Debug)]
pub struct Engine {
    pub store: Store,
    pub routing: Arc<Routing>,
    pub egress: postern_egress::Client,
    pub clock: Clock,
    /// What is known of providers: those that come with Postern, and the operator's.
    pub presets: Arc<Presets>,
    pub metrics: Arc<Metrics>,
    pub tasks: Tasks,
    pub options: EngineOptions,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) instance: Instance,
    pub(crate) inlet: Inlet,
    pub(crate) settled: mpsc::UnboundedSender<Settled>,
    pub(crate) recorder: Recorder,
    pub(crate) keys: Keys,
    pub(crate) key_use: KeyUse,
    pub(crate) tenant_limits: KeyedLimiter<TenantId>,
    pub(crate) hashing: Hashing,
    pub(crate) polls: Polls,
    pub(crate) gates: Gates,
    pub(crate) calls: Calls,
    queues: Mutex<Option<Queues>>,
}

#[derive(Debug)]
pub(crate) struct Queues {
    pub(crate) accepted: mpsc::Receiver<crate::inlet::Submission>,
    pub(crate) settled: mpsc::UnboundedReceiver<Settled>,
    pub(crate) requests: mpsc::Receiver<postern_store::engine::requests::RequestRow>,
    pub(crate) ended_polls: mpsc::UnboundedReceiver<polling::Ended>,
}

impl Engine {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let lanes = Arc::new(Lanes::default());
        let (inlet, accepted) = Inlet::new();
        let (settled_to, settled) = mpsc::unbounded_channel();
        let (recorder, requests) = Recorder::new();
        let (polls, ended_polls) = Polls::new();
        let rate = parts.options.tenant_rate_per_s;
        Arc::new(Self {
            routing: Arc::new(Routing::new(parts.store.clone(), Arc::clone(&lanes), Arc::clone(&parts.presets))),
            instance: Instance::new(parts.store.backend() == Backend::Sqlite),
            store: parts.store,
            egress: parts.egress,
            clock: parts.clock,
            presets: parts.presets,
            metrics: Arc::new(Metrics::default()),
            tasks: Tasks::default(),
            options: parts.options,
            lanes,
            inlet,
            settled: settled_to,
            recorder,
            keys: Keys::default(),
            key_use: KeyUse::default(),
            tenant_limits: KeyedLimiter::new(rate, rate.saturating_mul(2)),
            hashing: Hashing::default(),
            polls,
            gates: Gates::default(),
            calls: Calls::default(),
            queues: Mutex::new(Some(Queues { accepted, settled, requests, ended_polls })),
        })
    }

    /// Reads the configuration, takes over from a predecessor and starts the loops. Once; again does nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(self: &Arc<Self>) -> Result<(), StoreError> {
        let Some(queues) = self.queues.lock().take() else { return Ok(()) };
        self.store.open_partitions(self.clock.now()).await?;
        self.store.enter(self.instance.id()).await?;
        self.routing.refresh().await?;
        if self.store.backend() == Backend::Sqlite {
            // One server at a time: what is leased now was leased by the one before.
            let voided = self.store.recover(Lost::AllBut(self.instance.id()), self.clock.now()).await?;
            self.metrics.recovered.inc_by(voided);
            self.store.recover_polls(Lost::AllBut(self.instance.id()), self.clock.now()).await?;
        }
        writer::start(self, queues.accepted, queues.settled);
        recorder::start(self, queues.requests);
        if self.dispatches() {
            self.tasks.spawn("claim", claim::run(Arc::clone(self)));
            self.tasks.spawn("poll-ends", polling::write_ends(Arc::clone(self), queues.ended_polls));
            self.tasks.spawn("calls", calls::claim_when_woken(Arc::clone(self)));
        }
        if self.store.backend() == Backend::Sqlite {
            // Now that there is somebody to take their events.
            self.recover_calls(Lost::AllBut(self.instance.id())).await?;
        }
        Ok(())
    }

    #[must_use]
    pub const fn dispatches(&self) -> bool {
        matches!(self.options.duty, Duty::All | Duty::Worker)
    }

    /// Something may be due: a destination was resumed, a delivery retried.
    pub fn wake(&self) {
        self.claim_soon();
    }

    pub(crate) fn claim_soon(&self) {
        self.lanes.rediscover();
        self.lanes.wake.notify_one();
    }

    /// Answers those who wait at a queue: before the listener waits for its last answers.
    pub fn end_waits(&self) {
        self.gates.close();
    }

    /// Stops claiming, lets what is under way finish and be settled, and leaves. What does not finish within `grace`
    /// is recovered by the next process.
    pub async fn shut_down(&self, grace: Duration) {
        self.end_waits();
        self.tasks.stop();
        // What a call asks for may take an hour. What is left then has to be written.
        let patience = grace.mul_f32(CALLS_SHARE);
        if tokio::time::timeout(patience, self.tasks.idle()).await.is_err() {
            self.calls.interrupt();
        }
        if tokio::time::timeout(grace.saturating_sub(patience), self.tasks.idle()).await.is_err() {
            tracing::warn!("Some work did not finish within {grace:?}; its leases will be recovered");
        }
        if let Err(cause) = self.store.strike_off(self.instance.id()).await {
            tracing::warn!(%cause, "Could not sign off; the others will notice by the missing heartbeat");
        }
    }
}
