//! Settings are read as they are written, and refused with the name of the field that has to change.

use postern_domain::Timestamp;
use serde_json::{Value, json};

use super::*;

/// The smallest that is accepted.
pub(crate) fn small() -> Value {
    json!({
        "request": {"url": "https://api.example.com/orders"},
        "schedule": {"interval_s": 60},
        "items": "$.data[*]",
        "id": "$.id",
    })
}

/// With these members merged in, objects into objects.
pub(crate) fn with(changes: Value) -> Value {
    let mut value = small();
    merge(&mut value, changes);
    value
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, value) in changes {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

pub(crate) fn parsed(changes: Value) -> PollSettings {
    let value = with(changes);
    PollSettings::parse(&value, 5).unwrap_or_else(|cause| panic!("{cause}: {value}"))
}

fn full() -> Value {
    json!({
        "request": {
            "method": "POST",
            "url": "https://api.example.com/orders/{{cursor|default:0}}?fixed=1",
            "headers": {"Accept": "application/json", "X-Api-Version": "3", "if-unmodified": "x", "Content-Type": "application/json"},
            "query": {"since": "{{cursor.iso}}", "tag": ["a", "b"], "limit": "100"},
            "body": {"since": "{{cursor}}", "deep": [{"until": "{{run.until}}"}]},
            "auth": {
                "kind": "oauth2_client_credentials", "token_url": "https://auth.example.com/token", "client_id": "me",
                "client_secret": "s3cret", "scopes": ["read", "orders:read"], "audience": "api", "style": "body",
            },
            "conditional": false,
        },
        "schedule": {"interval_s": 60, "jitter_pct": 0, "respect_max_age": true},
        "format": "json",
        "items": "$.data[*]",
        "id": "$.id",
        "version": ["$.updated_at", "$.created_at"],
        "type": "$.kind",
        "emit": "new_and_updated",
        "first_run": {"since": "2026-03-01T00:00:00.000000Z"},
        "cursor": {
            "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 60, "settle_s": 0,
            "retention_s": 86400, "result_cap": 1000,
        },
        "paginate": {
            "kind": "cursor", "param": "/page/after", "path": "$.next", "size_param": "limit", "size": 100, "max_pages": 7,
        },
        "limits": {"request_timeout_s": 10, "run_timeout_s": 20, "max_bytes": 2048, "flood_hold": 5, "remember_days": 30,
                   "budget": {"requests": 100, "per_s": 60}},
        "adaptive": {"min_s": 30, "max_s": 600},
        "budget_key": "acme",
        "stable_polls": 1,
        "freshness_s": 300,
        "hash_exclude": ["$.seen_at"],
        "reconcile": {"grace_s": 30},
    })
}

#[test]
fn the_least_is_enough_and_the_defaults_are_those_of_the_documents() {
    let settings = parsed(json!({}));
    assert_eq!(settings.request.method, http::Method::GET);
    assert_eq!(settings.schedule, Schedule::Interval { interval_s: 60, jitter_pct: 10 });
    assert_eq!((settings.emit, settings.first_run), (Emit::New, FirstRun::SkipExisting));
    assert_eq!(settings.cursor, CursorSettings::default());
    assert_eq!(settings.paginate, Paginate { kind: PageKind::None, size: None, max_pages: 100 });
    let limits = RunLimits {
        request_timeout_s: 30,
        run_timeout_s: 300,
        max_bytes: 10 * 1024 * 1024,
        flood_hold: 1_000,
        budget: None,
        remember_days: 400,
    };
    assert_eq!(settings.limits, limits);
    assert_eq!((settings.adaptive, settings.stable_polls), (None, 0));
    assert_eq!(settings.reconcile, Reconcile { grace_s: 120 });
    assert!(settings.request.conditional && settings.request.auth == Auth::None);
    let timestamp = parsed(json!({"cursor": {"mode": "timestamp", "value": "$.at"}})).cursor;
    assert_eq!((timestamp.lookback_s, timestamp.settle_s, timestamp.order), (300, 30, Order::Unknown));
}

#[test]
fn what_is_written_reads_back_as_the_same() {
    let variants = [
        small(),
        full(),
        with(json!({"schedule": {"interval_s": null, "cron": "*/5 * * * *", "timezone": "America/New_York"}})),
        with(json!({"first_run": {"last_n": 50}, "type": "order.updated", "emit": "all_changes"})),
        with(json!({"format": "feed", "items": null, "id": null, "first_run": "backfill"})),
        with(json!({"paginate": {"kind": "link"}})),
        with(json!({"paginate": {"kind": "body_link", "path": "$.links.next"}})),
        with(json!({"paginate": {"kind": "offset", "param": "offset", "start": 10}})),
        with(json!({"paginate": {"kind": "page", "param": "page"}})),
        with(json!({"paginate": {"kind": "header", "path": "X-Next", "param": "after"}})),
        with(json!({"request": {"auth": {"kind": "bearer", "token": "t"}}})),
        with(json!({"request": {"auth": {"kind": "basic", "username": "u", "password": ""}}})),
        with(json!({"request": {"auth": {"kind": "api_key", "in": "query", "name": "key", "value": "k"}}})),
        with(json!({"request": {"auth": {"kind": "api_key", "in": "header", "name": "X-Key", "value": "k"}}})),
        with(json!({"request": {"auth": {
            "kind": "oauth2_refresh", "token_url": "https://a.example/t", "client_id": "c", "refresh_token": "r"
        }}})),
    ];
    for value in variants {
        let settings = PollSettings::parse(&value, 5).unwrap_or_else(|cause| panic!("{cause}: {value}"));
        let written = settings.to_value();
        let again = PollSettings::parse(&written, 5).unwrap_or_else(|cause| panic!("{cause}: {written}"));
        assert_eq!(again, settings, "{written}");
        assert_eq!(again.to_value(), written);
    }
    let written = PollSettings::parse(&full(), 5).expect("valid").to_value();
    let mut expected = full();
    expected["request"]["headers"] = json!({"accept": "application/json", "x-api-version": "3", "if-unmodified": "x", "content-type": "application/json"});
    assert_eq!(written, expected, "nothing is lost and nothing invented");
}

/// What to change in the smallest settings, the field that is at fault, and a part of what is said.
fn refused() -> Vec<(Value, &'static str, &'static str)> {
    let mut table = vec![
        (json!({"request": 5}), "poll.request", "must be an object"),
        (json!({"request": {"url": null}}), "poll.request.url", "is required"),
        (json!({"request": {"url": "ftp://a.example/"}}), "poll.request.url", "must begin with https://"),
        (json!({"request": {"url": "api.example.com/x"}}), "poll.request.url", "must begin with https://"),
        (json!({"request": {"url": "https:///"}}), "poll.request.url", "is not a URL"),
        (json!({"request": {"url": "https://u:p@a.example/"}}), "poll.request.url", "user name and password"),
        (json!({"request": {"url": "https://a.example/#x"}}), "poll.request.url", "`#`"),
        (json!({"request": {"url": "https://a.example/a/../b"}}), "poll.request.url", "`..`"),
        (json!({"request": {"url": "https://a.example/\u{0}"}}), "poll.request.url", "control characters"),
        (json!({"request": {"url": "https://{{run.id}}.example.com/"}}), "poll.request.url", "host"),
        (json!({"request": {"url": "https://a.example:80{{run.id}}/"}}), "poll.request.url", "host"),
        (
            json!({"request": {"url": "https://a.example/{{nothing}}"}}),
            "poll.request.url",
            "`{{nothing}}` is not known",
        ),
        (json!({"request": {"url": "https://a.example/{{run.id"}}), "poll.request.url", "without `}}`"),
        (json!({"request": {"method": "PUT"}}), "poll.request.method", "one of `GET`, `POST`"),
        (json!({"request": {"verb": "GET"}}), "poll.request.verb", "is not a field here; there are: method, url"),
        (json!({"request": {"body": "x"}}), "poll.request.body", "a GET has no body"),
        (
            json!({"request": {"headers": {"Content-Type": "a/b"}}}),
            "poll.request.headers.content-type",
            "without a body",
        ),
        (json!({"request": {"headers": {"a b": "x"}}}), "poll.request.headers.a b", "is not a header name"),
        (json!({"request": {"headers": {"x": "a\r\nb"}}}), "poll.request.headers.x", "visible ASCII"),
        (json!({"request": {"headers": {"x": "ä"}}}), "poll.request.headers.x", "visible ASCII"),
        (json!({"request": {"headers": {"x": 1}}}), "poll.request.headers.x", "must be a string"),
        (json!({"request": {"headers": {"X": "1", "x": "2"}}}), "poll.request.headers.x", "twice"),
        (json!({"request": {"query": {"a": {}}}}), "poll.request.query.a", "must be a string, a number"),
        (json!({"request": {"query": {"": "1"}}}), "poll.request.query.", "needs a name"),
        (json!({"request": {"query": {"a": "{{x}}"}}}), "poll.request.query.a", "is not known"),
        (json!({"request": {"query": []}}), "poll.request.query", "must be an object"),
        (json!({"request": {"method": "POST", "body": 5}}), "poll.request.body", "an object, a list or a string"),
        (json!({"request": {"method": "POST", "body": {"a": "{{x}}"}}}), "poll.request.body", "is not known"),
        (json!({"request": {"method": "POST", "conditional": true}}), "poll.request.conditional", "for GET"),
        (json!({"schedule": {"interval_s": 4}}), "poll.schedule.interval_s", "must be at least 5"),
        (json!({"schedule": {"interval_s": 0}}), "poll.schedule.interval_s", "must be at least 5"),
        (json!({"schedule": {"interval_s": -1}}), "poll.schedule.interval_s", "a whole number"),
        (json!({"schedule": {"interval_s": 1.5}}), "poll.schedule.interval_s", "a whole number"),
        (json!({"schedule": {"interval_s": 1e18}}), "poll.schedule.interval_s", "a whole number"),
        (json!({"schedule": {"interval_s": null}}), "poll.schedule.interval_s", "is required, or `cron`"),
        (json!({"schedule": null}), "poll.schedule.interval_s", "is required, or `cron`"),
        (json!({"schedule": {"cron": "* * * * *"}}), "poll.schedule.cron", "cannot stand beside `interval_s`"),
        (json!({"schedule": {"timezone": "UTC"}}), "poll.schedule.timezone", "belongs to `cron`"),
        (json!({"schedule": {"jitter_pct": 51}}), "poll.schedule.jitter_pct", "from 0 to 50"),
        (json!({"schedule": {"every": 1}}), "poll.schedule.every", "is not a field"),
    ];
    table.extend(refused_of_records());
    table.extend(refused_of_limits());
    table.extend(refused_of_pages());
    table.extend(refused_of_auth());
    table
}

fn refused_of_records() -> Vec<(Value, &'static str, &'static str)> {
    let cron = json!({"interval_s": null, "cron": "0 * * * *"});
    vec![
        (
            json!({"schedule": {"interval_s": null, "cron": "0 * * * *", "timezone": "Berlin"}}),
            "poll.schedule.timezone",
            "IANA",
        ),
        (json!({"schedule": cron, "adaptive": {"max_s": 60}}), "poll.adaptive.min_s", "a cron names its moments"),
        (json!({"items": null}), "poll.items", "is required"),
        (json!({"items": "data"}), "poll.items", "is not a JSONPath"),
        (json!({"items": ["$.a"]}), "poll.items", "must be a string"),
        (json!({"id": null}), "poll.id", "is required"),
        (json!({"id": []}), "poll.id", "a list of 1 to 5"),
        (json!({"id": ["$.a", 5]}), "poll.id[1]", "JSONPath in a string"),
        (json!({"version": 7}), "poll.version", "must be a string"),
        (json!({"type": "a\u{7}"}), "poll.type", "control characters"),
        (json!({"type": "$["}), "poll.type", "is not a JSONPath"),
        (json!({"emit": "everything"}), "poll.emit", "one of `new`, `new_and_updated`, `all_changes`"),
        (json!({"first_run": "all"}), "poll.first_run", "must be `skip_existing`"),
        (json!({"first_run": {"last_n": 51}}), "poll.first_run.last_n", "from 1 to 50"),
        (
            json!({"first_run": {"last_n": 5, "since": "2026-03-01T00:00:00Z"}}),
            "poll.first_run.last_n",
            "one of them only",
        ),
        (json!({"first_run": {}}), "poll.first_run.last_n", "is required"),
        (json!({"first_run": {"since": "yesterday"}}), "poll.first_run.since", "RFC 3339"),
        (json!({"first_run": {"since": "2026-03-01T00:00:00Z"}}), "poll.first_run.since", "mode `timestamp`"),
        (json!({"cursor": {"mode": "id"}}), "poll.cursor.mode", "one of `none`"),
        (json!({"cursor": {"mode": "integer"}}), "poll.cursor.value", "is required"),
        (json!({"cursor": {"value": "$.id"}}), "poll.cursor.value", "while `mode` is `none`"),
        (
            json!({"cursor": {"mode": "token", "value": "$.t", "lookback_s": 5}}),
            "poll.cursor.lookback_s",
            "mode `timestamp`",
        ),
        (
            json!({"cursor": {"mode": "timestamp", "value": "$.t", "lookback_s": 2_592_001}}),
            "poll.cursor.lookback_s",
            "2592000",
        ),
        (json!({"request": {"query": {"since": "{{cursor}}"}}}), "poll.cursor.mode", "choose a mode"),
        (
            json!({"emit": "all_changes", "cursor": {"mode": "integer", "value": "$.n"}, "request": {"query": {"n": "{{cursor}}"}}}),
            "poll.emit",
            "finds deletions by reading everything",
        ),
        (json!({"format": "xml"}), "poll.format", "one of `json`, `feed`"),
        (json!({"format": "feed"}), "poll.items", "has no meaning for a feed"),
        (json!({"adaptive": {"min_s": 30}}), "poll.adaptive.max_s", "is required"),
        (json!({"adaptive": {"min_s": 1, "max_s": 90}}), "poll.adaptive.min_s", "at least 5"),
        (json!({"adaptive": {"min_s": 61, "max_s": 90}}), "poll.adaptive.min_s", "must lie within"),
        (json!({"adaptive": {"min_s": 10, "max_s": 59}}), "poll.adaptive.max_s", "must lie within"),
        (json!({"budget_key": ""}), "poll.budget_key", "1 to 300"),
        (json!({"stable_polls": 3}), "poll.stable_polls", "from 0 to 2"),
        (json!({"freshness_s": 0}), "poll.freshness_s", "from 1 to 604800"),
        (json!({"freshness_s": "soon"}), "poll.freshness_s", "whole number"),
        (json!({"hash_exclude": "$.a"}), "poll.hash_exclude", "a list of at most 20"),
        (json!({"hash_exclude": ["a"]}), "poll.hash_exclude[0]", "is not a JSONPath"),
        (json!({"reconcile": {"grace_s": -5}}), "poll.reconcile.grace_s", "a whole number"),
        (json!({"urll": "x"}), "poll.urll", "is not a field here; there are: request, schedule"),
        (json!({"a\u{202e}\u{7}b": "x"}), "poll.a\u{202e}b", "is not a field"),
    ]
}

fn refused_of_limits() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"limits": {"request_timeout_s": 0}}), "poll.limits.request_timeout_s", "from 1 to 60"),
        (json!({"limits": {"run_timeout_s": 10}}), "poll.limits.run_timeout_s", "at least `request_timeout_s`"),
        (json!({"limits": {"max_bytes": 11_000_000}}), "poll.limits.max_bytes", "10485760"),
        (json!({"limits": {"budget": 5}}), "poll.limits.budget", "must be an object"),
        (json!({"limits": {"budget": {}}}), "poll.limits.budget.requests", "is required"),
        (json!({"limits": {"budget": {"requests": 0}}}), "poll.limits.budget.requests", "from 1 to 1000000"),
        (json!({"limits": {"budget": {"requests": 5}}}), "poll.limits.budget.per_s", "is required"),
        (json!({"limits": {"budget": {"requests": 5, "per_s": 86_401}}}), "poll.limits.budget.per_s", "86400"),
        (json!({"limits": {"budget": {"requests": 5, "per_m": 1}}}), "poll.limits.budget.per_s", "is required"),
        (json!({"limits": {"budget": {"requests": 5, "per_s": 1, "x": 1}}}), "poll.limits.budget.x", "requests, per_s"),
        (json!({"limits": {"pages": 5}}), "poll.limits.pages", "is not a field"),
        (
            json!({"cursor": {"mode": "token", "value": "$.t", "result_cap": 100}}),
            "poll.cursor.result_cap",
            "`timestamp` or `integer`",
        ),
        (capped(json!({"since": "{{cursor}}"})), "poll.cursor.result_cap", "`{{run.until}}`"),
        (capped(json!({"until": "{{run.until}}"})), "poll.cursor.result_cap", "`{{cursor}}`"),
        (
            capped(json!({"since": "{{cursor}}", "until": "{{run.until.date}}"})),
            "poll.cursor.result_cap",
            "finer than a day",
        ),
        (
            capped(json!({"since": "{{cursor|default:-30d}}", "until": "{{run.until}}"})),
            "poll.cursor.result_cap",
            "a value of the cursor",
        ),
    ]
}

