//! This process as the others see it: its heartbeat, and whether it may still act on its leases.

use std::time::{Duration, Instant};

use parking_lot::RwLock;
use uuid::Uuid;

pub const HEARTBEAT_MS: u64 = 3_000;
/// Without a heartbeat for so long, the others void its leases.
pub const DEAD_AFTER_MS: i64 = 12_000;
/// It stops acting on them earlier, so that the two never overlap.
const DOUBT_AFTER: Duration = Duration::from_millis(9_000);

#[derive(Debug)]
pub(crate) struct Instance {
    state: RwLock<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    id: Uuid,
    beat_at: Instant,
    /// On SQLite nobody else can take over.
    alone: bool,
}

impl Instance {
    pub(crate) fn new(alone: bool) -> Self {
        let state = State { id: postern_domain::id::fresh_uuid(), beat_at: Instant::now(), alone };
        Self { state: RwLock::new(state) }
    }

    pub(crate) fn id(&self) -> Uuid {
        self.state.read().id
    }

    /// `sent_at`: taken before the heartbeat was written, since it counts from then.
    pub(crate) fn beat(&self, sent_at: Instant) {
        self.state.write().beat_at = sent_at;
    }

    /// Takes a new identity, because the old one was struck off.
    pub(crate) fn renew(&self, sent_at: Instant) -> Uuid {
        let id = postern_domain::id::fresh_uuid();
        let mut state = self.state.write();
        state.id = id;
        state.beat_at = sent_at;
        id
    }

    /// Whether leases of this process can still be relied on.
    pub(crate) fn is_live(&self) -> bool {
        let state = self.state.read();
        state.alone || state.beat_at.elapsed() < DOUBT_AFTER
    }
}
