//! Tasks that somebody answers for: counted, so that shutdown can wait for them, and watched, so that a panic is seen.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use tokio::sync::{Notify, watch};

/// Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Tasks {
    inner: Arc<Inner>,
    stop: Arc<watch::Sender<bool>>,
}

#[derive(Debug)]
struct Inner {
    running: AtomicUsize,
    ended: Notify,
}

impl Default for Tasks {
    fn default() -> Self {
        let inner = Inner { running: AtomicUsize::new(0), ended: Notify::new() };
        Self { inner: Arc::new(inner), stop: Arc::new(watch::Sender::new(false)) }
    }
}

struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

impl Tasks {
    /// Runs `work` to its end. A panic is logged under `name` and ends that task only.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.running.fetch_add(1, Ordering::AcqRel);
        let running = Running(Arc::clone(&self.inner));
        tokio::spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!(task.name = name, "Task `{name}` panicked");
            }
            drop(running);
        });
    }

    /// Tells loops to come to an end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    #[must_use]
    pub fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns once [`Tasks::stop`] was called.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`, so this only ends when told.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Waits until nothing runs.
    pub async fn idle(&self) {
        loop {
            let ended = self.inner.ended.notified();
            if self.inner.running.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}
