//! Room for attempts: how many may be under way for a destination, a tenant and in all, and which lanes have a backlog.
//!
//! A slot is taken before a delivery is leased and given back when its attempt is settled, so that nothing waits for a
//! rate limit under a running lease, and a database that cannot settle stops the dispatching by itself. A healthy
//! destination has more slots than it may have requests under way: a short line in memory saves a burst the way through
//! the database (ADR 0007). What stands in line too long is given back, not sent.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use postern_domain::{ConnectionId, DestinationId, TenantId, Timestamp, destination::RateLimit};
use postern_limits::RateLimiter;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::entry::DestinationEntry;

/// Attempts under way in this process.
const GLOBAL_SLOTS: u32 = 2_048;
/// Of these, at most so many for one tenant: its receivers may all hang, and the others still have room.
const TENANT_SLOTS: u32 = 512;
/// Slots of a healthy destination for each request that it may have under way.
const LINE: u32 = 4;
/// A destination counts as failing after so many failures in a row.
const FAILING_AFTER: u32 = 3;
/// Bytes of bodies under way; above it nothing is leased until some are settled.
const BYTES_IN_FLIGHT: usize = 32 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct TenantRuntime {
    in_flight: AtomicU32,
}

#[derive(Debug)]
pub(crate) struct DestinationRuntime {
    in_flight: AtomicU32,
    concurrency: AtomicU32,
    /// One permit for each request that may be under way.
    sending: RwLock<Arc<Semaphore>>,
    limiter: RwLock<Option<(RateLimit, RateLimiter)>>,
    /// As last written to the database, so that only changes are written.
    failing: AtomicBool,
    failures_in_a_row: AtomicU32,
}

impl DestinationRuntime {
    pub(crate) fn configure(&self, concurrency: u32, limit: Option<RateLimit>, share: u32, failing: bool) {
        let concurrency = concurrency.max(1);
        if self.concurrency.swap(concurrency, Ordering::Relaxed) != concurrency {
            // Requests under way keep their permits of before.
            *self.sending.write() = Arc::new(Semaphore::new(usize::try_from(concurrency).unwrap_or(1)));
        }
        self.failing.store(failing, Ordering::Relaxed);
        let mut limiter = self.limiter.write();
        match (&mut *limiter, limit) {
            (Some((known, limiter)), Some(limit)) if *known == limit => limiter.set_share(share),
            (limiter, limit) => {
                *limiter = limit.map(|limit| (limit, RateLimiter::new(limit.per_s, limit.burst(), share)));
            }
        }
    }

    /// Counts an attempt; answers whether it fails now, when that has changed.
    pub(crate) fn note_outcome(&self, succeeded: bool) -> Option<bool> {
        let failing = if succeeded {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
            false
        } else {
            self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= FAILING_AFTER
        };
        let changes = self.failing.load(Ordering::Relaxed) != failing;
        // A stumble alone changes nothing, and most attempts change nothing.
        let settled = succeeded || failing;
        (settled && changes && self.failing.swap(failing, Ordering::AcqRel) != failing).then_some(failing)
    }

    /// Waits for the turn to send. Held for as long as the exchange takes.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let sending = Arc::clone(&self.sending.read());
        sending.acquire_owned().await.ok()
    }

    fn slots(&self) -> u32 {
        let concurrency = self.concurrency.load(Ordering::Relaxed);
        // One that fails may hang: nothing should stand in line for it.
        let line = if self.failing.load(Ordering::Relaxed) { 1 } else { LINE };
        concurrency.saturating_mul(line)
    }

    fn set_share(&self, share: u32) {
        if let Some((_, limiter)) = &*self.limiter.read() {
            limiter.set_share(share);
        }
    }

    fn check_limit(&self) -> Result<(), Duration> {
        match &*self.limiter.read() {
            Some((_, limiter)) => limiter.check(),
            None => Ok(()),
        }
    }
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// All are taken; one that is given back wakes the claim loop.
    Busy,
    /// The rate limit allows the next one after this long.
    Limited(Duration),
}

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    destinations: Mutex<HashMap<DestinationId, Arc<DestinationRuntime>>>,
    tenants: Mutex<HashMap<TenantId, Arc<TenantRuntime>>>,
    in_flight: AtomicU32,
    bytes_in_flight: AtomicUsize,
    /// When the first of each lane's backlog is due, as far as this process knows.
    waiting: Mutex<HashMap<ConnectionId, Timestamp>>,
    waiting_count: AtomicUsize,
    /// Somebody changed what is due behind our back.
    rediscover: AtomicBool,
    pub(crate) wake: Notify,
}

/// Room for one attempt; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    lanes: Arc<Lanes>,
    destination: Arc<DestinationRuntime>,
    tenant: Arc<TenantRuntime>,
    bytes: usize,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.destination.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.tenant.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.lanes.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.lanes.bytes_in_flight.fetch_sub(self.bytes, Ordering::AcqRel);
        if self.lanes.waiting_count.load(Ordering::Acquire) > 0 {
            self.lanes.wake.notify_one();
        }
    }
}

impl Slot {
    /// Counts the body against what may be under way.
    pub(crate) fn hold_bytes(&mut self, bytes: usize) {
        self.lanes.bytes_in_flight.fetch_add(bytes, Ordering::AcqRel);
        self.bytes += bytes;
    }
}

