use serde_json::json;

use super::*;
use crate::settings::tests::parsed;

fn first(changes: Value, cursor: Option<Value>) -> Result<PageRequest, Invalid> {
    PageRequest::first(&parsed(changes), &Vars::sample(cursor))
}

fn integer(request: Value) -> Value {
    json!({"cursor": {"mode": "token", "value": "$.n"}, "request": request})
}

#[test]
fn values_are_escaped_for_their_place() {
    let hostile = "a/../b?x=1&y=#%{\"\\é ";
    let request = first(
        integer(json!({
            "method": "POST",
            "url": "https://api.example.com/a/{{cursor|default:0}}/b?kept=%41",
            "query": {"since[gte]": "<{{cursor}}>"},
            "body": "{\"after\": \"{{cursor|default:}}\"}",
        })),
        Some(json!(hostile)),
    );
    let request = request.expect("every value has its escape");
    let escaped = "a%2F..%2Fb%3Fx%3D1%26y%3D%23%25%7B%22%5C%C3%A9%20";
    let expected = format!("https://api.example.com/a/{escaped}/b?kept=%41&since%5Bgte%5D=%3C{escaped}%3E");
    assert_eq!(request.url, expected);
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, json!({"after": hostile}));
}

#[test]
fn what_has_no_value_yet_is_left_out() {
    let changes = integer(json!({
        "method": "POST",
        "query": {"since": "{{cursor}}", "limit": 5, "tag": ["a", "b"], "flag": true},
        "headers": {"x-since": "{{cursor}}", "x-always": "{{cursor|default:none}}"},
        "body": {"since": "{{cursor}}", "list": ["{{cursor}}", 1], "text": "from {{cursor}}", "n": null},
    }));
    let without = first(changes.clone(), None).expect("a first run");
    assert_eq!(without.url, "https://api.example.com/orders?flag=true&limit=5&tag=a&tag=b");
    let names = |request: &PageRequest| {
        request.headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect::<Vec<_>>()
    };
    let usual = ["accept: application/json", "content-type: application/json"];
    assert_eq!(names(&without), [["x-always: none"].as_slice(), &usual].concat());
    assert_eq!(without.body.as_deref(), Some(&br#"{"list":[1],"n":null}"#[..]));
    let with = first(changes, Some(json!(7))).expect("a later run");
    assert_eq!(with.url, "https://api.example.com/orders?flag=true&limit=5&since=7&tag=a&tag=b");
    assert_eq!(with.headers[1].1.expose(), "7");
    assert_eq!(with.body.as_deref(), Some(&br#"{"list":[7,1],"n":null,"since":7,"text":"from 7"}"#[..]));
}

#[test]
fn a_form_is_escaped_as_a_form_and_other_texts_take_no_places() {
    let form = |kind: &str, body: &str| {
        let request = json!({"method": "POST", "headers": {"Content-Type": kind}, "body": body});
        let mut value = crate::settings::tests::with(integer(request));
        value["schedule"]["jitter_pct"] = 0.into();
        PollSettings::parse(&value, 5)
    };
    let settings = form("application/x-www-form-urlencoded", "a=1&since={{cursor|default:}}").expect("a form");
    let request = PageRequest::first(&settings, &Vars::sample(Some(json!("x&y=z")))).expect("filled");
    assert_eq!(request.body.as_deref(), Some(&b"a=1&since=x%26y%3Dz"[..]));
    assert!(form("text/xml", "<a/>").is_ok());
    assert!(form("text/xml", "<a>{{run.id}}</a>").expect_err("no escape").detail.contains("not in `text/xml`"));
    assert!(form("application/json; charset=utf-8", "{\"a\":\"{{run.id}}\"}").is_ok());
    assert!(form("application/json", "{\"a\":\"{{cursor}}\"}").expect_err("no value").detail.contains("default"));
}

#[test]
fn what_a_cursor_cannot_be_is_an_error_of_its_field() {
    let table = [
        (json!({"url": "https://api.example.com/{{cursor|default:0}}/x"}), json!(".."), "poll.request.url"),
        (json!({"url": "https://api.example.com/.{{cursor|default:0}}"}), json!("."), "poll.request.url"),
        (json!({"headers": {"x-since": "{{cursor}}"}}), json!("a\r\nb: c"), "poll.request.headers.x-since"),
        (json!({"headers": {"x-since": "{{cursor}}"}}), json!("é"), "poll.request.headers.x-since"),
        (json!({"query": {"c": "{{cursor}}"}}), json!("x".repeat(3_000)), "poll.request.url"),
        (json!({"query": {"c": "{{cursor}}"}}), json!({}), "poll.request.query.c"),
        (json!({"query": {"c": "{{cursor.iso}}"}}), json!("x"), "poll.request.query.c"),
    ];
    for (request, cursor, field) in table {
        let cause = first(integer(request.clone()), Some(cursor)).expect_err(field);
        assert_eq!(cause.field, field, "{request}: {cause}");
    }
}

#[test]
fn a_cursor_reaches_no_other_host() {
    let request = json!({"url": "https://api.example.com/{{cursor|default:0}}"});
    for cursor in ["//evil.example/", "\\\\evil.example", "@evil.example", "..//evil.example", "\t//evil.example", "?#"]
    {
        let request = first(integer(request.clone()), Some(json!(cursor))).expect("escaped");
        let url = Url::parse(&request.url).expect("a URL");
        assert_eq!(url.origin().ascii_serialization(), "https://api.example.com");
        assert_eq!(url.path_segments().expect("a path").count(), 1, "{url}");
    }
}

#[test]
fn the_size_of_a_page_is_asked_for_in_query_or_body() {
    let paginate = |param: &str| json!({"kind": "page", "param": "p", "size_param": param, "size": 50});
    let query = first(
        json!({"paginate": paginate("per[page]"), "request": {"url": "https://a.example/?per%5Bpage%5D=1&x"}}),
        None,
    );
    assert_eq!(query.expect("set").url, "https://a.example/?x&per%5Bpage%5D=50");
    let body = json!({"method": "POST", "body": {"a": 1}});
    let set = first(json!({"paginate": paginate("/page/size"), "request": body}), None).expect("set");
    assert_eq!(set.body.as_deref(), Some(&br#"{"a":1,"page":{"size":50}}"#[..]));
    let blocked = json!({"paginate": paginate("/a/size"), "request": body});
    let cause = PollSettings::parse(&crate::settings::tests::with(blocked), 5).expect_err("1 is no object");
    assert!(cause.detail.contains("cannot be set"), "{cause}");
}

#[test]
fn credentials_are_put_on_at_the_end() {
    let signed = |auth: Value| {
        let settings = parsed(json!({"request": {"url": "https://a.example/x?key=old&b=1", "auth": auth}}));
        let request = PageRequest::first(&settings, &Vars::sample(None)).expect("valid");
        assert!(!format!("{request:?}").contains("s3cret"));
        (
            request.url.clone(),
            request.signed(&settings.request.auth, Some(&Secret::new("acc3ss".to_owned()))).expect("signed"),
        )
    };
    let authorization = |signed: &SignedRequest| {
        let value = signed.headers.get("authorization").expect("one");
        assert!(value.is_sensitive());
        value.to_str().expect("ASCII").to_owned()
    };
    let (url, bearer) = signed(json!({"kind": "bearer", "token": "s3cret"}));
    assert_eq!((authorization(&bearer).as_str(), bearer.url.expose()), ("Bearer s3cret", &url));
    let (_, basic) = signed(json!({"kind": "basic", "username": "me", "password": "s3cret"}));
    assert_eq!(authorization(&basic), "Basic bWU6czNjcmV0");
    let (_, header) = signed(json!({"kind": "api_key", "in": "header", "name": "X-Key", "value": "s3cret"}));
    assert_eq!(header.headers["x-key"], "s3cret");
    let (url, query) = signed(json!({"kind": "api_key", "in": "query", "name": "key", "value": "s3cret&x"}));
    assert_eq!(url, "https://a.example/x?b=1", "what stood there is not shown");
    assert_eq!(query.url.expose(), "https://a.example/x?b=1&key=s3cret%26x");
    let auth = json!({"kind": "api_key", "in": "path", "name": "TOKEN", "value": "12:s3cret/x"});
    let settings = parsed(json!({"request": {"url": "https://a.example/botTOKEN/x?b=1", "auth": auth}}));
    let request = PageRequest::first(&settings, &Vars::sample(None)).expect("valid");
    assert_eq!(request.url, "https://a.example/botTOKEN/x?b=1");
    let path = request.signed(&settings.request.auth, None).expect("signed");
    assert_eq!(path.url.expose(), "https://a.example/bot12:s3cret%2Fx/x?b=1");
    for link in ["/bot12:s3cret%2Fx/x?page=2", "https://a.example/bot12%3As3cret%2Fx/x?page=2"] {
        let next = request.at(link, "x").expect("a link");
        assert_eq!(next.url, "https://a.example/botTOKEN/x?page=2", "{link}");
    }
    let oauth =
        json!({"kind": "oauth2_refresh", "token_url": "https://b.example/t", "client_id": "c", "refresh_token": "r"});
    assert_eq!(authorization(&signed(oauth.clone()).1), "Bearer acc3ss");
    let settings = parsed(json!({"request": {"auth": oauth}}));
    let request = PageRequest::first(&settings, &Vars::sample(None)).expect("valid");
    assert!(request.signed(&settings.request.auth, None).is_err(), "no token, no request");
}

#[test]
fn feeds_are_asked_for_as_feeds() {
    let request = first(json!({"format": "feed", "items": null}), None).expect("valid");
    assert!(request.headers[0].1.expose().contains("application/atom+xml"));
    let own = first(json!({"request": {"headers": {"Accept": "text/x"}}}), None).expect("valid");
    assert_eq!(own.headers.len(), 1);
    assert_eq!(own.headers[0].1.expose(), "text/x");
}
