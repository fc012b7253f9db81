//! Plivo: `X-Plivo-Signature-V3: <base64>[,<base64>]`, HMAC-SHA256 over the URL, the form and a nonce.
//!
//! The URL's query and the form are each sorted by name and value; what stands between a field's name and its value, and
//! between one field and the next, is not signed. Several signatures stand there when the account's token is being changed.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys},
    parameters,
    refusal::Refusal,
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

const HEADER: &str = "x-plivo-signature-v3";
const NONCE: &str = "x-plivo-signature-v3-nonce";

#[derive(Clone, Debug)]
pub(crate) struct Plivo {
    keys: Keys,
}

impl Plivo {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        Ok(Self { keys: Keys::of_text(Algorithm::Sha256, &credentials.secrets)? })
    }
}

impl Coded for Plivo {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signatures = request.required_text(HEADER)?.split(',').map(|text| STANDARD.decode(text.trim()).ok());
        let nonce = request.required_text(NONCE)?;
        if !request.body.is_empty() && !parameters::is_form(request) {
            return Err(malformed("a form as the body, since nothing else is signed".to_owned()));
        }
        let signed = signed(request).ok_or_else(|| lacking("a form and a query with fewer parameters"))?;
        let found = self.keys.find(&[&signed, b".", nonce.as_bytes()], signatures);
        let secret_index = found.ok_or_else(|| {
            mismatch(&format!("an HMAC over URL, form and nonce in header `{HEADER}`"), self.keys.len())
        })?;
        // Another form can have the same signature: see above.
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body: false, ..Shown::default() }))
    }
}

/// `None`: there are too many parameters.
fn signed(request: &RawRequest<'_>) -> Option<Vec<u8>> {
    let (mut query, mut form) =
        (parameters::read(parameters::query(request.url).as_bytes())?, parameters::read(request.body)?);
    query.sort_unstable();
    form.sort_unstable();
    let end = request.url.find(['?', '#']).unwrap_or(request.url.len());
    let mut signed = request.url.as_bytes()[..end].to_vec();
    if !query.is_empty() || !form.is_empty() {
        signed.push(b'?');
    }
    for (place, (name, value)) in query.iter().enumerate() {
        let between: &[u8] = if place == 0 { b"" } else { b"&" };
        signed.extend([between, name, b"=", value].concat());
    }
    if !query.is_empty() && !form.is_empty() {
        signed.push(b'.');
    }
    for (name, value) in &form {
        signed.extend([&name[..], value].concat());
    }
    Some(signed)
}
