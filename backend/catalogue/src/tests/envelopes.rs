//! What is sent: the envelope and the CloudEvent, checked by their schemas.

use postern_domain::{EventId, SourceId, Timestamp, payload::PayloadFormat};
use serde_json::{Value, json};

use super::schema;
use crate::{Catalogue, Incoming, document, render};

const AT: Timestamp = Timestamp::from_secs(1_773_480_500);

fn sent(format: PayloadFormat, incoming: &Incoming<'_>) -> (Value, String) {
    let rendered = render(Catalogue::builtin(), format, incoming).expect("not raw");
    let text = String::from_utf8(rendered.body).expect("UTF-8");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let (expected, kind) = match format {
        PayloadFormat::CloudEvents => (document::cloud_event_schema(), "application/cloudevents+json"),
        _ => (document::envelope_schema(), "application/json"),
    };
    assert_eq!(schema::faults(&expected, &value), Vec::<String>::new(), "{text}");
    assert_eq!(rendered.content_type, kind);
    (value, text)
}

fn incoming<'a>(provider: Option<&'a str>, event_type: &'a str, body: &'a [u8]) -> Incoming<'a> {
    Incoming {
        event: EventId::fresh(),
        source: SourceId::fresh(),
        provider,
        event_type,
        received_at: AT,
        content_type: Some("application/json"),
        body,
    }
}

const CAPTURE: &[u8] = b"{\"id\": \"WH-1\", \"create_time\": \"2026-03-14T09:26:53Z\",\r\n \"event_type\": \
    \"PAYMENT.CAPTURE.COMPLETED\", \"resource\": {\"id\": \"c1\", \"amount\": {\"value\": \"1.50\", \
    \"currency_code\": \"EUR\"}, \"big\": 1.10}}";

#[test]
fn the_raw_body_is_not_touched() {
    assert_eq!(render(Catalogue::builtin(), PayloadFormat::Raw, &incoming(None, "x", b"\xff")), None);
}

#[test]
fn the_envelope_says_what_happened_in_common_words_and_keeps_the_body() {
    let event = incoming(Some("paypal"), "PAYMENT.CAPTURE.COMPLETED", CAPTURE);
    let (value, text) = sent(PayloadFormat::Envelope, &event);
    let raw: Value = serde_json::from_slice(CAPTURE).expect("JSON");
    let expected = json!({
        "id": event.event, "type": "payment.received", "provider": "paypal",
        "provider_type": "PAYMENT.CAPTURE.COMPLETED", "provider_id": "WH-1",
        "occurred_at": "2026-03-14T09:26:53.000000Z", "received_at": AT, "source_id": event.source,
        "data": {"payment_id": "c1", "amount": 150, "currency": "EUR"},
        "raw_encoding": "json", "raw_content_type": "application/json", "raw": raw,
    });
    assert_eq!(value, expected);
    assert!(text.contains(std::str::from_utf8(CAPTURE).expect("UTF-8")), "byte for byte");
}

#[test]
fn the_same_event_is_rendered_to_the_same_bytes() {
    let event = incoming(Some("paypal"), "", CAPTURE);
    for format in [PayloadFormat::Envelope, PayloadFormat::CloudEvents] {
        assert_eq!(sent(format, &event).1, sent(format, &event).1);
    }
}

#[test]
fn what_is_not_mapped_keeps_its_type_and_says_why() {
    let table = [
        (incoming(Some("paypal"), "INVOICING.INVOICE.PAID", b"{}"), "does not map `INVOICING.INVOICE.PAID`"),
        (incoming(Some("github"), "push", b"{}"), "no mapping for the provider `github`"),
        (incoming(Some("paypal"), "PAYMENT.CAPTURE.COMPLETED", b"{}"), "does not fit `payment.received`"),
        (incoming(Some("paypal"), "x", b"<x/>"), "neither JSON nor a form"),
        (incoming(None, "bet.placed", b"[]"), "does not fit `bet.placed`: the data is no object"),
        (incoming(None, "order.made", b"7"), "does not map `order.made`"),
    ];
    for (event, expected) in table {
        let (value, _) = sent(PayloadFormat::Envelope, &event);
        assert!(value["reason"].as_str().expect("a reason").contains(expected), "{value}");
        assert_eq!((&value["type"], &value["data"]), (&json!(event.event_type), &Value::Null));
        assert_eq!((&value["provider_type"], &value["occurred_at"]), (&json!(event.event_type), &json!(AT)));
    }
    let (value, _) = sent(PayloadFormat::Envelope, &incoming(Some("telegram"), "", b"{\"update_id\": 1}"));
    assert_eq!(value["type"], "untyped");
}

