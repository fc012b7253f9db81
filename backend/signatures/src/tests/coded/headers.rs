//! Schemes with all they need in headers: hook0, HubSpot, Sumsub, SendGrid, Wise.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    super::{NOW_S, base64, hmac},
    Case, credentials,
    keys::{PUBLIC_PEM, p256_key, p256_sign, p384_key, rsa_sign},
    parse,
};
use crate::{RefusalCause, mac::Algorithm, public_key::PublicAlgorithm};

const SECRET: &str = "a secret of some length";
const BODY: &str = r#"{"id":"e1"}"#;

fn hook0_code(signed: &str) -> String {
    hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[signed]))
}

fn hook0(header: &str) -> Case {
    let scheme = parse("hook0", &json!({}), &credentials(&["old", SECRET], &[])).expect("a scheme");
    Case::new(scheme, &[("X-Hook0-Signature", header), ("X-Event-Id", "e1"), ("X-Event-Type", "a.b")], BODY)
}

#[test]
fn hook0_covers_the_headers_it_names() {
    let code = hook0_code(&format!("{NOW_S}.x-event-id x-event-type.e1.a.b.{BODY}"));
    let genuine = hook0(&format!("t={NOW_S},h=x-event-id x-event-type,v1={code}"));
    let shown = genuine.shown();
    assert_eq!(shown.secret_index, Some(1));
    assert_eq!(shown.signed_headers, ["x-event-id", "x-event-type"]);
    assert_eq!(shown.event_id.as_deref(), Some("e1"));
    assert_eq!(genuine.with("X-Event-Id", "e2").cause(), RefusalCause::SignatureMismatch);
    assert_eq!(genuine.without("X-Event-Type").cause(), RefusalCause::MissingHeader);
    // The names are signed in lower case.
    assert!(hook0(&format!("t={NOW_S}, h=X-Event-Id X-Event-Type, v1={code}")).is_accepted());
    for names in ["x-event-type x-event-id", "x-event-id", "", "x-event-id  x-event-type", "x-event-id:"] {
        assert!(!hook0(&format!("t={NOW_S},h={names},v1={code}")).is_accepted(), "{names}");
    }
}

#[test]
fn hook0_takes_its_older_code_only_without_the_newer_one() {
    let v0 = hook0_code(&format!("{NOW_S}.{BODY}"));
    let genuine = hook0(&format!("t={NOW_S},v0={v0}"));
    assert!(genuine.shown().signed_headers.is_empty());
    // The names are covered by nothing then.
    let named = hook0(&format!("t={NOW_S},h=x-event-id,v0={v0}"));
    assert!(named.shown().signed_headers.is_empty() && named.shown().event_id.is_none());
    for header in [
        format!("t={NOW_S},v0={v0},v1={v0}"),
        format!("t={NOW_S},v0={v0},v1="),
        format!("t={NOW_S},v0={v0},v0={v0}"),
        format!("t={NOW_S},t={NOW_S},v0={v0}"),
        format!("t={NOW_S},v0={}", v0.to_uppercase()),
        format!("t={NOW_S}"),
        format!("v0={v0}"),
        format!("t={NOW_S},v2={v0}"),
    ] {
        assert!(!hook0(&header).is_accepted(), "{header}");
    }
}

#[test]
fn hook0s_header_is_bounded() {
    let v0 = hook0_code(&format!("{NOW_S}.{BODY}"));
    let with_parts = |count: usize| hook0(&format!("t={NOW_S},v0={v0}{}", ",x=1".repeat(count)));
    assert!(with_parts(30).is_accepted());
    assert_eq!(with_parts(31).cause(), RefusalCause::MalformedHeader);
    let names = vec!["x-event-id"; 65].join(" ");
    assert_eq!(hook0(&format!("t={NOW_S},h={names},v1={v0}")).cause(), RefusalCause::MalformedHeader);
    assert_eq!(hook0(&"t".repeat(9_000)).cause(), RefusalCause::MalformedHeader);
}

#[test]
fn hook0s_timestamp_counts_for_five_minutes_both_ways() {
    let v0 = hook0_code(&format!("{NOW_S}.{BODY}"));
    let genuine = hook0(&format!("t={NOW_S},v0={v0}"));
    assert!(genuine.at(NOW_S + 300).is_accepted() && genuine.at(NOW_S - 300).is_accepted());
    assert_eq!(genuine.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.at(NOW_S - 301).cause(), RefusalCause::TimestampTooNew);
}

