//! Standard Webhooks: `webhook-signature: v1,<base64>[ v1,<base64>]`, HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! The key is what the secret's base64 stands for. A sender may sign with a private key instead or beside it: `v1a,<base64>`
//! is Ed25519 over the same text, under a public key that the tenant was given as `whpk_<base64>`. A version for which the
//! source has no key proves nothing, and other versions are skipped.

use std::{ops::RangeInclusive, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use http::HeaderName;
use postern_domain::{Invalid, Secret, Timestamp};

use crate::{
    coded::Shown,
    fields::{Fields, invalid},
    mac::{Algorithm, Keys},
    refusal::Refusal,
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::{
        keys::{self, MAX_PUBLIC_SIGNATURES},
        mismatch,
    },
    whsec,
    window::{Unit, Window, tolerance_s},
};

const OWN_NAMES: &str = "webhook";
/// The standard recommends 24, but it is the sender who chooses, and some choose fewer.
const MIN_KEY_BYTES: i64 = 8;
const MAX_KEY_BYTES: i64 = 64;

/// How, before any key is known.
#[derive(Clone, Debug)]
pub(crate) struct StandardPlan {
    /// The first whose signature is there counts.
    names: Vec<Names>,
    key_bytes: RangeInclusive<usize>,
    window: Window,
}

/// The three headers, which have a beginning in common.
#[derive(Clone, Debug)]
struct Names {
    id: HeaderName,
    timestamp: HeaderName,
    signature: HeaderName,
}

#[derive(Clone, Debug)]
pub(crate) struct StandardWebhooks {
    plan: Arc<StandardPlan>,
    keys: Keys,
    public_keys: Vec<VerifyingKey>,
    window: Window,
}

impl StandardPlan {
    /// Takes `header_names`: what the names of the headers begin with, and `key_bytes`, where the sender has one length.
    pub(crate) fn parse(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let mut beginnings = fields.texts("header_names")?;
        if beginnings.is_empty() {
            beginnings.push(OWN_NAMES);
        }
        let header = |text: String| {
            HeaderName::from_bytes(text.as_bytes()).map_err(|_| invalid("header_names", "must begin a header's name"))
        };
        let names = |beginning: &str| {
            let [id, timestamp, signature] =
                ["id", "timestamp", "signature"].map(|end| header(format!("{beginning}-{end}")));
            Ok(Names { id: id?, timestamp: timestamp?, signature: signature? })
        };
        let exactly = fields.integer("key_bytes", 1..=MAX_KEY_BYTES)?;
        let bounds = exactly.map_or(MIN_KEY_BYTES..=MAX_KEY_BYTES, |bytes| bytes..=bytes);
        let bytes = |bound: &i64| usize::try_from(*bound).unwrap_or(usize::MAX);
        Ok(Self {
            names: beginnings.into_iter().map(names).collect::<Result<_, Invalid>>()?,
            key_bytes: bytes(bounds.start())..=bytes(bounds.end()),
            window: Window::new(Unit::Seconds, tolerance_s(fields)?),
        })
    }

    pub(crate) fn tolerance_s(&self) -> Option<i64> {
        self.window.past_s()
    }

    pub(crate) fn place(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|names| names.signature.as_str()).collect();
        format!("`{}`", names.join("` or `"))
    }

    pub(crate) fn with_keys(
        self: &Arc<Self>,
        credentials: &Credentials,
        tolerance_s: Option<i64>,
    ) -> Result<StandardWebhooks, Invalid> {
        let keys = Keys::derive(Algorithm::Sha256, &credentials.secrets, |text| self.key(text))?;
        let public_keys = keys::ed25519(&credentials.public_keys)?;
        let window = self.window.tolerating(tolerance_s);
        Ok(StandardWebhooks { plan: Arc::clone(self), keys, public_keys, window })
    }

    fn key(&self, text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
        let bytes = whsec::decode(text).filter(|bytes| self.key_bytes.contains(&bytes.expose().len()));
        bytes.ok_or_else(|| {
            let (least, most) = (self.key_bytes.start(), self.key_bytes.end());
            let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
            Invalid::new("secrets", format!("must be base64 of {count} bytes, `whsec_` may stand before it"))
        })
    }
}

impl StandardWebhooks {
    pub(crate) fn plan(&self) -> &StandardPlan {
        &self.plan
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<Shown, Refusal> {
        let (first, others) = self.plan.names.split_first().ok_or_else(|| malformed("a header with a signature"))?;
        let is_there = |names: &&Names| request.headers.contains_key(&names.signature);
        let names = if is_there(&first) { first } else { others.iter().find(is_there).unwrap_or(first) };
        let id = request.required_text(names.id.as_str())?;
        let timestamp = request.required_text(names.timestamp.as_str())?;
        let header = request.required_text(names.signature.as_str())?;
        // A dot would let one signed text be cut into id, timestamp and body in two ways.
        if id.is_empty() || id.contains('.') {
            return Err(malformed(format!("header `{}` not empty and without `.`", names.id)));
        }
        self.window.check(names.timestamp.as_str(), timestamp, now)?;
        let signatures = header.split(' ').filter_map(|entry| entry.strip_prefix("v1,"));
        let signatures = signatures.map(|text| STANDARD.decode(text).ok());
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", request.body];
        let found = self.keys.find(&parts, signatures).or_else(|| self.find_public(header, &parts));
        let count = self.keys.len() + self.public_keys.len();
        let place = found.ok_or_else(|| mismatch("a `v1` or `v1a` signature over {id}.{timestamp}.{body}", count))?;
        let signed_headers = vec![names.id.clone()];
        Ok(Shown { secret_index: Some(place), covers_body: true, signed_headers, ..Shown::default() })
    }

    /// Which public key fits, counted on after the secrets.
    fn find_public(&self, header: &str, parts: &[&[u8]]) -> Option<usize> {
        if self.public_keys.is_empty() {
            return None;
        }
        let signed = parts.concat();
        let entries = header.split(' ').filter_map(|entry| entry.strip_prefix("v1a,")).take(MAX_PUBLIC_SIGNATURES);
        let signatures = entries.filter_map(|text| Signature::from_slice(&STANDARD.decode(text).ok()?).ok());
        let found = signatures
            .filter_map(|signature| {
                self.public_keys.iter().position(|key| key.verify_strict(&signed, &signature).is_ok())
            })
            .next();
        found.map(|place| self.keys.len() + place)
    }
}

#[cfg(any(test, feature = "samples"))]
impl StandardWebhooks {
    /// What a sender with the first secret would send beside the body.
    pub(crate) fn sample(&self, request: &RawRequest<'_>, now: Timestamp) -> Option<crate::schemes::signed::Sample> {
        let (names, timestamp) = (self.plan.names.first()?, self.window.write(now));
        let mac = self.keys.first()?.mac(&[b"id-1.", timestamp.as_bytes(), b".", request.body]);
        let headers = vec![(names.id.clone(), "id-1".to_owned()), (names.timestamp.clone(), timestamp)];
        Some((headers, (names.signature.clone(), format!("v1,{}", STANDARD.encode(mac)))))
    }
}
