//! Calls: slow requests that Postern makes for a tenant, whose end is an event like any other.
//!
//! One that is asked for ([`create`](fn@create)) waits in the database, is leased when it is due
//! ([`claim`](Engine::claim_calls)), and has one try ([`run`]); what the try came to is decided by the domain and written
//! in one transaction, at the end of a call together with its event ([`settle`], ADR 0015). So a callback is a delivery of
//! that event, and nothing here sends one. Start at [`run`].

mod cancel;
mod claim;
mod create;
mod event;
pub(crate) mod figures;
mod redrive;
mod run;
mod settle;
mod wait;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use postern_domain::{CallId, Invalid, call::CallState};
use postern_store::StoreError;
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, broadcast, watch};

use crate::configure::OnceKeyReused;

pub use cancel::cancel;
pub use create::{CallWish, RetryWish, create};
pub use redrive::redrive;
pub use wait::{Waited, wait};

pub(crate) use claim::run as claim_when_woken;

/// Under way in this process.
const MOST: usize = 256;
/// Of one tenant, in all processes: its upstreams may all hang, and the others still have room.
const MOST_OF_A_TENANT: u32 = 64;
/// Who is told of ends and does not listen for so many looks by itself.
const TOLD: usize = 1_024;
/// Waiting for the end of a call, in this process. Whoever comes then is answered at once.
const WAITING: usize = 256;

/// What the calls of this process share.
#[derive(Debug)]
pub(crate) struct Calls {
    rooms: Arc<Semaphore>,
    /// One claim at a time, or two would share out the same rooms.
    claiming: AsyncMutex<()>,
    wake: Notify,
    /// Told when somebody calls the call off.
    running: Mutex<HashMap<CallId, Arc<Notify>>>,
    ended: broadcast::Sender<CallId>,
    waiting: Semaphore,
    interrupted: watch::Sender<bool>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            rooms: Arc::new(Semaphore::new(MOST)),
            claiming: AsyncMutex::default(),
            wake: Notify::new(),
            running: Mutex::default(),
            ended: broadcast::Sender::new(TOLD),
            waiting: Semaphore::new(WAITING),
            interrupted: watch::Sender::new(false),
        }
    }
}

impl Calls {
    /// Ends the tries under way: there is no time left to wait for them.
    pub(crate) fn interrupt(&self) {
        self.interrupted.send_replace(true);
    }

    async fn until_interrupted(&self) {
        let mut interrupted = self.interrupted.subscribe();
        // The sender lives in `self`, so this only ends when told.
        let _ = interrupted.wait_for(|interrupted| *interrupted).await;
    }

    /// Ends the try of a call that was called off, if it is made here.
    fn abort(&self, id: CallId) {
        if let Some(signal) = self.running.lock().get(&id) {
            signal.notify_one();
        }
    }

    fn has_running(&self) -> bool {
        !self.running.lock().is_empty()
    }
}

/// Why what was asked for about a call is not done.
#[derive(Debug, thiserror::Error)]
pub enum CallRefusal {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no such call")]
    NotFound,
    /// The tenant has no such source, or none that takes what is published.
    #[error("there is no such source")]
    NoSource,
    #[error("the source is paused")]
    Paused,
    #[error("{0} calls wait already")]
    TooMany(u64),
    /// It has come to another end.
    #[error("it is {0}")]
    Finished(CallState),
    /// Only a call that came to nothing is made again.
    #[error("it is {0}")]
    NotRedrivable(CallState),
    #[error("the retention of its request is over")]
    RequestExpired,
    /// It moved on each time it was looked at.
    #[error("it moves on too quickly")]
    Busy,
    #[error("the idempotency key was used for another change")]
    OnceKeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OnceKeyReused> for CallRefusal {
    fn from(_: OnceKeyReused) -> Self {
        Self::OnceKeyReused
    }
}
