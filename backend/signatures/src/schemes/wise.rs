//! Wise: `X-Signature-SHA256: <base64>`, RSA with SHA-256 over the body, under Wise's public key. It is another one in the
//! sandbox.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    public_key::{PublicAlgorithm, PublicKey},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{public_keys, wrong_key},
};

const HEADER: &str = "x-signature-sha256";

#[derive(Clone, Debug)]
pub(crate) struct Wise {
    keys: Vec<PublicKey>,
}

impl Wise {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let is_fitting = |key: &PublicKey| matches!(key, PublicKey::Rsa(_));
        Ok(Self { keys: public_keys(credentials, is_fitting, "Wise's public key in PEM, of at least 2048 bits")? })
    }
}

impl Coded for Wise {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = STANDARD.decode(request.required_text(HEADER)?).unwrap_or_default();
        let fits = |key: &PublicKey| key.verifies(PublicAlgorithm::RsaSha256, &[request.body], &signature);
        let found = self.keys.iter().position(fits);
        let place = found.ok_or_else(|| wrong_key("a signature over the body", self.keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(place), covers_body: true, ..Shown::default() }))
    }
}