fn hubspot(signed_url: &str, url: &str) -> Case {
    let time = format!("{NOW_S}000");
    let signature = base64(&hmac(Algorithm::Sha256, SECRET.as_bytes(), &["POST", signed_url, BODY, &time]));
    let scheme = parse("hubspot-v3", &json!({}), &credentials(&[SECRET], &[])).expect("a scheme");
    let headers = [("X-HubSpot-Signature-v3", signature.as_str()), ("X-HubSpot-Request-Timestamp", &time)];
    Case::new(scheme, &headers, BODY).with_url(url)
}

#[test]
fn hubspot_decodes_twelve_escapes_and_no_other() {
    let url =
        "https://a.example/in?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%26%3D%2B%23%25%41%253A%C3%A9&c=%3a%2f&d=%";
    let signed = "https://a.example/in?a=:/?@!$'()*,;&b=%20%26%3D%2B%23%25%41%253A%C3%A9&c=%3a%2f&d=%";
    assert!(hubspot(signed, url).is_accepted());
    assert!(!hubspot(url, url).is_accepted());
    assert!(hubspot("https://a.example/in", "https://a.example/in").is_accepted());
}

#[test]
fn hubspots_timestamp_is_in_milliseconds() {
    let genuine = hubspot("https://a.example/in", "https://a.example/in");
    assert!(genuine.at(NOW_S + 300).is_accepted());
    assert_eq!(genuine.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.with_method("PUT").cause(), RefusalCause::SignatureMismatch);
    assert_eq!(genuine.with("X-HubSpot-Request-Timestamp", &NOW_S.to_string()).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.with("X-HubSpot-Request-Timestamp", "soon").cause(), RefusalCause::MalformedHeader);
    assert_eq!(genuine.without("X-HubSpot-Request-Timestamp").cause(), RefusalCause::MissingHeader);
}

fn sumsub(config: &serde_json::Value, algorithm: Algorithm, told: &str) -> Case {
    let scheme = parse("sumsub", config, &credentials(&["old", SECRET], &[])).expect("a scheme");
    let digest = hex::encode(hmac(algorithm, SECRET.as_bytes(), &[BODY]));
    Case::new(scheme, &[("X-Payload-Digest", &digest), ("X-Payload-Digest-Alg", told)], BODY)
}

#[test]
fn sumsub_is_believed_three_algorithms() {
    let all = [
        ("HMAC_SHA1_HEX", Algorithm::Sha1),
        ("HMAC_SHA256_HEX", Algorithm::Sha256),
        ("HMAC_SHA512_HEX", Algorithm::Sha512),
    ];
    for (told, algorithm) in all {
        assert_eq!(sumsub(&json!({}), algorithm, told).shown().secret_index, Some(1), "{told}");
        for (other, _) in all.into_iter().filter(|(other, _)| *other != told) {
            assert!(!sumsub(&json!({}), algorithm, other).is_accepted(), "{told} as {other}");
        }
    }
    for told in ["HMAC_MD5_HEX", "hmac_sha256_hex", "NONE", "", "SHA256"] {
        assert_eq!(sumsub(&json!({}), Algorithm::Sha256, told).cause(), RefusalCause::MalformedHeader, "{told}");
    }
    let unnamed = sumsub(&json!({}), Algorithm::Sha256, "HMAC_SHA256_HEX").without("X-Payload-Digest-Alg");
    assert_eq!(unnamed.cause(), RefusalCause::MalformedHeader);
}

#[test]
fn a_pinned_algorithm_is_the_only_one() {
    let pinned = json!({"algorithm": "HMAC_SHA512_HEX"});
    assert!(sumsub(&pinned, Algorithm::Sha512, "HMAC_SHA512_HEX").is_accepted());
    assert!(sumsub(&pinned, Algorithm::Sha512, "HMAC_SHA512_HEX").without("X-Payload-Digest-Alg").is_accepted());
    assert_eq!(sumsub(&pinned, Algorithm::Sha1, "HMAC_SHA1_HEX").cause(), RefusalCause::MalformedHeader);
    assert!(!sumsub(&pinned, Algorithm::Sha256, "HMAC_SHA512_HEX").is_accepted());
    let error = parse("sumsub", &json!({"algorithm": "NONE"}), &credentials(&[SECRET], &[])).expect_err("unknown");
    assert_eq!(error.field, "config.algorithm");
}

