//! What may be configured of a source.

use serde::{Deserialize, Serialize};

use http::HeaderName;

use crate::{invalid::Invalid, secret::Secret};

pub const DEFAULT_MAX_BODY_BYTES: u32 = 1024 * 1024;
pub const LARGEST_MAX_BODY_BYTES: u32 = 10 * 1024 * 1024;
/// How many secrets may be valid at once, so that one can be rotated without a gap.
pub const MAX_SECRETS: usize = 10;
/// One event must fit into one transaction with all its deliveries.
pub const MAX_CONNECTIONS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Webhook,
    Publish,
    /// Asks an API again and again for what is new.
    Poll,
    /// Makes an event of its own at given times.
    Schedule,
}

impl SourceKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Publish => "publish",
            Self::Poll => "poll",
            Self::Schedule => "schedule",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Webhook, Self::Publish, Self::Poll, Self::Schedule].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Shorter ones could be guessed.
const MIN_HEADER_TOKEN_BYTES: usize = 16;
const MAX_HEADER_TOKEN_BYTES: usize = 500;
/// They say how a request is framed and where it goes, or are written by whoever forwards it.
const NO_TOKEN_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "x-forwarded-for",
    "cookie",
];

/// A header that every request to a source must carry, for senders that can add one: whoever learns the URL alone, from
/// a log or a screen, cannot use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderToken {
    /// In lower case.
    pub name: String,
    pub value: Secret<String>,
}

impl HeaderToken {
    /// # Errors
    /// When the name is no header's, or the value too short, too long or not visible ASCII.
    pub fn parse(name: &str, value: Secret<String>) -> Result<Self, Invalid> {
        let parsed = HeaderName::from_bytes(name.trim().as_bytes());
        let name = parsed.map_err(|_| Invalid::new("header_token.name", format!("`{name}` is not a header name")))?;
        if NO_TOKEN_HEADERS.contains(&name.as_str()) {
            return Err(Invalid::new("header_token.name", format!("`{name}` has a meaning of its own; use another")));
        }
        let text = value.expose();
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !(MIN_HEADER_TOKEN_BYTES..=MAX_HEADER_TOKEN_BYTES).contains(&text.len()) || !is_visible {
            let form = format!("must be {MIN_HEADER_TOKEN_BYTES} to {MAX_HEADER_TOKEN_BYTES} visible ASCII characters");
            return Err(Invalid::new("header_token.value", form));
        }
        Ok(Self { name: name.as_str().to_owned(), value })
    }
}

/// # Errors
/// When out of 1 to [`LARGEST_MAX_BODY_BYTES`].
pub fn check_max_body_bytes(bytes: u32) -> Result<u32, Invalid> {
    if (1..=LARGEST_MAX_BODY_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(Invalid::new("max_body_bytes", format!("must be 1 to {LARGEST_MAX_BODY_BYTES}")))
    }
}
