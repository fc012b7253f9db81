//! Errors of pulling, as problems.

use postern_pipeline::queue::PullError;

use super::{Code, Problem};

/// Somebody may acknowledge at any moment.
const RETRY_AFTER_S: u32 = 1;

impl From<PullError> for Problem {
    fn from(cause: PullError) -> Self {
        match cause {
            PullError::NotFound => Self::not_found(),
            PullError::NotAQueue => {
                Self::new(Code::WrongState, "This destination is not a queue: deliveries are sent to it.")
            }
            PullError::Paused => {
                Self::new(Code::QueuePaused, "Nothing is leased until it is resumed. What is leased can be ended.")
            }
            PullError::Full(most) => {
                let detail =
                    format!("{most} deliveries are leased, as many as `max_in_flight` allows: end some first.");
                Self::new(Code::QueueFull, detail).with_retry_after_s(RETRY_AFTER_S)
            }
            PullError::LeaseLost => {
                Self::new(Code::LeaseLost, "The lease ran out or was ended: lease the delivery again.")
            }
            PullError::Invalid(invalid) => invalid.into(),
            PullError::Store(cause) => cause.into(),
        }
    }
}
