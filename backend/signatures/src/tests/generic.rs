//! The configured HMAC, against published vectors and at its edges.

use super::*;

const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
    trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

#[test]
fn the_rfc_vectors_verify_for_all_three_hashes_and_encodings_of_the_key() {
    let key: Vec<u8> = (1..=25).collect();
    let vectors = [
        ("sha1", "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        ("sha256", "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (
            "sha512",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f197411\
             20c4f2de2adebeb10a298dd",
        ),
    ];
    for (algorithm, mac) in vectors {
        for (secret_encoding, secret) in [("hex", hex::encode(&key)), ("base64", base64(&key))] {
            let mac_bytes = hex::decode(mac).expect("hex");
            for (encoding, text) in
                [("hex", mac.to_owned()), ("hex", mac.to_uppercase()), ("base64", base64(&mac_bytes))]
            {
                let config = json!({"header": "X-Sig", "algorithm": algorithm, "encoding": encoding,
                    "secret_encoding": secret_encoding});
                let sample = Sample::new(scheme("hmac", &config, &[&secret]), &[("X-Sig", &text)], [0xcd; 50]);
                sample.verify().expect("the published MAC");
            }
        }
    }
}

#[test]
fn slack_is_a_matter_of_configuration() {
    let config = json!({"header": "X-Slack-Signature", "prefix": "v0=", "template": "v0:{timestamp}:{body}",
        "timestamp_header": "X-Slack-Request-Timestamp"});
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let headers = [("X-Slack-Signature", signature), ("X-Slack-Request-Timestamp", "1531420618")];
    let scheme = scheme("hmac", &config, &["8f742231b10e8888abcd99yyyzzz85a5"]);
    let sample = Sample::new(scheme, &headers, SLACK_BODY).at(1_531_420_618);
    sample.verify().expect("Slack's published example");
    assert_eq!(sample.at(1_531_420_618 + 301).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(sample.with("X-Slack-Signature", &signature[3..]).cause(), RefusalCause::MalformedHeader);
}

#[test]
fn square_signs_the_public_url_before_the_body() {
    let config = json!({"header": "x-square-hmacsha256-signature", "encoding": "base64", "template": "{url}{body}"});
    let signature = [("x-square-hmacsha256-signature", "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=")];
    let body = r#"{"data":{"type":"webhooks","id":"fake_id"}}"#;
    let mut sample = Sample::new(scheme("hmac", &config, &["signature-key"]), &signature, body);
    sample.url = "https://webhook.site/webhooks".to_owned();
    sample.verify().expect("Square's published example");
    sample.url.push('/');
    assert_eq!(sample.cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn timestamps_in_milliseconds_and_rfc_3339_are_signed_as_they_are_written() {
    let at = Timestamp::from_secs(NOW_S);
    for (unit, text) in [("ms", format!("{NOW_S}000")), ("rfc3339", "2023-11-15T00:13:20+02:00".to_owned())] {
        let config = json!({"header": "X-Sig", "template": "{timestamp}.{body}", "timestamp_header": "X-Time",
            "timestamp_unit": unit, "tolerance_s": 10});
        let signature = hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[&text, ".hello"]));
        let headers = [("X-Sig", signature.as_str()), ("X-Time", &text)];
        let mut sample = Sample::new(scheme("hmac", &config, &[SECRET]), &headers, "hello");
        for (later_ms, cause) in [
            (10_000, None),
            (10_001, Some(RefusalCause::TimestampTooOld)),
            (-300_000, None),
            (-300_001, Some(RefusalCause::TimestampTooNew)),
        ] {
            sample.now = at.plus_ms(later_ms);
            assert_eq!(sample.verify().err().map(|refusal| refusal.cause), cause, "{unit} {later_ms}");
        }
        let other = sample.with("X-Time", "yesterday");
        assert_eq!(other.cause(), RefusalCause::MalformedHeader);
    }
}

#[test]
fn braces_that_are_no_placeholder_are_signed_as_text() {
    let config = json!({"header": "X-Sig", "template": "{\"a\":{body}}"});
    let signature = hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &["{\"a\":", "1", "}"]));
    Sample::new(scheme("hmac", &config, &[SECRET]), &[("X-Sig", &signature)], "1").verify().expect("valid");
}

