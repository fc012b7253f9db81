//! The budgets that an answer names: how much is left, and when it is filled again.

use http::HeaderMap;
use postern_domain::Timestamp;

use super::{reset, text, whole};

/// More budgets than these are not looked at.
const MOST: usize = 8;

/// A budget as the provider states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    pub reset_at: Option<Timestamp>,
}

/// The headers of one way to say it.
struct Names {
    limit: &'static str,
    remaining: &'static str,
    /// Of which the first that can be read counts.
    reset: [&'static str; 2],
}

const NAMES: [Names; 3] = [
    Names {
        limit: "x-ratelimit-limit",
        remaining: "x-ratelimit-remaining",
        reset: ["x-ratelimit-reset-after", "x-ratelimit-reset"],
    },
    Names {
        limit: "x-rate-limit-limit",
        remaining: "x-rate-limit-remaining",
        reset: ["x-rate-limit-reset-after", "x-rate-limit-reset"],
    },
    Names {
        limit: "ratelimit-limit",
        remaining: "ratelimit-remaining",
        reset: ["ratelimit-reset-after", "ratelimit-reset"],
    },
];
const RATE_LIMIT: &str = "ratelimit";

/// All that it names.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Vec<Rate> {
    let mut rates: Vec<Rate> = NAMES.iter().filter_map(|names| read_three(headers, names, now)).collect();
    let fields = headers.get_all(RATE_LIMIT).iter().filter_map(|value| value.to_str().ok());
    rates.extend(fields.flat_map(|text| read_field(text, now)).take(MOST));
    rates
}

/// When the last of those that are used up is filled again.
pub(super) fn exhausted_until(rates: &[Rate]) -> Option<Timestamp> {
    rates.iter().filter(|rate| rate.remaining == Some(0)).filter_map(|rate| rate.reset_at).max()
}

/// The one with the least left.
pub(super) fn tightest(rates: &[Rate]) -> Option<Rate> {
    rates.iter().min_by_key(|rate| rate.remaining.unwrap_or(u64::MAX)).copied()
}

fn read_three(headers: &HeaderMap, names: &Names, now: Timestamp) -> Option<Rate> {
    let rate = Rate {
        limit: text(headers, names.limit).and_then(leading),
        remaining: text(headers, names.remaining).and_then(leading),
        reset_at: names.reset.iter().find_map(|name| reset(text(headers, name)?, now)),
    };
    (rate != Rate::default()).then_some(rate)
}

/// `"default";r=0;t=30, "daily";r=50;t=3600`, or as an earlier draft had it: `limit=100, remaining=0, reset=30`.
fn read_field(field: &str, now: Timestamp) -> Vec<Rate> {
    let members: Vec<Vec<&str>> =
        field.split(',').take(MOST).map(|member| member.split(';').map(str::trim).collect()).collect();
    let find = |parts: &[&str], name: &str| {
        let value = parts.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches('"').to_owned())
    };
    let flat: Vec<&str> = members.iter().flatten().copied().collect();
    if let Some(remaining) = find(&flat, "remaining") {
        let reset_at = find(&flat, "reset").and_then(|text| reset(&text, now));
        let limit = find(&flat, "limit").and_then(|text| whole(&text));
        return vec![Rate { limit, remaining: whole(&remaining), reset_at }];
    }
    let rate = |parts: &Vec<&str>| {
        let remaining = find(parts, "r").and_then(|text| whole(&text))?;
        let reset_at = find(parts, "t").and_then(|text| reset(&text, now));
        Some(Rate { limit: find(parts, "q").and_then(|text| whole(&text)), remaining: Some(remaining), reset_at })
    };
    members.iter().filter_map(rate).collect()
}

/// `100, 100;w=60` is 100; `59.0` is 59.
fn leading(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    whole(&text[..end])
}
