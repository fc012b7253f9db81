//! The collected vectors of the providers with coded schemes, official ones among them.

use serde::Deserialize;
use serde_json::Value;

use super::{Case, credentials, parse};
use crate::{coded, parameters};

#[derive(Clone, Deserialize)]
pub(super) struct Vector {
    pub(super) id: String,
    pub(super) scheme: String,
    kind: String,
    secret: Option<String>,
    public_key: Option<String>,
    cert_pem: Option<String>,
    jwk: Option<Value>,
    #[serde(default)]
    config: Value,
    method: String,
    url: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    timestamp_now: Option<i64>,
    expect: String,
    #[serde(default)]
    expect_response: Option<Answer>,
}

#[derive(Clone, Deserialize)]
struct Answer {
    status: u16,
    content_type: Option<String>,
    body: String,
}

/// Those whose scheme is coded.
pub(super) fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../../tests/vectors/provider_vectors.json");
    let all: Vec<Vector> = serde_json::from_str(text).expect("readable vectors");
    all.into_iter().filter(|vector| coded::find(&vector.scheme).is_some()).collect()
}

impl Vector {
    pub(super) fn is_valid_event(&self) -> bool {
        self.kind == "verify" && self.expect == "valid"
    }

    /// None when no source could be made of it.
    pub(super) fn case(&self) -> Option<Case> {
        let jwk = self.jwk.as_ref().map(Value::to_string);
        let public_keys: Vec<&str> =
            [&self.public_key, &self.cert_pem, &jwk].into_iter().flatten().map(String::as_str).collect();
        let secrets: Vec<&str> = self.secret.as_deref().filter(|secret| !secret.is_empty()).into_iter().collect();
        if secrets.is_empty() && self.secret.is_some() {
            return None;
        }
        let scheme = parse(&self.scheme, &self.config, &credentials(&secrets, &public_keys)).expect(&self.id);
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let case = Case::new(scheme, &headers, self.body.clone());
        Some(case.with_url(&self.url).with_method(&self.method).at(self.timestamp_now.unwrap_or_default()))
    }
}

#[test]
fn every_vector_comes_out_as_it_says() {
    let mut seen = 0;
    for vector in vectors().iter().filter(|vector| vector.kind == "verify") {
        let valid = vector.case().is_some_and(|case| case.is_accepted());
        assert_eq!(valid, vector.expect == "valid", "{}", vector.id);
        seen += 1;
    }
    assert_eq!(seen, 73, "a vector that is not run proves nothing");
}

#[test]
fn a_computed_answer_is_the_documented_one() {
    let vectors = vectors();
    let challenge = vectors.iter().find(|vector| vector.id == "braintree-challenge").expect("a vector");
    let greeting = challenge.case().and_then(|case| case.greeting()).expect("a greeting");
    let expected = challenge.expect_response.as_ref().expect("an answer");
    assert_eq!(greeting.status, expected.status);
    assert_eq!(String::from_utf8(greeting.body).as_deref(), Ok(&*expected.body));
    assert!(greeting.content_type.expect("a type").starts_with(expected.content_type.as_deref().expect("a type")));
    assert!(greeting.learned.is_none());
    assert_eq!(parameters::query(&challenge.url), "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53");
}