/// A list that is cut off, asked for with this query.
fn capped(query: Value) -> Value {
    json!({"request": {"query": query}, "cursor": {"mode": "timestamp", "value": "$.t", "result_cap": 100}})
}

fn refused_of_pages() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"paginate": {}}), "poll.paginate.kind", "is required"),
        (json!({"paginate": {"kind": "links"}}), "poll.paginate.kind", "one of `none`, `link`"),
        (json!({"paginate": {"kind": "cursor", "param": "a"}}), "poll.paginate.path", "is required"),
        (json!({"paginate": {"kind": "cursor", "path": "$.a"}}), "poll.paginate.param", "is required"),
        (json!({"paginate": {"kind": "body_link"}}), "poll.paginate.path", "is required"),
        (json!({"paginate": {"kind": "link", "path": "$.a"}}), "poll.paginate.path", "no meaning for the kind `link`"),
        (json!({"paginate": {"kind": "link", "start": 1}}), "poll.paginate.start", "no meaning for the kind `link`"),
        (json!({"paginate": {"kind": "none", "param": "a"}}), "poll.paginate.param", "no meaning for the kind `none`"),
        (
            json!({"paginate": {"kind": "header", "param": "a", "path": "a b"}}),
            "poll.paginate.path",
            "is not a header name",
        ),
        (
            json!({"paginate": {"kind": "page", "param": "/page"}}),
            "poll.paginate.param",
            "`request.body` must be an object",
        ),
        (json!({"paginate": {"kind": "page", "param": "p", "start": -1}}), "poll.paginate.start", "a whole number"),
        (
            json!({"paginate": {"kind": "page", "param": "p", "size": 5}}),
            "poll.paginate.size_param",
            "is required beside",
        ),
        (
            json!({"paginate": {"kind": "page", "param": "p", "size_param": "n"}}),
            "poll.paginate.size",
            "is required beside",
        ),
        (
            json!({"request": {"method": "POST", "body": {"a": 1}},
                   "paginate": {"kind": "cursor", "path": "$.n", "param": "/a/after"}}),
            "poll.paginate.param",
            "cannot be set",
        ),
        (json!({"paginate": {"kind": "link", "max_pages": 0}}), "poll.paginate.max_pages", "from 1 to 1000"),
        (
            json!({"format": "feed", "items": null, "paginate": {"kind": "body_link", "path": "$.n"}}),
            "poll.paginate.kind",
            "JSON",
        ),
        (
            json!({"format": "feed", "items": null, "cursor": {"mode": "token", "value": "$.n"}}),
            "poll.cursor.mode",
            "JSON",
        ),
    ]
}

