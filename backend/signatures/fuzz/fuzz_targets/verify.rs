//! Any request, to any preset: the first byte chooses the scheme, lines up to an empty one are headers, the rest is the body.

#![no_main]

use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use postern_domain::{Secret, Timestamp};
use postern_signatures::{Credentials, Presets, RawRequest, SourceScheme};
use serde_json::Value;

fn sources() -> &'static [SourceScheme] {
    static SOURCES: OnceLock<Vec<SourceScheme>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let presets = Presets::builtin();
        let all = presets.all().flat_map(|preset| preset.schemes.iter().map(move |scheme| (preset, scheme)));
        all.filter_map(|(preset, scheme)| {
            let secrets = ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", &"07".repeat(32), "user:password"];
            let some = secrets.map(|text| Credentials::from(vec![Secret::new(text.to_owned())]));
            some.into_iter().chain([Credentials::default()]).find_map(|credentials| {
                SourceScheme::parse(presets, Some(&preset.id), Some(&scheme.id), &Value::Null, credentials).ok()
            })
        })
        .collect()
    })
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
    let url = "https://in.example.com/in/a?challenge=b";
    let request = RawRequest { method: "POST", url, headers: &headers, body: rest };
    let _ = sources[usize::from(*first) % sources.len()].examine(&request, Timestamp::from_secs(1_700_000_000), &());
});
