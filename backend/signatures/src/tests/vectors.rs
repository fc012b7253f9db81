//! The collected vectors of the providers, official ones among them; each says what must come of it.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use postern_domain::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::header_name;
use crate::{Credentials, Presets, RawRequest, SourceScheme};

#[derive(Clone, Deserialize)]
struct Vector {
    id: String,
    scheme: String,
    secret: Option<String>,
    public_key: Option<String>,
    method: String,
    url: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    timestamp_now: Option<i64>,
    expect: String,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../tests/vectors/provider_vectors.json");
    let all: Vec<Vector> = serde_json::from_str(text).expect("readable vectors");
    all.into_iter().filter(|vector| ["stripe", "github", "standard-webhooks"].contains(&&*vector.scheme)).collect()
}

/// What a source with this secret makes of the request.
fn outcome(vector: &Vector, secret: &str) -> &'static str {
    outcome_by(vector, vec![Secret::new(secret.to_owned())].into())
}

fn outcome_by(vector: &Vector, credentials: Credentials) -> &'static str {
    let scheme = SourceScheme::parse(Presets::builtin(), None, Some(&vector.scheme), &Value::Null, credentials)
        .expect(&vector.id);
    let headers: HeaderMap =
        vector.headers.iter().map(|(name, value)| (header_name(name), value.parse().expect("a value"))).collect();
    let request =
        RawRequest { method: &vector.method, url: &vector.url, headers: &headers, body: vector.body.as_bytes() };
    let now = Timestamp::from_secs(vector.timestamp_now.unwrap_or(0));
    if scheme.hear(&request, now, &()).is_ok() { "valid" } else { "invalid" }
}

#[test]
fn every_vector_with_a_shared_secret_comes_out_as_it_says() {
    let mut seen = 0;
    for vector in vectors() {
        if let Some(secret) = &vector.secret {
            assert_eq!(outcome(&vector, secret), vector.expect, "{}", vector.id);
            seen += 1;
        }
    }
    assert_eq!(seen, 29, "a vector that is not run proves nothing");
}

#[test]
fn a_signature_by_a_public_key_proves_nothing_to_a_source_with_a_shared_secret() {
    let by_public_key: Vec<Vector> = vectors().into_iter().filter(|vector| vector.public_key.is_some()).collect();
    assert_eq!(by_public_key.len(), 2);
    for vector in by_public_key {
        assert_eq!(outcome(&vector, super::WHSEC), "invalid", "{}", vector.id);
    }
}

#[test]
fn every_vector_with_a_public_key_comes_out_as_it_says() {
    let mut seen = 0;
    for vector in vectors() {
        if let Some(key) = &vector.public_key {
            let credentials = Credentials { secrets: Vec::new(), public_keys: vec![key.clone()] };
            assert_eq!(outcome_by(&vector, credentials), vector.expect, "{}", vector.id);
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
}

#[test]
fn both_kinds_of_key_may_stand_side_by_side_and_none_is_taken_for_the_other() {
    for vector in vectors().into_iter().filter(|vector| vector.scheme == "standard-webhooks") {
        let own = vector.public_key.clone().unwrap_or_else(|| PUBLIC_KEY.to_owned());
        let secret = vector.secret.clone().unwrap_or_else(|| super::WHSEC.to_owned());
        let credentials = Credentials { secrets: vec![Secret::new(secret)], public_keys: vec![own] };
        assert_eq!(outcome_by(&vector, credentials), vector.expect, "{}", vector.id);
    }
}

const PUBLIC_KEY: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";

#[test]
fn a_changed_bit_of_a_public_key_signature_is_refused() {
    let valid = vectors().into_iter().find(|vector| vector.id == "stdwh-v1a-ed25519").expect("in the file");
    let given =
        valid.headers.get("webhook-signature").and_then(|text| text.strip_prefix("v1a,")).expect("one signature");
    let signature = STANDARD.decode(given).expect("base64");
    for bit in 0..signature.len() * 8 {
        let mut changed = signature.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let mut vector = valid.clone();
        vector.headers.insert("webhook-signature".to_owned(), format!("v1a,{}", STANDARD.encode(changed)));
        let credentials = Credentials { secrets: Vec::new(), public_keys: vec![PUBLIC_KEY.to_owned()] };
        assert_eq!(outcome_by(&vector, credentials), "invalid", "bit {bit}");
    }
}

#[test]
fn what_is_no_public_key_or_has_no_use_is_refused() {
    let parse = |scheme: &str, key: &str| {
        let credentials = Credentials { secrets: Vec::new(), public_keys: vec![key.to_owned()] };
        SourceScheme::parse(Presets::builtin(), None, Some(scheme), &Value::Null, credentials)
    };
    assert!(parse("standard-webhooks", PUBLIC_KEY).is_ok());
    let weak = format!("whpk_{}", STANDARD.encode([0; 32]));
    for key in ["", "whpk_", "whpk_AAAA", "whsec_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", weak.as_str()] {
        assert_eq!(parse("standard-webhooks", key).expect_err(key).field, "public_keys");
    }
    for scheme in ["stripe", "github", "none", "bearer"] {
        assert_eq!(parse(scheme, PUBLIC_KEY).expect_err(scheme).field, "public_keys");
    }
}
