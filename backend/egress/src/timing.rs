//! Where the time of one exchange went: a stopwatch in a task-local, marked from deep inside the HTTP client.
//!
//! The client resolves and connects within the task that asks, so a mark there finds the stopwatch. When a pooled
//! connection turns up first, the client finishes its half-made connection in a task of its own, where there is no
//! stopwatch and a mark is nothing: a connect that did not serve this exchange is not counted for it.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use postern_domain::attempt::Timings;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    pub(crate) static STOPWATCH: Stopwatch;
}

/// Runs from the start of one exchange; a later mark of the same kind overwrites the earlier.
pub(crate) struct Stopwatch {
    start: Instant,
    resolved_us: Cell<Option<u32>>,
    connected_us: Cell<Option<u32>>,
    first_byte_us: Cell<Option<u32>>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            resolved_us: Cell::default(),
            connected_us: Cell::default(),
            first_byte_us: Cell::default(),
        }
    }

    /// The marks so far. With an answer but no connect of its own, the connection came from the pool, and a name that
    /// was looked up meanwhile was not needed.
    fn timings(&self) -> Timings {
        let is_pooled = self.first_byte_us.get().is_some() && self.connected_us.get().is_none();
        Timings {
            dns_us: self.resolved_us.get().filter(|_| !is_pooled),
            connect_us: self.connected_us.get(),
            first_byte_us: self.first_byte_us.get(),
            total_us: self.elapsed_us(),
        }
    }

    fn elapsed_us(&self) -> u32 {
        u32::try_from(self.start.elapsed().as_micros()).unwrap_or(u32::MAX)
    }
}

/// The timings of the exchange that runs in this task.
pub(crate) fn timings() -> Timings {
    STOPWATCH.try_with(Stopwatch::timings).unwrap_or_default()
}

/// The name has its addresses.
pub(crate) fn mark_resolved() {
    mark(|watch| &watch.resolved_us);
}

/// The head of the response is here.
pub(crate) fn mark_first_byte() {
    mark(|watch| &watch.first_byte_us);
}

fn mark(which: impl Fn(&Stopwatch) -> &Cell<Option<u32>>) {
    // Outside an exchange there is nothing to mark.
    let _ = STOPWATCH.try_with(|watch| which(watch).set(Some(watch.elapsed_us())));
}

/// Marks the end of a connect, TLS included.
#[derive(Clone, Copy)]
pub(crate) struct TimeConnect;

impl<S> Layer<S> for TimeConnect {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector(inner)
    }
}

/// A connector that marks when it is done.
#[derive(Clone)]
pub(crate) struct TimedConnector<S>(S);

impl<S: Service<R, Future: Unpin>, R> Service<R> for TimedConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TimedConnect<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        TimedConnect(self.0.call(request))
    }
}

/// One connect under way.
pub(crate) struct TimedConnect<F>(F);

impl<T, E, F: Future<Output = Result<T, E>> + Unpin> Future for TimedConnect<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        if outcome.is_ok() {
            mark(|watch| &watch.connected_us);
        }
        Poll::Ready(outcome)
    }
}
