//! An attempt as the API shows it: who, when, what was sent, what came back, how long it took.

use postern_domain::{
    Timestamp,
    attempt::{ResultKind, Timings},
};
use postern_store::read::Attempt;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::v1::{
    kept::{self, BodyView, Truncated},
    schema,
};

/// One try of a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    id: String,
    delivery_id: String,
    /// From 1.
    number: i32,
    actor: ActorView,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    duration_ms: u64,
    #[schema(value_type = schema::Timings)]
    timings: Timings,
    request: SentView,
    result: ResultView,
    /// When another try was due, if there was to be one.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
}

/// Who asked for it.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptActor)]
pub(crate) struct ActorView {
    /// `engine`, `user`, `api_key` or `operator`.
    kind: String,
    /// Of the user or the key.
    id: Option<String>,
}

/// What was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptRequest)]
pub(crate) struct SentView {
    method: String,
    url: String,
    #[schema(value_type = Object)]
    headers: Option<Box<RawValue>>,
    /// Of what was sent: the event's own body, or what the connection's `payload` made of it. Null once the event is past
    /// its retention.
    body_sha256: Option<String>,
    body_bytes: i32,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptResult)]
pub(crate) struct ResultView {
    #[schema(value_type = schema::ResultKind)]
    kind: ResultKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    headers: Option<Box<RawValue>>,
    /// Missing when it was empty, is past its retention, or when all bodies together would be too much for one answer:
    /// those of the newest attempts come first. At most 64 kB.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    body: Option<BodyView>,
    /// How many bytes of the body are kept.
    body_bytes: i32,
    /// Whether there was more of the body.
    truncated: bool,
    /// In words, where there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl AttemptView {
    /// `body_sha256` and `body_bytes` are the event's own, for an attempt that sent just that.
    pub(crate) fn of(attempt: Attempt, body_sha256: Option<&[u8]>, body_bytes: i32) -> Self {
        let truncated = Truncated::from(attempt.truncated);
        let duration_ms = attempt.duration_us().saturating_add(500) / 1_000;
        let sent = attempt.sent.as_ref().map(|(bytes, sha256)| (*bytes, kept::hex(sha256)));
        let (body_bytes, body_sha256) = match sent {
            Some((bytes, sha256)) => (bytes, Some(sha256)),
            None => (body_bytes, body_sha256.map(kept::hex)),
        };
        Self {
            id: attempt.id.to_string(),
            delivery_id: attempt.delivery.to_string(),
            number: attempt.number,
            actor: ActorView { kind: attempt.actor_kind, id: Some(attempt.actor_id).filter(|id| !id.is_empty()) },
            started_at: attempt.started_at,
            duration_ms,
            timings: attempt.timings,
            request: SentView {
                method: attempt.method,
                url: attempt.url,
                headers: kept::headers(attempt.request_headers),
                body_sha256,
                body_bytes,
            },
            result: ResultView {
                kind: attempt.kind,
                status: attempt.status,
                headers: attempt.response_headers.and_then(kept::headers),
                body: attempt.response_body.map(|bytes| BodyView::of(bytes, truncated)),
                body_bytes: attempt.response_bytes,
                truncated: attempt.truncated,
                detail: attempt.detail,
            },
            next_attempt_at: attempt.next_attempt_at,
        }
    }
}
