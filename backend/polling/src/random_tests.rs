//! Whatever strangers write is answered and never a panic: thousands of settings, paths, templates and headers that are
//! nearly right.

use http::{HeaderMap, HeaderName, HeaderValue};
use postern_domain::{Timestamp, attempt::ResultKind};
use serde_json::{Value, json};

use crate::{
    Asked, Expr, PageAnswer, PageRequest, Pager, PollSettings, Template, Vars, hints, judge, moment,
    settings::tests::with,
};

/// A small generator, the same numbers at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.roll(most)).map(|_| self.pick(pieces)).collect()
    }
}

const VALUES: [&str; 24] = [
    "null",
    "true",
    "0",
    "-1",
    "1",
    "60",
    "1e300",
    "18446744073709551616",
    "\"\"",
    "\"$\"",
    "\"$.a[*]\"",
    "\"none\"",
    "\"cursor\"",
    "\"timestamp\"",
    "\"link\"",
    "\"https://a.example/{{cursor|default:1}}\"",
    "\"{{cursor}}\"",
    "\"\\u0000\"",
    "\"***\"",
    "[]",
    "[\"$.a\"]",
    "{}",
    "{\"kind\": \"bearer\", \"token\": \"x\"}",
    "{\"last_n\": 3}",
];

#[test]
fn settings_that_were_tampered_with_are_read_or_refused_by_name() {
    let base = with(json!({
        "request": {"method": "POST", "headers": {"x-a": "b"}, "query": {"a": "b"}, "body": {"a": "b"},
                    "auth": {"kind": "basic", "username": "u", "password": "p"}, "conditional": false},
        "cursor": {"mode": "timestamp", "value": "$.t", "order": "asc", "lookback_s": 1, "settle_s": 1},
        "paginate": {"kind": "cursor", "param": "a", "path": "$.n", "start": null, "size_param": "s", "size": 5},
        "limits": {"flood_hold": 5, "budget": {"requests": 5, "per_s": 60}}, "adaptive": {"min_s": 5, "max_s": 90}, "first_run": "backfill", "type": "x",
        "version": "$.v", "hash_exclude": ["$.x"], "stable_polls": 1, "budget_key": "k", "format": "json",
    }));
    let mut dice = Dice(0x5eed);
    let mut read = 0;
    for _ in 0..4_000 {
        let mut value = base.clone();
        for _ in 0..=dice.roll(3) {
            tamper(&mut value, &mut dice);
        }
        match PollSettings::parse(&value, 5) {
            Ok(settings) => {
                read += 1;
                let again =
                    PollSettings::parse(&settings.to_value(), 5).unwrap_or_else(|cause| panic!("{cause}: {value}"));
                assert_eq!(again, settings, "{value}");
                assert!(PollSettings::parse(&settings.shown(), 5).is_ok(), "{value}");
            }
            Err(cause) => assert!(cause.field.starts_with("poll") && !cause.detail.is_empty(), "{cause}"),
        }
    }
    assert!(read > 100, "{read}: the test would prove nothing");
}

fn tamper(value: &mut Value, dice: &mut Dice) {
    if let Value::Object(members) = value
        && !members.is_empty()
        && dice.roll(4) > 0
    {
        let position = dice.roll(members.len());
        members.values_mut().skip(position).take(1).for_each(|inner| tamper(inner, dice));
        return;
    }
    *value = serde_json::from_str(dice.pick(&VALUES)).expect("JSON");
}

#[test]
fn paths_and_templates_of_all_kinds_are_read_or_refused() {
    let mut dice = Dice(0xd1ce);
    let path_pieces = [
        "$",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        "?",
        "@",
        "*",
        "'",
        "\"",
        "\\",
        ",",
        ":",
        "a",
        "é",
        "0",
        "-1",
        "==",
        "&&",
        "!",
        " ",
        "length(",
        "match(",
        "\u{0}",
        "\u{10ffff}",
    ];
    let page = json!({"a": [{"a": 1, "é": [[[[1]]]]}, {"a": "x"}], "0": [1, 2, 3]});
    for _ in 0..20_000 {
        let text = format!("${}", dice.text(&path_pieces, 12));
        if let Ok(expr) = Expr::parse("poll.id", &text) {
            let _ = expr.find(&page);
        }
    }
    let template_pieces =
        ["{", "{{", "}}", "}", "cursor", "run.", "id", "now", ".iso", ".unix", ".next", "|", "default:", " ", "é", "a"];
    let cursors =
        [json!(null), json!("x"), json!(1), json!(-5.5), json!(1e300), json!([]), json!("9999-12-31T23:59:59Z")];
    for _ in 0..20_000 {
        let text = dice.text(&template_pieces, 9);
        let Ok(template) = Template::parse("poll.request.url", &text) else { continue };
        assert_eq!(template.as_str(), text);
        let cursor = dice.roll(cursors.len());
        let _ = template.fill(&Vars::sample(Some(cursors[cursor].clone())), str::to_owned);
    }
}

