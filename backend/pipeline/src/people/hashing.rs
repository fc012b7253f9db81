//! Argon2 beside the threads that answer: as many at a time as there are cores, and a bounded line before them.

use std::{sync::Arc, thread};

use postern_domain::{Invalid, Secret};
use postern_seal::password;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

/// Waiting for each core; whoever comes then is told to come back.
const LINE_PER_CORE: usize = 16;

#[derive(Debug)]
pub(crate) struct Hashing {
    cores: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

/// A place in the line, held while somebody's try is looked at.
#[derive(Debug)]
pub(crate) struct Seat {
    #[expect(dead_code, reason = "held, not read")]
    permit: OwnedSemaphorePermit,
}

impl Default for Hashing {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { cores: Arc::new(Semaphore::new(cores)), line: Arc::new(Semaphore::new(cores * LINE_PER_CORE)) }
    }
}

impl Hashing {
    /// None when the line is full.
    pub(crate) fn seat(&self) -> Option<Seat> {
        Arc::clone(&self.line).try_acquire_owned().ok().map(|permit| Seat { permit })
    }

    /// As [`password::verify`].
    pub(crate) async fn verify(&self, password: Secret<String>, hash: Option<Secret<String>>) -> bool {
        self.compute(move || password::verify(&password, hash.as_ref())).await.unwrap_or(false)
    }

    /// As [`password::hash`].
    pub(crate) async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, Invalid> {
        let hashed = self.compute(move || password::hash(&password)).await;
        hashed.unwrap_or_else(|| Err(Invalid::new("password", "could not be hashed; send it again")))
    }

    /// None when the work panicked. It keeps its core to the end, even when nobody waits for it any more.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let core = Arc::clone(&self.cores).acquire_owned().await.ok()?;
        let work = move || {
            let done = work();
            drop(core);
            done
        };
        spawn_blocking(work).await.ok()
    }
}
