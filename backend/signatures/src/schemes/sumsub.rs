//! Sumsub: `X-Payload-Digest: <hex>`, an HMAC over the body, with the hash that `X-Payload-Digest-Alg` names.
//!
//! Of that header only three words are believed; a source may say which one it is, and then no other is.

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
};

const HEADER: &str = "x-payload-digest";
const ALGORITHM: &str = "x-payload-digest-alg";
const NAMES: [(&str, Algorithm); 3] = [
    ("HMAC_SHA256_HEX", Algorithm::Sha256),
    ("HMAC_SHA512_HEX", Algorithm::Sha512),
    ("HMAC_SHA1_HEX", Algorithm::Sha1),
];

#[derive(Clone, Debug)]
pub(crate) struct Sumsub {
    keys: Vec<(Algorithm, Keys)>,
    pinned: Option<Algorithm>,
}

impl Sumsub {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let pinned = fields.choice("algorithm", &NAMES)?;
        let allowed = NAMES.into_iter().map(|(_, algorithm)| algorithm);
        let allowed = allowed.filter(|algorithm| pinned.is_none_or(|pinned| pinned == *algorithm));
        let keys = allowed.map(|algorithm| Ok((algorithm, Keys::of_text(algorithm, &credentials.secrets)?)));
        Ok(Self { keys: keys.collect::<Result<_, Invalid>>()?, pinned })
    }

    /// A source that pins one takes a request that names none at its word.
    fn keys(&self, told: Option<&str>) -> Option<&Keys> {
        let told = told.map(|told| NAMES.iter().find(|(name, _)| *name == told).map(|(_, algorithm)| *algorithm));
        let algorithm = told.unwrap_or(self.pinned)?;
        self.keys.iter().find(|(known, _)| *known == algorithm).map(|(_, keys)| keys)
    }
}

impl Coded for Sumsub {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = lower_hex(request.required_text(HEADER)?);
        let keys = self.keys(request.single_text(ALGORITHM)?).ok_or_else(|| {
            let allowed = NAMES.iter().filter(|(_, algorithm)| self.keys.iter().any(|(known, _)| known == algorithm));
            let allowed: Vec<&str> = allowed.map(|(name, _)| *name).collect();
            malformed(format!("header `{ALGORITHM}` as {}", allowed.join(" or ")))
        })?;
        let found = keys.find(&[request.body], std::iter::once(signature));
        let what = format!("an HMAC over the body in header `{HEADER}`");
        let secret_index = found.ok_or_else(|| mismatch(&what, keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body: true, ..Shown::default() }))
    }
}
