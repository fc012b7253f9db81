//! CloudEvents 1.0 in structured mode: the body as it came, with who, what and when around it.

use base64::{Engine, prelude::BASE64_STANDARD};
use postern_domain::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    body::Body,
    envelope::{Incoming, UNTYPED},
    event::Event,
};

pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Besides what the specification names, two extension attributes: `provider`, and `commontype` for an event that is in
/// the vocabulary.
#[derive(Serialize)]
pub(crate) struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commontype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl<'a> CloudEvent<'a> {
    pub(crate) fn of(incoming: &Incoming<'a>, events: &[Event]) -> Self {
        let body = Body { bytes: incoming.body, content_type: incoming.content_type };
        let only = events.first().filter(|_| events.len() == 1);
        let types = [Some(incoming.event_type), only.map(|event| event.provider_type.as_str())];
        let event_type = types.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or(UNTYPED);
        let data = if body.may_be_json() { body.json() } else { None };
        let data_base64 = (data.is_none() && !body.bytes.is_empty()).then(|| BASE64_STANDARD.encode(body.bytes));
        let implied = data.map(|_| "application/json");
        Self {
            specversion: "1.0",
            id: incoming.event.to_string(),
            source: format!("/api/v1/sources/{}", incoming.source),
            event_type: event_type.to_owned(),
            time: only.and_then(|event| event.occurred_at).unwrap_or(incoming.received_at),
            provider: incoming.provider,
            commontype: only.filter(|event| event.is_common()).map(|event| event.event_type().to_owned()),
            datacontenttype: incoming.content_type.or(implied),
            data,
            data_base64,
        }
    }
}
