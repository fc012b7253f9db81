//! Which memory comes in huge pages (2 MiB): what load needs, not what a server at rest touches.
//!
//! The allocator asks for them. Under load they save some six of a hundred processor cycles; at rest each thread's few
//! kilobytes would hold 2 MiB, and so would every handful of what some hundred polls leave between them. Where the system
//! does not know the setting, all stays as it is.

use std::{sync::Arc, time::Duration};

use postern_pipeline::Engine;

/// Events taken in and handed on in a second; above it they are worth their memory.
const LOADED: u64 = 500;
/// For so many seconds it must be less, before memory comes in small pages again.
const QUIET_S: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Until [`follow`] says otherwise, memory touched for the first time comes in small pages.
pub(crate) fn refuse() {
    set(true);
}

/// Huge pages while there is load, and small ones otherwise; until the engine stops.
pub(crate) async fn follow(engine: Arc<Engine>) {
    let (metrics, mut pace) = (&engine.metrics, Pace::default());
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = engine.tasks.stopped() => return,
        }
        if let Some(is_loaded) = pace.step(metrics.accepted.get() + metrics.delivered.get()) {
            set(!is_loaded);
        }
    }
}

/// Whether there is load, second by second.
#[derive(Debug, Default)]
struct Pace {
    before: u64,
    quiet_s: u32,
    is_loaded: bool,
}

impl Pace {
    /// `moved` is all that was until now. Answers what has changed.
    fn step(&mut self, moved: u64) -> Option<bool> {
        let is_busy = moved.saturating_sub(self.before) >= LOADED;
        self.before = moved;
        self.quiet_s = if is_busy { 0 } else { self.quiet_s.saturating_add(1) };
        let is_loaded = is_busy || (self.is_loaded && self.quiet_s < QUIET_S);
        (std::mem::replace(&mut self.is_loaded, is_loaded) != is_loaded).then_some(is_loaded)
    }
}

#[cfg(target_os = "linux")]
fn set(refused: bool) {
    if let Err(cause) = rustix::thread::disable_transparent_huge_pages(refused) {
        tracing::debug!(%cause, "The system keeps its own choice of page sizes");
    }
}

#[cfg(not(target_os = "linux"))]
fn set(_refused: bool) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_noticed_at_once_and_its_end_after_a_while() {
        let mut pace = Pace::default();
        assert_eq!(pace.step(LOADED - 1), None);
        assert_eq!(pace.step(3 * LOADED), Some(true));
        assert_eq!(pace.step(4 * LOADED), None);
        let changes: Vec<_> = (0..QUIET_S).map(|_| pace.step(4 * LOADED)).collect();
        assert_eq!(changes.iter().flatten().count(), 1);
        assert_eq!(changes.last(), Some(&Some(false)));
        assert_eq!(pace.step(5 * LOADED), Some(true), "and again");
    }
}
