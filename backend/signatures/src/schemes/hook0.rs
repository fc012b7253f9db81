//! hook0, as Coinbase CDP uses it: `X-Hook0-Signature: t=<seconds>,h=<names>,v1=<hex>`, HMAC-SHA256.
//!
//! `v1` is over `{t}.{names}.{their values}.{body}`, `v0` over `{t}.{body}`. With a `v1` in the header the `v0` counts for
//! nothing: accepting it would be a downgrade.

use http::HeaderName;
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys, lower_hex},
    refusal::Refusal,
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::mismatch,
    window::{Unit, Window, tolerance_s},
};

const HEADER: &str = "x-hook0-signature";
/// Names the event, where it is signed.
const ID: HeaderName = HeaderName::from_static("x-event-id");
const MAX_PARTS: usize = 32;
const MAX_COVERED: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Hook0 {
    keys: Keys,
    window: Window,
}

impl Hook0 {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let keys = Keys::of_text(Algorithm::Sha256, &credentials.secrets)?;
        Ok(Self { keys, window: Window::new(Unit::Seconds, tolerance_s(fields)?) })
    }
}

/// The header, in parts.
struct Parts<'a> {
    timestamp: &'a str,
    covered: &'a str,
    v0: Option<&'a str>,
    v1: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Each part once: of two one would have to be believed. Unknown ones are of no concern.
    fn read(header: &'a str) -> Option<Self> {
        let entries: Vec<&str> = header.split(',').take(MAX_PARTS + 1).collect();
        let pairs = entries.iter().filter_map(|entry| entry.split_once('='));
        let pairs: Vec<(&str, &str)> = pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
        let values =
            |wanted: &'static str| pairs.iter().filter(move |(name, _)| *name == wanted).map(|(_, value)| *value);
        let once = ["t", "h", "v0", "v1"].into_iter().all(|name| values(name).count() <= 1);
        if entries.len() > MAX_PARTS || !once {
            return None;
        }
        let [v0, v1] = ["v0", "v1"].map(|name| values(name).next());
        let covered = values("h").next().unwrap_or_default();
        (v0.is_some() || v1.is_some()).then_some(())?;
        Some(Self { timestamp: values("t").next()?, covered, v0, v1 })
    }

    fn covered(&self) -> Option<Vec<HeaderName>> {
        if self.covered.is_empty() {
            return Some(Vec::new());
        }
        let names: Vec<&str> = self.covered.split(' ').take(MAX_COVERED + 1).collect();
        let read = |name: &&str| HeaderName::from_bytes(name.as_bytes()).ok();
        (names.len() <= MAX_COVERED).then(|| names.iter().map(read).collect()).flatten()
    }
}

impl Coded for Hook0 {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let header = request.required_text(HEADER)?;
        let form = || malformed(format!("header `{HEADER}` as t=<Unix seconds>,h=<names>,v1=<hex>, each part once"));
        let parts = Parts::read(header).ok_or_else(form)?;
        let covered = parts.covered().ok_or_else(form)?;
        let mut signed = vec![parts.timestamp.as_bytes(), b"."];
        let names = covered.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(" ");
        let mut values = Vec::new();
        for name in &covered {
            values.push(request.required(name.as_str())?);
        }
        let values = values.join(&b'.');
        self.window.check(HEADER, parts.timestamp, now)?;
        let signature = match parts.v1 {
            Some(v1) => {
                signed.extend([names.as_bytes(), b".", &values, b"."]);
                Some(v1)
            }
            None => parts.v0,
        };
        signed.push(request.body);
        let found = self.keys.find(&signed, std::iter::once(signature.and_then(lower_hex)));
        let what = if parts.v1.is_some() {
            "a `v1` signature over the headers that `h` names and the body"
        } else {
            "a `v0` signature over {t}.{body}"
        };
        let secret_index = found.ok_or_else(|| mismatch(what, self.keys.len()))?;
        // Without `v1` the names were covered by nothing.
        let signed_headers = if parts.v1.is_some() { covered } else { Vec::new() };
        let event_id =
            if signed_headers.contains(&ID) { request.single_text(ID.as_str())?.map(str::to_owned) } else { None };
        Ok(Proof::Shown(Shown {
            secret_index: Some(secret_index),
            covers_body: true,
            signed_headers,
            event_id,
            ..Shown::default()
        }))
    }
}
