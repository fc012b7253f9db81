//! Instants as providers write them: RFC 3339, a date, seconds to nanoseconds since 1970.

use chrono::{NaiveDate, NaiveDateTime};
use postern_domain::Timestamp;
use serde_json::Value;

/// From here on a number means milliseconds: as seconds it would lie beyond the year 5000.
const FIRST_MS: f64 = 1e11;
/// And from here on microseconds, and from there nanoseconds.
const FIRST_US: f64 = 1e14;
const FIRST_NS: f64 = 1e17;
const LONGEST_TEXT: usize = 64;

/// The instant, if it is one. Without an offset it is read as UTC.
#[must_use]
pub fn read(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => from_number(number.as_f64()?),
        Value::String(text) => from_text(text.trim()),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<Timestamp> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return None;
    }
    if let Ok(at) = Timestamp::parse_rfc3339(text) {
        return Some(at);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.starts_with('.');
    if is_number {
        return from_number(text.parse().ok()?);
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let with_time = forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let at = with_time.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    within(at.and_utc().timestamp_micros())
}

fn from_number(number: f64) -> Option<Timestamp> {
    let micros = match number.abs() {
        size if size >= FIRST_NS => number / 1e3,
        size if size >= FIRST_US => number,
        size if size >= FIRST_MS => number * 1e3,
        _ => number * 1e6,
    };
    // A cast of a float stops at the ends, and makes 0 of what is not a number; both are caught by the bounds.
    (micros.is_finite() && micros >= 0.0).then_some(micros.round() as i64).and_then(within)
}

fn within(micros: i64) -> Option<Timestamp> {
    (0..=Timestamp::MAX.as_micros()).contains(&micros).then_some(Timestamp::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_read_in_the_forms_of_the_world() {
        let expected = Timestamp::from_secs(1_772_366_400);
        for value in [
            json!("2026-03-01T12:00:00Z"),
            json!("2026-03-01T14:00:00+02:00"),
            json!("2026-03-01T12:00:00.000"),
            json!("2026-03-01 12:00:00"),
            json!(1_772_366_400),
            json!(1_772_366_400.0),
            json!(1_772_366_400_000_i64),
            json!(1_772_366_400_000_000_i64),
            json!("1772366400000000000"),
            json!("1772366400"),
            json!(" 1772366400000 "),
        ] {
            assert_eq!(read(&value), Some(expected), "{value}");
        }
        assert_eq!(read(&json!("2026-03-01")), Some(Timestamp::from_secs(1_772_323_200)));
        assert_eq!(read(&json!(1.5)), Some(Timestamp::from_micros(1_500_000)));
    }

    #[test]
    fn all_else_is_no_instant() {
        for value in [
            json!(null),
            json!(true),
            json!([]),
            json!(""),
            json!("soon"),
            json!("."),
            json!("1.2.3"),
            json!(-1),
            json!("-1"),
            json!(1e300),
            json!("9999999999999999999999"),
            json!("2026-13-01"),
            json!("2026-02-30T00:00:00Z"),
            json!("1".repeat(1_000)),
            json!("１"),
        ] {
            assert_eq!(read(&value), None, "{value}");
        }
    }
}
