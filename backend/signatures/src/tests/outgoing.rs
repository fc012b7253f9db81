//! What Postern signs, any library of Standard Webhooks can verify.

use super::*;
use crate::outgoing::SigningKey;

#[test]
fn the_published_example_is_signed_as_published() {
    let key = SigningKey::parse("whsec_plJ3nmyCDGBKInavdOK15jsl").expect("valid");
    let signature =
        key.sign("msg_loFOjxBNrRLzqYUf", 1_731_705_121, br#"{"event_type":"ping","data":{"success":true}}"#);
    assert_eq!(signature, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}

#[test]
fn what_is_signed_here_verifies_here() {
    let key = SigningKey::from_bytes(&[0xab; 32]).expect("valid");
    let signature = key.sign("evt_1", NOW_S, STANDARD_BODY.as_bytes());
    let time = NOW_S.to_string();
    let headers = [("webhook-id", "evt_1"), ("webhook-timestamp", &time), ("webhook-signature", &signature)];
    let scheme = scheme("standard-webhooks", &json!({}), &[key.to_text().expose()]);
    let verified = Sample::new(scheme, &headers, STANDARD_BODY).verify().expect("valid");
    assert_eq!(verified.event_id.as_deref(), Some("evt_1"));
}

#[test]
fn a_key_survives_its_text_and_is_not_shown_by_accident() {
    let key = SigningKey::from_bytes(&[7; 24]).expect("valid");
    let text = key.to_text();
    assert!(text.expose().starts_with("whsec_"));
    let again = SigningKey::parse(text.expose()).expect("valid");
    assert_eq!(again.sign("a", 1, b""), key.sign("a", 1, b""));
    assert_eq!(format!("{key:?}"), "SigningKey([secret])");
}

#[test]
fn keys_that_are_too_short_too_long_or_not_base64_are_refused() {
    for length in [0, 15, 65] {
        assert_eq!(SigningKey::from_bytes(&vec![1; length]).expect_err("refused").field, "signing_secret");
    }
    for text in ["", "whsec_", "whsec_%", "whsec_QUJD"] {
        SigningKey::parse(text).expect_err(text);
    }
}
