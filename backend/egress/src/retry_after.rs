//! Reads `Retry-After`: seconds, or a date. Whatever else a stranger writes there is no answer.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, header::RETRY_AFTER};
use postern_domain::Timestamp;

/// No wait is longer than this (136 years), so that nobody's arithmetic overflows.
const MAX_WAIT_S: u64 = u32::MAX as u64;

/// Seconds from `now`, from the first header that can be read; a date in the past is 0.
pub(crate) fn seconds(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    headers.get_all(RETRY_AFTER).iter().find_map(|value| parse(value.to_str().ok()?.trim(), now))
}

fn parse(text: &str, now: Timestamp) -> Option<u64> {
    // `u64::from_str` would take a leading plus.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u64>().ok().map(|seconds| seconds.min(MAX_WAIT_S));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let now_us = u64::try_from(now.as_micros()).unwrap_or(0);
    let wait_us = date.as_secs().saturating_mul(1_000_000).saturating_sub(now_us);
    // Rounded up: asked to come back at a second, nobody should come in the one before.
    Some(wait_us.div_ceil(1_000_000).min(MAX_WAIT_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, http::HeaderValue::from_bytes(value).expect("a header value"));
        }
        // 2026-03-01T12:00:00.5Z
        seconds(&headers, Timestamp::from_micros(1_772_366_400_500_000))
    }

    #[test]
    fn seconds_and_dates_are_read_and_all_else_is_no_answer() {
        let table: [(&[u8], Option<u64>); 22] = [
            (b"120", Some(120)),
            (b"0", Some(0)),
            (b"  7 ", Some(7)),
            (b"4294967296", Some(MAX_WAIT_S)),
            (b"18446744073709551615", Some(MAX_WAIT_S)),
            (b"99999999999999999999", None),
            (b"1e300", None),
            (b"inf", None),
            (b"nan", None),
            (b"-1", None),
            (b"+1", None),
            (b"1.5", None),
            (b"0x10", None),
            (b"", None),
            (b"soon", None),
            (b"\xff\xfe", None),
            ("１２".as_bytes(), None),
            (b"Sun, 01 Mar 2026 12:01:00 GMT", Some(60)),
            (b"Sunday, 01-Mar-26 12:01:00 GMT", Some(60)),
            (b"Sun Mar  1 12:01:00 2026", Some(60)),
            (b"Sun, 01 Mar 2020 12:01:00 GMT", Some(0)),
            (b"Fri, 99 Mar 2026 25:61:00 GMT", None),
        ];
        for (value, expected) in table {
            assert_eq!(read(&[value]), expected, "{}", String::from_utf8_lossy(value));
        }
        assert_eq!(read(&[b"Fri, 31 Dec 9999 23:59:59 GMT"]), Some(MAX_WAIT_S));
    }

    #[test]
    fn of_two_headers_the_first_that_can_be_read_counts() {
        assert_eq!(read(&[b"1e300", b"30", b"60"]), Some(30));
        assert_eq!(read(&[b"-1", b"inf"]), None);
        assert_eq!(read(&[]), None);
    }
}
