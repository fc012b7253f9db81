//! The way into the writer's queue, bounded by count, bytes and each tenant's share: when it is full the answer is "come
//! back later", for all alike.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use postern_domain::{EventId, TenantId};
use postern_store::engine::{EventRow, FirstEvent};
use tokio::sync::{mpsc, oneshot};

use crate::accept::AcceptError;

const QUEUE_EVENTS: usize = 4_096;
const QUEUE_BYTES: usize = 48 * 1024 * 1024;
/// One tenant may fill at most half of the queue.
const TENANT_SHARE: usize = 2;
/// How long a caller waits for its commit.
const COMMIT_WAIT: Duration = Duration::from_secs(10);

/// An event on its way to the writer.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) event: EventRow,
    pub(crate) reply: oneshot::Sender<Result<Outcome, AcceptError>>,
    pub(crate) room: Room,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Accepted,
    /// Accepted, although this event had the same body under another id.
    Replayed(EventId),
    /// Not accepted, because this event had the same body under another id.
    Refused(EventId),
    Duplicate(FirstEvent),
}

/// The way into the writer's queue.
#[derive(Debug)]
pub(crate) struct Inlet {
    queue: mpsc::Sender<Submission>,
    usage: Arc<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    bytes: AtomicUsize,
    tenants: Mutex<HashMap<TenantId, (usize, usize)>>,
}

/// What one submission takes up; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    usage: Arc<Usage>,
    tenant: TenantId,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.usage.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        let mut tenants = self.usage.tenants.lock();
        if let Some((count, bytes)) = tenants.get_mut(&self.tenant) {
            *count -= 1;
            *bytes -= self.bytes;
            if *count == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

impl Inlet {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Submission>) {
        let (queue, receiver) = mpsc::channel(QUEUE_EVENTS);
        (Self { queue, usage: Arc::default() }, receiver)
    }

    fn take_room(&self, tenant: TenantId, bytes: usize) -> Option<Room> {
        if self.usage.bytes.load(Ordering::Acquire) + bytes > QUEUE_BYTES {
            return None;
        }
        let mut tenants = self.usage.tenants.lock();
        let (count, held) = tenants.entry(tenant).or_default();
        if *count >= QUEUE_EVENTS / TENANT_SHARE || (*count > 0 && *held + bytes > QUEUE_BYTES / TENANT_SHARE) {
            return None;
        }
        *count += 1;
        *held += bytes;
        self.usage.bytes.fetch_add(bytes, Ordering::AcqRel);
        Some(Room { usage: Arc::clone(&self.usage), tenant, bytes })
    }

    pub(crate) async fn submit(&self, event: EventRow) -> Result<Outcome, AcceptError> {
        let room = self.take_room(event.tenant, event.body.len()).ok_or(AcceptError::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Submission { event, reply, room }).map_err(|_| AcceptError::Busy)?;
        match tokio::time::timeout(COMMIT_WAIT, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The writer has ended, or the database takes too long. Whether it was written is not known: the sender
            // tries again, and the dedup key tells.
            Ok(Err(_)) | Err(_) => Err(AcceptError::Busy),
        }
    }
}
