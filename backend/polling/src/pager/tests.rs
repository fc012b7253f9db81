use http::HeaderValue;
use postern_domain::attempt::ResultKind;
use serde_json::json;

use super::*;
use crate::settings::tests::parsed;

/// What a provider answers to a page: headers, body, and how many items stand in it.
type Answer = (Vec<(&'static str, String)>, Value, usize);

fn next(pager: &mut Pager, asked: &PageRequest, answer: &Answer) -> Result<NextPage, PageFault> {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.0 {
        headers.append(*name, HeaderValue::from_str(value).expect("a header value"));
    }
    let body = answer.1.to_string();
    let answer_read = PageAnswer {
        kind: ResultKind::Answered,
        status: Some(200),
        headers: &headers,
        body: body.as_bytes(),
        truncated: false,
    };
    pager.next(asked, &answer_read, answer.2)
}

fn settings(paginate: Value) -> PollSettings {
    parsed(json!({"paginate": paginate, "cursor": {"mode": "token", "value": "$.t"},
        "request": {"query": {"since": "{{cursor}}"}}}))
}

/// Walks until the end, or as long as there are answers; the URLs that were asked for.
fn walk(paginate: Value, answers: &[Answer]) -> Result<Vec<String>, PageFault> {
    let (mut pager, mut request) = Pager::start(&settings(paginate), &Vars::sample(None)).expect("valid");
    let mut urls = vec![request.url.clone()];
    for answer in answers {
        match next(&mut pager, &request, answer)? {
            NextPage::Request(following) => request = following,
            NextPage::End => return Ok(urls),
            NextPage::LimitReached => {
                urls.push("limit".to_owned());
                return Ok(urls);
            }
        }
        urls.push(request.url.clone());
    }
    Ok(urls)
}

fn link(target: &str) -> Answer {
    (vec![("link", format!("<{target}>; rel=\"next\""))], json!([]), 1)
}

fn page(body: Value, items: usize) -> Answer {
    (Vec::new(), body, items)
}

fn at(queries: &[&str]) -> Vec<String> {
    queries.iter().map(|query| format!("https://api.example.com/orders{query}")).collect()
}

#[test]
fn without_pages_the_first_is_all() {
    assert_eq!(walk(json!({"kind": "none"}), &[link("/orders?page=2")]), Ok(at(&[""])));
}

#[test]
fn links_are_followed_as_they_are_resolved() {
    let answers = [
        link("?page=2"),
        link("/orders?page=3#top"),
        link("https://API.example.com:443/orders?page=4"),
        page(json!([]), 1),
    ];
    assert_eq!(walk(json!({"kind": "link"}), &answers), Ok(at(&["", "?page=2", "?page=3", "?page=4"])));
    let body = |next: Value| page(json!({"links": {"next": next}}), 1);
    let paginate = json!({"kind": "body_link", "path": "$.links.next"});
    for end in [json!(null), json!(""), json!(false)] {
        let answers = [body(json!("?page=2")), body(end)];
        assert_eq!(walk(paginate.clone(), &answers), Ok(at(&["", "?page=2"])));
    }
    assert_eq!(walk(paginate, &[page(json!({}), 1)]), Ok(at(&[""])));
}

#[test]
fn no_link_leads_to_another_origin() {
    for target in [
        "https://evil.example/orders?page=2",
        "//evil.example/orders",
        "http://api.example.com/orders?page=2",
        "https://api.example.com:8443/orders",
        "https://api.example.com.evil.example/",
        "https://api.example.com@evil.example/",
        "\\\\evil.example/x",
        "ftp://api.example.com/",
        "data:text/plain,x",
        "javascript:alert(1)",
    ] {
        let fault = walk(json!({"kind": "link"}), &[link(target)]).expect_err(target);
        assert!(matches!(fault, PageFault::ForeignOrigin { .. }), "{target}: {fault}");
    }
    let credentials = walk(json!({"kind": "link"}), &[link("https://u:p@api.example.com/orders?page=2")]);
    assert!(matches!(credentials, Err(PageFault::Malformed { .. })), "{credentials:?}");
    let broken = walk(json!({"kind": "link"}), &[link("https://[::1")]);
    assert!(matches!(broken, Err(PageFault::Malformed { .. })), "{broken:?}");
    let long = walk(json!({"kind": "link"}), &[link(&format!("?page={}", "9".repeat(3_000)))]);
    assert!(matches!(long, Err(PageFault::Malformed { .. })), "{long:?}");
}

#[test]
fn a_walk_in_a_circle_is_a_fault() {
    let links = json!({"kind": "link"});
    assert_eq!(walk(links.clone(), &[link("/orders")]), Err(PageFault::Loop), "to the first page");
    assert_eq!(walk(links.clone(), &[link("?p=2"), link("?p=2#x")]), Err(PageFault::Loop), "to itself");
    assert_eq!(walk(links, &[link("?p=2"), link("?p=3"), link("?p=2")]), Err(PageFault::Loop), "further back");
    let token = |token: Value| page(json!({"next": token}), 1);
    let cursor = json!({"kind": "cursor", "param": "after", "path": "$.next"});
    assert_eq!(walk(cursor, &[token(json!("a")), token(json!("b")), token(json!("a"))]), Err(PageFault::Loop));
    let same = page(json!([1, 2]), 2);
    let pages = json!({"kind": "page", "param": "page"});
    assert_eq!(walk(pages, &[same.clone(), same]), Err(PageFault::Loop), "who does not know the parameter");
}

#[test]
fn tokens_of_body_and_header_become_a_parameter() {
    let token = |token: Value| page(json!({"next": token}), 0);
    let cursor = json!({"kind": "cursor", "param": "after", "path": "$.next"});
    let answers = [token(json!("a/b&c")), token(json!(17)), token(json!(null))];
    assert_eq!(walk(cursor.clone(), &answers), Ok(at(&["", "?after=a%2Fb%26c", "?after=17"])));
    for odd in [json!({}), json!([1]), json!(true), json!("x".repeat(5_000))] {
        let fault = walk(cursor.clone(), &[token(odd.clone())]).expect_err("odd");
        assert!(
            matches!(&fault, PageFault::Malformed { field, .. } if field == "poll.paginate.path"),
            "{odd}: {fault}"
        );
    }
    let last = json!({"kind": "cursor", "param": "starting_after", "path": "$.data[?$.has_more == true].id"});
    let answers = [
        page(json!({"has_more": true, "data": [{"id": "a"}, {"id": "b"}]}), 2),
        page(json!({"has_more": false, "data": [{"id": "c"}]}), 1),
    ];
    assert_eq!(walk(last, &answers), Ok(at(&["", "?starting_after=b"])));
    let header = json!({"kind": "header", "param": "page", "path": "X-Next-Page"});
    let answer = |value: &str| (vec![("x-next-page", value.to_owned())], json!([]), 1);
    assert_eq!(walk(header, &[answer("2"), answer(" ")]), Ok(at(&["", "?page=2"])));
}

#[test]
fn numbers_end_at_an_empty_page() {
    let pages = json!({"kind": "page", "param": "page", "start": 0, "size_param": "n", "size": 2});
    let answers = [page(json!([1, 2]), 2), page(json!([3]), 1), page(json!([]), 0)];
    assert_eq!(walk(pages, &answers), Ok(at(&["?n=2&page=0", "?n=2&page=1", "?n=2&page=2"])));
    let offset = json!({"kind": "offset", "param": "offset"});
    assert_eq!(walk(offset, &answers), Ok(at(&["?offset=0", "?offset=2", "?offset=3"])), "by what came");
}

#[test]
fn a_parameter_can_stand_in_the_body() {
    let settings = parsed(json!({
        "request": {"method": "POST", "body": {"filter": {"a": 1}}},
        "paginate": {"kind": "cursor", "param": "/page/after", "path": "$.next"},
    }));
    let (mut pager, request) = Pager::start(&settings, &Vars::sample(None)).expect("valid");
    assert_eq!(request.body.as_deref(), Some(&br#"{"filter":{"a":1}}"#[..]));
    let following = next(&mut pager, &request, &page(json!({"next": 5}), 1)).expect("a page");
    let NextPage::Request(following) = following else { panic!("{following:?}") };
    assert_eq!(following.body.as_deref(), Some(&br#"{"filter":{"a":1},"page":{"after":5}}"#[..]));
    assert_eq!(following.url, request.url);
}

#[test]
fn a_walk_stops_at_its_limit_and_is_taken_up_there_with_the_cursor_it_began_with() {
    let variants = [
        (json!({"kind": "link"}), link("?since=c1&page=2"), "?since=c1&page=2"),
        (json!({"kind": "body_link", "path": "$.n"}), page(json!({"n": "?page=2"}), 1), "?page=2"),
        (json!({"kind": "cursor", "param": "after", "path": "$.n"}), page(json!({"n": "t"}), 1), "?since=c1&after=t"),
        (json!({"kind": "offset", "param": "o"}), page(json!([1, 2]), 2), "?since=c1&o=2"),
        (json!({"kind": "page", "param": "p"}), page(json!([1, 2]), 2), "?since=c1&p=2"),
        (
            json!({"kind": "header", "param": "p", "path": "x-next"}),
            (vec![("x-next", "q".to_owned())], json!([]), 1),
            "?since=c1&p=q",
        ),
    ];
    for (mut paginate, answer, expected) in variants {
        paginate["max_pages"] = 1.into();
        let settings = settings(paginate.clone());
        let vars = Vars::sample(Some(json!("c1")));
        let (mut pager, request) = Pager::start(&settings, &vars).expect("valid");
        assert_eq!((pager.resume_token(), pager.has_page_token()), (None, false), "{paginate}");
        assert_eq!(next(&mut pager, &request, &answer), Ok(NextPage::LimitReached), "{paginate}");
        let token = pager.resume_token().expect("a place to go on from");
        let stored: Value = serde_json::from_str(&token.to_string()).expect("JSON");
        let later = Vars::sample(Some(json!("c2")));
        let (pager, request) = Pager::resume(&settings, &later, &stored).expect("the same settings");
        assert_eq!(request.url, at(&[expected])[0], "{paginate}");
        assert!(pager.has_page_token() && pager.pages() == 0, "{paginate}");
        assert_eq!(pager.vars().cursor, Some(json!("c1")));
    }
}

#[test]
fn behind_the_last_page_there_is_nothing_to_take_up() {
    let (mut pager, request) = Pager::start(&settings(json!({"kind": "link"})), &Vars::sample(None)).expect("valid");
    assert_eq!(next(&mut pager, &request, &page(json!([]), 1)), Ok(NextPage::End));
    assert_eq!((pager.resume_token(), pager.pages()), (None, 1));
}

#[test]
fn a_token_of_other_settings_is_not_taken_up() {
    let vars = Vars::sample(None);
    let good = json!({"kind": "link", "at": "https://api.example.com/orders?page=2", "now": 0, "until": 0});
    assert!(Pager::resume(&settings(json!({"kind": "link"})), &vars, &good).is_ok());
    let with = |name: &str, value: Value| {
        let mut token = good.clone();
        token[name] = value;
        token
    };
    for token in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        with("kind", json!("page")),
        with("at", json!(5)),
        with("at", json!(null)),
        with("at", json!("https://evil.example/")),
        with("now", json!("x")),
        with("until", json!(null)),
    ] {
        assert!(Pager::resume(&settings(json!({"kind": "link"})), &vars, &token).is_err(), "{token}");
    }
    let page = json!({"kind": "page", "param": "p"});
    assert!(Pager::resume(&settings(page), &vars, &good).is_err());
    assert!(Pager::resume(&settings(json!({"kind": "none"})), &vars, &good).is_err());
}

#[test]
fn a_key_that_a_link_repeats_is_neither_shown_nor_stored() {
    let settings = parsed(json!({
        "request": {"auth": {"kind": "api_key", "in": "query", "name": "key", "value": "s3cret"}},
        "paginate": {"kind": "link"},
    }));
    let (mut pager, request) = Pager::start(&settings, &Vars::sample(None)).expect("valid");
    let following = next(&mut pager, &request, &link("?key=s3cret&page=2")).expect("a page");
    let NextPage::Request(following) = following else { panic!("{following:?}") };
    assert_eq!(following.url, at(&["?page=2"])[0]);
    assert!(!pager.resume_token().expect("one").to_string().contains("s3cret"));
    let signed = following.signed(&settings.request.auth, None).expect("signed");
    assert_eq!(signed.url.expose(), &at(&["?page=2&key=s3cret"])[0]);
}

#[test]
fn a_body_that_is_no_json_has_no_next_page() {
    let paginate = json!({"kind": "cursor", "param": "after", "path": "$.next"});
    let (mut pager, request) = Pager::start(&settings(paginate), &Vars::sample(None)).expect("valid");
    for body in [b"<html>".as_slice(), b"", b"\xff\xfe", b"{\"next\":", &[b'['; 5_000]] {
        let headers = HeaderMap::new();
        let answer =
            PageAnswer { kind: ResultKind::Answered, status: Some(200), headers: &headers, body, truncated: false };
        let fault = pager.next(&request, &answer, 0).expect_err("no JSON");
        assert!(matches!(fault, PageFault::NotJson { .. }), "{fault}");
    }
}
