//! What a connection sends instead of the raw body: the common envelope, or a CloudEvent.
//!
//! Both are made of the stored event alone, so that every attempt sends the same bytes.

use base64::{Engine, prelude::BASE64_STANDARD};
use postern_domain::{EventId, SourceId, Timestamp, payload::PayloadFormat};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    Catalogue,
    body::Body,
    cloud_event,
    event::{Event, Outcome},
};

const CONTENT_TYPE: &str = "application/json";
/// The type of a body with several events, which stand under `events`.
const BATCH: &str = "batch";
/// The type of an event for which nobody has a name.
pub(crate) const UNTYPED: &str = "untyped";

/// A stored event.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub event: EventId,
    pub source: SourceId,
    /// Of the source; `None` for one that names none.
    pub provider: Option<&'a str>,
    /// The type under which it was taken in.
    pub event_type: &'a str,
    pub received_at: Timestamp,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// The event in this format; `None` for the raw body, which is sent as it came.
#[must_use]
pub fn render(catalogue: &Catalogue, format: PayloadFormat, incoming: &Incoming<'_>) -> Option<Rendered> {
    if format == PayloadFormat::Raw {
        return None;
    }
    let body = (incoming.content_type, incoming.body);
    let events = catalogue.events(incoming.provider, incoming.event_type, body);
    let body = match format {
        PayloadFormat::Raw => return None,
        PayloadFormat::Envelope => serde_json::to_vec(&Envelope::of(incoming, events)),
        PayloadFormat::CloudEvents => serde_json::to_vec(&cloud_event::CloudEvent::of(incoming, &events)),
    };
    let content_type = if format == PayloadFormat::Envelope { CONTENT_TYPE } else { cloud_event::CONTENT_TYPE };
    // Writing into memory does not fail, and all keys are texts.
    Some(Rendered { content_type, body: body.unwrap_or_default() })
}

/// `data/envelope.json` is its schema.
#[derive(Serialize)]
struct Envelope<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    provider: Option<&'a str>,
    provider_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    occurred_at: Timestamp,
    received_at: Timestamp,
    source_id: SourceId,
    data: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Part>>,
    raw_encoding: &'static str,
    raw_content_type: Option<&'a str>,
    raw: Raw<'a>,
}

/// One of several events of a body.
#[derive(Serialize)]
struct Part {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    provider_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    occurred_at: Timestamp,
    data: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Where it stands in `raw`.
    at: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Raw<'a> {
    Json(&'a RawValue),
    Text(&'a str),
    Base64(String),
}

impl<'a> Raw<'a> {
    fn of(body: Body<'a>) -> Self {
        if let Some(json) = body.json() {
            return Self::Json(json);
        }
        match std::str::from_utf8(body.bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Base64(BASE64_STANDARD.encode(body.bytes)),
        }
    }

    const fn encoding(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Text(_) => "text",
            Self::Base64(_) => "base64",
        }
    }
}

impl<'a> Envelope<'a> {
    fn of(incoming: &Incoming<'a>, events: Vec<Event>) -> Self {
        let id = incoming.event.to_string();
        let raw = Raw::of(Body { bytes: incoming.body, content_type: incoming.content_type });
        let mut parts = events.into_iter().enumerate().map(|(index, event)| Part::of(&id, index, event, incoming));
        let (first, rest) = (parts.next(), parts.collect::<Vec<_>>());
        let (whole, events) = match first {
            Some(first) if rest.is_empty() => (Some(first), None),
            first => (None, Some(first.into_iter().chain(rest).collect::<Vec<_>>())),
        };
        let received = || if incoming.event_type.is_empty() { UNTYPED } else { incoming.event_type }.to_owned();
        let mut envelope = Self {
            id,
            event_type: BATCH.to_owned(),
            provider: incoming.provider,
            provider_type: received(),
            provider_id: None,
            occurred_at: incoming.received_at,
            received_at: incoming.received_at,
            source_id: incoming.source,
            data: None,
            reason: None,
            events,
            raw_encoding: raw.encoding(),
            raw_content_type: incoming.content_type,
            raw,
        };
        if let Some(part) = whole {
            envelope.event_type = part.event_type;
            envelope.provider_type = part.provider_type;
            envelope.provider_id = part.provider_id;
            envelope.occurred_at = part.occurred_at;
            envelope.data = part.data;
            envelope.reason = part.reason;
        }
        envelope
    }
}

impl Part {
    fn of(id: &str, index: usize, event: Event, incoming: &Incoming<'_>) -> Self {
        let or_untyped = |text: String| if text.is_empty() { UNTYPED.to_owned() } else { text };
        let provider_type = or_untyped(event.provider_type);
        let (event_type, data, reason) = match event.outcome {
            Outcome::Common { event_type, data } => (event_type, Some(data), None),
            Outcome::PassedOn { reason } => (provider_type.clone(), None, Some(reason)),
        };
        Self {
            id: format!("{id}.{index}"),
            event_type,
            provider_type,
            provider_id: event.provider_id,
            occurred_at: event.occurred_at.unwrap_or(incoming.received_at),
            data,
            reason,
            at: event.at,
        }
    }
}
