use http::{HeaderMap, HeaderValue};
use postern_domain::attempt::ResultKind;
use serde_json::{Value, json};

use super::*;
use crate::{settings::tests::parsed, template::Vars};

fn followed(request: Value, status: u16, location: Option<&str>, before: u8) -> Result<PageRequest, PageFault> {
    let asked = PageRequest::first(&parsed(json!({"request": request})), &Vars::sample(None)).expect("valid");
    let mut headers = HeaderMap::new();
    if let Some(location) = location {
        headers.insert("location", HeaderValue::from_bytes(location.as_bytes()).expect("a header value"));
    }
    let answer =
        PageAnswer { kind: ResultKind::Answered, status: Some(status), headers: &headers, body: b"", truncated: false };
    follow(&asked, &answer, before)
}

#[test]
fn redirects_are_followed_within_their_origin() {
    for status in [301, 302, 303, 307, 308] {
        let next = followed(json!({}), status, Some("/v2/orders?x=1"), 2).expect("the third");
        assert_eq!(next.url, "https://api.example.com/v2/orders?x=1");
    }
    let post = json!({"method": "POST", "body": {"a": 1}});
    let next = followed(post.clone(), 308, Some("/v2"), 0).expect("the same again");
    assert_eq!((next.method, next.body.as_deref()), (Method::POST, Some(&b"{\"a\":1}"[..])));
    for status in [301, 302, 303] {
        assert!(matches!(followed(post.clone(), status, Some("/v2"), 0), Err(PageFault::Redirect { .. })));
    }
}

#[test]
fn what_cannot_be_followed_is_a_fault() {
    for (location, before) in [(Some("/a"), 3), (Some("/a"), u8::MAX), (None, 0)] {
        assert!(matches!(followed(json!({}), 302, location, before), Err(PageFault::Redirect { .. })), "{location:?}");
    }
    for location in ["https://evil.example/", "//evil.example", "http://api.example.com/orders", "file:///etc/passwd"] {
        let fault = followed(json!({}), 302, Some(location), 0).expect_err(location);
        assert!(matches!(fault, PageFault::ForeignOrigin { .. }), "{location}: {fault}");
    }
    assert!(matches!(followed(json!({}), 302, Some("https://[::1"), 0), Err(PageFault::Malformed { .. })));
}
