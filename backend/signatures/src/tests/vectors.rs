//! The collected vectors of the providers, official ones among them; each says what must come of it.

use http::HeaderMap;
use postern_domain::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::header_name;
use crate::{RawRequest, SourceScheme};

#[derive(Deserialize)]
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
    let secrets = vec![Secret::new(secret.to_owned())];
    let scheme = SourceScheme::parse(None, Some(&vector.scheme), &Value::Null, secrets).expect(&vector.id);
    let headers: HeaderMap =
        vector.headers.iter().map(|(name, value)| (header_name(name), value.parse().expect("a value"))).collect();
    let request =
        RawRequest { method: &vector.method, url: &vector.url, headers: &headers, body: vector.body.as_bytes() };
    let now = Timestamp::from_secs(vector.timestamp_now.unwrap_or(0));
    if scheme.verify(&request, now).is_ok() { "valid" } else { "invalid" }
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
