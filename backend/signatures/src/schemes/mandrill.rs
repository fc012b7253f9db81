//! Mandrill: `X-Mandrill-Signature: <base64>`, HMAC-SHA1 over the URL and each form parameter's name and value, by name.
//!
//! Where a name ends and its value begins is not signed. A form cut in another place has no `mandrill_events`, or has not
//! the whole list in it, and is refused.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp};
use serde::de::IgnoredAny;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::{Greeting, Keyring},
    mac::{Algorithm, Keys},
    parameters,
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

const HEADER: &str = "x-mandrill-signature";
const EVENTS: &str = "mandrill_events";

#[derive(Clone, Debug)]
pub(crate) struct Mandrill {
    keys: Keys,
}

impl Mandrill {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        Ok(Self { keys: Keys::of_text(Algorithm::Sha1, &credentials.secrets)? })
    }
}

impl Coded for Mandrill {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = STANDARD.decode(request.required_text(HEADER)?).ok();
        let parameters = parameters::read(request.body);
        let mut parameters = parameters.ok_or_else(|| lacking("a form with fewer parameters"))?;
        parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut parts = vec![request.url.as_bytes()];
        for (name, value) in &parameters {
            parts.extend([name.as_ref(), value.as_ref()]);
        }
        let found = self.keys.find(&parts, std::iter::once(signature));
        let what = format!("an HMAC over URL and form parameters in header `{HEADER}`");
        let secret_index = found.ok_or_else(|| mismatch(&what, self.keys.len()))?;
        if !parameters.iter().any(|(name, value)| **name == *EVENTS.as_bytes() && is_list(value)) {
            return Err(lacking("the form parameter `mandrill_events`, a JSON list"));
        }
        let covers_body = matches!(&parameters[..], [(name, _)] if **name == *EVENTS.as_bytes());
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body, ..Shown::default() }))
    }

    /// Before a webhook exists, Mandrill posts an empty list to see whether somebody answers. It is signed with a key that
    /// everybody knows, and says nothing.
    fn greet(&self, request: &RawRequest<'_>) -> Option<Greeting> {
        let parameters = parameters::read(request.body).filter(|_| parameters::is_form(request))?;
        let empty = matches!(&parameters[..], [(name, value)] if **name == *EVENTS.as_bytes() && **value == *b"[]");
        empty.then(|| Greeting {
            status: 200,
            content_type: None,
            headers: Vec::new(),
            body: Vec::new(),
            kind: "mandrill-test".into(),
            learned: None,
        })
    }
}

fn is_list(value: &[u8]) -> bool {
    serde_json::from_slice::<Vec<IgnoredAny>>(value).is_ok()
}
