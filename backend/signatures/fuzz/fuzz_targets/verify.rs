//! Any request, to any preset: the first byte chooses the scheme, lines up to an empty one are headers, the rest is the body.
//! What a scheme would fetch is that body as well.

#![no_main]

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use postern_domain::{Secret, Timestamp};
use postern_signatures::{Credentials, Keyring, Presets, RawRequest, SourceScheme};
use serde_json::{Value, json};

fn sources() -> &'static [SourceScheme] {
    static SOURCES: OnceLock<Vec<SourceScheme>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let presets = Presets::builtin();
        let all = presets.all().flat_map(|preset| preset.schemes.iter().map(move |scheme| (preset, scheme)));
        all.filter_map(|(preset, scheme)| {
            let secrets = ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", &"07".repeat(32), "user:password"];
            let some = secrets.map(|text| Credentials::from(vec![Secret::new(text.to_owned())]));
            let fetched =
                Credentials { secrets: Vec::new(), public_keys: vec!["https://keys.example.com/".to_owned()] };
            let credentials: Vec<Credentials> =
                [fetched].into_iter().chain(some).chain([Credentials::default()]).collect();
            configs().into_iter().find_map(|config| {
                credentials.iter().find_map(|credentials| {
                    let (provider, scheme) = (Some(preset.id.as_str()), Some(scheme.id.as_str()));
                    SourceScheme::parse(presets, provider, scheme, &config, credentials.clone()).ok()
                })
            })
        })
        .collect()
    })
}

/// What some schemes cannot do without.
fn configs() -> [Value; 4] {
    [
        Value::Null,
        json!({ "webhook_id": "W1" }),
        json!({ "app_id": "a" }),
        json!({ "topic_arn": "arn:aws:sns:us-east-1:123456789012:orders" }),
    ]
}

/// Whatever is asked for is this.
struct Answer<'a>(&'a [u8]);

impl Keyring for Answer<'_> {
    fn find(&self, _: &str) -> Option<Arc<Vec<u8>>> {
        Some(Arc::new(self.0.to_vec()))
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, mut rest)) = data.split_first() else { return };
    let mut headers = HeaderMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(&line[colon + 1..]);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let sources = sources();
    let url = "https://in.example.com/in/a?challenge=b&sig=00";
    let request = RawRequest { method: "POST", url, headers: &headers, body: rest };
    let now = Timestamp::from_secs(1_700_000_000);
    let _ = sources[usize::from(*first) % sources.len()].examine(&request, now, &Answer(rest));
});