fn refused_of_auth() -> Vec<(Value, &'static str, &'static str)> {
    let auth = |auth: Value| json!({"request": {"auth": auth}});
    let oauth = |url: &str| json!({"kind": "oauth2_refresh", "token_url": url, "client_id": "c", "refresh_token": "r"});
    vec![
        (auth(json!({})), "poll.request.auth.kind", "is required"),
        (auth(json!({"kind": "digest"})), "poll.request.auth.kind", "one of `none`, `bearer`"),
        (auth(json!({"kind": "none", "token": "x"})), "poll.request.auth.token", "is not a field"),
        (auth(json!({"kind": "bearer"})), "poll.request.auth.token", "is required"),
        (auth(json!({"kind": "bearer", "token": "a\nb"})), "poll.request.auth.token", "control characters"),
        (auth(json!({"kind": "bearer", "token": "ä"})), "poll.request.auth.token", "visible ASCII"),
        (auth(json!({"kind": "basic", "username": "a:b", "password": "x"})), "poll.request.auth.username", "colon"),
        (auth(json!({"kind": "api_key", "name": "a", "value": "b"})), "poll.request.auth.in", "is required"),
        (
            auth(json!({"kind": "api_key", "in": "header", "name": "Host", "value": "b"})),
            "poll.request.auth.name",
            "set by Postern",
        ),
        (
            json!({"request": {"query": {"key": "1"}, "auth": {"kind": "api_key", "in": "query", "name": "key", "value": "b"}}}),
            "poll.request.auth.name",
            "another parameter",
        ),
        (
            json!({"request": {"url": "https://a.example/TOKEN/TOKEN", "auth": {"kind": "api_key", "in": "path", "name": "TOKEN", "value": "b"}}}),
            "poll.request.auth.name",
            "must stand once in the path",
        ),
        (
            auth(json!({"kind": "api_key", "in": "path", "name": "T/K", "value": "b"})),
            "poll.request.auth.name",
            "letters, digits",
        ),
        (auth(oauth("ftp://a.example")), "poll.request.auth.token_url", "must begin with https://"),
        (auth(oauth("https://a:b@a.example")), "poll.request.auth.token_url", "without user name"),
        (auth(oauth("nowhere")), "poll.request.auth.token_url", "is not a URL"),
        (
            json!({"request": {"headers": {"Authorization": "x"}, "auth": {"kind": "bearer", "token": "t"}}}),
            "poll.request.auth.kind",
            "take it out there",
        ),
    ]
}

