//! What a source may be configured to, and what the answer is when it may not.

use super::*;

fn fault(provider: Option<&str>, name: Option<&str>, config: &Value, texts: &[&str]) -> (String, String) {
    let invalid = SourceScheme::parse(Presets::builtin(), provider, name, config, secrets(texts)).expect_err("invalid");
    (invalid.field, invalid.detail)
}

#[test]
fn a_provider_implies_its_scheme_and_may_repeat_it() {
    for name in ["stripe", "github", "standard-webhooks"] {
        for given in [None, Some(name)] {
            let scheme = SourceScheme::parse(Presets::builtin(), Some(name), given, &Value::Null, secrets(&[WHSEC]))
                .expect("valid");
            assert_eq!((scheme.provider(), scheme.scheme()), (Some(name), name));
        }
        assert_eq!(fault(Some(name), Some("hmac"), &json!({}), &[WHSEC]).0, "scheme");
    }
    assert_eq!(scheme("github", &json!({}), &[SECRET]).provider(), None);
    assert_eq!(fault(Some("acme"), None, &json!({}), &[SECRET]).0, "provider");
}

#[test]
fn no_verification_has_to_be_asked_for_by_name() {
    for name in [None, Some("crc32")] {
        let (field, detail) = fault(None, name, &json!({}), &[]);
        assert_eq!(field, "scheme");
        assert!(detail.contains("`hmac`") && detail.contains("`none`"), "{detail}");
    }
}

#[test]
fn an_unknown_field_is_named_with_those_that_are_known() {
    for (name, texts) in
        [("stripe", &[SECRET][..]), ("github", &[SECRET]), ("standard-webhooks", &[WHSEC]), ("none", &[])]
    {
        let (field, detail) = fault(None, Some(name), &json!({"colour": null}), texts);
        assert_eq!(field, "config.colour", "{name}");
        assert!(detail.contains(name), "{detail}");
    }
    let (_, detail) = fault(None, Some("stripe"), &json!({"header": "x"}), &[SECRET]);
    assert!(detail.contains("tolerance_s"), "{detail}");
    assert_eq!(fault(None, Some("stripe"), &json!([]), &[SECRET]).0, "config");
}

#[test]
fn every_faulty_field_of_an_hmac_is_named() {
    let cases = [
        (json!({}), "header"),
        (json!({"header": "not a header"}), "header"),
        (json!({"header": 5}), "header"),
        (json!({"header": "h", "algorithm": "md5"}), "algorithm"),
        (json!({"header": "h", "encoding": "utf8"}), "encoding"),
        (json!({"header": "h", "secret_encoding": "rot13"}), "secret_encoding"),
        (json!({"header": "h", "prefix": ""}), "prefix"),
        (json!({"header": "h", "template": "{timestamp}"}), "timestamp_header"),
        (json!({"header": "h", "template": "{body}{timestamp}"}), "timestamp_header"),
        (json!({"header": "h", "template": "{id}.{body}"}), "id_header"),
        (json!({"header": "h", "template": "{Body}{body}"}), "template"),
        (json!({"header": "h", "template": "{body}{body}"}), "template"),
        (json!({"header": "h", "template": "constant"}), "template"),
        (json!({"header": "h", "tolerance_s": 5}), "tolerance_s"),
        (json!({"header": "h", "timestamp_unit": "s"}), "timestamp_unit"),
        (json!({"header": "h", "timestamp_header": "t", "timestamp_unit": "us"}), "timestamp_unit"),
        (json!({"header": "h", "timestamp_header": "t", "tolerance_s": 0}), "tolerance_s"),
        (json!({"header": "h", "timestamp_header": "t", "tolerance_s": 86_401}), "tolerance_s"),
        (json!({"header": "h", "id_path": "id"}), "id_path"),
        (json!({"header": "h", "type_path": "$.type"}), "type_path"),
        (json!({"header": "h", "id_header": "é"}), "id_header"),
    ];
    for (config, field) in cases {
        let named = fault(None, Some("hmac"), &config, &[SECRET]).0;
        let template = config["template"] == "{timestamp}" && named == "config.template";
        assert!(template || named == format!("config.{field}"), "{config} named {named}");
    }
}

#[test]
fn secrets_are_neither_missing_nor_empty_nor_too_many() {
    for name in ["stripe", "github", "standard-webhooks", "hmac", "token", "bearer", "basic"] {
        let config = if ["hmac", "token"].contains(&name) { json!({"header": "h"}) } else { json!({}) };
        for texts in [&[][..], &[""], &[SECRET, ""], &[WHSEC; 11]] {
            assert_eq!(fault(None, Some(name), &config, texts).0, "secrets", "{name} {}", texts.len());
        }
    }
    assert_eq!(fault(None, Some("none"), &json!({}), &[SECRET]).0, "secrets");
    scheme("stripe", &json!({}), &[SECRET; 10]);
}

#[test]
fn secrets_that_could_be_guessed_or_read_wrongly_are_refused() {
    let header = json!({"header": "h"});
    for (name, config) in [("hmac", &header), ("token", &header), ("bearer", &json!({}))] {
        assert_eq!(fault(None, Some(name), config, &["7 bytes"]).0, "secrets", "{name}");
        scheme(name, config, &["8  bytes"]);
    }
    assert_eq!(fault(None, Some("basic"), &json!({}), &["no colon here"]).0, "secrets");
    for encoding in ["hex", "base64"] {
        let config = json!({"header": "h", "secret_encoding": encoding});
        for secret in ["not encoded!", "0011223344"] {
            assert_eq!(fault(None, Some("hmac"), &config, &[secret]).0, "secrets", "{encoding} {secret}");
        }
    }
    for secret in ["whsec_", "whsec_AAAA", "whsec_!", &format!("whsec_{}", base64(&[7; 65]))] {
        let (field, detail) = fault(None, Some("standard-webhooks"), &json!({}), &[secret]);
        assert_eq!(field, "secrets", "{secret}");
        assert!(secret == "whsec_" || !detail.contains(secret), "{detail}");
    }
}

#[test]
fn a_standard_webhooks_secret_may_lack_its_prefix_and_its_padding() {
    let sample = standard("msg_1", &NOW_S.to_string());
    let bare = Sample { scheme: scheme("standard-webhooks", &json!({}), &[&WHSEC[6..]]), ..sample };
    bare.verify().expect("the same key");
    let padded = base64(&[7; 32]);
    scheme("standard-webhooks", &json!({}), &[&padded, padded.trim_end_matches('=')]);
}
