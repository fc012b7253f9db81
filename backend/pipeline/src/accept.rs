//! Takes an input in: verify, find its dedup key, hand it to the writer, wait for the commit.
//!
//! [`receive`] is for requests at the front door, [`publish`] for the tenant's own programs. Both end in one queue,
//! bounded by count, bytes and each tenant's share: when it is full the answer is "come back later", for all alike.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use postern_domain::{EventId, SourceId, TenantId, TenantScope, event_type, source::SourceKind};
use postern_seal::token::sha256;
use postern_signatures::{Heard, RawRequest};
use postern_store::{
    StoreError,
    engine::{DedupInput, EventRow, FirstEvent},
};
use tokio::sync::{mpsc, oneshot};

use crate::{engine::Engine, entry::SourceEntry, headers, recorder};

const QUEUE_EVENTS: usize = 4_096;
const QUEUE_BYTES: usize = 48 * 1024 * 1024;
/// One tenant may fill at most half of the queue.
const TENANT_SHARE: usize = 2;
/// How long a caller waits for its commit.
const COMMIT_WAIT: Duration = Duration::from_secs(10);
/// Headers of an event are kept up to so many bytes in sum.
const KEPT_HEADER_BYTES: usize = 16 * 1024;

/// What came to the front door, whole.
#[derive(Debug)]
pub struct Incoming<'a> {
    pub method: &'a str,
    /// The URL that the sender signed, where a scheme signs it.
    pub url: &'a str,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
    pub remote: IpAddr,
}

/// What a tenant's program publishes.
#[derive(Debug)]
pub struct Publication {
    pub source: Option<SourceId>,
    pub event_type: String,
    pub data: Bytes,
    pub dedup_key: Option<String>,
    pub idempotency_key: Option<String>,
    pub remote: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Accepted(EventId),
    /// Seen before within the window: this event came first.
    Duplicate(EventId),
}

#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("the signature does not hold: {}", .0.expected)]
    Refused(postern_signatures::Refusal),
    #[error("there is no such source")]
    NoSource,
    #[error("the body may have at most {0} bytes")]
    TooLarge(usize),
    #[error("the source is paused")]
    Paused,
    #[error("too much is waiting to be written")]
    Busy,
    /// The same Idempotency-Key came with another body before.
    #[error("the Idempotency-Key was used with another body")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

    async fn submit(&self, event: EventRow) -> Result<Outcome, AcceptError> {
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

impl Engine {
    /// Whether the source and its tenant may send one more now; else how long to wait.
    ///
    /// # Errors
    /// The wait.
    pub fn check_intake(&self, source: &SourceEntry) -> Result<(), Duration> {
        if let Some(limiter) = &source.limiter {
            limiter.check()?;
        }
        self.tenant_limits.check(&source.tenant)
    }
}

/// Verifies a request to `source` and takes it in. What is refused or a duplicate is put on record.
///
/// # Errors
/// Says why it was not taken in; nothing was written then.
pub async fn receive(
    engine: &Engine,
    source: &Arc<SourceEntry>,
    incoming: &Incoming<'_>,
) -> Result<Receipt, AcceptError> {
    let now = engine.clock.now();
    let request =
        RawRequest { method: incoming.method, url: incoming.url, headers: incoming.headers, body: &incoming.body };
    let Some(scheme) = &source.scheme else { return Err(AcceptError::NoSource) };
    let verified = match scheme.hear(&request, now, &()) {
        Ok(Heard::Event(verified)) => verified,
        Ok(Heard::Greeting(_) | Heard::NeedsKey(_)) => return Err(AcceptError::NoSource),
        Err(refusal) => {
            recorder::refused(engine, source, incoming, refusal.cause.as_str(), &refusal.expected);
            return Err(AcceptError::Refused(refusal));
        }
    };
    let key = source.dedup.key(&request, &verified);
    let event = EventRow {
        id: EventId::fresh(),
        tenant: source.tenant,
        source: source.id,
        event_type: verified.event_type.as_deref().map(event_type::clean).unwrap_or_default(),
        dedup: key.as_deref().map(|key| dedup(source, "k", key, now)),
        content_type: header_text(incoming.headers, "content-type"),
        headers: kept_headers(incoming.headers),
        remote: incoming.remote.to_string(),
        received_at: now,
        body_sha256: sha256(&incoming.body),
        body: incoming.body.clone(),
        filtered: 0,
    };
    let id = event.id;
    match engine.inlet.submit(event).await? {
        Outcome::Accepted => Ok(Receipt::Accepted(id)),
        Outcome::Duplicate(first) => {
            recorder::duplicate(engine, source, incoming, key.as_deref(), first);
            Ok(Receipt::Duplicate(first.id))
        }
    }
}

/// Takes in an event that a tenant's own program sends. Without a source, the tenant's first that takes published
/// events. An Idempotency-Key works as a dedup key where none is given; used again with another body it is an error.
///
/// # Errors
/// Says why it was not taken in; nothing was written then.
pub async fn publish(engine: &Engine, scope: TenantScope, publication: Publication) -> Result<Receipt, AcceptError> {
    let source = match publication.source {
        Some(id) => engine.routing.source(id).await?,
        None => engine.routing.publish_source(scope.tenant_id()),
    };
    let source = source
        .filter(|source| source.tenant == scope.tenant_id() && source.kind == SourceKind::Publish)
        .ok_or(AcceptError::NoSource)?;
    if publication.data.len() > source.max_body_bytes {
        return Err(AcceptError::TooLarge(source.max_body_bytes));
    }
    if source.paused {
        return Err(AcceptError::Paused);
    }
    let now = engine.clock.now();
    let dedup_input = match (&publication.dedup_key, &publication.idempotency_key) {
        (Some(key), _) => Some(dedup(&source, "k", key, now)),
        (None, Some(key)) => Some(dedup(&source, "i", key, now)),
        (None, None) => None,
    };
    let by_idempotency_key = publication.dedup_key.is_none() && publication.idempotency_key.is_some();
    let event = EventRow {
        id: EventId::fresh(),
        tenant: source.tenant,
        source: source.id,
        event_type: event_type::clean(&publication.event_type),
        dedup: dedup_input,
        content_type: Some("application/json".to_owned()),
        headers: "{}".to_owned(),
        remote: publication.remote.map(|address| address.to_string()).unwrap_or_default(),
        received_at: now,
        body_sha256: sha256(&publication.data),
        body: publication.data,
        filtered: 0,
    };
    let id = event.id;
    match engine.inlet.submit(event).await? {
        Outcome::Accepted => Ok(Receipt::Accepted(id)),
        Outcome::Duplicate(first) if by_idempotency_key && !first.same_body => Err(AcceptError::KeyReused),
        Outcome::Duplicate(first) => Ok(Receipt::Duplicate(first.id)),
    }
}

/// `space` keeps keys of different origin apart: an Idempotency-Key is not a provider's event id.
fn dedup(source: &SourceEntry, space: &str, key: &str, now: postern_domain::Timestamp) -> DedupInput {
    let full = sha256(format!("{space}\0{key}").as_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(full.get(..16).unwrap_or(&[0; 16]));
    let mut text: String =
        key.chars().take(255).map(|letter| if letter == '\0' { '\u{fffd}' } else { letter }).collect();
    text.shrink_to_fit();
    DedupInput { text, hash, expires_at: now.plus_secs(i64::from(source.window_s)) }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(255).collect())
}

/// Of what came in.
pub(crate) fn kept_headers(headers: &HeaderMap) -> String {
    headers::as_json(headers, KEPT_HEADER_BYTES)
}
