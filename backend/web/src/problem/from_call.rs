//! Errors of what is asked of a call, as problems.

use std::time::Duration;

use postern_pipeline::calls::CallRefusal;

use super::{Code, Problem};

const WAIT: Duration = Duration::from_secs(59);

impl From<CallRefusal> for Problem {
    fn from(cause: CallRefusal) -> Self {
        match cause {
            CallRefusal::Invalid(invalid) => invalid.into(),
            CallRefusal::NotFound => Self::not_found(),
            CallRefusal::NoSource => Self::unknown_reference("source_id"),
            CallRefusal::Paused => Self::paused("The source is paused."),
            CallRefusal::TooMany(most) => {
                Self::rate_limited(WAIT, &format!("{most} calls wait already, which is the most there can be."))
            }
            CallRefusal::Finished(state) => Self::new(Code::WrongState, format!("It is {state}, and stays so.")),
            CallRefusal::NotRedrivable(state) => Self::new(
                Code::WrongState,
                format!("It is {state}: only one that is failed, expired or cancelled is made again."),
            ),
            CallRefusal::RequestExpired => {
                Self::new(Code::WrongState, "Its request is past its retention: there is nothing left to send.")
            }
            CallRefusal::Busy => Self::unavailable(&cause),
            CallRefusal::OnceKeyReused => {
                Self::new(Code::IdempotencyMismatch, "Send another Idempotency-Key, or the request it was used for.")
            }
            CallRefusal::Store(cause) => cause.into(),
        }
    }
}