fn take(counter: &AtomicU32, most: u32) -> bool {
    counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < most).then_some(taken + 1)).is_ok()
}

impl Lanes {
    pub(crate) fn destination(&self, id: DestinationId) -> Arc<DestinationRuntime> {
        let mut known = self.destinations.lock();
        let fresh = || DestinationRuntime {
            in_flight: AtomicU32::new(0),
            concurrency: AtomicU32::new(1),
            sending: RwLock::new(Arc::new(Semaphore::new(1))),
            limiter: RwLock::new(None),
            failing: AtomicBool::new(false),
            failures_in_a_row: AtomicU32::new(0),
        };
        Arc::clone(known.entry(id).or_insert_with(|| Arc::new(fresh())))
    }

    pub(crate) fn forget(&self, id: DestinationId) {
        self.destinations.lock().remove(&id);
    }

    pub(crate) fn tenant(&self, id: TenantId) -> Arc<TenantRuntime> {
        Arc::clone(self.tenants.lock().entry(id).or_default())
    }

    /// Each replica keeps its part of every limit.
    pub(crate) fn set_share(&self, share: u32) {
        for runtime in self.destinations.lock().values() {
            runtime.set_share(share);
        }
    }

    /// The next round of the claim loop asks the database which lanes are due.
    pub(crate) fn rediscover(&self) {
        self.rediscover.store(true, Ordering::Release);
    }

    pub(crate) fn take_rediscover(&self) -> bool {
        self.rediscover.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Takes a slot, and a token of the rate limit with it.
    pub(crate) fn take_slot(self: &Arc<Self>, destination: &DestinationEntry) -> Result<Slot, NoSlot> {
        let (runtime, tenant) = (&destination.runtime, &destination.tenant_runtime);
        if self.bytes_in_flight.load(Ordering::Acquire) > BYTES_IN_FLIGHT {
            return Err(NoSlot::Busy);
        }
        if !take(&runtime.in_flight, runtime.slots()) {
            return Err(NoSlot::Busy);
        }
        if !take(&tenant.in_flight, TENANT_SLOTS) {
            runtime.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err(NoSlot::Busy);
        }
        if !take(&self.in_flight, GLOBAL_SLOTS) {
            runtime.in_flight.fetch_sub(1, Ordering::AcqRel);
            tenant.in_flight.fetch_sub(1, Ordering::AcqRel);
            return Err(NoSlot::Busy);
        }
        let slot =
            Slot { lanes: Arc::clone(self), destination: Arc::clone(runtime), tenant: Arc::clone(tenant), bytes: 0 };
        match runtime.check_limit() {
            Ok(()) => Ok(slot),
            Err(wait) => {
                drop(slot);
                Err(NoSlot::Limited(wait))
            }
        }
    }

    /// Notes that a lane has something due at `due_at`, keeping the earlier of two.
    pub(crate) fn note(&self, lane: ConnectionId, due_at: Timestamp) {
        let mut waiting = self.waiting.lock();
        waiting.entry(lane).and_modify(|known| *known = (*known).min(due_at)).or_insert(due_at);
        self.waiting_count.store(waiting.len(), Ordering::Release);
    }

    /// What the database says of all lanes, in place of what was believed.
    pub(crate) fn replace(&self, lanes: impl Iterator<Item = (ConnectionId, Timestamp)>) {
        let mut waiting = self.waiting.lock();
        *waiting = lanes.collect();
        self.waiting_count.store(waiting.len(), Ordering::Release);
    }

    /// The lane has nothing more, as of a claim that asked for more than it got.
    pub(crate) fn drained(&self, lane: ConnectionId) {
        let mut waiting = self.waiting.lock();
        waiting.remove(&lane);
        self.waiting_count.store(waiting.len(), Ordering::Release);
    }

    /// Puts the next look at a lane off.
    pub(crate) fn put_off(&self, lane: ConnectionId, until: Timestamp) {
        if let Some(known) = self.waiting.lock().get_mut(&lane) {
            *known = until;
        }
    }

    /// Whether a claim for this destination is worth its transaction: it has no work, or a good part of its slots free.
    pub(crate) fn worth_a_claim(destination: &DestinationEntry) -> bool {
        let taken = destination.runtime.in_flight.load(Ordering::Acquire);
        taken == 0 || taken <= destination.runtime.slots() / 4 * 3
    }

    pub(crate) fn has_backlog(&self, lane: ConnectionId, now: Timestamp) -> bool {
        self.waiting_count.load(Ordering::Acquire) > 0
            && self.waiting.lock().get(&lane).is_some_and(|due_at| *due_at <= now)
    }

    /// The lanes that are due, longest waiting first, and when the next one will be.
    pub(crate) fn due(&self, now: Timestamp) -> (Vec<(ConnectionId, Timestamp)>, Option<Timestamp>) {
        let waiting = self.waiting.lock();
        let mut due: Vec<(ConnectionId, Timestamp)> =
            waiting.iter().filter(|(_, due_at)| **due_at <= now).map(|(lane, due_at)| (*lane, *due_at)).collect();
        due.sort_by_key(|(_, due_at)| *due_at);
        (due, waiting.values().filter(|due_at| **due_at > now).min().copied())
    }
}
