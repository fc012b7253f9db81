//! Paddle Classic: `p_signature` in the form, RSA with SHA-1 over the other fields as PHP serialises them, by name.
//!
//! Paddle has no other signature here; its successor, Paddle Billing, has.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    parameters::{self, Parameter},
    public_key::{PublicAlgorithm, PublicKey},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, public_keys, wrong_key},
};

const SIGNATURE: &[u8] = b"p_signature";

#[derive(Clone, Debug)]
pub(crate) struct PaddleClassic {
    keys: Vec<PublicKey>,
}

impl PaddleClassic {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let is_fitting = |key: &PublicKey| matches!(key, PublicKey::Rsa(_));
        Ok(Self { keys: public_keys(credentials, is_fitting, "the public key of the Paddle account in PEM")? })
    }
}

impl Coded for PaddleClassic {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let parameters = parameters::read(request.body).ok_or_else(|| lacking("a form with fewer parameters"))?;
        let (signatures, mut fields): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(name, _)| **name == *SIGNATURE);
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let repeated = fields.windows(2).any(|pair| pair[0].0 == pair[1].0);
        let [(_, signature)] = &signatures[..] else {
            return Err(lacking("`p_signature` once"));
        };
        if repeated {
            return Err(lacking("a form with each name once"));
        }
        let signature = STANDARD.decode(signature).unwrap_or_default();
        let signed = serialized(&fields);
        let fits = |key: &PublicKey| key.verifies(PublicAlgorithm::RsaSha1, &[&signed], &signature);
        let found = self.keys.iter().position(fits);
        let place = found.ok_or_else(|| wrong_key("`p_signature` over the form's fields", self.keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(place), covers_body: true, ..Shown::default() }))
    }
}

/// What PHP's `serialize` makes of an array of texts.
fn serialized(fields: &[Parameter<'_>]) -> Vec<u8> {
    let mut out = format!("a:{}:{{", fields.len()).into_bytes();
    for text in fields.iter().flat_map(|(name, value)| [name, value]) {
        out.extend_from_slice(format!("s:{}:\"", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\";");
    }
    out.push(b'}');
    out
}
