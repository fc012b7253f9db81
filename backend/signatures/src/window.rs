//! How far the sender's clock may be from ours.

use postern_domain::{Invalid, Timestamp};

use crate::{
    fields::Fields,
    refusal::{Refusal, RefusalCause},
    request::{malformed, malformed_body},
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
    HttpDate,
}

/// The bounds, both inclusive: exactly 300 s passes, 301 s fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// None: how the timestamp is written is checked, how old it is is not.
    past_s: Option<i64>,
    unit: Unit,
    /// Nothing but its length parts the timestamp from what is signed beside it: it has to be the usual one.
    fixed: bool,
}

impl Window {
    /// Both ways; `tolerance_s` is for the past only.
    pub(crate) fn new(unit: Unit, tolerance_s: Option<i64>) -> Self {
        Self { past_s: Some(tolerance_s.unwrap_or(DEFAULT_PAST_S)), unit, fixed: false }
    }

    /// Takes any age, until one is configured.
    pub(crate) fn open(self) -> Self {
        Self { past_s: None, ..self }
    }

    /// With the length of the timestamp checked.
    pub(crate) fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }

    /// With the configured age.
    pub(crate) fn tolerating(self, tolerance_s: Option<i64>) -> Self {
        Self { past_s: tolerance_s.or(self.past_s), ..self }
    }

    /// The age that is tolerated.
    pub(crate) const fn past_s(&self) -> Option<i64> {
        self.past_s
    }

    /// Reads `text`, which stood in `header`, strictly, and compares it with `now`.
    pub(crate) fn check(&self, header: &str, text: &str, now: Timestamp) -> Result<(), Refusal> {
        self.judge(text, now)
            .unwrap_or_else(|| Err(malformed(format!("the timestamp in header `{header}` as {}", self.form()))))
    }

    /// The same for one that stood in the body.
    pub(crate) fn check_in_body(&self, place: &str, text: &str, now: Timestamp) -> Result<(), Refusal> {
        self.judge(text, now)
            .unwrap_or_else(|| Err(malformed_body(format!("the timestamp at {place} of the body as {}", self.form()))))
    }

    /// As a sender writes its time.
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn write(&self, now: Timestamp) -> String {
        match self.unit {
            Unit::Seconds => now.as_secs().to_string(),
            Unit::Milliseconds => now.as_millis().to_string(),
            Unit::Rfc3339 => now.to_string(),
            Unit::HttpDate => now.to_http_date(),
        }
    }

    const fn form(&self) -> &'static str {
        match self.unit {
            Unit::Seconds => "Unix seconds, digits only",
            Unit::Milliseconds => "Unix milliseconds, digits only",
            Unit::Rfc3339 => "an RFC 3339 date and time",
            Unit::HttpDate => "a date and time as HTTP writes them",
        }
    }

    /// None when it cannot be read.
    fn judge(&self, text: &str, now: Timestamp) -> Option<Result<(), Refusal>> {
        let usual_bytes = match self.unit {
            Unit::Seconds => text.len() == 10,
            Unit::Milliseconds => text.len() == 13,
            // There is but one way to write an HTTP date, with one length.
            Unit::Rfc3339 | Unit::HttpDate => true,
        };
        let age_ms = self.age_ms(text, now).filter(|_| usual_bytes || !self.fixed)?;
        Some(self.past_s.map_or(Ok(()), |past_s| compare(age_ms, past_s)))
    }
    fn age_ms(&self, text: &str, now: Timestamp) -> Option<i64> {
        match self.unit {
            // Whole seconds on both sides, or the last second of the window would depend on our fraction.
            Unit::Seconds => digits(text).map(|at_s| now.as_secs().saturating_sub(at_s).saturating_mul(1_000)),
            Unit::Milliseconds => digits(text).map(|at_ms| now.as_millis().saturating_sub(at_ms)),
            Unit::Rfc3339 => Timestamp::parse_rfc3339(text).ok().map(|at| now.ms_since(at)),
            Unit::HttpDate => {
                let at = Timestamp::parse_http_date(text)?;
                Some(now.as_secs().saturating_sub(at.as_secs()).saturating_mul(1_000))
            }
        }
    }
}

fn compare(age_ms: i64, past_s: i64) -> Result<(), Refusal> {
    if age_ms > past_s.saturating_mul(1_000) {
        return Err(Refusal::new(RefusalCause::TimestampTooOld, format!("a timestamp at most {past_s} s old")));
    }
    if age_ms < -FUTURE_S * 1_000 {
        let expected = format!("a timestamp at most {FUTURE_S} s in the future");
        return Err(Refusal::new(RefusalCause::TimestampTooNew, expected));
    }
    Ok(())
}

/// The configured age that is tolerated.
pub(crate) fn tolerance_s(fields: &mut Fields<'_>) -> Result<Option<i64>, Invalid> {
    fields.integer("tolerance_s", 1..=MAX_PAST_S)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
