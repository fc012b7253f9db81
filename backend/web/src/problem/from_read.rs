//! Errors of reading and of the actions on deliveries, as problems.

use postern_pipeline::deliveries::{CancelError, RetryError};
use postern_store::read::ListError;

use super::{Code, Problem};

const REUSED: &str = "Send another Idempotency-Key, or the request it was used for.";
const IN_FLIGHT: &str = "A try is under way. Ask again when it has ended.";

impl From<ListError> for Problem {
    fn from(cause: ListError) -> Self {
        match cause {
            ListError::UnknownSource => Self::unknown_reference("source_id"),
            ListError::UnknownDestination => Self::unknown_reference("destination_id"),
            ListError::UnknownConnection => Self::unknown_reference("connection_id"),
            ListError::Store(cause) => cause.into(),
        }
    }
}

impl From<RetryError> for Problem {
    fn from(cause: RetryError) -> Self {
        match cause {
            RetryError::NotFound => Self::not_found(),
            RetryError::InFlight => Self::new(Code::WrongState, IN_FLIGHT),
            RetryError::Unrouted => Self::new(
                Code::WrongState,
                "Its connection or its destination was deleted: there is nowhere to send it.",
            ),
            RetryError::PayloadExpired => {
                Self::new(Code::WrongState, "The payload is past its retention: there is nothing left to send.")
            }
            RetryError::OnceKeyReused => Self::new(Code::IdempotencyMismatch, REUSED),
            RetryError::Store(cause) => cause.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(cause: CancelError) -> Self {
        match cause {
            CancelError::NotFound => Self::not_found(),
            CancelError::InFlight => Self::new(Code::WrongState, IN_FLIGHT),
            CancelError::Finished => Self::new(Code::WrongState, "It is finished: only what waits can be cancelled."),
            CancelError::OnceKeyReused => Self::new(Code::IdempotencyMismatch, REUSED),
            CancelError::Store(cause) => cause.into(),
        }
    }
}