#[test]
fn a_batch_shows_each_of_its_events() {
    let body = br#"[{"event": "delivered", "sg_event_id": "a", "sg_message_id": "m", "email": "ada@example.com", "timestamp": 1},
        {"event": "deferred"}]"#;
    let event = incoming(Some("sendgrid"), "delivered", body);
    let (value, _) = sent(PayloadFormat::Envelope, &event);
    assert_eq!((&value["type"], &value["data"], &value["occurred_at"]), (&json!("batch"), &Value::Null, &json!(AT)));
    assert_eq!(value["provider_type"], "delivered");
    let data = json!({"message_id": "m", "channel": "email", "recipient": "ada@example.com"});
    let expected = json!([
        {"id": format!("{}.0", event.event), "type": "message.delivered", "provider_type": "delivered", "provider_id": "a",
            "occurred_at": "1970-01-01T00:00:01.000000Z", "data": data, "at": "/0"},
        {"id": format!("{}.1", event.event), "type": "deferred", "provider_type": "deferred", "occurred_at": AT,
            "data": null, "reason": "the catalogue does not map `deferred` of SendGrid", "at": "/1"},
    ]);
    assert_eq!(value["events"], expected);
}

#[test]
fn a_form_is_kept_as_text_and_bytes_as_base64() {
    let form = Incoming {
        content_type: Some("application/x-www-form-urlencoded"),
        ..incoming(Some("twilio"), "delivered", b"MessageSid=SM1&MessageStatus=delivered&To=%2B49")
    };
    let (value, _) = sent(PayloadFormat::Envelope, &form);
    assert_eq!((&value["raw_encoding"], &value["type"]), (&json!("text"), &json!("message.delivered")));
    assert_eq!(value["raw"], "MessageSid=SM1&MessageStatus=delivered&To=%2B49");
    let bytes = Incoming { content_type: None, ..incoming(None, "x", b"\xff\x00") };
    let (value, _) = sent(PayloadFormat::Envelope, &bytes);
    assert_eq!((&value["raw_encoding"], &value["raw"]), (&json!("base64"), &json!("/wA=")));
    assert_eq!(value["raw_content_type"], Value::Null);
}

#[test]
fn a_cloud_event_holds_the_body_as_it_came() {
    let event = incoming(Some("paypal"), "PAYMENT.CAPTURE.COMPLETED", CAPTURE);
    let (value, text) = sent(PayloadFormat::CloudEvents, &event);
    let data: Value = serde_json::from_slice(CAPTURE).expect("JSON");
    let expected = json!({
        "specversion": "1.0", "id": event.event, "source": format!("/api/v1/sources/{}", event.source),
        "type": "PAYMENT.CAPTURE.COMPLETED", "time": "2026-03-14T09:26:53.000000Z", "provider": "paypal",
        "commontype": "payment.received", "datacontenttype": "application/json", "data": data,
    });
    assert_eq!(value, expected);
    assert!(text.contains(std::str::from_utf8(CAPTURE).expect("UTF-8")), "byte for byte");
}

#[test]
fn a_cloud_event_carries_what_is_not_json_in_base64() {
    let of = |content_type, body| {
        let event = Incoming { content_type, ..incoming(None, "note", body) };
        let (value, _) = sent(PayloadFormat::CloudEvents, &event);
        (value["datacontenttype"].clone(), value["data"].clone(), value["data_base64"].clone())
    };
    assert_eq!(of(Some("text/plain"), b"12"), (json!("text/plain"), Value::Null, json!("MTI=")));
    assert_eq!(of(Some("application/json"), b"{"), (json!("application/json"), Value::Null, json!("ew==")));
    assert_eq!(of(Some("application/scim+json"), b"{}"), (json!("application/scim+json"), json!({}), Value::Null));
    assert_eq!(of(None, b"[1]"), (json!("application/json"), json!([1]), Value::Null));
    assert_eq!(of(None, b"\xff"), (Value::Null, Value::Null, json!("/w==")));
    assert_eq!(of(None, b""), (Value::Null, Value::Null, Value::Null));
    assert_eq!(of(None, b"null").1, Value::Null);
}
