use http::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::{settings::tests::parsed, template::Vars};

fn settings(request: Value) -> PollSettings {
    parsed(json!({"request": request, "cursor": {"mode": "token", "value": "$.t"}}))
}

fn first(settings: &PollSettings, cursor: Option<Value>) -> PageRequest {
    PageRequest::first(settings, &Vars::sample(cursor)).expect("valid")
}

fn stored(asked: &PageRequest, pairs: &[(&'static str, &str)]) -> Option<Validators> {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).expect("a header value"))
    });
    Validators::of(asked, &pairs.collect())
}

/// What is sent besides.
fn sent(validators: &Validators, settings: &PollSettings, mut request: PageRequest) -> Option<(String, String)> {
    let before = request.headers.len();
    let is_conditional = validators.ask(settings, &mut request);
    assert_eq!(request.headers.len() - before, usize::from(is_conditional));
    let (name, value) = request.headers.pop().filter(|_| is_conditional)?;
    Some((name.to_string(), value.expose().clone()))
}

const DATE: &str = "Sun, 01 Mar 2026 12:00:00 GMT";

#[test]
fn an_etag_is_sent_as_it_came_and_a_date_only_without_one() {
    let settings = settings(json!({}));
    let request = first(&settings, None);
    let sent = |pairs: &[(&'static str, &str)]| sent(&stored(&request, pairs)?, &settings, request.clone());
    let by = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    assert_eq!(sent(&[("etag", "W/\"a b\""), ("last-modified", DATE)]), by("if-none-match", "W/\"a b\""));
    assert_eq!(sent(&[("last-modified", DATE)]), by("if-modified-since", DATE));
    assert_eq!(sent(&[]), None);
    assert_eq!(sent(&[("etag", "")]), None);
    assert_eq!(sent(&[("etag", &"x".repeat(600))]), None);
    assert_eq!(sent(&[("etag", "\u{ff}")]), None);
}

#[test]
fn a_page_of_another_url_is_another_page() {
    let settings = settings(json!({"query": {"since": "{{cursor}}"}}));
    let validators = stored(&first(&settings, Some(json!(1))), &[("etag", "\"a\"")]).expect("an ETag");
    assert!(sent(&validators, &settings, first(&settings, Some(json!(1)))).is_some());
    assert_eq!(sent(&validators, &settings, first(&settings, Some(json!(2)))), None);
    assert_eq!(sent(&validators, &settings, first(&settings, None)), None);
    assert_eq!(sent(&Validators::default(), &settings, first(&settings, None)), None);
}

#[test]
fn who_does_not_want_it_and_who_posts_is_never_conditional() {
    for request in [json!({"conditional": false}), json!({"method": "POST", "body": {}})] {
        let settings = settings(request);
        let validators = stored(&first(&settings, None), &[("etag", "\"a\"")]).expect("an ETag");
        assert_eq!(sent(&validators, &settings, first(&settings, None)), None);
    }
}

#[test]
fn later_pages_are_never_conditional() {
    let settings = parsed(json!({"paginate": {"kind": "link"}}));
    let (mut pager, mut request) = crate::Pager::start(&settings, &Vars::sample(None)).expect("valid");
    let validators = stored(&request, &[("etag", "\"a\"")]).expect("an ETag");
    assert!(validators.ask(&settings, &mut request));
    let headers: HeaderMap = [(header::LINK, HeaderValue::from_static("<?page=2>; rel=next"))].into_iter().collect();
    let answer = crate::PageAnswer {
        kind: postern_domain::attempt::ResultKind::Answered,
        status: Some(200),
        headers: &headers,
        body: b"[]",
        truncated: false,
    };
    let next = pager.next(&request, &answer, 1).expect("a page");
    let crate::NextPage::Request(next) = next else { panic!("{next:?}") };
    assert!(next.headers.iter().all(|(name, _)| *name != header::IF_NONE_MATCH));
}
