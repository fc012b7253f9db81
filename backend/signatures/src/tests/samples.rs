//! Each preset that signs with a secret takes what it would sign itself, whatever the body, and nothing near to it.

use super::*;
use crate::{Preset, PresetScheme, sample};

const BODY: &str = r#"{"id":"evt_1","type":"payment.received","data":{"id":7}}"#;

/// Whose time is signed, but may be of any age until somebody configures one.
const OF_ANY_AGE: [&str; 1] = ["crisp/crisp"];

/// A source of each scheme whose requests can be made here.
fn sources() -> Vec<(String, SourceScheme)> {
    let all = Presets::builtin().all().flat_map(|preset| preset.schemes.iter().map(move |scheme| (preset, scheme)));
    let made =
        all.filter_map(|(preset, scheme)| Some((format!("{}/{}", preset.id, scheme.id), source(preset, scheme)?)));
    let headers = HeaderMap::new();
    let request = RawRequest { method: "POST", url: "https://in.example.com/in/a", headers: &headers, body: b"" };
    made.filter(|(_, source)| sample::sign(source, &request, Timestamp::from_secs(NOW_S)).is_some()).collect()
}

fn source(preset: &Preset, scheme: &PresetScheme) -> Option<SourceScheme> {
    let (provider, name) = (Some(preset.id.as_str()), Some(scheme.id.as_str()));
    let texts = [base64(&[7; 32]), hex::encode([7; 32]), "user:password".to_owned()];
    texts
        .iter()
        .find_map(|text| SourceScheme::parse(Presets::builtin(), provider, name, &Value::Null, secrets(&[text])).ok())
}

fn signed(source: &SourceScheme, body: &str) -> Sample {
    let mut sample = Sample::new(source.clone(), &[("content-type", "application/json")], body);
    let now = sample.now;
    sample.headers = sample::sign(source, &sample.request(), now).expect("signed");
    sample
}

#[test]
fn what_a_sender_signs_is_taken_and_a_changed_bit_of_it_is_not() {
    let sources = sources();
    assert!(sources.len() > 60, "{}", sources.len());
    for (id, source) in sources {
        let sample = signed(&source, BODY);
        let verified = sample.verify().unwrap_or_else(|refusal| panic!("{id}: {refusal}"));
        assert_eq!(verified.secret_index, Some(0), "{id}");
        for place in 0..BODY.len() {
            let mut altered = BODY.as_bytes().to_vec();
            altered[place] ^= 1 << (place % 8);
            assert!(sample.with_body(altered).verify().is_err(), "{id}: byte {place}");
        }
        assert!(sample.with_body("").verify().is_err(), "{id}");
        let late = sample.at(NOW_S + 86_401).verify();
        let examined = source.examine(&sample.request(), sample.now, &());
        let is_dated = examined.steps.iter().any(|step| step.name == "timestamp");
        assert_eq!(late.is_err(), is_dated && !OF_ANY_AGE.contains(&&*id), "{id}");
    }
}

#[test]
fn a_second_secret_keeps_the_first_one_s_requests_coming() {
    for preset in Presets::builtin().all() {
        for scheme in &preset.schemes {
            let (provider, name) = (Some(preset.id.as_str()), Some(scheme.id.as_str()));
            let parse = |texts: &[&str]| {
                SourceScheme::parse(Presets::builtin(), provider, name, &Value::Null, secrets(texts)).ok()
            };
            let (old, new) = (base64(&[7; 32]), base64(&[8; 32]));
            let (Some(before), Some(both)) = (parse(&[&old]), parse(&[&new, &old])) else { continue };
            let headers = HeaderMap::new();
            let request =
                RawRequest { method: "POST", url: "https://a.example/", headers: &headers, body: BODY.as_bytes() };
            let now = Timestamp::from_secs(NOW_S);
            let Some(signed) = sample::sign(&before, &request, now) else { continue };
            let heard = both.hear(&RawRequest { headers: &signed, ..request }, now, &());
            let Ok(Heard::Event(event)) = heard else { panic!("{}/{}: {heard:?}", preset.id, scheme.id) };
            assert_eq!(event.secret_index, Some(1), "{}/{}", preset.id, scheme.id);
        }
    }
}
