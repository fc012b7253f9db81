//! Requests made by chance: nothing panics, and nothing passes in which a signed byte was changed.
//!
//! POSTERN_CHANCE_S says for how many seconds in all; the seed of a run is told when it fails.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use postern_domain::{Secret, Timestamp};
use serde_json::Value;

use super::providers::{Vector, vectors};
use crate::{Credentials, Heard, Presets, RawRequest, SourceScheme, Trust};

const DEFAULT_S: u64 = 60;

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).expect("small")).expect("small")
    }

    fn pick<'p, T>(&mut self, all: &'p [T]) -> &'p T {
        &all[self.below(all.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let count = self.below(most + 1);
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

const PIECES: [&str; 24] = [
    "t=",
    "v1=",
    "v0=",
    "h1=",
    "ts=",
    ",",
    ";",
    " ",
    "=",
    "1700000000",
    "1700000000000",
    "2023-11-15T00:13:20Z",
    "sha256=",
    "sha1=",
    "v1,",
    "v1a,",
    "Bearer ",
    "Basic ",
    "AAAA",
    "deadbeef",
    "e30.e30.",
    "&",
    "%",
    "{\"id\":",
];

/// A header's value: pieces that mean something, and some that mean nothing.
fn value(chance: &mut Chance) -> HeaderValue {
    let mut bytes = Vec::new();
    for _ in 0..chance.below(8) {
        match chance.below(4) {
            0 => bytes.extend(chance.bytes(12)),
            _ => bytes.extend(chance.pick(&PIECES).as_bytes()),
        }
    }
    HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static("t=1,v1="))
}

fn run(seed: u64, deadline: Instant, one: impl Fn(&mut Chance)) {
    let mut chance = Chance(seed);
    loop {
        one(&mut chance);
        if Instant::now() >= deadline {
            return;
        }
    }
}

/// A third of the time for each test, or what was asked for.
fn share() -> Duration {
    Duration::from_secs(asked("POSTERN_CHANCE_S").unwrap_or(DEFAULT_S)) / 3
}

#[expect(clippy::print_stderr, reason = "who repeats a run that failed needs to know its seed")]
fn seed() -> u64 {
    let seed = asked("POSTERN_CHANCE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("POSTERN_CHANCE_SEED={seed}");
    seed
}

#[expect(clippy::disallowed_methods, reason = "only who runs the tests knows how long they may take")]
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// One source of each scheme that takes some credentials of ours.
fn sources() -> Vec<SourceScheme> {
    let own = vectors().into_iter().filter_map(|vector| vector.source());
    let secret = |text: &str| Credentials::from(vec![Secret::new(text.to_owned())]);
    let rest = Presets::builtin().all().flat_map(|preset| {
        preset.schemes.iter().filter_map(|scheme| {
            [secret(super::WHSEC), secret("user:password"), secret(&"ab".repeat(32)), Credentials::default()]
                .into_iter()
                .find_map(|credentials| {
                    let (provider, scheme) = (Some(preset.id.as_str()), Some(scheme.id.as_str()));
                    SourceScheme::parse(Presets::builtin(), provider, scheme, &Value::Null, credentials).ok()
                })
        })
    });
    own.chain(rest).collect()
}

#[test]
fn no_request_whatever_makes_a_scheme_panic() {
    let sources = sources();
    assert!(sources.len() > 200, "{}", sources.len());
    let known: Vec<HeaderName> =
        vectors().iter().flat_map(|vector| vector.headers.keys().map(|name| super::header_name(name))).collect();
    let bodies: Vec<Vec<u8>> = vectors().into_iter().map(|vector| vector.body.into_bytes()).collect();
    run(seed(), Instant::now() + share(), |chance| {
        let mut headers = HeaderMap::new();
        for _ in 0..chance.below(6) {
            headers.append(chance.pick(&known).clone(), value(chance));
        }
        let body = if chance.below(2) == 0 { chance.bytes(60) } else { chance.pick(&bodies).clone() };
        let query = String::from_utf8_lossy(&chance.bytes(20)).into_owned();
        let url = format!("https://in.example.com/in/x?{query}");
        let method = *chance.pick(&["GET", "POST", "HEAD", "OPTIONS", "PUT"]);
        let request = RawRequest { method, url: &url, headers: &headers, body: &body };
        for source in &sources {
            let _ = source.examine(&request, Timestamp::from_secs(1_700_000_000), &());
        }
    });
}

/// Cuts, doubles, moves or changes some bytes.
fn alter(chance: &mut Chance, bytes: &[u8]) -> Vec<u8> {
    let mut altered = bytes.to_vec();
    let place = chance.below(altered.len());
    match chance.below(4) {
        0 if !altered.is_empty() => altered[place] ^= 1 << chance.below(8),
        1 => drop(altered.drain(place..(place + chance.below(4)).min(bytes.len()))),
        2 => altered.splice(place..place, chance.bytes(4)).for_each(drop),
        _ => altered.truncate(place),
    }
    altered
}

/// Those with a signature over the whole body.
fn signed() -> Vec<(Vector, SourceScheme)> {
    let valid = vectors().into_iter().filter(|vector| vector.expect == "valid" && vector.kind == "verify");
    let sources = valid.filter_map(|vector| vector.source().map(|source| (vector, source)));
    sources.filter(|(_, source)| source.trust() < Trust::C).collect()
}

#[test]
fn no_changed_body_passes() {
    let all = signed();
    run(seed(), Instant::now() + share(), |chance| {
        let (vector, source) = chance.pick(&all);
        let altered = alter(chance, vector.body.as_bytes());
        let heard = vector.hear(source, &vector.header_map(), &altered);
        let is_same = altered == vector.body.as_bytes() || vector.says_the_same(&altered);
        assert!(heard.is_err() || is_same, "{}: {altered:?}", vector.id);
    });
}

#[test]
fn bytes_cannot_be_moved_between_a_signed_header_and_the_body() {
    let all = signed();
    run(seed(), Instant::now() + share(), |chance| {
        let (vector, source) = chance.pick(&all);
        let names: Vec<&String> = vector.headers.keys().collect();
        if names.is_empty() {
            return;
        }
        let name = *chance.pick(&names);
        let value = &vector.headers[name];
        let mut headers = vector.header_map();
        let cut = chance.below(value.len());
        let (kept, moved) = value.split_at_checked(cut).unwrap_or((value, ""));
        let (body, kept) = match chance.below(2) {
            0 => (format!("{moved}{}", vector.body), kept.to_owned()),
            _ => {
                let cut = (0..=vector.body.len().min(9)).rev().find(|cut| vector.body.is_char_boundary(*cut));
                let (head, tail) = vector.body.split_at(cut.unwrap_or(0));
                (tail.to_owned(), format!("{value}{head}"))
            }
        };
        let Ok(value) = HeaderValue::from_str(&kept) else { return };
        headers.insert(super::header_name(name), value);
        let heard = vector.hear(source, &headers, body.as_bytes());
        assert!(!matches!(heard, Ok(Heard::Event(_))) || body == vector.body, "{} {name}: {body}", vector.id);
    });
}
