//! What may be configured of a destination.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

pub const DEFAULT_TIMEOUT_MS: u32 = 15_000;
pub const MAX_TIMEOUT_MS: u32 = 45_000;
pub const DEFAULT_CONCURRENCY: u32 = 32;
pub const MAX_CONCURRENCY: u32 = 256;
pub const MAX_HEADERS: usize = 20;
pub const MAX_HEADER_BYTES: usize = 4_096;
pub const MAX_URL_BYTES: usize = 2_048;

/// Set by the engine or by the connection itself; a tenant's own value would break signing or framing.
const RESERVED: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationKind {
    Http,
    /// Keeps what it receives, to be looked at.
    Bin,
    /// Sends nothing: a program of the tenant leases what waits.
    Queue,
}

impl DestinationKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Bin => "bin",
            Self::Queue => "queue",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Bin, Self::Queue].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// At most `per_s` a second over time, and `burst` at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub per_s: u32,
    #[serde(default)]
    pub burst: Option<u32>,
}

impl RateLimit {
    /// # Errors
    /// When either is not 1 to 100 000.
    pub fn check(&self) -> Result<(), Invalid> {
        let bounds = 1..=100_000;
        if !bounds.contains(&self.per_s) {
            return Err(Invalid::new("rate_limit.per_s", "must be 1 to 100000"));
        }
        if self.burst.is_some_and(|burst| !bounds.contains(&burst)) {
            return Err(Invalid::new("rate_limit.burst", "must be 1 to 100000"));
        }
        Ok(())
    }

    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.per_s).max(1)
    }
}

/// Extra headers for every attempt, checked and lower-cased.
///
/// # Errors
/// For a name that is not one, is reserved or begins with `webhook-`; a value that is not visible ASCII; too many.
pub fn check_headers(headers: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
    if headers.len() > MAX_HEADERS {
        return Err(Invalid::new("headers", format!("may have at most {MAX_HEADERS} entries")));
    }
    let mut checked = BTreeMap::new();
    for (name, value) in headers {
        let field = format!("headers.{}", name.chars().take(64).collect::<String>());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::new(&field, "is not a header name"))?;
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("webhook-") {
            return Err(Invalid::new(&field, "is set by Postern itself and cannot be configured"));
        }
        if value.len() > MAX_HEADER_BYTES || HeaderValue::from_str(value).is_err() || !value.is_ascii() {
            return Err(Invalid::new(&field, format!("must be visible ASCII of at most {MAX_HEADER_BYTES} bytes")));
        }
        if checked.insert(name.as_str().to_owned(), value.clone()).is_some() {
            return Err(Invalid::new(&field, "stands twice, in different case"));
        }
    }
    Ok(checked)
}

/// # Errors
/// When out of 1 to [`MAX_CONCURRENCY`].
pub fn check_concurrency(concurrency: u32) -> Result<u32, Invalid> {
    if (1..=MAX_CONCURRENCY).contains(&concurrency) {
        Ok(concurrency)
    } else {
        Err(Invalid::new("concurrency", format!("must be 1 to {MAX_CONCURRENCY}")))
    }
}

/// # Errors
/// When out of 100 to [`MAX_TIMEOUT_MS`].
pub fn check_timeout_ms(timeout_ms: u32) -> Result<u32, Invalid> {
    if (100..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        Ok(timeout_ms)
    } else {
        Err(Invalid::new("timeout_ms", format!("must be 100 to {MAX_TIMEOUT_MS}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_would_break_an_attempt_are_refused() {
        let one =
            |name: &str, value: &str| check_headers(&BTreeMap::from([(name.to_owned(), value.to_owned())])).is_ok();
        assert!(one("X-Tenant", "a b") && one("authorization", "Bearer x"));
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "webhook-id",
            "Webhook-Signature",
            "a b",
            "",
            "é",
            "connection",
        ] {
            assert!(!one(name, "x"), "{name}");
        }
        for value in ["a\r\nb: c", "é", "\0", &"x".repeat(MAX_HEADER_BYTES + 1)] {
            assert!(!one("x-a", value), "{value}");
        }
        let twice = BTreeMap::from([("X-A".to_owned(), String::new()), ("x-a".to_owned(), String::new())]);
        assert!(check_headers(&twice).is_err());
    }
}
