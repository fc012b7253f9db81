//! Waits for the end of a call, as long as the caller has patience.

use std::time::{Duration, Instant};

use postern_domain::{CallId, TenantScope};
use postern_store::{StoreError, calls::Call};
use prometheus_client::metrics::gauge::Gauge;

use crate::Engine;

/// What ends in another process is seen so late.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The call once it has ended, or as it is when the time is over or `closing` ends; `None` when the tenant has none.
/// The second half says whether it was waited at all: so many wait already that another would be too much.
///
/// # Errors
/// When the database does not answer.
pub async fn wait(
    engine: &Engine,
    (scope, id): (TenantScope, CallId),
    patience: Duration,
    closing: impl Future<Output = ()>,
) -> Result<(Option<Call>, Waited), StoreError> {
    let store = engine.store.tenant(scope);
    // Before the first look, so that no end is missed.
    let mut ended = engine.calls.ended.subscribe();
    let Ok(_room) = engine.calls.waiting.try_acquire() else {
        return Ok((store.find_call(id).await?, Waited::No));
    };
    let _counted = Counted::new(&engine.metrics.calls.waiting);
    let until = Instant::now() + patience;
    let mut closing = std::pin::pin!(closing);
    loop {
        let call = store.find_call(id).await?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || call.as_ref().is_none_or(|call| call.state.is_final()) {
            return Ok((call, Waited::Yes));
        }
        let told = async {
            // Who cannot keep up looks by itself.
            while ended.recv().await.is_ok_and(|other| other != id) {}
        };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            () = &mut closing => return Ok((store.find_call(id).await?, Waited::Yes)),
        }
    }
}

/// Whether the caller's wish to wait was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    Yes,
    No,
}

/// One who waits, for as long as they do.
struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
