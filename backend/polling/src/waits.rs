//! When a provider wants to be asked again: `Retry-After` in all its forms, the budgets that answers name, and hints about
//! the pace. Whatever else a stranger writes there is no answer.

mod budget;

use std::time::UNIX_EPOCH;

use http::HeaderMap;
use postern_domain::Timestamp;

pub use budget::Rate;

/// No wait is shorter: "at once" is what led to the refusal.
const SHORTEST_MS: i64 = 1_000;
/// No wait is longer, whatever is asked: the next try shows whether it is still meant.
const LONGEST_MS: i64 = 24 * 3_600_000;
const LONGEST_S: u32 = 24 * 3_600;
/// A number from here on is an instant and no wait: as a wait it would be 31 years.
const FIRST_EPOCH_S: f64 = 1e9;
/// A number from here on is in milliseconds: in seconds it would lie beyond the year 5000.
const FIRST_EPOCH_MS: f64 = 1e11;
/// And from here on in microseconds, and from there in nanoseconds.
const FIRST_EPOCH_US: f64 = 1e14;
const FIRST_EPOCH_NS: f64 = 1e17;
const RETRY_AFTER_MS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

/// What an answer says about later ones, whatever its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Nothing is left of a budget: not before this.
    pub exhausted_until: Option<Timestamp>,
    /// `X-Poll-Interval`: not more often than this.
    pub poll_interval_s: Option<u32>,
    /// `Cache-Control: max-age`, less `Age`: so long nothing new is to be expected.
    pub max_age_s: Option<u32>,
    /// The provider's clock.
    pub date: Option<Timestamp>,
    /// The tightest of the budgets it names.
    pub rate: Option<Rate>,
}

/// Reads them all.
#[must_use]
pub fn hints(headers: &HeaderMap, now: Timestamp) -> Hints {
    let rates = budget::read(headers, now);
    let poll_interval = text(headers, "x-poll-interval").and_then(whole);
    Hints {
        exhausted_until: budget::exhausted_until(&rates).map(|at| clamped(at, now)),
        poll_interval_s: poll_interval.map(capped_s),
        max_age_s: max_age_s(headers),
        date: text(headers, "date").and_then(http_date),
        rate: budget::tightest(&rates),
    }
}

/// Until when a refusal asks to wait: by `Retry-After`, or until an exhausted budget is filled again.
pub(crate) fn until(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let asked = retry_after(headers, now).or_else(|| budget::exhausted_until(&budget::read(headers, now)));
    asked.map(|at| clamped(at, now))
}

/// When a budget is filled again of which nobody says what is left: an answer to who has certainly used one up.
pub(crate) fn reset_at(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let rates = budget::read(headers, now);
    let unstated = rates.iter().filter(|rate| rate.remaining.is_none()).filter_map(|rate| rate.reset_at);
    unstated.max().map(|at| clamped(at, now))
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let in_ms = RETRY_AFTER_MS.iter().find_map(|name| number(text(headers, name)?));
    if let Some(ms) = in_ms {
        return Some(after_ms(now, ms));
    }
    let texts = headers.get_all("retry-after").iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    texts.map(str::trim).find_map(|text| {
        let wait_ms = number(text).map(|seconds| seconds * 1e3).or_else(|| go_duration_ms(text));
        wait_ms.map(|ms| after_ms(now, ms)).or_else(|| date(text))
    })
}

/// An instant as budgets name it: seconds to nanoseconds since 1970, a wait in seconds, or a date.
fn reset(text: &str, now: Timestamp) -> Option<Timestamp> {
    match number(text) {
        Some(number) if number >= FIRST_EPOCH_NS => Some(from_epoch_ms(number / 1e6)),
        Some(number) if number >= FIRST_EPOCH_US => Some(from_epoch_ms(number / 1e3)),
        Some(number) if number >= FIRST_EPOCH_MS => Some(from_epoch_ms(number)),
        Some(number) if number >= FIRST_EPOCH_S => Some(from_epoch_ms(number * 1e3)),
        Some(number) => Some(after_ms(now, number * 1e3)),
        None => go_duration_ms(text).map(|ms| after_ms(now, ms)).or_else(|| date(text)),
    }
}

fn clamped(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(now.plus_ms(SHORTEST_MS), now.plus_ms(LONGEST_MS))
}

/// Rounded up: asked to come back at a moment, nobody should come before it.
fn after_ms(now: Timestamp, ms: f64) -> Timestamp {
    // A cast of a float stops at the ends.
    now.plus_ms(ms.ceil().min(LONGEST_MS as f64) as i64)
}

fn from_epoch_ms(ms: f64) -> Timestamp {
    Timestamp::from_micros(0).plus_ms(ms.ceil() as i64)
}

/// Digits, and a fraction perhaps; no sign, no exponent, no "inf".
fn number(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > 40 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    text.parse().ok()
}

fn whole(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `1m30s`, `1.5h`, `500ms`, as Go writes durations.
fn go_duration_ms(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let amount = number(&rest[..end])?;
        rest = &rest[end..];
        let unit_end = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &rest[..unit_end])?;
        total += amount * factor;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

fn date(text: &str) -> Option<Timestamp> {
    http_date(text).or_else(|| Timestamp::parse_rfc3339(text).ok())
}

fn http_date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Timestamp::from_secs)
}

fn max_age_s(headers: &HeaderMap) -> Option<u32> {
    let control = text(headers, "cache-control")?.to_ascii_lowercase();
    let directives = || control.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-cache" | "no-store")) {
        return None;
    }
    let found = directives().find_map(|directive| directive.strip_prefix("max-age=")).map(|age| age.trim_matches('"'));
    let age = text(headers, "age").and_then(whole).unwrap_or(0);
    let left = found.and_then(whole)?.saturating_sub(age);
    (left > 0).then(|| capped_s(left))
}

fn capped_s(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(LONGEST_S).min(LONGEST_S)
}

/// The first value of a header, as text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests;
