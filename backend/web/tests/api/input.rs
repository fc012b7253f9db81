//! Bad input: a clear answer, and no trace of it.

use serde_json::json;

use crate::harness::{Client, Server, request};

fn post(tenant: &Client<'_>, headers: &[(&str, &str)], body: &[u8]) -> crate::harness::Answer {
    let bearer = format!("Bearer {}", tenant.key);
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    tenant.server.send(&request("POST", "/api/v1/sources", &all, body))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn a_body_that_cannot_be_read_is_told_why() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let good: &[u8] = br#"{"name": "s", "kind": "webhook", "scheme": "none"}"#;
    let cases: [(&[u8], u16, &str, &str); 10] = [
        (b"", 400, "invalid_json", "line 1"),
        (b"{\n\"name\": }", 400, "invalid_json", "line 2, column 9"),
        (b"{\"name\": \"a\", \"name\": \"b\"}", 422, "invalid_fields", "twice"),
        (br#"{"name": "a\u0000", "kind": "webhook"}"#, 422, "invalid_fields", "U+0000"),
        (b"{\"name\": \"\xff\"}", 422, "invalid_fields", "UTF-8"),
        (br#"{"name": "a", "kind": "webhook", "poll": {}}"#, 422, "invalid_fields", "poll"),
        (br#"{"name": "a", "kind": "poll"}"#, 422, "invalid_fields", "kind"),
        (br#"{"kind": "webhook"}"#, 422, "invalid_fields", "name"),
        (
            br#"{"name": "a", "kind": "webhook", "scheme": "none", "max_body_bytes": 1.5}"#,
            422,
            "invalid_fields",
            "max_body_bytes",
        ),
        (
            br#"{"name": "a", "kind": "webhook", "scheme": "none", "config": {"x": {"y": 1, "y": 2}}}"#,
            422,
            "invalid_fields",
            "`y`",
        ),
    ];
    for (body, status, code, word) in cases {
        let answer = post(&tenant, &[JSON], body);
        assert_eq!((answer.refusal().0, answer.refusal().1), (status, code), "{answer:?}");
        assert!(answer.text.contains(word), "{word}: {answer:?}");
    }
    assert!(tenant.get("/api/v1/sources").json["data"].as_array().is_some_and(Vec::is_empty), "no trace");
    assert_eq!(post(&tenant, &[("content-type", "application/json; charset=utf-8")], good).status, 201);
}

#[test]
fn a_body_of_another_type_or_encoding_is_refused() {
    let server = Server::new();
    let tenant = server.tenant("a");
    for headers in [vec![], vec![("content-type", "text/plain")], vec![JSON, ("content-encoding", "gzip")]] {
        assert_eq!(post(&tenant, &headers, b"{}").refusal().0, 415, "{headers:?}");
    }
}

#[test]
fn a_body_at_its_limit_is_read_and_one_byte_more_is_not() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let of = |bytes: usize| {
        let body = json!({ "name": "s", "kind": "webhook", "scheme": "none" }).to_string();
        format!("{body}{}", " ".repeat(bytes - body.len())).into_bytes()
    };
    assert_eq!(post(&tenant, &[JSON], &of(65_536)).status, 201);
    assert_eq!(post(&tenant, &[JSON], &of(65_537)).refusal().1, "payload_too_large");
    let chunked = |bytes: usize| {
        let head = format!(
            "POST /api/v1/sources HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{bytes:x}\r\n",
            tenant.key
        );
        server.send(&[head.as_bytes(), &of(bytes), b"\r\n0\r\n\r\n"].concat())
    };
    assert_eq!(chunked(65_536).status, 201);
    assert_eq!(chunked(65_537).refusal().1, "payload_too_large");
}

#[test]
fn a_method_that_a_path_does_not_have_is_told_those_it_has() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let answer = tenant.call("PUT", "/api/v1/sources", None);
    assert_eq!((answer.refusal().0, answer.header("allow")), (405, Some("GET, POST")));
    let answer = tenant.call("POST", "/api/v1/audit", None);
    assert_eq!((answer.refusal().0, answer.header("allow")), (405, Some("GET")));
}

#[test]
fn an_id_of_another_kind_is_answered_like_one_that_nobody_has() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let source = tenant.make_source();
    let answers =
        ["src_00000000000000000000000000", &tenant.make_bin(), "x", "src_", "%00", &source.to_uppercase(), "..%2f"]
            .map(|id| tenant.get(&format!("/api/v1/sources/{id}")));
    for answer in &answers {
        assert_eq!((answer.refusal().0, &answer.json), (404, &answers[0].json));
    }
}

#[test]
fn a_hundred_headers_are_no_trouble() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let names: Vec<String> = (0..90).map(|number| format!("x-{number}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    assert_eq!(tenant.call_with("GET", "/api/v1/sources", &headers, None).status, 200);
    let names: Vec<String> = (0..200).map(|number| format!("x-{number}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let status = tenant.call_with("GET", "/api/v1/sources", &headers, None).status;
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(tenant.get("/api/v1/sources").status, 200);
}

#[test]
fn a_database_that_does_not_answer_is_nobodys_fault() {
    let server = Server::new();
    let tenant = server.tenant("a");
    assert_eq!(tenant.get("/api/v1/sources").status, 200);
    server.lose_the_database();
    for answer in [
        tenant.get("/api/v1/sources"),
        tenant.post("/api/v1/sources", json!({ "name": "s", "kind": "publish" })),
        tenant.get("/api/v1/audit"),
    ] {
        assert_eq!(answer.refusal().1, "unavailable");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
        assert_eq!(answer.json["trace_id"].as_str(), answer.header("x-request-id"));
    }
}
