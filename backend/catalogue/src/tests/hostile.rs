//! Bodies that mean harm, or nothing: always an envelope, never a panic, never much larger than the body.

use postern_domain::{EventId, SourceId, Timestamp, payload::PayloadFormat};
use serde_json::Value;

use crate::{Catalogue, Incoming, MAX_EVENTS, catalogue::MAPPINGS, render};

fn size(provider: &str, content_type: &str, body: &[u8]) -> (Value, usize) {
    let incoming = Incoming {
        event: EventId::fresh(),
        source: SourceId::fresh(),
        provider: Some(provider),
        event_type: "x",
        received_at: Timestamp::from_secs(1),
        content_type: Some(content_type),
        body,
    };
    let mut largest = (Value::Null, 0);
    for format in [PayloadFormat::Envelope, PayloadFormat::CloudEvents] {
        let rendered = render(Catalogue::builtin(), format, &incoming).expect("rendered");
        let value: Value = serde_json::from_slice(&rendered.body).expect("JSON that can be read");
        if format == PayloadFormat::Envelope {
            largest = (value, rendered.body.len());
        }
    }
    largest
}

#[test]
fn odd_bodies_pass_through_in_every_mapping() {
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let bodies: [&[u8]; 12] = [
        b"",
        b"null",
        b"0",
        b"\"\"",
        b"[]",
        b"{}",
        b"[[],{},null,1]",
        b"\xff\xfe",
        b"{\"type\":{}}",
        b"a=b&a=c",
        b"{\"notificationItems\":[{\"NotificationRequestItem\":null},7]}",
        nested.as_bytes(),
    ];
    for (provider, _) in MAPPINGS {
        for body in bodies {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain", ""] {
                let (value, _) = size(provider, content_type, body);
                assert!(value["data"].is_null(), "{provider}: {value}");
            }
        }
    }
}

#[test]
fn too_many_events_pass_through_as_one() {
    let body = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    let (value, _) = size("sendgrid", "application/json", body(MAX_EVENTS).as_bytes());
    assert_eq!(value["events"].as_array().map(Vec::len), Some(MAX_EVENTS));
    let (value, _) = size("sendgrid", "application/json", body(MAX_EVENTS + 1).as_bytes());
    assert!(value["reason"].as_str().expect("a reason").contains("more than"), "{}", value["reason"]);
}

#[test]
fn what_stands_once_is_not_repeated_without_end() {
    let phone = "9".repeat(100_000);
    let states = vec![r#"{"id":"m","status":"sent"}"#; 4_000].join(",");
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"value":{{"metadata":{{"display_phone_number":"{phone}"}},"statuses":[{states}]}}}}]}}]}}"#
    );
    let (value, bytes) = size("meta", "application/json", body.as_bytes());
    assert!(value["reason"].as_str().expect("a reason").contains("too large"), "{}", value["reason"]);
    assert!(bytes < 2 * body.len());
}

#[test]
fn a_provider_s_words_do_not_make_reasons_long() {
    let body = format!(r#"{{"event_type":"{}"}}"#, "x".repeat(100_000));
    let (value, _) = size("paypal", "application/json", body.as_bytes());
    assert!(
        value["reason"].as_str().expect("a reason").len() < 200 && value["type"].as_str().expect("text").len() <= 200
    );
}
