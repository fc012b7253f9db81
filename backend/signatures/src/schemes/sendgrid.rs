//! SendGrid's event webhook: ECDSA on P-256 over `{timestamp}{body}`, in DER and base64, under the key that the account
//! shows.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    public_key::{PublicAlgorithm, PublicKey},
    refusal::Refusal,
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::{public_keys, wrong_key},
    window::{Unit, Window, tolerance_s},
};

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
/// Until the year 2286.
const TIMESTAMP_BYTES: usize = 10;

#[derive(Clone, Debug)]
pub(crate) struct SendGrid {
    keys: Vec<PublicKey>,
    window: Option<Window>,
}

impl SendGrid {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let is_fitting = |key: &PublicKey| matches!(key, PublicKey::P256(_));
        let keys = public_keys(credentials, is_fitting, "the verification key as SendGrid shows it, base64 or PEM")?;
        // SendGrid does not say whether a retry is signed anew, so that there is no limit unless one is wanted.
        let window = tolerance_s(fields)?.map(|tolerance_s| Window::new(Unit::Seconds, Some(tolerance_s)));
        Ok(Self { keys, window })
    }
}

impl Coded for SendGrid {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = STANDARD.decode(request.required_text(SIGNATURE)?).unwrap_or_default();
        let timestamp = request.required_text(TIMESTAMP)?;
        // Nothing but its length parts it from the body: with a digit less, another body would have the same signature.
        if timestamp.len() != TIMESTAMP_BYTES || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed(format!("header `{TIMESTAMP}` in Unix seconds, {TIMESTAMP_BYTES} digits")));
        }
        if let Some(window) = &self.window {
            window.check(TIMESTAMP, timestamp, now)?;
        }
        let parts = [timestamp.as_bytes(), request.body];
        let found = self.keys.iter().position(|key| key.verifies(PublicAlgorithm::P256Der, &parts, &signature));
        let place = found.ok_or_else(|| wrong_key("a signature over {timestamp}{body}", self.keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(place), covers_body: true, ..Shown::default() }))
    }
}
