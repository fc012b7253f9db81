//! Twilio: `X-Twilio-Signature: <base64>`, HMAC-SHA1 over the URL and, of a form, each parameter's name and value.
//!
//! A body that is no form is covered by its SHA-256 in the URL's `bodySHA256`, and refused without. Twilio is not
//! consistent in writing the port: the URL counts with it and without it. What stands between a parameter's name and its
//! value, and between one and the next, is not signed; neither are the order and the number of equal ones.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys, lower_hex},
    parameters::{self, Parameter},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

const HEADER: &str = "x-twilio-signature";
const BODY_HASH: &str = "bodySHA256";

#[derive(Clone, Debug)]
pub(crate) struct Twilio {
    keys: Keys,
}

impl Twilio {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        Ok(Self { keys: Keys::of_text(Algorithm::Sha1, &credentials.secrets)? })
    }
}

impl Coded for Twilio {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = STANDARD.decode(request.required_text(HEADER)?).ok();
        let is_form = parameters::is_form(request);
        let mut parameters = Vec::new();
        if is_form {
            parameters = parameters::read(request.body).ok_or_else(|| lacking("a form with fewer parameters"))?;
        } else if !request.body.is_empty() {
            check_body_hash(request)?;
        }
        let signed = signed_parameters(parameters);
        let found = variants(request.url)
            .into_iter()
            .find_map(|url| self.keys.find(&[url.as_bytes(), &signed], std::iter::once(signature.clone())));
        let secret_index = found.ok_or_else(|| {
            let over = if is_form { "URL and form parameters" } else { "the URL" };
            mismatch(&format!("an HMAC over {over} in header `{HEADER}`"), self.keys.len())
        })?;
        // Another form can have the same signature, with other names in it and another id: see above.
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body: !is_form, ..Shown::default() }))
    }
}

/// By name, and of each name every different value once, in order.
fn signed_parameters(mut parameters: Vec<Parameter<'_>>) -> Vec<u8> {
    parameters.sort_unstable();
    parameters.dedup();
    let mut signed = Vec::new();
    for (name, value) in &parameters {
        signed.extend_from_slice(name);
        signed.extend_from_slice(value);
    }
    signed
}

/// The URL is signed, so that a hash in it signs the body.
fn check_body_hash(request: &RawRequest<'_>) -> Result<(), Refusal> {
    let query = parameters::read(parameters::query(request.url).as_bytes()).unwrap_or_default();
    let mut hashes = query.iter().filter(|(name, _)| **name == *BODY_HASH.as_bytes()).map(|(_, value)| value);
    let (Some(told), None) = (hashes.next(), hashes.next()) else {
        return Err(malformed(format!("`{BODY_HASH}` once in the URL, since the body is not a form")));
    };
    let told = std::str::from_utf8(told).ok().and_then(lower_hex);
    let hash = Sha256::digest(request.body);
    if told.is_some_and(|told| bool::from(hash.as_slice().ct_eq(&told))) {
        return Ok(());
    }
    Err(Refusal::new(RefusalCause::SignatureMismatch, format!("a body whose SHA-256 is the URL's `{BODY_HASH}`")))
}

/// The URL as it is, with the default port, and without any. A fragment sets options at Twilio and is not signed.
fn variants(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or_default();
    let mut variants = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return variants };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A colon of the userinfo stands before the `@`, one of an IPv6 address before the `]`.
    let host_start = authority.rfind(['@', ']']).map_or(0, |place| place + 1);
    match authority[host_start..].rfind(':') {
        Some(colon) => variants.push(format!("{scheme}://{}{path}", &authority[..host_start + colon])),
        None => {
            let port = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
            variants.push(format!("{scheme}://{authority}:{port}{path}"));
        }
    }
    variants
}
