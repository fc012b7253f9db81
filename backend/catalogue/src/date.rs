//! Instants as providers write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use postern_domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// How a provider writes an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notation {
    /// `2026-03-14T09:26:53Z`, with any offset.
    Rfc3339,
    /// `Sat, 14 Mar 2026 09:26:53 +0000`.
    Rfc2822,
    /// Seconds since 1970, as a number or a text, with or without a fraction.
    UnixS,
    /// Milliseconds since 1970.
    UnixMs,
    /// `2026-03-14 09:26:53`, with a fraction or an offset or neither; in UTC where it does not say.
    Spaced,
    /// `2026-03-14`: its first moment in UTC.
    Date,
}

/// `None`: this is not how the notation writes an instant, or it lies outside of what can be written.
pub(crate) fn read(value: &Value, notation: Notation) -> Option<Timestamp> {
    let at = match notation {
        Notation::Rfc3339 => Timestamp::parse_rfc3339(value.as_str()?).ok()?,
        Notation::Rfc2822 => instant(&DateTime::parse_from_rfc2822(value.as_str()?).ok()?),
        Notation::UnixS => unix(value, 6)?,
        Notation::UnixMs => unix(value, 3)?,
        Notation::Spaced => spaced(value.as_str()?)?,
        Notation::Date => {
            let day: NaiveDate = value.as_str()?.parse().ok()?;
            Timestamp::from_micros(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
        }
    };
    (at >= Timestamp::from_micros(0) && at <= Timestamp::MAX).then_some(at)
}

fn instant<Z: chrono::TimeZone>(at: &DateTime<Z>) -> Timestamp {
    Timestamp::from_micros(at.timestamp_micros())
}

/// A number of which the last `places` digits of a microsecond count stand behind the point.
fn unix(value: &Value, places: usize) -> Option<Timestamp> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if whole.is_empty()
        || whole.len() > 15
        || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
    format!("{whole}{fraction}").parse().ok().map(Timestamp::from_micros)
}

fn spaced(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z") {
        return Some(instant(&at));
    }
    let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(Timestamp::from_micros(at.and_utc().timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_notation_is_the_same_moment() {
        let table = [
            (json!("2026-03-14T09:26:53Z"), Notation::Rfc3339),
            (json!("2026-03-14T10:26:53.000+01:00"), Notation::Rfc3339),
            (json!("2026-03-14T09:26:53.0000000Z"), Notation::Rfc3339),
            (json!("Sat, 14 Mar 2026 10:26:53 +0100"), Notation::Rfc2822),
            (json!(1_773_480_413), Notation::UnixS),
            (json!("1773480413"), Notation::UnixS),
            (json!(1_773_480_413.0), Notation::UnixS),
            (json!(1_773_480_413_000_i64), Notation::UnixMs),
            (json!("2026-03-14 09:26:53"), Notation::Spaced),
            (json!("2026-03-14 09:26:53.000"), Notation::Spaced),
            (json!("2026-03-14 09:26:53+0000"), Notation::Spaced),
            (json!("2026-03-14 10:26:53+01:00"), Notation::Spaced),
        ];
        for (value, notation) in table {
            assert_eq!(read(&value, notation), Some(Timestamp::from_secs(1_773_480_413)), "{value} {notation:?}");
        }
        assert_eq!(read(&json!("2026-03-14"), Notation::Date), Some(Timestamp::from_secs(1_773_446_400)));
        assert_eq!(read(&json!(1.5), Notation::UnixS), Some(Timestamp::from_micros(1_500_000)));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for notation in [Notation::Rfc3339, Notation::Rfc2822, Notation::UnixS, Notation::Spaced, Notation::Date] {
            for value in [json!(""), json!("x"), json!(null), json!({}), json!(-5), json!("99999999999999999999")] {
                assert_eq!(read(&value, notation), None, "{value} {notation:?}");
            }
        }
        assert_eq!(read(&json!(999_999_999_999_999_i64), Notation::UnixS), None, "after the year 9999");
    }
}
