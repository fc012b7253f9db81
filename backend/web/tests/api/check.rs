//! Whether a source would take a request, and what it would be answered.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

const BODY: &str = r#"{"id":"evt_1","type":"invoice.paid"}"#;
/// At 2026-03-01T10:00:00Z, with `whsec_test_0123456789abcdef`.
const SIGNED: &str = "t=1772359200,v1=70e1ab09dd2aa072334b94026d0bb56c8cc6f6d010648eb2f5e5dafcc1a43cc0";
const SECRET: &str = "whsec_test_0123456789abcdef";

fn stripe(tenant: &Client<'_>, more: Value) -> String {
    let mut source = json!({ "name": "s", "kind": "webhook", "provider": "stripe", "secrets": [SECRET] });
    let fields = source.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    tenant.make("/api/v1/sources", source)
}

fn check(tenant: &Client<'_>, source: &str, asked: Value) -> Answer {
    let found = tenant.post(&format!("/api/v1/sources/{source}/check"), asked);
    assert_eq!(found.status, 200, "{found:?}");
    found
}

fn signed(headers: Value) -> Value {
    let mut all = json!({ "stripe-signature": SIGNED, "content-type": "application/json" });
    all.as_object_mut().expect("an object").extend(headers.as_object().cloned().unwrap_or_default());
    json!({ "method": "POST", "headers": all, "body": BODY })
}

/// The steps that failed.
fn failed(found: &Answer) -> Vec<&str> {
    let steps = found.json["steps"].as_array().expect("steps");
    let failed = steps.iter().filter(|step| step["ok"] == false);
    failed.filter_map(|step| step["step"].as_str()).collect()
}

#[test]
fn what_would_be_an_event_is_told_with_its_names_and_its_answer() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let source = stripe(&tenant, json!({}));
    let found = check(&tenant, &source, signed(json!({})));
    assert_eq!((&found.json["accepted"], failed(&found)), (&json!(true), vec![]), "{found:?}");
    assert_eq!((&found.json["event_id"], &found.json["event_type"]), (&json!("evt_1"), &json!("invoice.paid")));
    assert_eq!(found.json["answer"]["status"], 200);
    assert_eq!(found.json["answer"]["headers"]["content-type"], "application/json");
    let own = stripe(&tenant, json!({ "response": { "status": 202, "content_type": "text/plain", "body": "ok" } }));
    let found = check(&tenant, &own, signed(json!({})));
    let answer = &found.json["answer"];
    assert_eq!((&answer["status"], &answer["body"]), (&json!(202), &json!("ok")));
    assert_eq!(tenant.get("/api/v1/events").json["data"], json!([]));
}

#[test]
fn each_step_that_fails_is_named_with_what_was_expected() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let source = stripe(&tenant, json!({}));
    let old = check(&tenant, &source, {
        let mut asked = signed(json!({}));
        asked["received_at"] = json!(1_772_359_200 + 301);
        asked
    });
    assert_eq!((&old.json["accepted"], failed(&old).len()), (&json!(false), 1), "{old:?}");
    assert!(old.text.contains("timestamp"), "{old:?}");
    assert_eq!(old.json["answer"]["status"], 401);
    let mut changed = signed(json!({}));
    changed["body"] = json!("{}");
    let changed = check(&tenant, &source, changed);
    assert_eq!(changed.json["answer"]["status"], 401, "{changed:?}");
    assert!(!changed.text.contains(SECRET) && !changed.text.contains("70e1ab09dd2aa072"), "{changed:?}");
    let strict = json!({
        "content_types": ["application/json"], "max_body_bytes": 10, "allowed_methods": ["PUT"],
        "header_token": { "name": "X-Own", "value": "0123456789abcdef" },
    });
    let strict = stripe(&tenant, strict);
    let found = check(&tenant, &strict, signed(json!({ "content-type": "text/plain", "content-encoding": "gzip" })));
    assert_eq!(failed(&found), ["method", "content_encoding", "content_type", "size", "header_token"], "{found:?}");
    assert_eq!(found.json["answer"]["status"], 405, "the answer is that of the first");
    assert!(!found.text.contains("0123456789abcdef"), "{found:?}");
    tenant.call("POST", &format!("/api/v1/sources/{source}/pause"), None);
    let paused = check(&tenant, &source, signed(json!({})));
    assert_eq!((failed(&paused), &paused.json["answer"]["status"]), (vec!["paused"], &json!(503)));
    assert_eq!(tenant.get("/api/v1/requests").json["data"], json!([]), "nothing is put on record");
}

#[test]
fn what_cannot_be_a_request_is_refused_by_field() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let path = format!("/api/v1/sources/{}/check", tenant.make_source());
    for (asked, field) in [
        (json!({ "method": "" }), "method"),
        (json!({ "method": "PO ST" }), "method"),
        (json!({}), "method"),
        (json!({ "method": "POST", "headers": { "a b": "c" } }), "headers"),
        (json!({ "method": "POST", "headers": { "a": "b\nc" } }), "headers"),
        (json!({ "method": "POST", "body": "", "body_base64": "" }), "body_base64"),
        (json!({ "method": "POST", "body_base64": "%" }), "body_base64"),
        (json!({ "method": "POST", "url": "/in/x" }), "url"),
        (json!({ "method": "POST", "received_at": -1 }), "received_at"),
    ] {
        assert_eq!(tenant.post(&path, asked.clone()).refusal().2, [field], "{asked}");
    }
    let publisher = tenant.make("/api/v1/sources", json!({ "name": "p", "kind": "publish" }));
    let refused = tenant.post(&format!("/api/v1/sources/{publisher}/check"), json!({ "method": "POST" }));
    assert_eq!((refused.refusal().0, refused.refusal().1), (409, "wrong_state"));
}

#[test]
fn a_body_may_be_given_byte_for_byte_and_a_header_several_times() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let source = stripe(&tenant, json!({}));
    let mut asked = signed(json!({}));
    asked["body"] = Value::Null;
    asked["body_base64"] = json!("eyJpZCI6ImV2dF8xIiwidHlwZSI6Imludm9pY2UucGFpZCJ9");
    assert_eq!(check(&tenant, &source, asked).json["accepted"], true);
    let found = check(&tenant, &source, signed(json!({ "stripe-signature": [SIGNED, SIGNED] })));
    assert_eq!(found.json["accepted"], false, "{found:?}");
}
