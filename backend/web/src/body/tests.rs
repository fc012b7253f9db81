//! What a caller is told about a body that cannot be accepted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parse;
use crate::problem::{Code, Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its form matters")]
struct Sample {
    name: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    retry: Option<Inner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its form matters")]
struct Inner {
    schedule_s: Vec<u32>,
}

fn refusal(text: impl AsRef<[u8]>) -> Problem {
    parse::<Sample>(text.as_ref()).expect_err("not acceptable")
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for text in
        ["", "{", "{\"name\": \"a\",}", "{\"name\": \"a\"} x", "{'name': 1}", "{\"name\":\"\\ud800\"}", "\u{feff}{}"]
    {
        let problem = refusal(text);
        assert_eq!(problem.code(), Code::InvalidJson, "{text}: {problem}");
        assert!(problem.to_string().contains("line 1"), "{problem}");
    }
    assert_eq!(refusal("[".repeat(100_000)).code(), Code::InvalidJson);
}

#[test]
fn what_is_json_and_wrong_is_refused_by_field() {
    for (text, field) in [
        (r#"{"name": "a", "nome": 1}"#, "`nome` is not a known field"),
        (r#"{"name": "a", "retry": {"schedule_s": [], "x": 1}}"#, "`retry.x` is not a known field"),
        (r#"{"name": 1}"#, "`name` cannot be read"),
        (r#"{"name": "a", "retry": {"schedule_s": [1, -1]}}"#, "`retry.schedule_s[1]` cannot be read"),
        (r#"{"name": "a", "retry": {}}"#, "`retry.schedule_s` is required"),
        (r"{}", "`name` is required"),
        (r#"["a", {}, null]"#, "`body` must be a JSON object"),
        (r"7", "`body` cannot be read"),
    ] {
        let problem = refusal(text);
        assert_eq!(problem.code(), Code::InvalidFields, "{text}: {problem}");
        assert!(problem.to_string().contains(field), "{text}: {problem}");
    }
}

#[test]
fn doubled_keys_nul_and_broken_utf8_are_refused_wherever_they_stand() {
    for text in [
        r#"{"name": "a", "name": "b"}"#,
        r#"{"name": "a", "headers": {"a": "1", "a": "2"}}"#,
        r#"{"name": "a\u0000"}"#,
        r#"{"name": "a", "headers": {"\u0000": "1"}}"#,
    ] {
        assert_eq!(refusal(text).code(), Code::InvalidFields, "{text}");
    }
    assert_eq!(refusal(b"{\"name\": \"\xff\"}").code(), Code::InvalidFields);
}