#[test]
fn what_cannot_be_is_refused_by_the_name_of_its_field() {
    for (changes, field, detail) in refused() {
        let value = with(changes.clone());
        let cause = PollSettings::parse(&value, 5).expect_err(&changes.to_string());
        assert_eq!(cause.field, field, "{changes}: {cause}");
        assert!(cause.detail.contains(detail), "{changes}: {cause}");
    }
    for value in [json!(null), json!([]), json!("x"), json!({})] {
        assert!(PollSettings::parse(&value, 5).is_err(), "{value}");
    }
}

#[test]
fn headers_that_frame_a_request_are_not_the_tenants() {
    for name in [
        "Host",
        "connection",
        "Content-Length",
        "transfer-encoding",
        "TE",
        "upgrade",
        "expect",
        "trailer",
        "accept-encoding",
        "if-none-match",
        "If-Modified-Since",
        "range",
        "proxy-authorization",
        "keep-alive",
    ] {
        let cause = PollSettings::parse(&with(json!({"request": {"headers": {name: "x"}}})), 5).expect_err(name);
        assert!(cause.detail.contains("set by Postern itself"), "{name}: {cause}");
    }
}

#[test]
fn the_floor_is_the_operators() {
    let at = |interval_s: u32, floor_s: u32| {
        PollSettings::parse(&with(json!({"schedule": {"interval_s": interval_s}})), floor_s).is_ok()
    };
    assert!(at(1, 1) && at(1, 0) && at(5, 5) && at(60, 60));
    assert!(!at(0, 0) && !at(59, 60));
}

