//! What verifying one request costs, for each preset that signs with a secret, with a body of 1 kB.
//!
//! `cargo bench -p postern-load --features criterion --bench verify`; `make bench` runs it with the rest.

use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderMap;
use postern_domain::{Secret, Timestamp};
use postern_signatures::{Presets, RawRequest, SourceScheme, sample};
use serde_json::Value;

const URL: &str = "https://in.example.com/in/0123456789abcdef";

/// JSON as providers send it, with the id behind the data, so that finding it costs what it can cost.
fn body() -> String {
    let filling = "0123456789abcdef".repeat(58);
    format!(r#"{{"data":{{"text":"{filling}"}},"type":"payment.received","event":"paid","id":"evt_1"}}"#)
}

/// With a secret that fits; none for schemes without one, or in code.
fn source(provider: &str, scheme: &str) -> Option<SourceScheme> {
    let secrets = ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", &"07".repeat(32)];
    secrets.into_iter().find_map(|text| {
        let credentials = vec![Secret::new(text.to_owned())];
        SourceScheme::parse(Presets::builtin(), Some(provider), Some(scheme), &Value::Null, credentials).ok()
    })
}

fn verify(criterion: &mut Criterion) {
    let (body, bare, now) = (body(), HeaderMap::new(), Timestamp::from_secs(1_700_000_000));
    let mut group = criterion.benchmark_group("verify 1 kB");
    for preset in Presets::builtin().all() {
        for scheme in &preset.schemes {
            let Some(source) = source(&preset.id, &scheme.id) else { continue };
            let request = RawRequest { method: "POST", url: URL, headers: &bare, body: body.as_bytes() };
            let Some(headers) = sample::sign(&source, &request, now) else { continue };
            let request = RawRequest { headers: &headers, ..request };
            assert!(source.hear(&request, now, &()).is_ok(), "{}/{}", preset.id, scheme.id);
            group.bench_function(format!("{}/{}", preset.id, scheme.id), |bencher| {
                bencher.iter(|| source.hear(&request, now, &()));
            });
        }
    }
    group.finish();
    verify_vectors(criterion);
}

/// The schemes in code that have a shared secret, on the collected vectors, whose bodies are shorter.
fn verify_vectors(criterion: &mut Criterion) {
    let text = include_str!("../../vectors/provider_vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let mut group = criterion.benchmark_group("verify a vector");
    for vector in vectors.iter().filter(|vector| vector["expect"] == "valid" && vector["kind"] == "verify") {
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let credentials = vec![Secret::new(text("secret").to_owned())];
        let (provider, scheme) = (Some(text("provider")), Some(text("scheme")));
        let source = SourceScheme::parse(Presets::builtin(), provider, scheme, &vector["config"], credentials);
        let Ok(source) = source else { continue };
        let bare = HeaderMap::new();
        let unsigned = RawRequest { method: "POST", url: URL, headers: &bare, body: b"" };
        if sample::sign(&source, &unsigned, Timestamp::from_secs(0)).is_some() {
            continue;
        }
        let given = vector["headers"].as_object().into_iter().flatten();
        let headers: HeaderMap = given
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.as_str()?.parse().ok()?)))
            .collect::<Vec<(http::HeaderName, http::HeaderValue)>>()
            .into_iter()
            .collect();
        let body = text("body").as_bytes();
        let request = RawRequest { method: text("method"), url: text("url"), headers: &headers, body };
        let now = Timestamp::from_secs(vector["timestamp_now"].as_i64().unwrap_or(0));
        assert!(source.hear(&request, now, &()).is_ok(), "{}", text("id"));
        group.bench_function(text("id"), |bencher| bencher.iter(|| source.hear(&request, now, &())));
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
