//! Moments, durations, sizes and counts as people read them.

use chrono::{DateTime, Utc};

/// Between groups of digits, and between a number and its unit; no line breaks there.
const THIN: char = '\u{202f}';

/// An instant: for machines in `iso`, for people in `shown`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub iso: String,
    pub shown: String,
}

/// `22 Nov 2026 12:04:11 UTC`, from microseconds since 1970.
#[must_use]
pub fn moment(micros: i64) -> Moment {
    written(micros, "%-d %b %Y %H:%M:%S UTC")
}

/// The same with milliseconds, for attempts and the audit log.
#[must_use]
pub fn moment_ms(micros: i64) -> Moment {
    written(micros, "%-d %b %Y %H:%M:%S%.3f UTC")
}

fn written(micros: i64, form: &str) -> Moment {
    match DateTime::<Utc>::from_timestamp_micros(micros) {
        Some(at) => Moment { iso: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(), shown: at.format(form).to_string() },
        None => Moment { iso: String::new(), shown: format!("{micros} µs") },
    }
}

/// For the value of `<input type="datetime-local">`, in UTC.
#[must_use]
pub fn input_moment(micros: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(micros)
        .map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
        .unwrap_or_default()
}

/// How long something took: `0.4 ms`, `41 ms`, `1 204 ms`, `2 min 3 s`.
#[must_use]
pub fn duration_us(us: u64) -> String {
    match us {
        0..1_000 => format!("0.{}{THIN}ms", us / 100),
        1_000..60_000_000 => with_unit(&count(us / 1_000), "ms"),
        _ => span_s(us / 1_000_000),
    }
}

/// How long something is: `45 s`, `2 min 3 s`, `1 h 30 min`, `3 d`. Two units at most.
#[must_use]
pub fn span_s(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let at = UNITS.iter().position(|(size, _)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let (size, unit) = UNITS[at];
    let first = with_unit(&count(seconds / size), unit);
    match UNITS.get(at + 1).map(|(next, unit)| ((seconds % size) / next, unit)) {
        Some((rest, unit)) if rest > 0 => format!("{first} {}", with_unit(&rest.to_string(), unit)),
        _ => first,
    }
}

/// A retry schedule: `5 s, 30 s, 2 min`.
#[must_use]
pub fn schedule(waits_s: &[u32]) -> String {
    waits_s.iter().map(|wait_s| span_s(u64::from(*wait_s))).collect::<Vec<_>>().join(", ")
}

/// From now: `in 2 min`, `now`, `2 min ago`.
#[must_use]
pub fn distance(micros: i64, now_micros: i64) -> String {
    let seconds = (micros - now_micros) / 1_000_000;
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", span_s(seconds.unsigned_abs())),
        _ => format!("{} ago", span_s(seconds.unsigned_abs())),
    }
}

/// Since something else: `+3 ms`; nothing when it was earlier.
#[must_use]
pub fn delta(micros: i64, since_micros: i64) -> String {
    u64::try_from(micros - since_micros).map(|us| format!("+{}", duration_us(us))).unwrap_or_default()
}

/// `512 B`, `1.2 kB`, `10 MB`, in steps of a thousand.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return with_unit(&bytes.to_string(), "B");
    }
    let (mut size, mut at) = (bytes, 0);
    while size >= 1_000_000 && at + 1 < UNITS.len() {
        size /= 1_000;
        at += 1;
    }
    let (whole, tenths) = (size / 1_000, size % 1_000 / 100);
    let text = if whole >= 10 || tenths == 0 { count(whole) } else { format!("{whole}.{tenths}") };
    with_unit(&text, UNITS[at])
}

/// `1 204`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// `1 delivery`, `1 204 deliveries`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    with_unit(&count(number), if number == 1 { one } else { many })
}

/// `99.62` of a hundred; `–` of nothing. Never rounded up to 100.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, rest) => format!("{whole}.{rest:02}"),
    }
}

/// All but the ends of a secret: `whsec_••••c41d`.
#[must_use]
pub fn masked(secret: &str) -> String {
    let prefix = if secret.starts_with("whsec_") { "whsec_" } else { "" };
    let chars: Vec<char> = secret[prefix.len()..].chars().collect();
    // The end of a short one would be too much of it.
    let shown = if chars.len() >= 16 { 4 } else { 0 };
    format!("{prefix}••••{}", chars[chars.len() - shown..].iter().collect::<String>())
}

fn with_unit(number: &str, unit: &str) -> String {
    format!("{number}{THIN}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace(THIN, " ")
    }

    #[test]
    fn moments_are_absolute_and_name_their_zone() {
        let at = moment_ms(1_795_349_051_204_567);
        assert_eq!(at.iso, "2026-11-22T12:04:11.204Z");
        assert_eq!(
            (at.shown.as_str(), moment(0).shown.as_str()),
            ("22 Nov 2026 12:04:11.204 UTC", "1 Jan 1970 00:00:00 UTC")
        );
        assert_eq!(moment(i64::MAX).shown, format!("{} µs", i64::MAX));
        assert_eq!(input_moment(1_795_349_051_204_567), "2026-11-22T12:04:11");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let all = [40, 412, 41_000, 1_204_999, 123_000_000].map(|us| plain(&duration_us(us)));
        assert_eq!(all, ["0.0 ms", "0.4 ms", "41 ms", "1 204 ms", "2 min 3 s"]);
        let all = [0, 45, 60, 5_400, 3_601, 259_200].map(|seconds| plain(&span_s(seconds)));
        assert_eq!(all, ["0 s", "45 s", "1 min", "1 h 30 min", "1 h", "3 d"]);
        assert_eq!(plain(&schedule(&[5, 30, 120])), "5 s, 30 s, 2 min");
        assert_eq!(plain(&distance(121_000_000, 1_000_000)), "in 2 min");
        assert_eq!((plain(&distance(0, 3_000_000)), distance(5, 9)), ("3 s ago".to_owned(), "now".to_owned()));
        assert_eq!((plain(&delta(3_000, 0)), delta(0, 3)), ("+3 ms".to_owned(), String::new()));
    }

    #[test]
    fn sizes_counts_and_shares_are_short() {
        let all = [0, 999, 1_000, 1_234, 64_000, 1_048_576, 2_500_000_000].map(|size| plain(&bytes(size)));
        assert_eq!(all, ["0 B", "999 B", "1 kB", "1.2 kB", "64 kB", "1 MB", "2.5 GB"]);
        assert_eq!([1, 999, 1_204, 1_000_000].map(|number| plain(&count(number))), ["1", "999", "1 204", "1 000 000"]);
        assert_eq!(
            (plain(&counted(1, "try", "tries")), plain(&counted(2, "try", "tries"))),
            ("1 try".into(), "2 tries".into())
        );
        assert_eq!(
            [percent(0, 0), percent(2, 3), percent(5, 5), percent(99_999, 100_000)],
            ["–", "66.66", "100", "99.99"]
        );
    }

    #[test]
    fn a_masked_secret_gives_nothing_away() {
        assert_eq!(masked("whsec_abcdefghijklmnopc41d"), "whsec_••••c41d");
        assert_eq!((masked("hunter22").as_str(), masked("").as_str()), ("••••", "••••"));
    }
}