#[test]
fn a_timetable_knows_what_clocks_show_where_it_is_meant() {
    let local = |schedule: Value, at: &str| {
        let at = Timestamp::parse_rfc3339(at).expect("a moment");
        Schedule::parse("poll.schedule", &schedule, 5).expect("a schedule").local(at)
    };
    let of = |zone: &str| json!({ "cron": "0 9 * * *", "timezone": zone });
    assert_eq!(local(of("America/New_York"), "2026-11-23T14:00:00Z").as_deref(), Some("Mon 09:00:00 EST"));
    assert_eq!(local(of("America/New_York"), "2026-06-01T13:00:00Z").as_deref(), Some("Mon 09:00:00 EDT"));
    assert_eq!(local(of("Asia/Kathmandu"), "2026-11-22T20:00:00Z").as_deref(), Some("Mon 01:45:00 +0545"));
    assert_eq!(local(of("UTC"), "2026-11-23T09:00:00Z"), None);
    assert_eq!(local(json!({ "interval_s": 60 }), "2026-11-23T09:00:00Z"), None);
}

#[test]
fn a_change_of_what_is_read_begins_anew() {
    let before = parsed(json!({"cursor": {"mode": "integer", "value": "$.n"}}));
    let after = |changes: Value| {
        let mut all = json!({"cursor": {"mode": "integer", "value": "$.n"}});
        merge(&mut all, changes);
        parsed(all)
    };
    for changes in [
        json!({"request": {"url": "https://api.example.com/other"}}),
        json!({"items": "$.other"}),
        json!({"id": "$.uuid"}),
        json!({"cursor": {"mode": "timestamp"}}),
    ] {
        assert!(after(changes.clone()).restarts(&before), "{changes}");
    }
    for changes in [
        json!({"request": {"query": {"a": "b"}}}),
        json!({"schedule": {"interval_s": 61}}),
        json!({"emit": "new_and_updated"}),
        json!({"cursor": {"value": "$.m", "order": "asc"}}),
    ] {
        assert!(!after(changes.clone()).restarts(&before), "{changes}");
    }
}

#[test]
fn an_etag_outlives_a_change_of_pace_and_no_other() {
    let before = parsed(json!({}));
    for changes in [
        json!({"schedule": {"interval_s": 10}}),
        json!({"limits": {"flood_hold": 5}}),
        json!({"budget_key": "x"}),
        json!({"adaptive": {"max_s": 600}}),
    ] {
        assert!(parsed(changes.clone()).keeps_validators(&before), "{changes}");
    }
    for changes in [
        json!({"request": {"auth": {"kind": "bearer", "token": "t"}}}),
        json!({"request": {"headers": {"x-a": "t"}}}),
        json!({"emit": "all_changes"}),
        json!({"id": "$.uuid"}),
        json!({"type": "x"}),
    ] {
        assert!(!parsed(changes.clone()).keeps_validators(&before), "{changes}");
    }
}
