//! Schemes that read JSON: Adyen, NOWPayments.

use serde_json::{Value, json};

use super::{
    super::{base64, hmac},
    Case, credentials, parse,
};
use crate::{RefusalCause, mac::Algorithm, schemes::nowpayments::canonical};

const HEX_KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

fn adyen_item(signed: &str, fields: Value) -> Value {
    let key = hex::decode(HEX_KEY).expect("hex");
    let mut item = fields;
    item["additionalData"] = json!({"hmacSignature": base64(&hmac(Algorithm::Sha256, &key, &[signed])), "more": "1"});
    json!({"NotificationRequestItem": item})
}

fn adyen(items: &[Value]) -> Case {
    let other = "00".repeat(32);
    let scheme = parse("adyen", &json!({}), &credentials(&[&other, HEX_KEY], &[])).expect("a scheme");
    Case::new(scheme, &[], json!({"live": "true", "notificationItems": items}).to_string())
}

fn full_item() -> Value {
    let fields = json!({"pspReference": "psp", "originalReference": "orig", "merchantAccountCode": "acc", "reason": "why",
        "merchantReference": "ref", "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "REFUND", "success": "true"});
    adyen_item("psp:orig:acc:ref:1130:EUR:REFUND:true", fields)
}

#[test]
fn adyen_covers_eight_fields_of_an_item() {
    let genuine = adyen(&[full_item()]);
    let shown = genuine.shown();
    assert_eq!((shown.secret_index, shown.covers_body), (Some(1), false));
    for (from, to) in [
        ("\"psp\"", "\"pzp\""),
        ("\"orig\"", "\"origi\""),
        ("\"acc\"", "\"\""),
        ("\"ref\"", "null"),
        ("1130", "1131"),
        ("1130", "1130.0"),
        ("EUR", "USD"),
        ("REFUND", "REFUND_FAILED"),
        ("\"success\":\"true\"", "\"success\":\"false\""),
        ("\"success\":\"true\"", "\"success\":\"\""),
    ] {
        assert_eq!(genuine.replacing(from, to).cause(), RefusalCause::SignatureMismatch, "{from} as {to}");
    }
}

#[test]
fn adyen_does_not_cover_what_else_an_item_says() {
    let genuine = adyen(&[full_item()]);
    for (from, to) in [
        ("\"why\"", "\"because\""),
        ("\"more\":\"1\"", "\"more\":\"2\""),
        ("\"live\":\"true\"", "\"live\":\"false\""),
        // The same text as a text or as a number.
        ("1130", "\"1130\""),
        ("\"success\":\"true\"", "\"success\":true"),
    ] {
        assert!(genuine.replacing(from, to).is_accepted(), "{from} as {to}");
    }
}

#[test]
fn adyens_fields_cannot_be_cut_in_another_way() {
    let fields = json!({"pspReference": "psp:orig", "originalReference": "acc", "merchantAccountCode": "ref",
        "merchantReference": "1130", "amount": {"value": "EUR", "currency": "REFUND"}, "eventCode": "true"});
    let moved = adyen(&[adyen_item("psp:orig:acc:ref:1130:EUR:REFUND:true:", fields)]);
    assert_eq!(moved.cause(), RefusalCause::MalformedBody);
    // The merchant's own reference may contain what it wants: there are three fields before it and four after it.
    let fields = json!({"pspReference": "psp", "merchantReference": "a:b", "eventCode": "REFUND"});
    assert!(adyen(&[adyen_item("psp:::a:b:::REFUND:", fields)]).is_accepted());
}

#[test]
fn adyens_event_is_named_by_what_is_signed() {
    assert_eq!(adyen(&[full_item()]).shown().event_id.as_deref(), Some("psp:REFUND:true"));
    assert_eq!(adyen(&[full_item(), full_item()]).shown().event_id.as_deref(), Some("psp:REFUND:true,psp:REFUND:true"));
}

#[test]
fn every_item_of_adyens_must_be_signed() {
    let genuine = adyen(&[full_item(), full_item()]);
    assert!(genuine.is_accepted());
    let mut unsigned = full_item();
    unsigned["NotificationRequestItem"]["additionalData"] = json!({});
    assert_eq!(adyen(&[full_item(), unsigned.clone()]).cause(), RefusalCause::MalformedBody);
    assert_eq!(adyen(&[unsigned, full_item()]).cause(), RefusalCause::MalformedBody);
    let mut forged = full_item();
    forged["NotificationRequestItem"]["amount"]["value"] = json!(9);
    assert_eq!(adyen(&[full_item(), forged.clone()]).cause(), RefusalCause::SignatureMismatch);
    assert_eq!(adyen(&[forged, full_item()]).cause(), RefusalCause::SignatureMismatch);
    assert_eq!(adyen(&[]).cause(), RefusalCause::MalformedBody, "no item is no proof");
    assert_eq!(adyen(&vec![full_item(); 101]).cause(), RefusalCause::MalformedBody);
}

#[test]
fn what_adyen_says_twice_is_refused() {
    let genuine = adyen(&[full_item()]);
    for twice in [
        genuine.replacing("\"pspReference\":", "\"pspReference\":\"psp\",\"pspReference\":"),
        genuine.replacing("\"notificationItems\":", "\"notificationItems\":[],\"notificationItems\":"),
        genuine.replacing("\"currency\":", "\"currency\":\"EUR\",\"currency\":"),
    ] {
        assert_eq!(twice.cause(), RefusalCause::MalformedBody, "{}", twice.text());
    }
    for body in ["", "null", "[]", "{\"notificationItems\":{}}", "{\"notificationItems\":[{}]}"] {
        assert_eq!(genuine.with_body(body).cause(), RefusalCause::MalformedBody, "{body}");
    }
}

#[test]
fn adyens_key_is_hex() {
    for key in ["not hex", "4478", &"g".repeat(64)] {
        let error = parse("adyen", &json!({}), &credentials(&[key], &[])).expect_err("no key");
        assert_eq!(error.field, "secrets");
        assert!(!error.to_string().contains(key), "a secret is not repeated");
    }
}

fn canonical_text(json: &str) -> Option<String> {
    canonical(json.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
}

#[test]
fn names_are_sorted_at_every_depth_and_values_stay_as_they_are_written() {
    for (json, expected) in [
        (
            r#" { "b" : 1 , "a" : { "d" : [ 2 , { "z":0, "y" : 1e-7 } ], "c":0.10 } } "#,
            r#"{"a":{"c":0.10,"d":[2,{"y":1e-7,"z":0}]},"b":1}"#,
        ),
        (r#"{"é":"\u00e9","e":"é","":"\/"}"#, r#"{"":"\/","e":"é","é":"\u00e9"}"#),
        (r#"{"a":12345678901234567890123,"A":true,"_":null}"#, r#"{"A":true,"_":null,"a":12345678901234567890123}"#),
        // U+1F600 is two units of UTF-16, the first of which is below U+FF5E.
        ("{\"\u{ff5e}\":1,\"\u{1f600}\":2}", "{\"\u{1f600}\":2,\"\u{ff5e}\":1}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("\" a \"", "\" a \""),
    ] {
        assert_eq!(canonical_text(json).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_or_is_too_deep_is_not_canonical() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(canonical_text(&deep(16)).is_some());
    for json in
        ["", "{", "{\"a\":1,\"a\":2}", r#"{"a":1,"\u0061":2}"#, "{\"a\":1} x", "{'a':1}", &deep(17), &deep(100_000)]
    {
        assert_eq!(canonical_text(json), None, "{:.40}", json);
    }
}

#[test]
fn nowpayments_signs_the_sorted_json() {
    let secret = "ipn-secret";
    let scheme = parse("nowpayments", &json!({}), &credentials(&["old", secret], &[])).expect("a scheme");
    let signature = hex::encode(hmac(Algorithm::Sha512, secret.as_bytes(), &[r#"{"a":{"x":0.10,"y":"t"},"b":[1,2]}"#]));
    let genuine = Case::new(scheme, &[("x-nowpayments-sig", &signature)], r#"{"b":[1,2],"a":{"y":"t","x":0.10}}"#);
    assert_eq!(genuine.shown().secret_index, Some(1));
    // White space and the order of names are not signed.
    assert!(genuine.with_body("{\"a\": {\"x\": 0.10, \"y\": \"t\"},\n \"b\": [1, 2]}").is_accepted());
    for (from, to) in [
        ("0.10", "0.1"),
        ("\"t\"", "\"T\""),
        ("[1,2]", "[2,1]"),
        ("\"x\":0.10", "\"z\":0.10"),
        ("\"t\"", "\"\\u0074\""),
    ] {
        assert_eq!(genuine.replacing(from, to).cause(), RefusalCause::SignatureMismatch, "{from} as {to}");
    }
    assert_eq!(genuine.replacing("\"b\"", "\"a\"").cause(), RefusalCause::MalformedBody);
    assert_eq!(genuine.with("x-nowpayments-sig", &signature.to_uppercase()).cause(), RefusalCause::SignatureMismatch);
    assert_eq!(genuine.without("x-nowpayments-sig").cause(), RefusalCause::MissingHeader);
}