fn spki() -> String {
    // What stands before the 65 bytes of an uncompressed point.
    let head = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
    let point = p256_key().verifying_key().to_encoded_point(false);
    let point = point.as_bytes().get(1..).expect("a point");
    format!("{head}{}", STANDARD.encode(point))
}

fn sendgrid(config: &serde_json::Value) -> Case {
    let timestamp = NOW_S.to_string();
    let signature = base64(p256_sign(format!("{timestamp}[{BODY}]\r\n").as_bytes()).to_der().as_bytes());
    let scheme = parse("sendgrid", config, &credentials(&[], &[&spki()])).expect("a scheme");
    let headers = [
        ("X-Twilio-Email-Event-Webhook-Signature", signature.as_str()),
        ("X-Twilio-Email-Event-Webhook-Timestamp", &timestamp),
    ];
    Case::new(scheme, &headers, format!("[{BODY}]\r\n"))
}

#[test]
fn sendgrid_signs_timestamp_and_body_with_its_own_key() {
    let genuine = sendgrid(&json!({}));
    let shown = genuine.shown();
    assert_eq!((shown.secret_index, shown.covers_body), (Some(0), true));
    assert_eq!(genuine.with_body(format!("[{BODY}]")).cause(), RefusalCause::SignatureMismatch);
    for timestamp in ["1700000001", "1700000000[", "+1700000000", "170000000", ""] {
        assert!(!genuine.with("X-Twilio-Email-Event-Webhook-Timestamp", timestamp).is_accepted(), "{timestamp}");
    }
    // Moved into the body, a digit of the timestamp would be signed as well.
    let moved = genuine.with("X-Twilio-Email-Event-Webhook-Timestamp", "170000000").with_body(format!("0[{BODY}]\r\n"));
    assert!(!moved.is_accepted());
}

#[test]
fn sendgrids_timestamp_has_a_limit_only_where_one_is_configured() {
    assert!(sendgrid(&json!({})).at(NOW_S + 86_400).is_accepted());
    let limited = sendgrid(&json!({"tolerance_s": 300}));
    assert!(limited.at(NOW_S + 300).is_accepted());
    assert_eq!(limited.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
}

#[test]
fn a_key_of_another_kind_is_refused_when_the_source_is_made() {
    let point = p384_key().verifying_key().to_encoded_point(false);
    let p384 = STANDARD.encode(
        [&hex::decode("3076301006072a8648ce3d020106052b81040022036200").expect("hex")[..], point.as_bytes()].concat(),
    );
    for (scheme, key) in
        [("sendgrid", PUBLIC_PEM), ("sendgrid", &p384), ("sendgrid", "AAAA"), ("wise", &spki()), ("wise", "")]
    {
        let error = parse(scheme, &json!({}), &credentials(&[], &[key])).expect_err("another kind");
        assert_eq!(error.field, "public_keys", "{scheme}");
    }
    for scheme in ["sendgrid", "wise", "paddle-classic"] {
        assert_eq!(parse(scheme, &json!({}), &credentials(&[], &[])).expect_err("no key").field, "public_keys");
    }
}

#[test]
fn wise_signs_the_body_with_one_of_its_keys() {
    let signature = base64(&rsa_sign(PublicAlgorithm::RsaSha256, BODY.as_bytes()));
    let scheme = parse("wise", &json!({}), &credentials(&[], &[PUBLIC_PEM])).expect("a scheme");
    let genuine = Case::new(scheme, &[("X-Signature-SHA256", &signature), ("X-Delivery-Id", "d1")], BODY);
    assert!(genuine.shown().signed_headers.is_empty());
    assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch);
    assert!(genuine.with("X-Delivery-Id", "d2").is_accepted(), "the id of a delivery is not signed");
    let sha1 = base64(&rsa_sign(PublicAlgorithm::RsaSha1, BODY.as_bytes()));
    assert_eq!(genuine.with("X-Signature-SHA256", &sha1).cause(), RefusalCause::SignatureMismatch);
}
