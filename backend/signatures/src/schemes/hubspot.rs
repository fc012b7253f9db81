//! HubSpot, version 3: `X-HubSpot-Signature-v3: <base64>`, HMAC-SHA256 over `{method}{URL}{body}{milliseconds}`.
//!
//! Of the URL some escapes are decoded first, and only those. Nothing stands between the four parts, but the method and the
//! URL are given, and the time has always the same length.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::mismatch,
    window::{Unit, Window, tolerance_s},
};

const SIGNATURE: &str = "x-hubspot-signature-v3";
const TIMESTAMP: &str = "x-hubspot-request-timestamp";

/// What HubSpot decodes before it signs, and no more.
const DECODED: [(&str, char); 12] = [
    ("%3A", ':'),
    ("%2F", '/'),
    ("%3F", '?'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

#[derive(Clone, Debug)]
pub(crate) struct HubSpotV3 {
    keys: Keys,
    window: Window,
}

impl HubSpotV3 {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let keys = Keys::of_text(Algorithm::Sha256, &credentials.secrets)?;
        Ok(Self { keys, window: Window::new(Unit::Milliseconds, tolerance_s(fields)?) })
    }
}

impl Coded for HubSpotV3 {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = STANDARD.decode(request.required_text(SIGNATURE)?).ok();
        let timestamp = request.required_text(TIMESTAMP)?;
        self.window.check(TIMESTAMP, timestamp, now)?;
        let url = decoded(request.url);
        let parts = [request.method.as_bytes(), url.as_bytes(), request.body, timestamp.as_bytes()];
        let found = self.keys.find(&parts, std::iter::once(signature));
        let what = "an HMAC over {method}{URL}{body}{timestamp}";
        let secret_index = found.ok_or_else(|| mismatch(what, self.keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body: true, ..Shown::default() }))
    }
}

/// Decodes once, from left to right: `%253A` stays.
fn decoded(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(place) = rest.find('%') {
        out.push_str(&rest[..place]);
        rest = &rest[place..];
        let known = DECODED.iter().find(|(written, _)| rest.starts_with(written));
        match known {
            Some((written, letter)) => {
                out.push(*letter);
                rest = &rest[written.len()..];
            }
            None => {
                out.push('%');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}
