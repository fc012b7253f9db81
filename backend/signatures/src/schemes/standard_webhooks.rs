//! Standard Webhooks: `webhook-signature: v1,<base64>[ v1,<base64>]`, HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! The key is what the secret's base64 stands for. A sender may sign with a private key instead or beside it: `v1a,<base64>`
//! is Ed25519 over the same text, under a public key that the tenant was given as `whpk_<base64>`. A version for which the
//! source has no key proves nothing, and other versions are skipped.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use http::HeaderName;
use postern_domain::{Invalid, Secret, Timestamp, source::MAX_SECRETS};

use crate::{
    fields::Fields,
    mac::{Algorithm, Keys},
    naming::{Naming, Place, body},
    refusal::Refusal,
    request::{RawRequest, malformed},
    schemes::mismatch,
    whsec,
    window::{Unit, Window, tolerance_s},
};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
/// The standard recommends 24, but it is the sender who chooses, and some choose fewer.
const MIN_KEY_BYTES: usize = 8;
const MAX_KEY_BYTES: usize = 64;
/// Checking one costs some 50 µs; a sender lists one, or two while it changes keys.
const MAX_PUBLIC_SIGNATURES: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct StandardWebhooks {
    keys: Keys,
    public_keys: Vec<VerifyingKey>,
    window: Window,
}

impl StandardWebhooks {
    pub(crate) fn parse(
        fields: &mut Fields<'_>,
        secrets: &[Secret<String>],
        public_keys: &[String],
    ) -> Result<Self, Invalid> {
        let keys = Keys::derive(Algorithm::Sha256, secrets, key_bytes)?;
        if public_keys.len() > MAX_SECRETS {
            return Err(Invalid::new("public_keys", format!("may have at most {MAX_SECRETS} entries")));
        }
        let public_keys = public_keys.iter().map(|text| public_key(text)).collect::<Result<_, _>>()?;
        Ok(Self { keys, public_keys, window: Window::new(Unit::Seconds, tolerance_s(fields)?) })
    }

    pub(crate) fn naming() -> Naming {
        Naming::new(vec![Place::Header(HeaderName::from_static(ID))], vec![body("type")])
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<usize, Refusal> {
        let id = request.required_text(ID)?;
        let timestamp = request.required_text(TIMESTAMP)?;
        let header = request.required_text(SIGNATURE)?;
        // A dot would let one signed text be cut into id, timestamp and body in two ways.
        if id.is_empty() || id.contains('.') {
            return Err(malformed(format!("header `{ID}` not empty and without `.`")));
        }
        self.window.check(TIMESTAMP, timestamp, now)?;
        let signatures = header.split(' ').filter_map(|entry| entry.strip_prefix("v1,"));
        let signatures = signatures.map(|text| STANDARD.decode(text).ok());
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body];
        let found = self.keys.find(&parts, signatures).or_else(|| self.find_public(header, &parts.concat()));
        let count = self.keys.len() + self.public_keys.len();
        found.ok_or_else(|| mismatch("a `v1` or `v1a` signature over {id}.{timestamp}.{body}", count))
    }

    /// Which public key fits, counted on after the secrets.
    fn find_public(&self, header: &str, signed: &[u8]) -> Option<usize> {
        if self.public_keys.is_empty() {
            return None;
        }
        let entries = header.split(' ').filter_map(|entry| entry.strip_prefix("v1a,")).take(MAX_PUBLIC_SIGNATURES);
        let signatures = entries.filter_map(|text| Signature::from_slice(&STANDARD.decode(text).ok()?).ok());
        let found = signatures
            .filter_map(|signature| {
                self.public_keys.iter().position(|key| key.verify_strict(signed, &signature).is_ok())
            })
            .next();
        found.map(|place| self.keys.len() + place)
    }
}

fn public_key(text: &str) -> Result<VerifyingKey, Invalid> {
    let bytes = STANDARD.decode(text.strip_prefix("whpk_").unwrap_or(text)).ok();
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).filter(|key| !key.is_weak());
    key.ok_or_else(|| {
        Invalid::new("public_keys", "must each be `whpk_` and base64 of an Ed25519 public key of 32 bytes")
    })
}

fn key_bytes(text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
    let bytes = whsec::decode(text).filter(|bytes| (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&bytes.expose().len()));
    bytes.ok_or_else(|| {
        let detail =
            format!("must be base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, `whsec_` may stand before it");
        Invalid::new("secrets", detail)
    })
}
