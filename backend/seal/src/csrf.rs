//! CSRF tokens: proof that a form was made by us, for this session. Nothing is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{keyring::Keyring, purpose::PurposeKeys};

/// URL-safe text. `subject` is the id of the session, or before there is one what the log-in form keeps in a cookie.
#[must_use]
pub fn token(keyring: &Keyring, subject: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(&keyring.active().purposes, subject))
}

/// Whether this installation made the token for this subject. Any key of the ring will do.
#[must_use]
pub fn holds(keyring: &Keyring, subject: &str, token: &str) -> bool {
    let Ok(Ok(sent)) = URL_SAFE_NO_PAD.decode(token).map(<[u8; 32]>::try_from) else { return false };
    keyring.all().any(|key| bool::from(mac(&key.purposes, subject).ct_eq(&sent)))
}

fn mac(purposes: &PurposeKeys, subject: &str) -> [u8; 32] {
    purposes.csrf_mac(&[b"csrf1", subject.as_bytes()])
}
