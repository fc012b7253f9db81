//! Errors of the lower rooms, as problems.

use postern_pipeline::configure::ConfigureError;
use postern_store::StoreError;

use super::{Code, Problem};

impl From<StoreError> for Problem {
    fn from(cause: StoreError) -> Self {
        match cause {
            StoreError::Unavailable { .. } => Self::unavailable(&cause),
            StoreError::Data { .. } | StoreError::Inconsistent { .. } => Self::internal(&cause),
        }
    }
}

impl From<ConfigureError> for Problem {
    fn from(cause: ConfigureError) -> Self {
        match cause {
            ConfigureError::Invalid(invalid) => invalid.into(),
            ConfigureError::NotFound => Self::not_found(),
            ConfigureError::UnknownReference(field) => Self::unknown_reference(field),
            ConfigureError::PairExists(id) => {
                Self::new(Code::AlreadyExists, format!("Source and destination are connected already, by `{id}`."))
            }
            ConfigureError::TooMany { noun, limit } => {
                Self::new(Code::LimitReached, format!("There can be at most {limit} {noun}."))
            }
            ConfigureError::ExceedsOwn(permission) => {
                let detail = format!("The credential lacks `{}` and cannot give it.", permission.as_str());
                Self::new(Code::PermissionMissing, detail)
            }
            ConfigureError::DoesNotPoll => Self::new(Code::WrongState, "This source does not poll."),
            ConfigureError::Paused => Self::new(Code::WrongState, "The source is paused. Resume it first."),
            ConfigureError::OnceKeyReused => {
                Self::new(Code::IdempotencyMismatch, "Send another Idempotency-Key, or the request it was used for.")
            }
            ConfigureError::Store(cause) => cause.into(),
        }
    }
}

impl From<postern_pipeline::check::CheckError> for Problem {
    fn from(cause: postern_pipeline::check::CheckError) -> Self {
        use postern_pipeline::check::CheckError;
        match cause {
            CheckError::NotFound => Self::not_found(),
            CheckError::NoFrontDoor => {
                Self::new(Code::WrongState, "This source takes what is published, and no requests.")
            }
            CheckError::Store(cause) => cause.into(),
        }
    }
}

impl From<postern_pipeline::accept::AcceptError> for Problem {
    fn from(cause: postern_pipeline::accept::AcceptError) -> Self {
        use postern_pipeline::{NoKey, accept::AcceptError};
        match cause {
            AcceptError::Refused(_) | AcceptError::NotAwaited | AcceptError::NoKey(NoKey::Unknown) => Self::unproved(),
            AcceptError::NoKey(NoKey::Unreachable) => Self::unavailable(&cause),
            AcceptError::Method => Self::new(Code::MethodNotAllowed, "This method brings no events."),
            AcceptError::Replayed(_) => Self::new(Code::AlreadyExists, "The same body came before, under another id."),
            AcceptError::NoSource => Self::not_found(),
            AcceptError::TooLarge(limit) => {
                Self::new(Code::PayloadTooLarge, format!("The source takes at most {limit} bytes."))
            }
            AcceptError::TooFarAhead(latest) => {
                Self::invalid("deliver_at", &format!("must not lie after {latest}: payloads are not kept for longer"))
            }
            AcceptError::Paused => Self::paused("The source is paused."),
            AcceptError::Busy => Self::unavailable(&cause),
            AcceptError::KeyReused => {
                Self::new(Code::IdempotencyMismatch, "The Idempotency-Key was used with another body before.")
            }
            AcceptError::Store(cause) => Self::from(cause),
        }
    }
}
