//! Braintree: `bt_signature` in the form has pairs `public key|hex` joined with `&`; HMAC-SHA1 over `bt_payload` as it came.
//!
//! The key is the SHA-1 of the private key. Before a webhook exists, Braintree asks by GET for the HMAC of a challenge.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Secret, Timestamp};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::{Greeting, Keyring},
    mac::{Algorithm, Key, Keys, MAX_SIGNATURES, lower_hex},
    parameters,
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

const CHALLENGE_BYTES: std::ops::RangeInclusive<usize> = 20..=32;

#[derive(Clone)]
pub(crate) struct Braintree {
    keys: Keys,
    /// The newest one, which answers challenges.
    answering: Option<Key>,
    public_key: String,
}

impl Braintree {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let public_key = fields.text("public_key")?;
        let public_key =
            public_key.ok_or_else(|| invalid("public_key", "is required: the public key of the API keys"))?;
        if public_key.contains(['|', '&']) {
            return Err(invalid("public_key", "must not contain `|` or `&`"));
        }
        let first = credentials.secrets.first();
        let answering = first.map(|secret| Key::new(Algorithm::Sha1, digest(secret.expose()).expose())).transpose()?;
        let keys = Keys::derive(Algorithm::Sha1, &credentials.secrets, |text| Ok(digest(text)))?;
        Ok(Self { keys, answering, public_key: public_key.to_owned() })
    }

    /// The signatures that are said to be made with the key pair of this source.
    fn signatures<'a>(&'a self, pairs: &'a str) -> impl Iterator<Item = Option<Vec<u8>>> + 'a {
        let pairs = pairs.split('&').take(MAX_SIGNATURES).filter_map(|pair| pair.split_once('|'));
        pairs.filter(|(public_key, _)| *public_key == self.public_key).map(|(_, signature)| lower_hex(signature))
    }
}

impl Coded for Braintree {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let parameters = parameters::read(request.body).ok_or_else(|| lacking("a form with fewer parameters"))?;
        let [pairs, payload] = ["bt_signature", "bt_payload"].map(|name| only(&parameters, name));
        let pairs = pairs.and_then(|pairs| std::str::from_utf8(pairs).ok());
        let payload = payload.filter(|payload| payload.iter().all(|byte| is_base64(*byte)));
        let (Some(pairs), Some(payload), 2) = (pairs, payload, parameters.len()) else {
            return Err(lacking("`bt_signature` and `bt_payload`, in base64, and nothing else"));
        };
        // Braintree signs the payload with the line end that its base64 has; some forms lose it.
        let texts: [&[&[u8]]; 2] = [&[payload], &[payload, b"\n"]];
        let found = texts.into_iter().find_map(|parts| self.keys.find(parts, self.signatures(pairs)));
        let what = format!("`bt_signature` with a pair of the public key `{}`", self.public_key);
        let secret_index = found.ok_or_else(|| mismatch(&what, self.keys.len()))?;
        // The pairs for other keys are not signed: the payload alone names the event.
        let payload = payload.strip_suffix(b"\n").unwrap_or(payload);
        Ok(Proof::Shown(Shown {
            secret_index: Some(secret_index),
            covers_body: true,
            event_id: Some(hex::encode(Sha256::digest(payload))),
            event_type: kind(payload),
            ..Shown::default()
        }))
    }

    fn greet(&self, request: &RawRequest<'_>) -> Option<Greeting> {
        if request.method != "GET" {
            return None;
        }
        let query = parameters::read(parameters::query(request.url).as_bytes())?;
        let challenge = only(&query, "bt_challenge")?;
        // Nothing else is answered, or one could have any text signed.
        let is_challenge = CHALLENGE_BYTES.contains(&challenge.len())
            && challenge.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let key = self.answering.as_ref().filter(|_| is_challenge)?;
        Some(Greeting {
            status: 200,
            content_type: Some("text/plain; charset=utf-8".into()),
            headers: Vec::new(),
            body: format!("{}|{}", self.public_key, hex::encode(key.mac(&[challenge]))).into_bytes(),
            kind: "braintree-challenge".into(),
            learned: None,
        })
    }
}

impl std::fmt::Debug for Braintree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Braintree({:?}, public key `{}`)", self.keys, self.public_key)
    }
}

/// What stands in the notification's `kind`.
fn kind(payload: &[u8]) -> Option<String> {
    let bytes: Vec<u8> = payload.iter().copied().filter(|byte| *byte != b'\n').collect();
    let xml = String::from_utf8(STANDARD.decode(bytes).ok()?).ok()?;
    let (_, rest) = xml.split_once("<kind>")?;
    rest.split_once("</kind>").map(|(kind, _)| kind.to_owned())
}

fn digest(private_key: &str) -> Secret<Vec<u8>> {
    Secret::new(Sha1::digest(private_key.as_bytes()).to_vec())
}

fn only<'p>(parameters: &'p [parameters::Parameter<'_>], name: &str) -> Option<&'p [u8]> {
    let mut values =
        parameters.iter().filter(|(found, _)| **found == *name.as_bytes()).map(|(_, value)| value.as_ref());
    values.next().filter(|_| values.next().is_none())
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'=' | b'/' | b'\n')
}
