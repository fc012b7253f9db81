//! Room for runs: how many may be under way in this process. Taken before a source is claimed, and given back once the
//! end of its run is written, so that a database that cannot write stops the polling by itself.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;

/// Runs under way in this process.
pub(super) const MOST: u32 = 512;
/// Of one tenant, in all processes: its APIs may all hang, and the others still have room.
pub(super) const MOST_OF_A_TENANT: u32 = 256;

#[derive(Debug, Default)]
pub(crate) struct Rooms {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    taken: AtomicU32,
    freed: Notify,
}

/// Room for one run; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room(Arc<Inner>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

impl Rooms {
    pub(crate) fn taken(&self) -> u32 {
        self.inner.taken.load(Ordering::Acquire)
    }

    pub(crate) fn free(&self) -> u32 {
        MOST.saturating_sub(self.taken())
    }

    /// Only the claim takes room, and it has looked before.
    pub(crate) fn take(&self) -> Room {
        self.inner.taken.fetch_add(1, Ordering::AcqRel);
        Room(Arc::clone(&self.inner))
    }

    /// Returns once somebody gave room back.
    pub(crate) async fn freed(&self) {
        self.inner.freed.notified().await;
    }
}
