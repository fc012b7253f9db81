//! What the engine writes, ready for the database.

use bytes::Bytes;
use postern_domain::{
    AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, TenantId, Timestamp,
    attempt::{ResultKind, Timings},
    delivery::DeadReason,
    intake::Replay,
};

/// An accepted event.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub id: EventId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub event_type: String,
    pub dedup: Option<DedupInput>,
    /// Of its body, where the sender's id is not part of what is signed: it tells when the body comes again under
    /// another id. Kept beside the dedup key, and as long.
    pub body_key: Option<BodyKey>,
    pub content_type: Option<String>,
    /// A JSON object of the headers that are kept.
    pub headers: String,
    pub remote: String,
    pub received_at: Timestamp,
    /// Its deliveries wait until then. Not written with the event: each delivery knows when it is due.
    pub not_before: Option<Timestamp>,
    pub body: Bytes,
    pub body_sha256: [u8; 32],
    /// How many connections declined its type.
    pub filtered: i32,
}

/// What a body is known by, and what its source makes of one that came before under another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyKey {
    pub hash: [u8; 16],
    pub replay: Replay,
}

#[derive(Clone, Debug)]
pub struct DedupInput {
    /// As shown to people; without NUL.
    pub text: String,
    pub hash: [u8; 16],
    pub expires_at: Timestamp,
}

/// One event for one connection.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub tenant: TenantId,
    pub event: EventId,
    pub source: SourceId,
    pub connection: ConnectionId,
    pub destination: DestinationId,
    pub due_at: Timestamp,
    pub body_bytes: i32,
    /// Set: inserted already leased, for the dispatcher that holds a slot for it.
    pub lease: Option<AttemptId>,
}

/// What one commit writes.
#[derive(Clone, Debug)]
pub struct AcceptBatch {
    /// The configuration that the deliveries were routed by. If it is no longer the current one, nothing is written.
    pub config_version: i64,
    pub now: Timestamp,
    pub instance: uuid::Uuid,
    pub lease_ms: i64,
    pub events: Vec<EventRow>,
    pub deliveries: Vec<DeliveryRow>,
    /// The answer to a first try was lost. If that had written, others may have gone on from there: what is settled
    /// must not be queued again.
    pub repeated: bool,
}

/// What a commit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    Written(Written),
    /// The configuration has changed: read it again, route again.
    StaleConfig,
}

/// What in a batch was not simply new: its place there, and the event that came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Not written.
    pub duplicates: Vec<(usize, FirstEvent)>,
    /// Written, although another event has had the same body.
    pub replays: Vec<(usize, EventId)>,
    /// Not written, for the same reason: their sources refuse such bodies.
    pub refused: Vec<(usize, EventId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstEvent {
    pub id: EventId,
    /// False: the same key came with other content.
    pub same_body: bool,
}

/// What is remembered of a body that was made for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentBody {
    pub sha256: [u8; 32],
    pub bytes: usize,
}

/// One try, as it will be remembered.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Also the lease token.
    pub id: AttemptId,
    pub tenant: TenantId,
    pub delivery: DeliveryId,
    pub destination: DestinationId,
    pub number: i32,
    pub actor_kind: String,
    pub actor_id: String,
    pub started_at: Timestamp,
    pub timings: Timings,
    pub method: String,
    pub url: String,
    /// Where it is not the event's own body.
    pub sent: Option<SentBody>,
    /// JSON objects.
    pub request_headers: String,
    pub response_headers: Option<String>,
    pub kind: ResultKind,
    pub status: Option<u16>,
    pub body: Bytes,
    pub truncated: bool,
    pub detail: Option<String>,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    Dead(DeadReason),
    Again {
        due_at: Timestamp,
        retries: i32,
    },
    /// No attempt was begun: the lease is given back.
    Released,
}

/// One settled lease.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub verdict: Verdict,
    pub attempt: AttemptRow,
    pub settled_at: Timestamp,
}

impl AttemptRow {
    pub(super) fn sent_sha256(&self) -> Option<&[u8]> {
        self.sent.as_ref().map(|sent| sent.sha256.as_slice())
    }

    pub(super) fn sent_bytes(&self) -> Option<i32> {
        self.sent.map(|sent| i32::try_from(sent.bytes).unwrap_or(i32::MAX))
    }
}

impl Settlement {
    pub(super) const fn next_attempt_at(&self) -> Option<i64> {
        match self.verdict {
            Verdict::Again { due_at, .. } => Some(due_at.as_micros()),
            Verdict::Delivered | Verdict::Dead(_) | Verdict::Released => None,
        }
    }
}
