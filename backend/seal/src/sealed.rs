//! Secrets at rest: `1 | length of the key id | key id | nonce (24) | ciphertext and tag`, XChaCha20-Poly1305.
//!
//! The place of the value is associated data, `pst1|table|column|tenant|row`: what was moved does not open.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use postern_domain::{Secret, TenantId};
use uuid::Uuid;

use crate::{
    keyring::{Keyring, RingKey},
    token,
};

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;

/// Where a sealed value lives. It opens there and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub table: &'a str,
    pub column: &'a str,
    pub tenant: TenantId,
    pub row: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the value is too large to be sealed")]
    TooLarge,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed value is malformed")]
    Malformed,
    #[error(
        "the value is sealed with key `{key_id}`, which is not in the keyring: put that key back behind the active one"
    )]
    UnknownKey { key_id: String },
    #[error("the sealed value does not belong here or was changed")]
    DoesNotBelong,
}

impl Keyring {
    /// Seals with the active key. Two seals of one value differ.
    ///
    /// # Errors
    /// When the value is larger than the cipher can take (256 GiB).
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.active();
        let nonce = token::random_bytes::<NONCE_LEN>();
        let aad = place.associated_data();
        let ciphertext = cipher(key)
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| SealError::TooLarge)?;
        let id = key.id.as_bytes();
        let id_len = u8::try_from(id.len()).map_err(|_| SealError::TooLarge)?;
        Ok([&[VERSION, id_len], id, &nonce, ciphertext.as_slice()].concat())
    }

    /// Opens what any key of the ring has sealed for this place.
    ///
    /// # Errors
    /// See [`OpenError`]; no input makes it panic.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        let envelope = Envelope::read(sealed).ok_or(OpenError::Malformed)?;
        let Some(key) = self.find(envelope.key_id) else {
            return Err(OpenError::UnknownKey { key_id: envelope.key_id.to_owned() });
        };
        let aad = place.associated_data();
        cipher(key)
            .decrypt(&XNonce::from(*envelope.nonce), Payload { msg: envelope.ciphertext, aad: &aad })
            .map(Secret::new)
            .map_err(|_| OpenError::DoesNotBelong)
    }
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        format!("pst1|{}|{}|{}|{}", self.table, self.column, self.tenant, self.row).into_bytes()
    }
}

struct Envelope<'a> {
    key_id: &'a str,
    nonce: &'a [u8; NONCE_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(sealed: &'a [u8]) -> Option<Self> {
        let (&[version, id_len], rest) = sealed.split_first_chunk()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(id_len))?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        let key_id = std::str::from_utf8(key_id).ok().filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))?;
        (version == VERSION).then_some(Self { key_id, nonce, ciphertext })
    }
}

fn cipher(key: &RingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.purposes.sealing).into())
}
