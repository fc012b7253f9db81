//! By what two requests are the same event.

use std::time::Instant;

use postern_domain::dedup::DedupKey;

use super::*;
use crate::DedupRule;

fn key(rule: DedupKey, headers: &[(&str, &str)], body: &[u8], event_id: Option<&str>) -> Option<String> {
    let sample = Sample::new(scheme("none", &json!({}), &[]), headers, body);
    let verified = Verified { event_id: event_id.map(str::to_owned), ..Verified::default() };
    DedupRule::compile(rule).expect("valid").key(&sample.request(), &verified)
}

fn json_key(path: &str, body: &[u8]) -> Option<String> {
    key(DedupKey::Json(path.to_owned()), &[], body, None)
}

#[test]
fn the_provider_s_id_is_taken_or_nothing() {
    assert_eq!(key(DedupKey::Provider, &[], b"{}", Some("evt_1")).as_deref(), Some("evt_1"));
    assert_eq!(key(DedupKey::Provider, &[], b"{}", None), None);
    assert_eq!(key(DedupKey::None, &[], b"{}", Some("evt_1")), None);
}

#[test]
fn a_header_is_taken_as_it_stands() {
    let rule = || DedupKey::Header("x-id".to_owned());
    assert_eq!(key(rule(), &[("X-Id", "a b")], b"", None).as_deref(), Some("a b"));
    assert_eq!(key(rule(), &[("X-Id", "")], b"", None), None);
    assert_eq!(key(rule(), &[], b"", None), None);
}

#[test]
fn a_body_is_its_sha_256() {
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(key(DedupKey::Body, &[], b"", None).as_deref(), Some(of_nothing));
    assert_ne!(key(DedupKey::Body, &[], b"{}", None), key(DedupKey::Body, &[], b"{ }", None));
}

#[test]
fn a_path_finds_strings_and_numbers_with_all_their_digits() {
    let body = br#"{"id":"x","n":9007199254740993,"big":12345678901234567890123,"items":[{"id":1.50},{"id":"b"}],
        "none":null,"object":{},"0":"zero","a b":"spaced"}"#;
    for (path, expected) in [
        ("$.id", Some("x")),
        ("$['id']", Some("x")),
        ("$[\"id\"]", Some("x")),
        ("$.n", Some("9007199254740993")),
        ("$.big", Some("12345678901234567890123")),
        ("$.items[0].id", Some("1.50")),
        ("$.items[-1].id", Some("b")),
        ("$.items[*].id", Some("1.50")),
        ("$..id", Some("x")),
        ("$['event_id','id']", Some("x")),
        ("$['event_id','big']", Some("12345678901234567890123")),
        ("$.items[?@.id == 'b'].id", Some("b")),
        ("$.*", None),
        ("$['0']", Some("zero")),
        ("$['a b']", Some("spaced")),
        ("$.none", None),
        ("$.object", None),
        ("$.missing", None),
        ("$.items[9].id", None),
        ("$", None),
    ] {
        let found = json_key(path, body);
        assert!(found.as_deref() == expected || path == "$.*" && found.is_some(), "{path}: {found:?}");
    }
}

#[test]
fn a_plain_path_does_not_mind_what_else_is_in_the_body() {
    for body in [
        &br#"{"data":{"id":"x"},,,"#[..],
        b"{\"\xff\":\"\xff\",\"data\":{\"id\":\"x\"}}",
        br#"{"n":1e999,"data":{"id":"x"}}"#,
    ] {
        assert_eq!(json_key("$.data.id", body).as_deref(), Some("x"));
        assert_eq!(json_key("$.data['id']", body).as_deref(), Some("x"));
    }
    for body in [&b""[..], b"id=x", b"{", b"\xff"] {
        assert_eq!(json_key("$.data.id", body), None);
        assert_eq!(json_key("$..id", body), None, "a path of many places needs a whole document");
    }
}

#[test]
fn a_path_that_cannot_be_read_is_refused_when_it_is_configured() {
    for path in ["id", "$.", "$[", "$.a b", "$[?", "/id", ""] {
        let invalid = DedupRule::compile(DedupKey::Json(path.to_owned())).expect_err(path);
        assert_eq!(invalid.field, "dedup.key");
    }
}

#[test]
fn a_path_that_multiplies_work_is_refused_and_quotes_are_not_counted() {
    let many = "[*,*]".repeat(50);
    for path in [
        &format!("${many}"),
        "$..a..b",
        "$[?$.a]",
        "$[?@[?@[?@.a]]]",
        &format!("$[?{}@.a{}]", "(".repeat(5), ")".repeat(5)),
    ] {
        let invalid = DedupRule::compile(DedupKey::Json(path.to_owned())).expect_err(path);
        assert!(invalid.detail.contains("cost"), "{path}: {}", invalid.detail);
    }
    assert_eq!(json_key(r"$['..$,,,,,,(\'']", br#"{"..$,,,,,,('":"x"}"#).as_deref(), Some("x"));
}

#[test]
fn the_worst_path_that_is_taken_stays_quick() {
    let start = Instant::now();
    let slow_to_read = format!("$[?{}]", "((((@.a))))".to_owned() + &" && !@.b || @.c".repeat(30));
    let _ = DedupRule::compile(DedupKey::Json(slow_to_read));
    let _ = DedupRule::compile(DedupKey::Json(format!("$[?{}@.a]", "!".repeat(490))));
    let deep = "[".repeat(120) + &"[1,2],".repeat(2_000) + "1" + &"]".repeat(120);
    for path in ["$..[?@[?@.a]]", "$..[*,*,*]", "$..*[?@.a]"] {
        assert!(json_key(path, deep.as_bytes()).is_none_or(|text| text.len() < 9), "{path}");
    }
    assert!(start.elapsed().as_secs() < 3, "{:?}", start.elapsed());
}

#[test]
fn a_long_key_is_kept_as_its_hash() {
    let long = |last: char| json_key("$.id", format!(r#"{{"id":"{}{last}"}}"#, "x".repeat(2_000)).as_bytes());
    assert_eq!(long('a').map(|text| text.len()), Some(71));
    assert_ne!(long('a'), long('b'));
}
