//! A call: a slow request that Postern makes for a tenant. How it is made, and what follows from an answer. Pure: policy,
//! what happened, now and chance come in.

mod request;
mod verdict;

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

pub use request::{
    IDEMPOTENT, MAX_BODY_BYTES, MAX_METADATA_BYTES, METHODS, body_bytes, check_headers, check_method, shown_url,
};
pub use verdict::{CallError, Failure, Standing, Tried, Verdict, judge};

use crate::invalid::Invalid;

/// Of an answer's body so much is kept.
pub const MAX_RESULT_BYTES: usize = 1024 * 1024;
/// A result that is JSON and no longer than this is part of the event.
pub const MAX_INLINE_BYTES: usize = 256 * 1024;
pub const MAX_DELAY_S: u32 = 365 * 86_400;
pub const DEFAULT_DEADLINE_S: u32 = 86_400;

/// Where a call is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Waits for the moment it may start at.
    Scheduled,
    /// Is due, and waits for room.
    Queued,
    /// A request is under way.
    Running,
    /// Waits for its next try.
    RetryWait,
    /// Somebody called it off while a request was under way.
    Cancelling,
    Succeeded,
    Failed,
    /// Its deadline passed.
    Expired,
    Cancelled,
}

impl CallState {
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::RetryWait,
        Self::Cancelling,
        Self::Succeeded,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::RetryWait => "retry_wait",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing will change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Expired | Self::Cancelled)
    }

    /// A request is under way.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRetry {
    /// Tries after the first.
    pub max: u32,
    /// Before the second try; doubled for each one after that.
    pub base_s: u32,
    /// No wait is longer, whatever the upstream asks for.
    pub cap_s: u32,
    /// Also when the request may have been carried out: it does no harm twice.
    pub on_unknown: bool,
}

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPolicy {
    /// Of one try.
    pub timeout_s: u32,
    pub retry: CallRetry,
    /// So long its result is kept once it has ended.
    pub result_ttl_s: u32,
}

impl CallPolicy {
    pub const DEFAULT_TIMEOUT_S: u32 = 60;
    pub const DEFAULT_RESULT_TTL_S: u32 = 604_800;

    /// # Errors
    /// Names the field that is out of its bounds.
    pub fn check(&self) -> Result<(), Invalid> {
        within("timeout_s", self.timeout_s, 1..=3_600)?;
        within("retry.max", self.retry.max, 0..=20)?;
        within("retry.base_s", self.retry.base_s, 1..=86_400)?;
        within("retry.cap_s", self.retry.cap_s, 1..=86_400)?;
        within("result_ttl_s", self.result_ttl_s, 60..=2_592_000)
    }
}

impl CallRetry {
    /// Retried where an unknown outcome does no harm.
    #[must_use]
    pub const fn usual(on_unknown: bool) -> Self {
        Self { max: 3, base_s: 10, cap_s: 3_600, on_unknown }
    }
}

/// # Errors
/// When it is not within the bounds, which the text names.
pub fn within(field: &str, number: u32, bounds: RangeInclusive<u32>) -> Result<(), Invalid> {
    if bounds.contains(&number) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("must be {} to {}", bounds.start(), bounds.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_and_read_alike() {
        for state in CallState::ALL {
            assert_eq!(CallState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
            assert!(!(state.is_final() && state.is_under_way()));
        }
        assert_eq!(CallState::parse("leased"), None);
    }

    #[test]
    fn a_policy_out_of_bounds_names_its_field() {
        let good = CallPolicy { timeout_s: 60, retry: CallRetry::usual(true), result_ttl_s: 604_800 };
        assert!(good.check().is_ok());
        let field = |policy: CallPolicy| policy.check().expect_err("out of bounds").field;
        assert_eq!(field(CallPolicy { timeout_s: 0, ..good }), "timeout_s");
        assert_eq!(field(CallPolicy { timeout_s: 3_601, ..good }), "timeout_s");
        assert_eq!(field(CallPolicy { result_ttl_s: 59, ..good }), "result_ttl_s");
        let retry = |retry: CallRetry| field(CallPolicy { retry, ..good });
        assert_eq!(retry(CallRetry { max: 21, ..good.retry }), "retry.max");
        assert_eq!(retry(CallRetry { base_s: 0, ..good.retry }), "retry.base_s");
        assert_eq!(retry(CallRetry { cap_s: 86_401, ..good.retry }), "retry.cap_s");
    }
}
