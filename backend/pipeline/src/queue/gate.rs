//! Who waits at a queue in this process, and whose turn it is to look.
//!
//! However many consumers wait at a queue, the database is looked at once in [`LOOK_EVERY`], and at once when something
//! is committed here. One looks at a time, so that a queue never holds more than one connection to the database.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use postern_domain::DestinationId;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// How often what other replicas did, and what has become due, is looked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Of the connections that the engine has; what pulls must not keep the others from theirs.
const DATABASE_TURNS: usize = 2;

#[derive(Debug)]
pub(crate) struct Gates {
    known: Mutex<HashMap<DestinationId, Arc<Gate>>>,
    database: Semaphore,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
pub(super) struct Gate {
    /// The last look that found nothing: how much had changed by then, and when it was.
    pub(super) turn: tokio::sync::Mutex<Option<(u64, Instant)>>,
    /// Counts what was committed for this queue here.
    pub(super) changes: watch::Sender<u64>,
    pub(super) waiting: AtomicU32,
}

impl Default for Gates {
    fn default() -> Self {
        Self { known: Mutex::default(), database: Semaphore::new(DATABASE_TURNS), closed: watch::Sender::new(false) }
    }
}

impl Gates {
    pub(super) fn at(&self, id: DestinationId) -> Arc<Gate> {
        let fresh = || {
            let turn = tokio::sync::Mutex::new(None);
            Arc::new(Gate { turn, changes: watch::Sender::new(0), waiting: AtomicU32::new(0) })
        };
        Arc::clone(self.known.lock().entry(id).or_insert_with(fresh))
    }

    /// Of events that were committed.
    pub(crate) fn wake_all(&self, queues: &[DestinationId]) {
        for id in queues {
            self.wake(*id);
        }
    }

    /// Something waits in this queue that did not before.
    pub(crate) fn wake(&self, id: DestinationId) {
        let gate = self.known.lock().get(&id).cloned();
        if let Some(gate) = gate {
            gate.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Nobody waits any longer: the server stops.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Returns once [`Gates::close`] was called.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives in `self`, so this only ends when told.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Forgets the queues at which nobody is.
    pub(crate) fn tidy(&self) {
        self.known.lock().retain(|_, gate| Arc::strong_count(gate) > 1);
    }

    /// The right to ask the database. Never closed, so there always is one in the end.
    pub(super) async fn database(&self) -> Option<SemaphorePermit<'_>> {
        self.database.acquire().await.ok()
    }
}
