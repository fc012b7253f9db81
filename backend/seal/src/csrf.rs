//! CSRF tokens: proof that a form was made by us, for this session. Nothing is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{keyring::Keyring, purpose::PurposeKeys, token::random_bytes};

const MAC_LEN: usize = 32;

/// URL-safe text, another one at each call. `subject` is the id of the session, or before there is one what the log-in
/// form keeps in a cookie.
///
/// Pages are compressed, and how long one comes out tells how much of it repeats itself: a token that stayed the same could
/// be guessed by its length, letter by letter (BREACH). So it is sent under a mask of its own, which stands before it.
#[must_use]
pub fn token(keyring: &Keyring, subject: &str) -> String {
    let mask = random_bytes::<MAC_LEN>();
    let masked = xor(&mac(&keyring.active().purposes, subject), &mask);
    URL_SAFE_NO_PAD.encode([mask, masked].concat())
}

/// Whether this installation made the token for this subject. Any key of the ring will do.
#[must_use]
pub fn holds(keyring: &Keyring, subject: &str, token: &str) -> bool {
    let Ok(Ok(sent)) = URL_SAFE_NO_PAD.decode(token).map(<[u8; 2 * MAC_LEN]>::try_from) else { return false };
    let (mask, masked) = sent.split_at(MAC_LEN);
    let sent = xor(masked, mask);
    keyring.all().any(|key| bool::from(mac(&key.purposes, subject).ct_eq(&sent)))
}

fn xor(text: &[u8], mask: &[u8]) -> [u8; MAC_LEN] {
    std::array::from_fn(|place| text[place] ^ mask[place])
}

fn mac(purposes: &PurposeKeys, subject: &str) -> [u8; MAC_LEN] {
    purposes.csrf_mac(&[b"csrf1", subject.as_bytes()])
}
