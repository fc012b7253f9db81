//! Why a request was not accepted, in words that help its sender and give nothing away.

use std::fmt;

/// A request that did not prove who sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}: expected {expected}")]
pub struct Refusal {
    /// The kind of fault, for lists and metrics.
    pub cause: RefusalCause,
    /// What would have been accepted; never a secret, never the signature that would have matched.
    pub expected: String,
    /// What the sender is to be answered: 401, unless its own rules ask for another.
    pub status: u16,
}

impl Refusal {
    pub(crate) fn new(cause: RefusalCause, expected: impl Into<String>) -> Self {
        Self { cause, expected: expected.into(), status: 401 }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// The kinds of fault. More than one may hold; the first that is found is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCause {
    /// A header that the scheme needs is not there.
    MissingHeader,
    /// A header that the scheme needs is there twice, too long, or not of the right form.
    MalformedHeader,
    /// A part of the body that the scheme needs is not there, or not of the right form.
    MalformedBody,
    /// Signed too long ago.
    TimestampTooOld,
    /// Signed in the future, beyond what clocks may differ.
    TimestampTooNew,
    /// No signature fits any of the secrets.
    SignatureMismatch,
    /// The token, or the user and password, is none of the secrets.
    WrongToken,
    /// The source has no secret yet by which the sender could be recognised.
    NoSecret,
}

impl RefusalCause {
    /// The stable name, in snake_case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
            Self::MalformedBody => "malformed_body",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampTooNew => "timestamp_too_new",
            Self::SignatureMismatch => "signature_mismatch",
            Self::WrongToken => "wrong_token",
            Self::NoSecret => "no_secret",
        }
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
