//! One try of a delivery: what is remembered of it.

use serde::{Deserialize, Serialize};

/// A response body is kept up to this many bytes; so many are read, and no more.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// How a try ended. Only `Answered` has a status that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    Answered,
    Timeout,
    Dns,
    Connect,
    Tls,
    /// The address guard refused: nothing left the building.
    Blocked,
    /// The head of the response was larger than we read.
    TooLarge,
    /// The process ended while the request was under way: it may have left.
    Interrupted,
    /// It ended after its lease had been given to another; what it found is kept, but decided nothing.
    Superseded,
    /// Our own fault: a secret that could not be opened, a panic.
    Internal,
    /// Of a queue: who leased it acknowledged it.
    Acknowledged,
    /// Of a queue: who leased it gave it back.
    Rejected,
    /// Of a queue: the lease ended without a word.
    LeaseExpired,
}

impl ResultKind {
    pub const ALL: [Self; 13] = [
        Self::Answered,
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Blocked,
        Self::TooLarge,
        Self::Interrupted,
        Self::Superseded,
        Self::Internal,
        Self::Acknowledged,
        Self::Rejected,
        Self::LeaseExpired,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Blocked => "blocked",
            Self::TooLarge => "too_large",
            Self::Interrupted => "interrupted",
            Self::Superseded => "superseded",
            Self::Internal => "internal",
            Self::Acknowledged => "acknowledged",
            Self::Rejected => "rejected",
            Self::LeaseExpired => "lease_expired",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where the time went, in microseconds from the start of the try; `None` where a step was not reached, or not needed
/// (a pooled connection resolves and connects nothing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dns_us: Option<u32>,
    /// TCP and, for https, TLS.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connect_us: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_byte_us: Option<u32>,
    pub total_us: u32,
}