#[test]
fn an_empty_body_and_bytes_that_are_no_text_are_signed_like_any_other() {
    let key = Key::new(Algorithm::Sha256, SECRET.as_bytes()).expect("a key");
    for body in [&b""[..], b"\xff\0\r\n"] {
        let signature = hex::encode(key.mac(&[body]));
        let scheme = scheme("hmac", &json!({"header": "X-Sig"}), &[SECRET]);
        Sample::new(scheme, &[("X-Sig", &signature)], body).verify().expect("valid");
    }
}

#[test]
fn every_primitive_of_the_presets_can_be_configured() {
    let mac = hex::encode(hmac(Algorithm::Sha256, &[7; 32], &["1700000000.", r#"{"a":{"id":1},"kind":"x"}"#]));
    let config = json!({"header": ["x-new", "x-old"], "signature_keys": ["v1", "v2"], "timestamp_key": "t", "separator": ";",
        "template": "{timestamp}.{body}", "encoding": "lower-hex", "secret_encoding": "hex",
        "id_from": "body:/a/id + sha256", "type_from": ["header:x-event", "'made.' + body:/kind"]});
    let header = format!("t=1700000000;v2={mac}");
    let key = hex::encode([7; 32]);
    let source = scheme("hmac", &config, &[&key]);
    let sample = Sample::new(source, &[("x-old", &header)], r#"{"a":{"id":1},"kind":"x"}"#);
    let verified = sample.verify().expect("valid");
    assert!(verified.event_id.expect("an id").starts_with("1:") && verified.id_is_signed);
    assert_eq!(verified.event_type.as_deref(), Some("made..x"));
    assert_eq!(sample.with("x-old", &header.to_uppercase()).cause(), RefusalCause::MalformedHeader);
}

#[test]
fn a_hash_has_the_secret_in_it() {
    use sha2::{Digest, Sha256};
    let config = json!({"header": "x-sig", "template": "{secret}{method}{url}{body}"});
    let url = "https://in.example.com/in/abc?x=1";
    let hash = hex::encode(Sha256::digest(format!("{SECRET}POST{url}hello")));
    let sample = Sample::new(scheme("hash", &config, &[SECRET]), &[("x-sig", &hash)], "hello");
    sample.verify().expect("valid");
    assert_eq!(sample.with_body("hullo").cause(), RefusalCause::SignatureMismatch);
    let made = |name: &str, template: &str| {
        let config = json!({"header": "x-sig", "template": template});
        SourceScheme::parse(Presets::builtin(), None, Some(name), &config, secrets(&[SECRET])).map(|_| ())
    };
    assert_eq!(made("hash", "{body}").expect_err("no secret").field, "config.template");
    assert_eq!(made("hmac", "{secret}{body}").expect_err("a secret").field, "config.template");
}

#[test]
fn an_ed25519_key_may_be_given_in_any_of_its_forms() {
    let raw = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
    let bytes = hex::decode(raw).expect("hex");
    let spki = [&hex::decode("302a300506032b6570032100").expect("hex")[..], &bytes].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64(&spki));
    let x = base64(&bytes).replace('+', "-").replace('/', "_").replace('=', "");
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
    let config = json!({"header": "x-sig", "template": "{timestamp}{body}", "timestamp_header": "x-time"});
    let signature = "c1098e97d711377f30225d53d94b89d43537f92e5b3afaddc590781b1f9f9d4b2eeab335d370be3b9a090bc61a85b86448bc140dcd\
                     195f1569c2bff181257607";
    for key in [raw.to_owned(), base64(&bytes), base64(&spki), pem, jwk] {
        let credentials = crate::Credentials { secrets: Vec::new(), public_keys: vec![key.clone()] };
        let source = SourceScheme::parse(Presets::builtin(), None, Some("ed25519"), &config, credentials).expect(&key);
        let sample = Sample::new(source, &[("x-sig", signature), ("x-time", "1700000000")], r#"{"type":1}"#);
        sample.verify().expect("valid");
        let moved = sample.with("x-time", "170000000").with_body(r#"0{"type":1}"#);
        assert_eq!(moved.cause(), RefusalCause::MalformedHeader, "a digit moved into the body");
    }
}
