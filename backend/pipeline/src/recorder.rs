//! Puts on record what did not become an event, or is worth a look, without ever slowing down what does.
//!
//! Bounded twice: each source may fill so many rows a second, and the queue to the database holds so many. What is
//! beyond that is counted.

use std::sync::Arc;

use postern_domain::{EventId, RequestId, SourceId};
use postern_limits::KeyedLimiter;
use postern_store::engine::{FirstEvent, requests::RequestRow};
use tokio::sync::mpsc;

use crate::{
    accept::{Incoming, kept_headers},
    engine::Engine,
    entry::SourceEntry,
};

/// The cause of a body that came again under another id.
pub(crate) const REPLAYED: &str = "replayed_body";
pub(crate) const NEW_BODY: &str = "a body that did not come before under another id";

const QUEUE: usize = 2_048;
/// A forger who sends thousands a second must not fill the disk.
const PER_SOURCE_PER_S: u32 = 20;
const PER_SOURCE_BURST: u32 = 200;

#[derive(Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<RequestRow>,
    limits: KeyedLimiter<SourceId>,
}

impl Recorder {
    pub(crate) fn new() -> (Self, mpsc::Receiver<RequestRow>) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        (Self { queue, limits: KeyedLimiter::new(PER_SOURCE_PER_S, PER_SOURCE_BURST) }, receiver)
    }
}

/// What the front door itself refused, before the engine saw it.
#[derive(Debug)]
pub struct Refusal<'a> {
    pub cause: &'a str,
    pub expected: &'a str,
    pub body_bytes: u64,
}

/// Records a request that was refused before its body was read.
pub(crate) fn record(engine: &Engine, source: &SourceEntry, incoming: &Incoming<'_>, refusal: &Refusal<'_>) {
    engine.metrics.refused(refusal.cause);
    let row = RequestRow {
        body_bytes: i64::try_from(refusal.body_bytes).unwrap_or(i64::MAX),
        ..row(engine, source, incoming, "refused", refusal.cause)
    };
    put(engine, RequestRow { expected: refusal.expected.chars().take(500).collect(), ..row });
}

pub(crate) fn refused(engine: &Engine, source: &SourceEntry, incoming: &Incoming<'_>, cause: &str, expected: &str) {
    let body_bytes = u64::try_from(incoming.body.len()).unwrap_or(u64::MAX);
    record(engine, source, incoming, &Refusal { cause, expected, body_bytes });
}

pub(crate) fn duplicate(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    key: Option<&str>,
    first: FirstEvent,
) {
    let cause = if first.same_body { "duplicate" } else { "duplicate_with_other_body" };
    let row = row(engine, source, incoming, "duplicate", cause);
    put(engine, RequestRow { dedup_key: key.map(shown_key), event: Some(first.id), ..row });
}

/// Taken in as the first of the two events, after the second had the same body.
pub(crate) fn replayed(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    key: Option<&str>,
    (event, first): (EventId, EventId),
) {
    let row = row(engine, source, incoming, "flagged", REPLAYED);
    let expected = format!("{NEW_BODY}; `{first}` had it, and this one is `{event}`");
    put(engine, RequestRow { expected, dedup_key: key.map(shown_key), event: Some(first), ..row });
}

fn shown_key(key: &str) -> String {
    key.chars().filter(|letter| *letter != '\0').take(255).collect()
}

fn row(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    outcome: &'static str,
    cause: &str,
) -> RequestRow {
    RequestRow {
        id: RequestId::fresh(),
        tenant: source.tenant,
        source: source.id,
        at: engine.clock.now(),
        outcome,
        cause: cause.to_owned(),
        expected: String::new(),
        remote: incoming.remote.to_string(),
        method: incoming.method.chars().take(16).collect(),
        headers: kept_headers(incoming.headers),
        body_bytes: i64::try_from(incoming.body.len()).unwrap_or(i64::MAX),
        dedup_key: None,
        event: None,
    }
}

fn put(engine: &Engine, row: RequestRow) {
    let within = engine.recorder.limits.check(&row.source).is_ok();
    if !within || engine.recorder.queue.try_send(row).is_err() {
        engine.metrics.refused_unrecorded.inc();
    }
}

impl Engine {
    /// Records what the front door refused on its own: an address, a method, a size.
    pub fn record_refusal(&self, source: &SourceEntry, incoming: &Incoming<'_>, refusal: &Refusal<'_>) {
        record(self, source, incoming, refusal);
    }

    /// Forgets senders that have been quiet. Called now and then.
    pub(crate) fn tidy_limits(&self) {
        self.keys.tidy(self.clock.now());
        self.recorder.limits.retain_recent();
        self.tenant_limits.retain_recent();
    }
}

pub(crate) fn start(engine: &Arc<Engine>, mut queue: mpsc::Receiver<RequestRow>) {
    let engine = Arc::clone(engine);
    let tasks = engine.tasks.clone();
    tasks.spawn("recorder", async move {
        let mut rows = Vec::new();
        loop {
            let stopping = tokio::select! {
                some = queue.recv_many(&mut rows, 128) => some == 0,
                () = engine.tasks.stopped() => true,
            };
            if stopping {
                while let Ok(row) = queue.try_recv() {
                    rows.push(row);
                }
            }
            if !rows.is_empty()
                && let Err(cause) = engine.store.record_requests(&rows).await
            {
                tracing::warn!(%cause, "{} requests could not be put on record", rows.len());
            }
            rows.clear();
            if stopping {
                return;
            }
        }
    });
}
