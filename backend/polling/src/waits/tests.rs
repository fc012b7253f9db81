use http::HeaderValue;

use super::*;

/// 2026-03-01T12:00:00.5Z
const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_500_000);

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    headers
}

fn wait_ms(pairs: &[(&'static str, &str)]) -> Option<i64> {
    until(&headers(pairs), NOW).map(|at| at.ms_since(NOW))
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let table = [
        ("120", Some(120_000)),
        ("  7 ", Some(7_000)),
        ("1.5", Some(1_500)),
        ("0", Some(1_000)),
        ("0.2", Some(1_000)),
        ("1000000000", Some(DAY_MS)),
        ("18446744073709551616", Some(DAY_MS)),
        ("99999999999999999999999999999999999999", Some(DAY_MS)),
        ("Sun, 01 Mar 2026 12:01:00 GMT", Some(59_500)),
        ("Sunday, 01-Mar-26 12:01:00 GMT", Some(59_500)),
        ("Sun Mar  1 12:01:00 2026", Some(59_500)),
        ("Sun, 01 Mar 2020 12:01:00 GMT", Some(1_000)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(DAY_MS)),
        ("2026-03-01T13:01:00+01:00", Some(59_500)),
        ("1m30s", Some(90_000)),
        ("1h", Some(3_600_000)),
        ("1.5h", Some(5_400_000)),
        ("2500ms", Some(2_500)),
        ("500ms", Some(1_000)),
        ("1500000µs", Some(1_500)),
        ("100h", Some(DAY_MS)),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1e300", None),
        ("inf", None),
        ("nan", None),
        ("0x10", None),
        ("1m30", None),
        ("m", None),
        ("1 m", None),
        ("1.2.3", None),
        (".5", None),
        ("１２", None),
        ("\u{ff}\u{fe}", None),
        ("Fri, 99 Mar 2026 25:61:00 GMT", None),
    ];
    for (value, expected) in table {
        assert_eq!(wait_ms(&[("retry-after", value)]), expected, "{value}");
    }
    assert_eq!(wait_ms(&[("retry-after", &"9".repeat(1_000))]), None);
    assert_eq!(wait_ms(&[("retry-after", "soon"), ("retry-after", "30")]), Some(30_000));
    assert_eq!(wait_ms(&[("retry-after", "30"), ("retry-after-ms", "2250")]), Some(2_250));
    assert_eq!(wait_ms(&[]), None);
}

#[test]
fn an_exhausted_budget_is_waited_for_however_its_end_is_written() {
    for (value, expected) in [
        ("1772366460", Some(59_500)),
        ("1772366460000", Some(59_500)),
        ("1772366460.25", Some(59_750)),
        ("30", Some(30_000)),
        ("0", Some(1_000)),
        ("1000000000", Some(1_000)),
        ("9999999999999", Some(86_400_000)),
        ("1772366460000000", Some(59_500)),
        ("1772366460000000000", Some(59_500)),
        ("1m", Some(60_000)),
        ("2026-03-01T12:01:00Z", Some(59_500)),
        ("Sun, 01 Mar 2026 12:01:00 GMT", Some(59_500)),
        ("whenever", None),
        ("", None),
    ] {
        for (remaining, reset) in [
            ("x-ratelimit-remaining", "x-ratelimit-reset"),
            ("x-rate-limit-remaining", "x-rate-limit-reset"),
            ("ratelimit-remaining", "ratelimit-reset"),
            ("x-ratelimit-remaining", "x-ratelimit-reset-after"),
        ] {
            assert_eq!(wait_ms(&[(remaining, "0"), (reset, value)]), expected, "{reset}: {value}");
            assert_eq!(wait_ms(&[(remaining, "1"), (reset, value)]), None, "{reset}: {value}");
        }
    }
}

#[test]
fn the_field_of_the_drafts_is_read_in_both_forms() {
    for (value, expected) in [
        (r#""default";r=0;t=30"#, Some(30_000)),
        (r#""a";r=5;t=10, "b";r=0;t=60, "c";r=0;t=20"#, Some(60_000)),
        ("limit=100, remaining=0, reset=30", Some(30_000)),
        ("limit=100,remaining=7,reset=30", None),
        (r#""default";r=50;t=30"#, None),
        (r#""default";r=0"#, None),
        ("r", None),
        (";;;,,,==", None),
        ("remaining=", None),
        ("remaining=-1, reset=5", None),
    ] {
        assert_eq!(wait_ms(&[("ratelimit", value)]), expected, "{value}");
    }
}

#[test]
fn retry_after_counts_before_a_budget() {
    let both = [("retry-after", "5"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
    assert_eq!(wait_ms(&both), Some(5_000));
    let garbage = [("retry-after", "soon"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
    assert_eq!(wait_ms(&garbage), Some(60_000));
}

#[test]
fn hints_come_with_any_answer() {
    let all = hints(
        &headers(&[
            ("x-poll-interval", "60"),
            ("cache-control", "private, Max-Age=300"),
            ("age", "100"),
            ("date", "Sun, 01 Mar 2026 12:00:00 GMT"),
            ("x-ratelimit-limit", "5000, 5000;w=3600"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1772366460"),
        ]),
        NOW,
    );
    let expected = Hints {
        exhausted_until: Some(Timestamp::from_secs(1_772_366_460)),
        poll_interval_s: Some(60),
        max_age_s: Some(200),
        date: Some(Timestamp::from_secs(1_772_366_400)),
        rate: Some(Rate {
            limit: Some(5_000),
            remaining: Some(0),
            reset_at: Some(Timestamp::from_secs(1_772_366_460)),
        }),
    };
    assert_eq!(all, expected);
    assert_eq!(hints(&HeaderMap::new(), NOW), Hints::default());
}

#[test]
fn hints_that_make_no_sense_are_none() {
    for pairs in [
        [("x-poll-interval", "-5")],
        [("x-poll-interval", "often")],
        [("cache-control", "no-store, max-age=300")],
        [("cache-control", "max-age=")],
        [("cache-control", "max-age=0")],
        [("date", "today")],
        [("x-ratelimit-remaining", "many")],
    ] {
        assert_eq!(hints(&headers(&pairs), NOW), Hints::default(), "{pairs:?}");
    }
    let long = headers(&[("x-poll-interval", "99999999999999999999"), ("cache-control", "max-age=31536000")]);
    let capped = hints(&long, NOW);
    assert_eq!((capped.poll_interval_s, capped.max_age_s), (Some(86_400), Some(86_400)));
}

#[test]
fn of_several_budgets_the_tightest_is_shown() {
    let rate = hints(&headers(&[("ratelimit", r#""day";r=90;t=5, "minute";r=3;t=30"#)]), NOW).rate.expect("a rate");
    assert_eq!((rate.remaining, rate.reset_at), (Some(3), Some(NOW.plus_secs(30))));
}
