//! How far the sender's clock may be from ours.

use postern_domain::{Invalid, Timestamp};

use crate::{
    fields::Fields,
    refusal::{Refusal, RefusalCause},
    request::malformed,
};

/// Clocks may be ahead by this much, whatever age is tolerated.
const FUTURE_S: i64 = 300;
const DEFAULT_PAST_S: i64 = 300;
const MAX_PAST_S: i64 = 86_400;

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Rfc3339,
}

/// The bounds, both inclusive: exactly 300 s passes, 301 s fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    past_s: i64,
    unit: Unit,
}

impl Window {
    /// Both ways; `tolerance_s` is for the past only.
    pub(crate) fn new(unit: Unit, tolerance_s: Option<i64>) -> Self {
        Self { past_s: tolerance_s.unwrap_or(DEFAULT_PAST_S), unit }
    }

    /// Reads `text`, which stood in `header`, strictly, and compares it with `now`.
    pub(crate) fn check(&self, header: &str, text: &str, now: Timestamp) -> Result<(), Refusal> {
        let age_ms = self.age_ms(text, now).ok_or_else(|| {
            let form = match self.unit {
                Unit::Seconds => "Unix seconds, digits only",
                Unit::Milliseconds => "Unix milliseconds, digits only",
                Unit::Rfc3339 => "an RFC 3339 date and time",
            };
            malformed(format!("the timestamp in header `{header}` as {form}"))
        })?;
        if age_ms > self.past_s.saturating_mul(1_000) {
            let expected = format!("a timestamp at most {} s old", self.past_s);
            return Err(Refusal::new(RefusalCause::TimestampTooOld, expected));
        }
        if age_ms < -FUTURE_S * 1_000 {
            let expected = format!("a timestamp at most {FUTURE_S} s in the future");
            return Err(Refusal::new(RefusalCause::TimestampTooNew, expected));
        }
        Ok(())
    }

    fn age_ms(&self, text: &str, now: Timestamp) -> Option<i64> {
        match self.unit {
            // Whole seconds on both sides, or the last second of the window would depend on our fraction.
            Unit::Seconds => digits(text).map(|at_s| now.as_secs().saturating_sub(at_s).saturating_mul(1_000)),
            Unit::Milliseconds => digits(text).map(|at_ms| now.as_millis().saturating_sub(at_ms)),
            Unit::Rfc3339 => Timestamp::parse_rfc3339(text).ok().map(|at| now.ms_since(at)),
        }
    }
}

/// The configured age that is tolerated.
pub(crate) fn tolerance_s(fields: &mut Fields<'_>) -> Result<Option<i64>, Invalid> {
    fields.integer("tolerance_s", 1..=MAX_PAST_S)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
