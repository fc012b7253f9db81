//! One bit anywhere in what a provider's signature covers, and the request is refused. Where it covers less than the body,
//! the preset says so.

use http::{HeaderMap, HeaderValue};

use super::providers::{Vector, vectors};
use crate::{Heard, Presets, SourceScheme, Trust};

/// Those that are to become events.
fn valid() -> impl Iterator<Item = (Vector, SourceScheme)> {
    let events = vectors().into_iter().filter(|vector| vector.expect == "valid" && vector.kind == "verify");
    events.filter_map(|vector| vector.source().map(|source| (vector, source)))
}

/// Each single-bit change; of a key that is slow to check with one bit of each byte.
fn flips(bytes: &[u8], is_slow: bool) -> Vec<Vec<u8>> {
    let bits = (0..bytes.len() * 8).filter(|bit| !is_slow || bit % 8 == bit / 8 % 8);
    bits.map(|bit| {
        let mut altered = bytes.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        altered
    })
    .collect()
}

/// Public keys take a thousand times as long as an HMAC.
fn is_slow(vector: &Vector) -> bool {
    vector.secret.is_none()
}

/// What the provider's signature leaves out of the body, so that it may change unnoticed.
fn covers_body(source: &SourceScheme) -> bool {
    source.trust() < Trust::C
}

#[test]
fn every_changed_bit_of_a_signed_body_is_refused() {
    for (vector, source) in valid() {
        let headers = vector.header_map();
        let taken = |body: &[u8]| vector.hear(&source, &headers, body).is_ok();
        let mut altered = flips(vector.body.as_bytes(), is_slow(&vector));
        altered.push(format!("{} ", vector.body).into_bytes());
        let passed = altered.iter().filter(|body| taken(body) && !vector.says_the_same(body)).count();
        if covers_body(&source) {
            assert_eq!(passed, 0, "{}", vector.id);
        } else {
            let preset = Presets::builtin().find(&vector.provider).expect("a preset");
            let scheme = preset.scheme(Some(&vector.scheme)).expect("a scheme");
            assert!(scheme.leaves_out.to_lowercase().contains("body") || scheme.trust == Trust::C, "{}", vector.id);
            assert!(passed > 0 || scheme.trust == Trust::C, "{} covers more than it says", vector.id);
        }
    }
}

/// A header is signed, or is the signature, when leaving it out is noticed.
fn matters(vector: &Vector, source: &SourceScheme, name: &str) -> bool {
    let mut without = vector.header_map();
    without.remove(name);
    vector.hear(source, &without, vector.body.as_bytes()).is_err()
}

fn with(headers: &HeaderMap, name: &str, value: &[u8]) -> Option<HeaderMap> {
    let mut altered = headers.clone();
    altered.insert(super::header_name(name), HeaderValue::from_bytes(value).ok()?);
    Some(altered)
}

fn parts(header: &str) -> impl Iterator<Item = &str> {
    header.split([',', ';', ' ']).filter(|part| !part.is_empty())
}

/// Each with its key; in lists of Standard Webhooks the key stands apart.
fn signatures(header: &str) -> impl Iterator<Item = &str> {
    parts(header).filter(|part| part.len() > 30)
}

/// Parts of a header that nobody signs, and encodings with the same value.
fn may_pass(vector: &Vector, name: &str, altered: &str) -> bool {
    let original = vector.headers.get(name).map_or("", String::as_str);
    match vector.provider.as_str() {
        // Of several signatures one is enough: the others may be anything, the time may not.
        _ if signatures(original).count() > 1 => {
            let times = |text: &str| {
                parts(text)
                    .filter(|part| part.starts_with("t=") || part.starts_with("ts="))
                    .map(str::to_owned)
                    .collect()
            };
            let (before, after): (Vec<String>, Vec<String>) = (times(original), times(altered));
            let kept = signatures(original).any(|one| parts(altered).any(|other| other == one));
            before == after && kept
        }
        "veriff" => altered.eq_ignore_ascii_case(original),
        // Twilio's and Mailgun's bodies are read as what they say they are.
        _ if name.eq_ignore_ascii_case("content-type") => altered.eq_ignore_ascii_case(original),
        // The names of headers may be written in any case, and beside the newer code the older one counts for nothing.
        "coinbase-cdp" => altered.eq_ignore_ascii_case(original) || original.contains("v0="),
        // The name of the scheme may be written in any case.
        "postmark" | "chargebee" => altered.eq_ignore_ascii_case(original) && altered[6..] == original[6..],
        _ => false,
    }
}

#[test]
fn every_changed_bit_of_a_signed_header_is_refused() {
    for (vector, source) in valid() {
        let headers = vector.header_map();
        for (name, value) in &vector.headers {
            if !matters(&vector, &source, name) {
                continue;
            }
            for altered in flips(value.as_bytes(), is_slow(&vector)) {
                let text = String::from_utf8_lossy(&altered).into_owned();
                let Some(changed) = with(&headers, name, &altered) else { continue };
                let heard = vector.hear(&source, &changed, vector.body.as_bytes());
                assert!(heard.is_err() || may_pass(&vector, name, &text), "{} {name}: {text}", vector.id);
            }
        }
    }
}

#[test]
fn every_changed_bit_of_a_signed_address_is_refused() {
    for (vector, source) in valid() {
        let preset = Presets::builtin().find(&vector.provider).expect("a preset");
        if !preset.scheme(Some(&vector.scheme)).expect("a scheme").needs_public_url {
            continue;
        }
        for altered in flips(vector.url.as_bytes(), false) {
            let Ok(url) = String::from_utf8(altered) else { continue };
            // Twilio signs with the port or without it: one that it left out may be any.
            if vector.provider == "twilio" && without_port(&url) == without_port(&vector.url) {
                continue;
            }
            let altered = Vector { url, ..vector.clone() };
            let heard = altered.hear(&source, &vector.header_map(), vector.body.as_bytes());
            assert!(heard.is_err(), "{}: {}", vector.id, altered.url);
        }
    }
}

fn without_port(url: &str) -> Option<(String, String)> {
    let uri: http::Uri = url.parse().ok()?;
    Some((uri.host()?.to_owned(), uri.path_and_query()?.to_string()))
}

#[test]
fn an_id_that_is_said_to_be_signed_cannot_be_changed() {
    for (vector, source) in valid() {
        let headers = vector.header_map();
        let Ok(Heard::Event(event)) = vector.hear(&source, &headers, vector.body.as_bytes()) else { continue };
        let Some(id) = event.event_id.filter(|_| event.id_is_signed) else { continue };
        for name in vector.headers.keys() {
            let altered = with(&headers, name, b"1").expect("a value");
            if let Ok(Heard::Event(event)) = vector.hear(&source, &altered, vector.body.as_bytes()) {
                let now = event.event_id.filter(|_| event.id_is_signed);
                assert!(now.is_none_or(|now| now == id), "{} {name}", vector.id);
            }
        }
    }
}
