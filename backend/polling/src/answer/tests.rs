use http::HeaderValue;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_772_366_400);
const ASKED: Asked = Asked { now: NOW, max_bytes: 10, is_conditional: true, has_page_token: false, has_cursor: false };

fn judged(status: u16, headers: &[(&'static str, &'static str)], asked: &Asked) -> Meaning {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect();
    let answer =
        PageAnswer { kind: ResultKind::Answered, status: Some(status), headers: &headers, body: b"", truncated: false };
    judge(&answer, asked)
}

#[test]
fn each_status_has_its_meaning() {
    for (status, expected) in [
        (200, Meaning::Page),
        (201, Meaning::Page),
        (204, Meaning::NotModified),
        (206, Meaning::Config { status: 206 }),
        (301, Meaning::Redirect),
        (302, Meaning::Redirect),
        (304, Meaning::NotModified),
        (305, Meaning::Config { status: 305 }),
        (308, Meaning::Redirect),
        (400, Meaning::Config { status: 400 }),
        (401, Meaning::AuthRefused),
        (403, Meaning::Forbidden),
        (404, Meaning::Gone),
        (405, Meaning::Config { status: 405 }),
        (408, Meaning::Transient(Transient::Status(408))),
        (410, Meaning::Gone),
        (418, Meaning::Config { status: 418 }),
        (429, Meaning::Throttled { until: NOW.plus_secs(60) }),
        (500, Meaning::Transient(Transient::Status(500))),
        (503, Meaning::Transient(Transient::Status(503))),
        (599, Meaning::Transient(Transient::Status(599))),
        (100, Meaning::Config { status: 100 }),
        (999, Meaning::Config { status: 999 }),
    ] {
        assert_eq!(judged(status, &[], &ASKED), expected, "{status}");
    }
    let plain = Asked { is_conditional: false, ..ASKED };
    assert_eq!(judged(304, &[], &plain), Meaning::Config { status: 304 });
}

#[test]
fn who_is_refused_with_a_token_or_a_cursor_begins_again() {
    let with_token = Asked { has_page_token: true, has_cursor: true, ..ASKED };
    let with_cursor = Asked { has_cursor: true, ..ASKED };
    for (status, token, cursor) in [
        (400, Meaning::PageTokenRefused, Meaning::CursorRefused),
        (404, Meaning::PageTokenRefused, Meaning::Gone),
        (410, Meaning::PageTokenRefused, Meaning::CursorRefused),
        (422, Meaning::PageTokenRefused, Meaning::Config { status: 422 }),
        (401, Meaning::AuthRefused, Meaning::AuthRefused),
        (403, Meaning::Forbidden, Meaning::Forbidden),
    ] {
        assert_eq!(judged(status, &[], &with_token), token, "{status}");
        assert_eq!(judged(status, &[], &with_cursor), cursor, "{status}");
    }
}

#[test]
fn a_refusal_that_says_until_when_is_no_error() {
    let until = |seconds| Meaning::Throttled { until: NOW.plus_secs(seconds) };
    let retry = [("retry-after", "30")];
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1772366500")];
    for status in [403, 420, 429, 503] {
        assert_eq!(judged(status, &retry, &ASKED), until(30), "{status}");
        assert_eq!(judged(status, &used_up, &ASKED), until(100), "{status}");
    }
    let unstated = [("x-ratelimit-reset", "1772366500")];
    assert_eq!(judged(429, &unstated, &ASKED), until(100));
    assert_eq!(judged(403, &unstated, &ASKED), Meaning::Forbidden);
    let some_left = [("x-ratelimit-remaining", "9"), ("x-ratelimit-reset", "1772366500")];
    assert_eq!(judged(429, &some_left, &ASKED), until(60), "another limit than the one it names");
    assert_eq!(judged(429, &[("retry-after", "1000000000")], &ASKED), until(86_400));
    assert_eq!(judged(429, &[("retry-after", "0")], &ASKED), until(1));
    assert_eq!(judged(429, &[("retry-after", "garbage")], &ASKED), until(60));
    assert_eq!(judged(503, &[("retry-after", "garbage")], &ASKED), Meaning::Transient(Transient::Status(503)));
    assert_eq!(judged(500, &retry, &ASKED), Meaning::Transient(Transient::Status(500)));
    assert_eq!(judged(200, &used_up, &ASKED), Meaning::Page, "its hints say the rest");
}

#[test]
fn a_page_that_is_not_whole_is_none() {
    let headers = HeaderMap::new();
    let part = |body, status| PageAnswer {
        kind: ResultKind::Answered,
        status: Some(status),
        headers: &headers,
        body,
        truncated: true,
    };
    assert_eq!(judge(&part(b"0123456789", 200), &ASKED), Meaning::TooLarge);
    assert_eq!(judge(&part(b"012345678", 200), &ASKED), Meaning::Transient(Transient::Incomplete));
    assert_eq!(judge(&part(b"0123456789", 500), &ASKED), Meaning::Transient(Transient::Status(500)));
}

#[test]
fn no_answer_is_worth_another_try_unless_it_was_refused_here() {
    let headers = HeaderMap::new();
    for kind in ResultKind::ALL {
        let answer = PageAnswer { kind, status: None, headers: &headers, body: b"", truncated: false };
        let expected = match kind {
            ResultKind::Timeout => Meaning::Transient(Transient::Timeout),
            ResultKind::Dns => Meaning::Transient(Transient::Dns),
            ResultKind::Connect => Meaning::Transient(Transient::Connect),
            ResultKind::Tls => Meaning::Transient(Transient::Tls),
            ResultKind::Blocked => Meaning::Blocked,
            ResultKind::TooLarge => Meaning::TooLarge,
            _ => Meaning::Transient(Transient::Internal),
        };
        assert_eq!(judge(&answer, &ASKED), expected, "{kind:?}");
    }
}
