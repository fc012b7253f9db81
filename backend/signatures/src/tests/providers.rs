//! Every vector of every provider, at its own clock: what is to become of it, and what a greeting is answered with.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use postern_domain::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::header_name;
use crate::{
    Credentials, Greeting, Heard, Presets, RawRequest, Refusal, SourceScheme, parameters,
    schemes::nowpayments::canonical,
};

#[derive(Clone, Deserialize)]
pub(super) struct Vector {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) scheme: String,
    pub(super) kind: String,
    pub(super) secret: Option<String>,
    pub(super) public_key: Option<String>,
    pub(super) cert_pem: Option<String>,
    pub(super) jwk: Option<Value>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
    pub(super) timestamp_now: Option<i64>,
    pub(super) tolerance: Option<i64>,
    #[serde(default)]
    pub(super) config: Map<String, Value>,
    pub(super) expect: String,
    pub(super) expect_response: Option<Expected>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Expected {
    status: u16,
    content_type: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

pub(super) fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../tests/vectors/provider_vectors.json");
    serde_json::from_str(text).expect("readable vectors")
}

impl Vector {
    /// The source that a customer would make for it; none when its secret is none that a source may have.
    pub(super) fn source(&self) -> Option<SourceScheme> {
        let mut config = self.config.clone();
        if let Some(tolerance) = self.tolerance {
            config.insert("tolerance_s".to_owned(), tolerance.into());
        }
        let jwk = self.jwk.as_ref().map(Value::to_string);
        let credentials = Credentials {
            secrets: self.secret.iter().map(|text| Secret::new(text.clone())).collect(),
            public_keys: [&self.public_key, &self.cert_pem, &jwk].into_iter().flatten().cloned().collect(),
        };
        let (provider, scheme) = (Some(self.provider.as_str()), Some(self.scheme.as_str()));
        let parsed = SourceScheme::parse(Presets::builtin(), provider, scheme, &Value::Object(config), credentials);
        match parsed {
            Ok(source) => Some(source),
            Err(invalid) if self.expect == "invalid" && invalid.field == "secrets" => None,
            Err(invalid) => panic!("{}: {invalid}", self.id),
        }
    }

    pub(super) fn header_map(&self) -> HeaderMap {
        self.headers.iter().map(|(name, value)| (header_name(name), value.parse().expect("a value"))).collect()
    }

    /// Whether a changed body is another way of writing the same, where that is what is signed.
    pub(super) fn says_the_same(&self, body: &[u8]) -> bool {
        match self.provider.as_str() {
            "nowpayments" => canonical(body) == canonical(self.body.as_bytes()),
            "braintree" | "mandrill" => parameters::read(body) == parameters::read(self.body.as_bytes()),
            _ => false,
        }
    }

    pub(super) fn hear(&self, source: &SourceScheme, headers: &HeaderMap, body: &[u8]) -> Result<Heard, Refusal> {
        let request = RawRequest { method: &self.method, url: &self.url, headers, body };
        source.hear(&request, Timestamp::from_secs(self.timestamp_now.unwrap_or(0)), &())
    }
}

fn check_answer(vector: &Vector, greeting: &Greeting) {
    let Some(expected) = &vector.expect_response else { return };
    let id = &vector.id;
    assert_eq!(greeting.status, expected.status, "{id}");
    assert_eq!(String::from_utf8_lossy(&greeting.body), expected.body, "{id}");
    if let Some(content_type) = &expected.content_type {
        let given = greeting.content_type.as_deref().unwrap_or_default();
        assert_eq!(given.split(';').next(), Some(content_type.as_str()), "{id}");
    }
    for (name, value) in &expected.headers {
        let given = greeting.headers.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(name));
        assert_eq!(given.and_then(|(_, value)| value.to_str().ok()), Some(value.as_str()), "{id}: {name}");
    }
}

#[test]
fn every_vector_comes_out_as_it_says() {
    let mut seen = 0;
    for vector in vectors() {
        let Some(source) = vector.source() else { continue };
        let heard = vector.hear(&source, &vector.header_map(), vector.body.as_bytes());
        let id = &vector.id;
        match (vector.expect.as_str(), vector.kind.as_str(), &heard) {
            ("valid", "handshake", Ok(Heard::Greeting(greeting))) => check_answer(&vector, greeting),
            ("valid", "verify", Ok(Heard::Event(_))) => {}
            ("valid", "verify", Ok(Heard::Greeting(greeting))) => {
                assert!(["xero-intent"].contains(&&*greeting.kind), "{id} is an event, not `{}`", greeting.kind);
            }
            ("invalid", _, Err(refusal)) => {
                let status = vector.expect_response.as_ref().map_or(401, |expected| expected.status);
                assert_eq!(refusal.status, status, "{id}");
            }
            (expected, kind, _) => panic!("{id}, {kind}, should be {expected}: {heard:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 260, "a vector that is not run proves nothing; of one no source can be made");
}

#[test]
fn examining_tells_the_same_and_names_the_step_that_failed() {
    for vector in vectors() {
        let Some(source) = vector.source() else { continue };
        let headers = vector.header_map();
        let request =
            RawRequest { method: &vector.method, url: &vector.url, headers: &headers, body: vector.body.as_bytes() };
        let now = Timestamp::from_secs(vector.timestamp_now.unwrap_or(0));
        let examined = source.examine(&request, now, &());
        assert_eq!(examined.outcome.is_ok(), source.hear(&request, now, &()).is_ok(), "{}", vector.id);
        let (last, before) = examined.steps.split_last().expect("at least one step");
        assert!(before.iter().all(|step| step.ok), "{}: {:?}", vector.id, examined.steps);
        assert_eq!(last.ok, examined.outcome.is_ok(), "{}: {:?}", vector.id, examined.steps);
    }
}

#[test]
fn there_is_a_preset_for_every_provider_of_the_vectors() {
    let providers: BTreeSet<String> = vectors().into_iter().map(|vector| vector.provider).collect();
    let missing: Vec<&String> = providers.iter().filter(|id| Presets::builtin().find(id).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
