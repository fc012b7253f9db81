//! What the crate promises, told by behaviour. The harness is a request that owns its parts and can be altered.

mod chance;
mod coded;
mod configuration;
mod coverage;
mod dedup;
mod generic;
mod greetings;
mod names;
mod naming;
mod outgoing;
mod presets;
mod providers;
mod refusals;
mod samples;
mod tampering;
mod tokens;
mod vectors;

use http::{HeaderMap, HeaderName, HeaderValue};
use postern_domain::{Secret, Timestamp};
use serde_json::{Value, json};

use crate::{
    Heard, Presets, RawRequest, Refusal, RefusalCause, SourceScheme, Verified,
    mac::{Algorithm, Key},
};

const NOW_S: i64 = 1_700_000_000;
const SECRET: &str = "a secret of some length";
const WHSEC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A request with the scheme that is to judge it.
#[derive(Clone)]
struct Sample {
    scheme: SourceScheme,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    now: Timestamp,
}

impl Sample {
    fn new(scheme: SourceScheme, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(header_name(name), HeaderValue::from_str(value).expect("a header value"));
        }
        let now = Timestamp::from_secs(NOW_S);
        Self { scheme, url: "https://in.example.com/in/abc?x=1".to_owned(), headers: map, body: body.into(), now }
    }

    fn request(&self) -> RawRequest<'_> {
        RawRequest { method: "POST", url: &self.url, headers: &self.headers, body: &self.body }
    }

    fn verify(&self) -> Result<Verified, Refusal> {
        match self.scheme.hear(&self.request(), self.now, &())? {
            Heard::Event(verified) => Ok(verified),
            other => panic!("no event: {other:?}"),
        }
    }

    fn cause(&self) -> RefusalCause {
        self.verify().expect_err("a refusal").cause
    }

    /// The same, with a header replaced; `None` when such a value cannot stand in a header at all.
    fn with_header(&self, name: &str, value: &[u8]) -> Option<Self> {
        let mut altered = self.clone();
        altered.headers.insert(header_name(name), HeaderValue::from_bytes(value).ok()?);
        Some(altered)
    }

    fn with(&self, name: &str, value: &str) -> Self {
        self.with_header(name, value.as_bytes()).expect("a header value")
    }

    fn with_second(&self, name: &str, value: &str) -> Self {
        let mut altered = self.clone();
        altered.headers.append(header_name(name), HeaderValue::from_str(value).expect("a header value"));
        altered
    }

    fn without(&self, name: &str) -> Self {
        let mut altered = self.clone();
        altered.headers.remove(name).expect("was there");
        altered
    }

    fn at(&self, now_s: i64) -> Self {
        Self { now: Timestamp::from_secs(now_s), ..self.clone() }
    }

    fn with_body(&self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.clone() }
    }
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a header name")
}

fn secrets(texts: &[&str]) -> Vec<Secret<String>> {
    texts.iter().map(|text| Secret::new((*text).to_owned())).collect()
}

fn scheme(name: &str, config: &Value, texts: &[&str]) -> SourceScheme {
    SourceScheme::parse(Presets::builtin(), None, Some(name), config, secrets(texts)).expect("a valid scheme")
}

fn hmac(algorithm: Algorithm, key: &[u8], parts: &[&str]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Key::new(algorithm, key).expect("a key").mac(&parts)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn stripe_signature(secret: &str, timestamp: &str, body: &str) -> String {
    hex::encode(hmac(Algorithm::Sha256, secret.as_bytes(), &[timestamp, ".", body]))
}

const STRIPE_BODY: &str = r#"{"id":"evt_1","object":"event","type":"charge.failed"}"#;

/// A valid request by Stripe's scheme, signed at `timestamp`.
fn stripe(timestamp: &str) -> Sample {
    let header = format!("t={timestamp},v1={}", stripe_signature(SECRET, timestamp, STRIPE_BODY));
    Sample::new(scheme("stripe", &json!({}), &[SECRET]), &[("Stripe-Signature", &header)], STRIPE_BODY)
}

/// A valid request by GitHub's scheme.
fn github() -> Sample {
    let body = r#"{"action":"opened","number":1}"#;
    let signature = format!("sha256={}", hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[body])));
    let headers =
        [("X-Hub-Signature-256", signature.as_str()), ("X-GitHub-Delivery", "d-1"), ("X-GitHub-Event", "issues")];
    Sample::new(scheme("github", &json!({}), &[SECRET]), &headers, body)
}

const STANDARD_BODY: &str = r#"{"type":"user.created","data":{}}"#;

fn standard_signature(id: &str, timestamp: &str, body: &str) -> String {
    let key = crate::whsec::decode(WHSEC).expect("base64");
    base64(&hmac(Algorithm::Sha256, key.expose(), &[id, ".", timestamp, ".", body]))
}

/// A valid request by Standard Webhooks, signed at `timestamp`.
fn standard(id: &str, timestamp: &str) -> Sample {
    let signature = format!("v1,{}", standard_signature(id, timestamp, STANDARD_BODY));
    let headers = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", &signature)];
    Sample::new(scheme("standard-webhooks", &json!({}), &[WHSEC]), &headers, STANDARD_BODY)
}

/// A valid request by a configured HMAC that signs all there is to sign.
fn generic(timestamp: &str) -> Sample {
    let config = json!({"header": "X-Sig", "algorithm": "sha512", "prefix": "v0=",
        "template": "{method}:{url}:{id}:{timestamp}:{body}", "timestamp_header": "X-Time", "id_header": "X-Id"});
    let mut sample = Sample::new(scheme("hmac", &config, &[SECRET]), &[("X-Time", timestamp), ("X-Id", "n1")], "hello");
    let parts = ["POST:", &sample.url, ":n1:", timestamp, ":hello"];
    let signature = format!("v0={}", hex::encode(hmac(Algorithm::Sha512, SECRET.as_bytes(), &parts)));
    sample = sample.with("X-Sig", &signature);
    sample
}
