//! One instant type and one clock. Instants are whole microseconds since 1970 (UTC), in memory and in both databases,
//! so that what is written, read back and hashed is always the same number.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Microseconds since the Unix epoch. Shown and serialised as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The end of time as far as Postern is concerned: 9999-12-31, the last year RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_000_000);

    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Later by `ms` (earlier when negative); stops at [`Timestamp::MAX`] instead of overflowing.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000)).min(Self::MAX.0))
    }

    #[must_use]
    pub fn plus_secs(self, secs: i64) -> Self {
        self.plus_ms(secs.saturating_mul(1_000))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        (self.0.saturating_sub(earlier.0)) / 1_000
    }

    /// Reads RFC 3339 with any offset.
    ///
    /// # Errors
    /// When the text is not an RFC 3339 date and time.
    pub fn parse_rfc3339(text: &str) -> Result<Self, chrono::ParseError> {
        DateTime::parse_from_rfc3339(text).map(|at| Self(at.timestamp_micros()))
    }

    /// Reads `Thu, 04 Jan 2024 18:05:25 GMT`, the one way in which HTTP writes a date nowadays (IMF-fixdate, RFC 9110).
    #[must_use]
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let at = NaiveDateTime::parse_from_str(text, HTTP_DATE).ok()?;
        let read = Self(at.and_utc().timestamp_micros());
        // The parser takes more than one way of writing it.
        (read.to_http_date() == text).then_some(read)
    }

    /// The same, written.
    #[must_use]
    pub fn to_http_date(self) -> String {
        let at = DateTime::<Utc>::from_timestamp_micros(self.0);
        at.map(|at| at.format(HTTP_DATE).to_string()).unwrap_or_default()
    }
}

const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(|cause| D::Error::custom(format!("`{text}` is not RFC 3339: {cause}")))
    }
}

/// Where "now" comes from: the system, or a hand that a test moves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_micros())))
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(Utc::now().timestamp_micros()),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; a system clock stays as it is.
    pub fn advance_ms(&self, ms: i64) {
        if let Self::Manual(at) = self {
            at.fetch_add(ms.saturating_mul(1_000), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_end_of_time() {
        assert_eq!(Timestamp::from_secs(1).plus_ms(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(i64::MAX).to_string(), format!("{} µs", i64::MAX));
    }

    #[test]
    fn text_and_number_agree() {
        let at = Timestamp::parse_rfc3339("2026-03-01T12:00:00.123456+02:00").expect("valid");
        assert_eq!(at.to_string(), "2026-03-01T10:00:00.123456Z");
        assert_eq!(at.as_secs(), 1_772_359_200);
    }

    #[test]
    fn an_http_date_is_written_in_one_way() {
        let at = Timestamp::parse_http_date("Thu, 04 Jan 2024 18:05:25 GMT").expect("a date");
        assert_eq!(at, Timestamp::from_secs(1_704_391_525));
        assert_eq!(at.to_http_date(), "Thu, 04 Jan 2024 18:05:25 GMT");
        let others = [
            "",
            "Fri, 04 Jan 2024 18:05:25 GMT",
            "Thu, 4 Jan 2024 18:05:25 GMT",
            "thu, 04 jan 2024 18:05:25 GMT",
            "Thu,  04 Jan 2024 18:05:25 GMT",
            "Thu, 04 Jan 2024 18:05:25 +0000",
            "Thu, 04 Jan 2024 18:05:60 GMT",
            "Thursday, 04-Jan-24 18:05:25 GMT",
            "2024-01-04T18:05:25Z",
        ];
        for text in others {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
    }
}
