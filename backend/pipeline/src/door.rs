//! What the front door looks at before anybody listens to a request: the rules, in their order.
//!
//! [`crate::check`] walks over the same list, so that what it says is what would happen.

use std::net::IpAddr;

use http::{HeaderMap, header};
use postern_seal::token::sha256;

use crate::entry::SourceEntry;

/// Methods that bring no event unless a source says so, but may be a provider's greeting.
const GREETING_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// A request before its body is read.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub method: &'a str,
    pub headers: &'a HeaderMap,
    /// Not known when somebody only asks what would happen.
    pub remote: Option<IpAddr>,
    /// As announced; none when it is not.
    pub body_bytes: Option<u64>,
}

/// What can keep a request out, whoever signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    Paused,
    Address,
    Method,
    Encoding,
    ContentType,
    Size,
    HeaderToken,
}

impl Bar {
    /// In the order in which they are looked at.
    pub const ALL: [Self; 7] =
        [Self::Paused, Self::Address, Self::Method, Self::Encoding, Self::ContentType, Self::Size, Self::HeaderToken];

    /// As it goes on record.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Address => "address",
            Self::Method => "method",
            Self::Encoding => "content_encoding",
            Self::ContentType => "content_type",
            Self::Size => "too_large",
            Self::HeaderToken => "header_token",
        }
    }

    /// As [`crate::check`] names it.
    #[must_use]
    pub const fn step(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Paused | Self::Address | Self::Method | Self::Encoding | Self::ContentType | Self::HeaderToken => {
                self.cause()
            }
        }
    }

    /// What would have been let in.
    #[must_use]
    pub fn expected(self, source: &SourceEntry) -> String {
        match self {
            Self::Paused => "the source to be resumed".to_owned(),
            Self::Address => format!("an address in {}", source.allowed_ips.to_strings().join(", ")),
            Self::Method => format!("{}, HEAD or OPTIONS", source.intake.methods()),
            Self::Encoding => "no content-encoding".to_owned(),
            Self::ContentType => format!("content type {}", source.intake.content_types.join(" or ")),
            Self::Size => format!("a body of at most {} bytes", source.max_body_bytes),
            Self::HeaderToken => {
                let name = source.header_token.as_ref().map_or("", |(name, _)| name.as_str());
                format!("header `{name}` once, with the token of this source")
            }
        }
    }

    /// Whether it lets the request pass.
    #[must_use]
    pub fn admits(self, source: &SourceEntry, head: &Head<'_>) -> bool {
        match self {
            Self::Paused => !source.paused,
            Self::Address => head.remote.is_none_or(|remote| source.allowed_ips.admits(remote)),
            Self::Method => source.intake.takes_method(head.method) || is_greeting(head.method),
            Self::Encoding => {
                let mut encodings = head.headers.get_all(header::CONTENT_ENCODING).iter();
                encodings.all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
            }
            Self::ContentType => takes_content_type(source, head),
            Self::Size => head
                .body_bytes
                .is_none_or(|bytes| usize::try_from(bytes).is_ok_and(|bytes| bytes <= source.max_body_bytes)),
            Self::HeaderToken => has_token(source, head),
        }
    }

    /// The first that does not let the request pass.
    #[must_use]
    pub fn first(source: &SourceEntry, head: &Head<'_>) -> Option<Self> {
        Self::ALL.into_iter().find(|bar| !bar.admits(source, head))
    }
}

/// Whether the method may be a greeting.
pub(crate) fn is_greeting(method: &str) -> bool {
    GREETING_METHODS.contains(&method)
}

/// What is empty has no type.
fn takes_content_type(source: &SourceEntry, head: &Head<'_>) -> bool {
    if source.intake.content_types.is_empty() {
        return true;
    }
    let header = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_empty = head.body_bytes == Some(0) || (head.body_bytes.is_none() && is_greeting(head.method));
    (is_empty && header.is_none()) || source.intake.takes_content_type(header)
}

/// Hashes are compared, of which a stranger can choose no part.
fn has_token(source: &SourceEntry, head: &Head<'_>) -> bool {
    let Some((name, hash)) = &source.header_token else { return true };
    let mut values = head.headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    sha256(value.as_bytes()) == *hash
}
