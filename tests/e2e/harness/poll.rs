//! Waiting for something to become true, seen from outside.

use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it gives something, and fails the test when it has not by then.
///
/// ```ignore
/// let event = poll_until(Duration::from_secs(5), "the event is delivered", async || { … }).await;
/// ```
#[track_caller]
pub(crate) fn poll_until<T>(
    within: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let asked_at = std::panic::Location::caller();
    async move {
        let begun = Instant::now();
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            assert!(begun.elapsed() < within, "{asked_at}: not within {within:?}: {what}");
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// The same for a plain condition.
#[track_caller]
pub(crate) fn until(within: Duration, what: &str, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    poll_until(within, what, async move || condition().then_some(()))
}