const HEADER_PIECES: [&str; 36] = [
    "0",
    "1",
    "9",
    "99999999999999999999",
    "-",
    "+",
    ".",
    ",",
    ";",
    "=",
    "\"",
    "<",
    ">",
    " ",
    "r",
    "t",
    "s",
    "m",
    "h",
    "ms",
    "remaining=",
    "reset=",
    "limit=",
    "max-age=",
    "rel=next",
    "rel=\"next\"",
    "<?a>",
    "https://a.example/",
    "//b.example",
    "Sun, 01 Mar 2026 12:00:00 GMT",
    "2026-03-01T12:00:00Z",
    "1772366400",
    "\\",
    "é",
    "\u{10ffff}",
    "e5",
];
const HEADER_NAMES: [&str; 14] = [
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit",
    "ratelimit-reset",
    "x-poll-interval",
    "cache-control",
    "age",
    "date",
    "link",
    "location",
    "etag",
    "last-modified",
];

#[test]
fn headers_of_all_kinds_are_read_and_no_wait_leaves_its_bounds() {
    let mut dice = Dice(0xbeef);
    let settings = PollSettings::parse(&with(json!({"paginate": {"kind": "link"}})), 5).expect("valid");
    for _ in 0..20_000 {
        let mut headers = HeaderMap::new();
        for _ in 0..=dice.roll(5) {
            let name = HeaderName::from_static(dice.pick(&HEADER_NAMES));
            if let Ok(value) = HeaderValue::from_bytes(dice.text(&HEADER_PIECES, 6).as_bytes()) {
                headers.append(name, value);
            }
        }
        let now = Timestamp::from_secs(i64::try_from(dice.roll(4_000_000_000)).unwrap_or(0));
        let said = hints(&headers, now);
        let within = |at: Timestamp| (1_000..=86_400_000).contains(&at.ms_since(now));
        assert!(said.exhausted_until.is_none_or(within), "{headers:?}");
        assert!(said.poll_interval_s.is_none_or(|seconds| seconds <= 86_400), "{headers:?}");
        let status = [200, 302, 304, 403, 429, 503][dice.roll(6)];
        let answer = PageAnswer {
            kind: ResultKind::Answered,
            status: Some(status),
            headers: &headers,
            body: b"[]",
            truncated: false,
        };
        let asked = Asked { now, max_bytes: 100, is_conditional: true, has_page_token: false, has_cursor: false };
        if let crate::Meaning::Throttled { until } = judge(&answer, &asked) {
            assert!(within(until), "{headers:?}");
        }
        let (mut pager, request) = Pager::start(&settings, &Vars::sample(None)).expect("valid");
        if let Ok(crate::NextPage::Request(next)) = pager.next(&request, &answer, 1) {
            assert!(next.url.starts_with("https://api.example.com/"), "{}", next.url);
        }
        if let Ok(next) = crate::follow(&request, &answer, 0) {
            assert!(next.url.starts_with("https://api.example.com/"), "{}", next.url);
        }
        let _ = crate::Validators::of(&request, &headers);
    }
}

#[test]
fn cursors_of_all_kinds_stay_in_their_place() {
    let mut dice = Dice(0xcafe);
    let settings = PollSettings::parse(
        &with(json!({
            "cursor": {"mode": "token", "value": "$.t"},
            "request": {"url": "https://api.example.com/a/{{cursor|default:0}}/z", "query": {"q": "{{cursor}}"}},
        })),
        5,
    )
    .expect("valid");
    let pieces = [
        "/",
        "\\",
        "..",
        ".",
        "@",
        ":",
        "?",
        "#",
        "&",
        "=",
        "%2e",
        "%",
        "\t",
        "\r\n",
        "evil.example",
        "é",
        " ",
        "\u{0}",
    ];
    for _ in 0..5_000 {
        let cursor = dice.text(&pieces, 8);
        let _ = moment::read(&Value::from(cursor.as_str()));
        let Ok(request) = PageRequest::first(&settings, &Vars::sample(Some(cursor.clone().into()))) else { continue };
        let url = url::Url::parse(&request.url).expect("a URL");
        assert_eq!(url.host_str(), Some("api.example.com"), "{cursor:?}");
        let segments: Vec<&str> = url.path_segments().expect("a path").collect();
        assert!(matches!(segments.as_slice(), ["a", _, "z"]), "{cursor:?}: {url}");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("q".to_owned(), cursor)], "{url}");
    }
}
