//! Ids and types: where they are found, and that a broken body takes away nothing but them.

use super::*;

fn named(config: &Value, headers: &[(&str, &str)], body: &[u8]) -> (Option<String>, Option<String>) {
    let verified = Sample::new(scheme("none", config, &[]), headers, body).verify().expect("open");
    (verified.event_id, verified.event_type)
}

fn id_at(pointer: &str, body: &[u8]) -> Option<String> {
    named(&json!({"id_path": pointer}), &[], body).0
}

#[test]
fn each_provider_has_its_own_places() {
    let stripe = stripe(&NOW_S.to_string()).verify().expect("valid");
    assert_eq!((stripe.event_id.as_deref(), stripe.event_type.as_deref()), (Some("evt_1"), Some("charge.failed")));
    let github_named = github().verify().expect("valid");
    assert_eq!(github_named.event_id.as_deref(), Some("d-1"));
    assert_eq!(github_named.event_type.as_deref(), Some("issues.opened"));
    let bare = github().without("x-github-delivery").without("x-github-event").verify().expect("valid");
    assert_eq!((bare.event_id, bare.event_type), (None, None));
    let standard = standard("msg_1", &NOW_S.to_string()).verify().expect("valid");
    assert_eq!((standard.event_id.as_deref(), standard.event_type.as_deref()), (Some("msg_1"), Some("user.created")));
}

#[test]
fn a_github_event_without_an_action_keeps_its_plain_name() {
    let body = "payload=%7B%7D";
    let signature = format!("sha256={}", hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[body])));
    let sample = github().with_body(body).with("x-hub-signature-256", &signature).with("x-github-event", "push");
    assert_eq!(sample.verify().expect("valid").event_type.as_deref(), Some("push"));
}

#[test]
fn headers_go_before_the_body() {
    let config = json!({"id_header": "X-Id", "id_path": "/id", "type_header": "X-Type", "type_path": "/kind"});
    let body = br#"{"id":"from body","kind":"body.kind","type":"unused"}"#;
    let both = named(&config, &[("X-Id", "from header"), ("X-Type", "header.kind")], body);
    assert_eq!(both, (Some("from header".to_owned()), Some("header.kind".to_owned())));
    let neither = named(&config, &[("X-Id", "")], body);
    assert_eq!(neither, (Some("from body".to_owned()), Some("body.kind".to_owned())));
}

#[test]
fn an_id_is_found_whatever_else_is_wrong_with_the_body() {
    let deep = format!(r#"{{"a":{},"id":"x"}}"#, "[".repeat(5_000) + &"]".repeat(5_000));
    for body in [
        &br#"{"id":"x""#[..],
        br#"{"id":"x",,,"#,
        br#"{"id":"x"} and more"#,
        br#"{"n":1e999,"id":"x"}"#,
        b"{\"bad\":\"\xff\xfe\",\"\xff\":1,\"id\":\"x\"}",
        br#"{"half":"\ud800","id":"x"}"#,
        br#" {"a":{"id":"inner"},"b":[{"id":"inner"}],"id":"x","id":"y"}"#,
        deep.as_bytes(),
    ] {
        assert_eq!(
            id_at("/id", body).as_deref(),
            Some("x"),
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(80)])
        );
    }
}

#[test]
fn there_is_no_id_where_there_is_no_string_or_number() {
    for body in [
        &b""[..],
        b"id=x",
        b"[\"id\"]",
        b"\"id\"",
        br#"{"id":null}"#,
        br#"{"id":true}"#,
        br#"{"id":{}}"#,
        br#"{"id":""}"#,
        br#"{"id":"x"#,
        b"{\"id\":\"\xff\"}",
        br#"{"a":{"id":"x"}}"#,
        br#"{,"id":"x"}"#,
    ] {
        assert_eq!(id_at("/id", body), None, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn pointers_reach_into_objects_and_lists() {
    let body = br#"{"data":[{"a/b":{"~":12345678901234567890123}},{"id":"second"},{"":"empty"}]}"#;
    assert_eq!(id_at("/data/0/a~1b/~0", body).as_deref(), Some("12345678901234567890123"));
    assert_eq!(id_at("/data/1/id", body).as_deref(), Some("second"));
    assert_eq!(id_at("/data/2/", body).as_deref(), Some("empty"));
    for pointer in ["/data/3/id", "/data/01/id", "/data/-/id", "/data/1", "/data/1/id/x", "/data/x"] {
        assert_eq!(id_at(pointer, body), None, "{pointer}");
    }
}

#[test]
fn names_are_bounded() {
    let long = format!(r#"{{"id":"{0}","type":"a\u0000{0}"}}"#, "x".repeat(100_000));
    let (id, event_type) = named(&json!({"id_path": "/id"}), &[], long.as_bytes());
    assert!(id.is_some_and(|id| id.starts_with("sha256:") && id.len() == 71));
    assert!(event_type.is_some_and(|event_type| event_type.starts_with("axx") && event_type.len() <= 200));
}
