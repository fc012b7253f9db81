//! The providers' collected vectors, each against a source of its own: by the check, and through the front door at the
//! moment for which it was made.

use std::collections::BTreeMap;

use postern_pipeline::Presets;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::harness::{Answer, Client, NOON, Server, request};

#[derive(Deserialize)]
struct Vector {
    id: String,
    provider: String,
    scheme: String,
    kind: String,
    secret: Option<String>,
    public_key: Option<String>,
    jwk: Option<Value>,
    cert_pem: Option<String>,
    config: Option<Map<String, Value>>,
    tolerance: Option<i64>,
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
    timestamp_now: Option<i64>,
    expect: String,
    expect_response: Option<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    status: u16,
    content_type: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

/// Those of the providers that are known.
fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../tests/vectors/provider_vectors.json");
    let all: Vec<Vector> = serde_json::from_str(text).expect("readable vectors");
    all.into_iter().filter(|vector| Presets::builtin().find(&vector.provider).is_some()).collect()
}

impl Vector {
    /// As its provider was told, without what the provider adds.
    fn source(&self) -> Value {
        let mut config = self.config.clone().unwrap_or_default();
        if let Some(tolerance) = self.tolerance {
            config.insert("tolerance_s".to_owned(), json!(tolerance));
        }
        let jwk = self.jwk.as_ref().map(Value::to_string);
        let keys: Vec<&String> = [&self.public_key, &jwk, &self.cert_pem].into_iter().flatten().collect();
        let secrets: Vec<&String> = self.secret.iter().collect();
        let public_url = self.url.split('?').next();
        json!({
            "name": self.id, "kind": "webhook", "provider": self.provider, "scheme": self.scheme, "config": config,
            "secrets": secrets, "public_keys": keys, "public_url": public_url,
        })
    }

    fn is_valid(&self) -> bool {
        self.expect == "valid"
    }

    /// In seconds; those that depend on no moment take any.
    fn moment(&self) -> i64 {
        self.timestamp_now.unwrap_or(NOON.as_secs())
    }
}

struct Made {
    id: String,
    path: String,
}

/// None when its secret is none that a source may have.
fn make(tenant: &Client<'_>, vector: &Vector) -> Option<Made> {
    let made = tenant.post("/api/v1/sources", vector.source());
    if made.status == 422 && !vector.is_valid() {
        assert_eq!(made.refusal().2, ["secrets"], "{}", vector.id);
        return None;
    }
    assert_eq!(made.status, 201, "{}: {made:?}", vector.id);
    let url = made.json["ingest_url"].as_str().expect("a URL");
    let path = url.trim_start_matches("https://hooks.example.com").to_owned();
    Some(Made { id: made.json["id"].as_str().expect("an id").to_owned(), path })
}

fn send(server: &Server, vector: &Vector, path: &str) -> Answer {
    let now = server.clock.now().as_secs();
    server.clock.advance_ms((vector.moment() - now) * 1_000);
    let query = vector.url.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let headers: Vec<(&str, &str)> =
        vector.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    server.send(&request(&vector.method, &format!("{path}{query}"), &headers, vector.body.as_bytes()))
}

fn is_as_expected(vector: &Vector, status: u16, headers: &BTreeMap<String, String>, body: &str) {
    let Some(expected) = &vector.expect_response else {
        assert_eq!((200..300).contains(&status), vector.is_valid(), "{}: {status} {body}", vector.id);
        assert!(vector.is_valid() || status == 401, "{}: {status} {body}", vector.id);
        return;
    };
    assert_eq!((status, body), (expected.status, expected.body.as_str()), "{}", vector.id);
    if let Some(content_type) = &expected.content_type {
        let given = headers.get("content-type").map_or("", String::as_str);
        assert!(given == content_type || given.starts_with(&format!("{content_type};")), "{}: {given}", vector.id);
    }
    for (name, value) in &expected.headers {
        assert_eq!(headers.get(&name.to_lowercase()), Some(value), "{}: {name}", vector.id);
    }
}

#[test]
fn each_vector_comes_out_of_the_front_door_as_it_says() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let mut providers = BTreeMap::new();
    for vector in vectors() {
        let Some(made) = make(&tenant, &vector) else { continue };
        let answer = send(&server, &vector, &made.path);
        is_as_expected(&vector, answer.status, &answer.headers, &answer.text);
        providers.entry(vector.provider.clone()).or_insert_with(Vec::new).push(vector.is_valid());
        let events = tenant.get(&format!("/api/v1/events?source_id={}", made.id));
        // Xero tries out whether a bad signature is told from a good one.
        let is_intent = vector.provider == "xero" && vector.body.contains(r#""events":[]"#);
        let is_event = vector.is_valid() && vector.kind == "verify" && !is_intent;
        assert_eq!(events.json["data"].as_array().map(Vec::len), Some(usize::from(is_event)), "{}", vector.id);
    }
    assert!(providers.len() >= 73, "a vector that is not run proves nothing: {providers:?}");
}

#[test]
fn each_vector_comes_out_of_the_check_as_it_says() {
    let server = Server::new();
    let tenant = server.tenant("a");
    for vector in vectors() {
        let Some(made) = make(&tenant, &vector) else { continue };
        let asked = json!({
            "method": vector.method, "url": vector.url, "headers": vector.headers, "body": vector.body,
            "received_at": vector.moment(),
        });
        let found = tenant.post(&format!("/api/v1/sources/{}/check", made.id), asked);
        assert_eq!(found.status, 200, "{}: {found:?}", vector.id);
        assert_eq!(found.json["accepted"], vector.is_valid(), "{}: {found:?}", vector.id);
        let answer = &found.json["answer"];
        let headers: BTreeMap<String, String> = serde_json::from_value(answer["headers"].clone()).expect("headers");
        let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
        is_as_expected(&vector, status, &headers, answer["body"].as_str().expect("a body"));
        if let Some(secret) = vector.secret.as_deref().filter(|secret| secret.len() > 6) {
            assert!(!found.text.contains(secret), "{}: {found:?}", vector.id);
        }
    }
    for path in ["/api/v1/events", "/api/v1/requests"] {
        assert_eq!(tenant.get(path).json["data"], json!([]), "a check leaves nothing");
    }
}
