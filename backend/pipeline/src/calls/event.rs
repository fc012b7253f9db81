//! The event that the end of a call is: what a callback says.

use bytes::Bytes;
use postern_domain::{
    CallId, Timestamp,
    call::{CallError, CallState, MAX_INLINE_BYTES},
};
use postern_seal::token::sha256;
use postern_store::{
    calls::{Call, CallEnd, CallSettle},
    engine::EventRow,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{SourceEntry, accept};

/// Of a source that was deleted meanwhile.
const WINDOW_S: u32 = 604_800;
const MAX_BYTES: usize = 1024 * 1024;

#[derive(Serialize)]
struct Ended<'a> {
    call_id: CallId,
    state: CallState,
    request: Asked<'a>,
    attempts: i32,
    response: Option<Answered<'a>>,
    error: Option<&'a CallError>,
    metadata: Option<&'a Value>,
    created_at: Timestamp,
    completed_at: Timestamp,
}

#[derive(Serialize)]
struct Asked<'a> {
    method: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct Answered<'a> {
    status: u16,
    content_type: Option<&'a str>,
    /// Where it is JSON and small; else there is a `result_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_url: Option<String>,
}

/// `source` is the call's; `None` when it was deleted, and nobody hears of it but who asks.
pub(super) fn of(call: &Call, source: Option<&SourceEntry>, (settle, end): (&CallSettle<'_>, &CallEnd)) -> EventRow {
    let state = settle.step.to;
    let now = end.completed_at;
    let body = body(call, source.map_or(MAX_BYTES, |source| source.max_body_bytes), (settle, end));
    let window_s = source.map_or(WINDOW_S, |source| source.window_s);
    // Its own space: no key that anybody chooses is in the way.
    let mut dedup = accept::dedup_input("call", &format!("{}.{state}", call.id));
    dedup.expires_at = now.plus_secs(i64::from(window_s));
    EventRow {
        id: end.event,
        tenant: call.tenant,
        source: call.source,
        event_type: format!("call.{state}"),
        dedup: Some(dedup),
        body_key: None,
        content_type: Some("application/json".to_owned()),
        headers: "{}".to_owned(),
        remote: String::new(),
        received_at: now,
        not_before: None,
        body_sha256: sha256(&body),
        body,
        filtered: 0,
    }
}

fn body(call: &Call, most_bytes: usize, (settle, end): (&CallSettle<'_>, &CallEnd)) -> Bytes {
    let inline = inline(end);
    let mut told = Ended {
        call_id: call.id,
        state: settle.step.to,
        request: Asked { method: &call.method, url: &call.url },
        attempts: settle.attempts,
        response: end.response.as_ref().map(|response| Answered {
            status: response.status,
            content_type: response.content_type.as_deref(),
            body: inline,
            result_url: None,
        }),
        error: end.error.as_ref(),
        metadata: call.metadata.as_ref(),
        created_at: call.created_at,
        completed_at: end.completed_at,
    };
    let whole = written(&told);
    if inline.is_some() && whole.len() <= most_bytes {
        return whole;
    }
    if let Some(response) = &mut told.response {
        response.body = None;
        response.result_url = Some(format!("/api/v1/calls/{}/result", call.id));
    }
    written(&told)
}

/// The answer as JSON, as it came.
fn inline(end: &CallEnd) -> Option<&RawValue> {
    let response = end.response.as_ref()?;
    if response.truncated || end.result.len() > MAX_INLINE_BYTES {
        return None;
    }
    serde_json::from_slice(&end.result).ok()
}

/// Ours always have a text.
fn written(told: &Ended<'_>) -> Bytes {
    Bytes::from(serde_json::to_vec(told).unwrap_or_default())
}
