//! Standard Webhooks: `webhook-signature: v1,<base64>[ v1,<base64>]`, HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! The key is what the secret's base64 stands for. Versions other than `v1` are skipped, so a sender may list newer
//! ones beside it; alone they prove nothing here.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderName;
use postern_domain::{Invalid, Secret, Timestamp};

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

#[derive(Clone, Debug)]
pub(crate) struct StandardWebhooks {
    keys: Keys,
    window: Window,
}

impl StandardWebhooks {
    pub(crate) fn parse(fields: &mut Fields<'_>, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let keys = Keys::derive(Algorithm::Sha256, secrets, key_bytes)?;
        Ok(Self { keys, window: Window::new(Unit::Seconds, tolerance_s(fields)?) })
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
        let found = self.keys.find(&parts, signatures);
        found.ok_or_else(|| mismatch("a `v1` signature over {id}.{timestamp}.{body}", self.keys.len()))
    }
}

fn key_bytes(text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
    let bytes = whsec::decode(text).filter(|bytes| (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&bytes.expose().len()));
    bytes.ok_or_else(|| {
        let detail =
            format!("must be base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, `whsec_` may stand before it");
        Invalid::new("secrets", detail)
    })
}
