//! What goes out and what is remembered of it: one request, one exchange.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use postern_domain::{
    Timestamp,
    attempt::{ResultKind, Timings},
};

use crate::{failure, retry_after, timing, url_guard::CheckedUrl};

/// Of the response's headers so many bytes are kept, names and values; those that do not fit are left out.
pub const MAX_KEPT_HEADER_BYTES: usize = 16 * 1024;

/// A request to send once.
#[derive(Clone, Debug)]
pub struct OutboundRequest {
    /// The method.
    pub method: Method,
    /// Where to; has passed gate 1.
    pub url: CheckedUrl,
    /// The headers. Those that say how the message is framed, and `Host`, are ours to write and are left out.
    pub headers: HeaderMap,
    /// The body, sent as it is.
    pub body: Bytes,
    /// One deadline over the whole exchange: name, connect, TLS, request, head and body of the response.
    pub timeout: Duration,
    /// Of the response's body so many bytes are read, and no more.
    pub max_response_bytes: usize,
    /// The present, against which a date in `Retry-After` is held.
    pub now: Timestamp,
}

/// How it went.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// `Answered` once the head of a response came, whatever its status and whatever became of its body.
    pub kind: ResultKind,
    /// The status, when answered.
    pub status: Option<u16>,
    /// The response's headers, up to [`MAX_KEPT_HEADER_BYTES`].
    pub headers: HeaderMap,
    /// The response's body as it came, up to the request's limit.
    pub body: Bytes,
    /// The body was larger, broke off, or took longer than the deadline.
    pub truncated: bool,
    /// Seconds from now after which the receiver wants to be asked again.
    pub retry_after: Option<u64>,
    /// When each step was done.
    pub timings: Timings,
    /// A short text for people, when there was no answer.
    pub detail: Option<String>,
    /// The request may have reached the receiver. False only where it is known that no connection was made.
    pub may_have_left: bool,
}

/// The part of a response that has come so far.
pub(crate) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    is_complete: bool,
}

impl Answer {
    /// Takes the head of the response.
    pub(crate) fn of(response: &mut reqwest::Response) -> Self {
        let headers = capped(std::mem::take(response.headers_mut()));
        Self { status: response.status().as_u16(), headers, body: Vec::new(), is_complete: false }
    }

    /// Reads the body up to the limit. What has been read stays when this is dropped half-way.
    pub(crate) async fn read_body(&mut self, mut response: reqwest::Response, max_bytes: usize) {
        // An error here is a body that broke off: the status has been said, and counts.
        while let Ok(chunk) = response.chunk().await {
            let Some(chunk) = chunk else {
                self.is_complete = true;
                return;
            };
            let room = max_bytes - self.body.len();
            self.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                return;
            }
        }
    }
}

impl Exchange {
    pub(crate) fn answered(answer: Answer, now: Timestamp) -> Self {
        Self {
            kind: ResultKind::Answered,
            status: Some(answer.status),
            retry_after: retry_after::seconds(&answer.headers, now),
            headers: answer.headers,
            body: answer.body.into(),
            truncated: !answer.is_complete,
            timings: timing::timings(),
            detail: None,
            may_have_left: true,
        }
    }

    pub(crate) fn failed(failure: &reqwest::Error) -> Self {
        let (kind, detail) = failure::classify(failure);
        Self { may_have_left: failure::may_have_left(failure), ..Self::unanswered(kind, detail) }
    }

    pub(crate) fn late(timeout: Duration) -> Self {
        Self::unanswered(ResultKind::Timeout, format!("no answer within {} ms", timeout.as_millis()))
    }

    fn unanswered(kind: ResultKind, detail: String) -> Self {
        Self {
            kind,
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            truncated: false,
            retry_after: None,
            timings: timing::timings(),
            detail: Some(detail),
            may_have_left: true,
        }
    }
}

/// Headers that are ours to write, or that belong to one connection: a tenant's could make two requests of one.
pub(crate) fn without_framing(mut headers: HeaderMap) -> HeaderMap {
    const FRAMING: [header::HeaderName; 8] = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::EXPECT,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
    ];
    for name in FRAMING {
        headers.remove(name);
    }
    headers
}

fn capped(headers: HeaderMap) -> HeaderMap {
    let size =
        |headers: &HeaderMap| headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if size(&headers) <= MAX_KEPT_HEADER_BYTES {
        return headers;
    }
    let mut room = MAX_KEPT_HEADER_BYTES;
    let mut kept = HeaderMap::new();
    for (name, value) in &headers {
        if let Some(left) = room.checked_sub(name.as_str().len() + value.len()) {
            room = left;
            // Copied: a value that is kept must not keep the whole head of the response with it.
            if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                kept.append(name.clone(), value);
            }
        }
    }
    kept
}
