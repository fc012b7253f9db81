//! Takes an input in: verify, find its dedup key, hand it to the writer, wait for the commit.
//!
//! [`receive`] is for requests at the front door, [`publish`] for the tenant's own programs. Both end in one queue, the
//! [`crate::inlet`].

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{
    delay,
    door::Bar,
    engine::Engine,
    entry::SourceEntry,
    handshake, headers,
    inlet::Outcome,
    keys::NoKey,
    listen::{self, Unheard},
    recorder,
};
use bytes::Bytes;
use http::HeaderMap;
use postern_domain::{EventId, SourceId, TenantScope, Timestamp, event_type, source::SourceKind};
use postern_seal::token::sha256;
use postern_signatures::{Greeting, Heard, RawRequest, RefusalCause, Verified};
use postern_store::{
    StoreError,
    engine::{BodyKey, DedupInput, EventRow},
};

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

impl<'a> Incoming<'a> {
    fn raw(&'a self) -> RawRequest<'a> {
        RawRequest { method: self.method, url: self.url, headers: self.headers, body: &self.body }
    }
}

/// What a tenant's program publishes.
#[derive(Debug)]
pub struct Publication {
    pub source: Option<SourceId>,
    pub event_type: String,
    pub data: Bytes,
    pub dedup_key: Option<String>,
    pub idempotency_key: Option<String>,
    /// Not before then; in the past it is at once.
    pub deliver_at: Option<Timestamp>,
    pub remote: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    Accepted(EventId),
    /// Seen before within the window: this event came first.
    Duplicate(EventId),
}

/// What became of a request at the front door.
#[derive(Debug)]
pub enum Reception {
    Event(Receipt),
    /// To be answered as it says.
    Greeting(Greeting),
    /// Somebody looked whether somebody is there.
    Presence,
}

#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("the signature does not hold: {}", .0.expected)]
    Refused(postern_signatures::Refusal),
    #[error(transparent)]
    NoKey(NoKey),
    /// A secret was handed over that nobody waits for.
    #[error("no handshake is awaited")]
    NotAwaited,
    #[error("the method brings no events")]
    Method,
    /// The source refuses a body that came before under another id.
    #[error("the same body came before, as {0}")]
    Replayed(EventId),
    #[error("there is no such source")]
    NoSource,
    #[error("the body may have at most {0} bytes")]
    TooLarge(usize),
    #[error("the source is paused")]
    Paused,
    /// The payload would be gone before it is due.
    #[error("nothing can be delivered later than {0}")]
    TooFarAhead(Timestamp),
    #[error("too much is waiting to be written")]
    Busy,
    /// The same Idempotency-Key came with another body before.
    #[error("the Idempotency-Key was used with another body")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
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

/// Listens to a request to `source`, and takes it in when it is an event. What is refused, a duplicate or worth a look is
/// put on record.
///
/// # Errors
/// Says why it was not taken in; nothing was written then.
pub async fn receive(
    engine: &Engine,
    source: &Arc<SourceEntry>,
    incoming: &Incoming<'_>,
) -> Result<Reception, AcceptError> {
    let now = engine.clock.now();
    let heard = listen::hear(engine, source, &incoming.raw(), now).await;
    if let Ok(Heard::Greeting(greeting)) = heard {
        return handshake::greet(engine, source, incoming, greeting).await.map(Reception::Greeting);
    }
    let is_heard = heard.is_ok() && source.takes_event_by(incoming.method);
    if !is_heard && !source.intake.takes_method(incoming.method) {
        return no_event(engine, source, incoming, heard.err());
    }
    match heard {
        Ok(Heard::Event(verified)) => take_in(engine, source, incoming, (verified, now)).await.map(Reception::Event),
        Ok(Heard::Greeting(_) | Heard::NeedsKey(_)) => {
            Err(unheard(engine, source, incoming, Unheard::NoKey(NoKey::Unknown)))
        }
        Err(cause) => Err(unheard(engine, source, incoming, cause)),
    }
}

/// By a method that brings none. Some providers look whether somebody is there; one whose greeting did not hold is told
/// so, anybody else that the method is wrong.
fn no_event(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    cause: Option<Unheard>,
) -> Result<Reception, AcceptError> {
    match cause {
        _ if incoming.method != "GET" => Ok(Reception::Presence),
        Some(Unheard::Refused(refusal)) if refusal.cause != RefusalCause::MissingHeader => {
            Err(unheard(engine, source, incoming, Unheard::Refused(refusal)))
        }
        _ => {
            recorder::refused(engine, source, incoming, Bar::Method.cause(), &Bar::Method.expected(source));
            Err(AcceptError::Method)
        }
    }
}

fn unheard(engine: &Engine, source: &SourceEntry, incoming: &Incoming<'_>, cause: Unheard) -> AcceptError {
    match cause {
        Unheard::Refused(refusal) => {
            recorder::refused(engine, source, incoming, refusal.cause.as_str(), &refusal.expected);
            AcceptError::Refused(refusal)
        }
        Unheard::NoKey(cause) => {
            recorder::refused(engine, source, incoming, cause.as_str(), cause.expected());
            AcceptError::NoKey(cause)
        }
        Unheard::NoScheme => AcceptError::NoSource,
    }
}

async fn take_in(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    (verified, now): (Verified, Timestamp),
) -> Result<Receipt, AcceptError> {
    let key = source.dedup.key(&incoming.raw(), &verified);
    let body_sha256 = sha256(&incoming.body);
    let dedup = key.as_deref().map(|key| dedup(source, "k", key, now));
    let guarded = source.guards_replay(&verified, key.as_deref());
    let body_key = guarded.then(|| BodyKey { hash: body_hash(&body_sha256), replay: source.intake.replay });
    let event = EventRow {
        id: EventId::fresh(),
        tenant: source.tenant,
        source: source.id,
        event_type: verified.event_type.as_deref().map(event_type::clean).unwrap_or_default(),
        dedup,
        body_key,
        content_type: header_text(incoming.headers, "content-type"),
        headers: kept_headers(incoming.headers),
        remote: incoming.remote.to_string(),
        received_at: now,
        not_before: None,
        body_sha256,
        body: incoming.body.clone(),
        filtered: 0,
    };
    let id = event.id;
    match engine.inlet.submit(event).await? {
        Outcome::Accepted => Ok(Receipt::Accepted(id)),
        Outcome::Replayed(first) => {
            recorder::replayed(engine, source, incoming, key.as_deref(), (id, first));
            Ok(Receipt::Accepted(id))
        }
        Outcome::Refused(first) => {
            recorder::refused(engine, source, incoming, recorder::REPLAYED, recorder::NEW_BODY);
            Err(AcceptError::Replayed(first))
        }
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
    let latest = delay::latest(engine.options.retention, now);
    if publication.deliver_at.is_some_and(|at| at > latest) {
        return Err(AcceptError::TooFarAhead(latest));
    }
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
        body_key: None,
        content_type: Some("application/json".to_owned()),
        headers: "{}".to_owned(),
        remote: publication.remote.map(|address| address.to_string()).unwrap_or_default(),
        received_at: now,
        not_before: publication.deliver_at,
        body_sha256: sha256(&publication.data),
        body: publication.data,
        filtered: 0,
    };
    let id = event.id;
    match engine.inlet.submit(event).await? {
        Outcome::Accepted | Outcome::Replayed(_) => Ok(Receipt::Accepted(id)),
        // Only of what comes to the front door is the body remembered.
        Outcome::Refused(first) => Err(AcceptError::Replayed(first)),
        Outcome::Duplicate(first) if by_idempotency_key && !first.same_body => Err(AcceptError::KeyReused),
        Outcome::Duplicate(first) => Ok(Receipt::Duplicate(first.id)),
    }
}

/// Of a body, in a space of its own.
fn body_hash(body_sha256: &[u8; 32]) -> [u8; 16] {
    let mut text = *b"b\0................................";
    if let Some(rest) = text.get_mut(2..) {
        rest.copy_from_slice(body_sha256);
    }
    first_half(&sha256(text))
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
    half
}

fn dedup(source: &SourceEntry, space: &str, key: &str, now: Timestamp) -> DedupInput {
    let expires_at = now.plus_secs(i64::from(source.window_s));
    DedupInput { expires_at, ..dedup_input(space, key) }
}

/// Without an end yet.
pub(crate) fn dedup_input(space: &str, key: &str) -> DedupInput {
    let mut text: String =
        key.chars().take(255).map(|letter| if letter == '\0' { '\u{fffd}' } else { letter }).collect();
    text.shrink_to_fit();
    DedupInput { text, hash: key_hash(space, key), expires_at: Timestamp::MAX }
}

/// `space` keeps keys of different origin apart: an Idempotency-Key is not a provider's event id.
pub(crate) fn key_hash(space: &str, key: &str) -> [u8; 16] {
    first_half(&sha256(format!("{space}\0{key}").as_bytes()))
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(255).collect())
}

/// Of what came in.
pub(crate) fn kept_headers(headers: &HeaderMap) -> String {
    headers::as_json(headers, KEPT_HEADER_BYTES)
}
