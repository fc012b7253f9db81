//! What came back, and what it means for the run.

use http::HeaderMap;
use postern_domain::{Timestamp, attempt::ResultKind};

use crate::waits;

/// How long to wait for who says "too many" and not until when.
const USUAL_WAIT_MS: i64 = 60_000;

/// An answer, or why there was none.
#[derive(Clone, Copy, Debug)]
pub struct PageAnswer<'a> {
    pub kind: ResultKind,
    /// When answered.
    pub status: Option<u16>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// The body was larger than asked for, broke off, or took too long.
    pub truncated: bool,
}

/// What had been asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub now: Timestamp,
    /// At most so many bytes of the body were read.
    pub max_bytes: usize,
    /// The request said which version of the page is known.
    pub is_conditional: bool,
    /// It carried what an earlier page gave: not the first page.
    pub has_page_token: bool,
    /// A template named the cursor, and there was one.
    pub has_cursor: bool,
}

/// What a run makes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A page to be read.
    Page,
    /// 304 to a conditional request, or 204: nothing is there that would be new.
    NotModified,
    /// [`crate::follow`] decides.
    Redirect,
    /// Not before `until`; no error is counted.
    Throttled { until: Timestamp },
    /// 401.
    AuthRefused,
    /// 403.
    Forbidden,
    /// 404 or 410 where neither cursor nor page token could be the cause.
    Gone,
    /// Refused with a page token: begin again without it.
    PageTokenRefused,
    /// 400 or 410 with a cursor: begin again from an earlier one.
    CursorRefused,
    /// Any other 4xx, or a status that nobody expects: the settings do not fit the API.
    Config { status: u16 },
    /// Worth another try.
    Transient(Transient),
    /// The body is larger than `limits.max_bytes`.
    TooLarge,
    /// The address guard refused; nothing left the building.
    Blocked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transient {
    Dns,
    Connect,
    Tls,
    Timeout,
    /// The body broke off.
    Incomplete,
    /// 408, 425 or 5xx.
    Status(u16),
    /// Our own fault, or the end of a process.
    Internal,
}

impl Transient {
    /// For logs and people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Status(_) => "status",
            Self::Internal => "internal",
        }
    }
}

/// What follows from an answer.
#[must_use]
pub fn judge(answer: &PageAnswer<'_>, asked: &Asked) -> Meaning {
    let status = match (answer.kind, answer.status) {
        (ResultKind::Answered, Some(status)) => status,
        (ResultKind::Timeout, _) => return Meaning::Transient(Transient::Timeout),
        (ResultKind::Dns, _) => return Meaning::Transient(Transient::Dns),
        (ResultKind::Connect, _) => return Meaning::Transient(Transient::Connect),
        (ResultKind::Tls, _) => return Meaning::Transient(Transient::Tls),
        (ResultKind::Blocked, _) => return Meaning::Blocked,
        (ResultKind::TooLarge, _) => return Meaning::TooLarge,
        (
            ResultKind::Answered
            | ResultKind::Interrupted
            | ResultKind::Superseded
            | ResultKind::Internal
            | ResultKind::Acknowledged
            | ResultKind::Rejected
            | ResultKind::LeaseExpired,
            _,
        ) => {
            return Meaning::Transient(Transient::Internal);
        }
    };
    match status {
        204 => Meaning::NotModified,
        // No part of a page was asked for.
        206 => Meaning::Config { status },
        200..=299 if !answer.truncated => Meaning::Page,
        200..=299 if answer.body.len() >= asked.max_bytes => Meaning::TooLarge,
        200..=299 => Meaning::Transient(Transient::Incomplete),
        304 if asked.is_conditional => Meaning::NotModified,
        301 | 302 | 303 | 307 | 308 => Meaning::Redirect,
        _ => refusal(status, answer.headers, asked),
    }
}

fn refusal(status: u16, headers: &HeaderMap, asked: &Asked) -> Meaning {
    let until = waits::until(headers, asked.now);
    match status {
        // 420 is the same word by those who had it before there was 429.
        420 | 429 => Meaning::Throttled {
            until: until
                .or_else(|| waits::reset_at(headers, asked.now))
                .unwrap_or_else(|| asked.now.plus_ms(USUAL_WAIT_MS)),
        },
        503 => until.map_or(Meaning::Transient(Transient::Status(status)), |until| Meaning::Throttled { until }),
        408 | 425 | 500..=599 => Meaning::Transient(Transient::Status(status)),
        401 => Meaning::AuthRefused,
        // So some say "too many" too.
        403 => until.map_or(Meaning::Forbidden, |until| Meaning::Throttled { until }),
        400 | 404 | 410 | 422 if asked.has_page_token => Meaning::PageTokenRefused,
        400 | 410 if asked.has_cursor => Meaning::CursorRefused,
        404 | 410 => Meaning::Gone,
        _ => Meaning::Config { status },
    }
}

#[cfg(test)]
mod tests;
