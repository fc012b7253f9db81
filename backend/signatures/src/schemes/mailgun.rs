//! Mailgun: timestamp, token and signature stand in the body; hex HMAC-SHA256 over `{timestamp}{token}`.
//!
//! Nothing else is signed: who has seen one request can send any event with its timestamp and token until the timestamp is
//! too old. The token is the only id that is signed, and serves once.

use postern_domain::{Invalid, Timestamp};
use serde::Deserialize;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys, lower_hex},
    multipart, parameters,
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, mismatch},
    window::{Unit, Window, tolerance_s},
};

/// Mailgun's have 50; longer ones would still be Mailgun's, much longer ones not.
const MAX_TOKEN_BYTES: usize = 200;

#[derive(Clone, Debug)]
pub(crate) struct Mailgun {
    keys: Keys,
    window: Window,
}

#[derive(Deserialize)]
struct Body {
    signature: Signed,
}

#[derive(Deserialize)]
struct Signed {
    timestamp: String,
    token: String,
    signature: String,
    /// Only where a preset cannot find it.
    #[serde(skip)]
    event: Option<String>,
}

impl Mailgun {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let keys = Keys::of_text(Algorithm::Sha256, &credentials.secrets)?;
        Ok(Self { keys, window: Window::new(Unit::Seconds, tolerance_s(fields)?) })
    }
}

impl Coded for Mailgun {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signed = match multipart::boundary(request) {
            Some(boundary) => in_parts(request.body, boundary),
            None if parameters::is_form(request) => in_form(request.body),
            None => in_json(request.body),
        };
        let signed = signed.filter(|signed| (1..=MAX_TOKEN_BYTES).contains(&signed.token.len()));
        let signed = signed.ok_or_else(|| lacking("`timestamp`, `token` and `signature`"))?;
        // With a digit moved from the one to the other the same would be signed; the window refuses what that makes of
        // the timestamp.
        self.window.check("signature.timestamp", &signed.timestamp, now)?;
        let parts = [signed.timestamp.as_bytes(), signed.token.as_bytes()];
        let found = self.keys.find(&parts, std::iter::once(lower_hex(&signed.signature)));
        let what = "`signature` in the body over {timestamp}{token}";
        let secret_index = found.ok_or_else(|| mismatch(what, self.keys.len()))?;
        Ok(Proof::Shown(Shown {
            secret_index: Some(secret_index),
            event_id: Some(signed.token),
            event_type: signed.event,
            ..Shown::default()
        }))
    }
}

fn in_json(body: &[u8]) -> Option<Signed> {
    serde_json::from_slice(body).ok().map(|Body { signature }| signature)
}

/// Variables of the customer may have the same names; Mailgun's own come last.
fn in_form(body: &[u8]) -> Option<Signed> {
    let parameters = parameters::read(body)?;
    let text = |name| parameters::last(&parameters, name).and_then(|value| String::from_utf8(value.to_vec()).ok());
    Some(Signed { timestamp: text("timestamp")?, token: text("token")?, signature: text("signature")?, event: None })
}

/// As Mailgun writes forms that carry files: an event with the message that it is about, or a message that came in, which
/// is no event by name.
fn in_parts(body: &[u8], boundary: &str) -> Option<Signed> {
    let fields = multipart::read(body, boundary)?;
    let text = |name| multipart::last(&fields, name).and_then(|value| String::from_utf8(value.to_vec()).ok());
    Some(Signed {
        timestamp: text("timestamp")?,
        token: text("token")?,
        signature: text("signature")?,
        event: text("event"),
    })
}
