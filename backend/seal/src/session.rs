//! Keys for the token that a browser keeps: HS256, one for each key of the ring.

use postern_domain::Secret;

use crate::keyring::Keyring;

/// Key ids and keys. The first one signs, all of them check, so that changing the keyring logs nobody out.
#[must_use]
pub fn keys(keyring: &Keyring) -> Vec<(String, Secret<[u8; 32]>)> {
    keyring.all().map(|key| (key.id.clone(), key.purposes.session_key())).collect()
}
