//! The keys of an installation: the first one seals and signs, all of them open and check.

use std::{fmt, iter, sync::Arc};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use postern_domain::Secret;
use zeroize::Zeroizing;

use crate::{purpose::PurposeKeys, token};

const MIN_KEY_BYTES: usize = 32;
const MAX_KEYS: usize = 32;
const MAX_KEY_ID_LEN: usize = 8;
const WITH_OR_WITHOUT_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Cheap to clone; its `Debug` shows key ids only.
#[derive(Clone)]
pub struct Keyring {
    ring: Arc<Ring>,
}

struct Ring {
    active: RingKey,
    older: Vec<RingKey>,
}

pub(crate) struct RingKey {
    pub(crate) id: String,
    pub(crate) purposes: PurposeKeys,
}

/// Says what is wrong with the text of a keyring, never what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error("the keyring is empty: expected `k1:` and 32 or more random bytes in base64")]
    Empty,
    #[error("the keyring has more than {MAX_KEYS} keys: remove those that nothing is sealed with any more")]
    TooMany,
    #[error("key number {number} has no id: expected `id:base64`, the id of 1 to {MAX_KEY_ID_LEN} characters a-z, 0-9")]
    NoId { number: usize },
    #[error("key `{id}` is not valid base64")]
    NotBase64 { id: String },
    #[error("key `{id}` is shorter than {MIN_KEY_BYTES} bytes: make one with `openssl rand -base64 32`")]
    TooShort { id: String },
    #[error("key `{id}` can be guessed (one byte repeated, or the sample of the docs): use `openssl rand -base64 32`")]
    Guessable { id: String },
    #[error("key id `{id}` stands in the keyring twice")]
    DuplicateId { id: String },
    #[error("key `{id}` has the bytes of another key in the ring: changing keys needs a new one")]
    DuplicateKey { id: String },
    #[error("key `{id}` could not be expanded")]
    Underivable { id: String },
}

impl Keyring {
    /// Reads `k2:base64,k1:base64`. The first key is active: it seals and signs; the others only open and check.
    ///
    /// # Errors
    /// When there is no key, or one that is malformed, too short, guessable or there twice.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyringError::Empty);
        }
        let mut keys: Vec<RingKey> = Vec::new();
        let mut seen: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for (index, entry) in text.split(',').enumerate() {
            if index >= MAX_KEYS {
                return Err(KeyringError::TooMany);
            }
            let (id, bytes) = parse_entry(index + 1, entry.trim())?;
            if keys.iter().any(|key| key.id == id) {
                return Err(KeyringError::DuplicateId { id });
            }
            if seen.contains(&bytes) {
                return Err(KeyringError::DuplicateKey { id });
            }
            let Some(purposes) = PurposeKeys::derive(&bytes) else { return Err(KeyringError::Underivable { id }) };
            seen.push(bytes);
            keys.push(RingKey { id, purposes });
        }
        let mut keys = keys.into_iter();
        let active = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self { ring: Arc::new(Ring { active, older: keys.collect() }) })
    }

    /// The text of a new keyring: key id `k1` and 32 random bytes.
    #[must_use]
    pub fn generate() -> Secret<String> {
        let bytes = Zeroizing::new(token::random_bytes::<32>());
        let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
        Secret::new(format!("k1:{}", *encoded))
    }

    /// The id of the key that seals and signs. Rows keep it, so that a rotation can find what is still to be done.
    #[must_use]
    pub fn active_key_id(&self) -> &str {
        &self.ring.active.id
    }

    /// HMAC-SHA256 over the length-prefixed parts, under the audit key of that ring key. `None`: no such key.
    #[must_use]
    pub fn audit_mac(&self, key_id: &str, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.find(key_id).map(|key| key.purposes.audit_mac(parts))
    }

    pub(crate) fn active(&self) -> &RingKey {
        &self.ring.active
    }

    pub(crate) fn find(&self, key_id: &str) -> Option<&RingKey> {
        self.all().find(|key| key.id == key_id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &RingKey> {
        iter::once(&self.ring.active).chain(&self.ring.older)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.all().map(|key| key.id.as_str()).collect();
        f.debug_struct("Keyring").field("key_ids", &ids).finish_non_exhaustive()
    }
}

fn parse_entry(number: usize, entry: &str) -> Result<(String, Zeroizing<Vec<u8>>), KeyringError> {
    let well_named = |id: &str| {
        (1..=MAX_KEY_ID_LEN).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let (id, encoded) = entry.split_once(':').ok_or(KeyringError::NoId { number })?;
    if !well_named(id) {
        return Err(KeyringError::NoId { number });
    }
    let id = id.to_owned();
    let Ok(bytes) = WITH_OR_WITHOUT_PADDING.decode(encoded).map(Zeroizing::new) else {
        return Err(KeyringError::NotBase64 { id });
    };
    if bytes.len() < MIN_KEY_BYTES {
        return Err(KeyringError::TooShort { id });
    }
    if is_guessable(&bytes) {
        return Err(KeyringError::Guessable { id });
    }
    Ok((id, bytes))
}

/// One byte repeated, or bytes that count up from zero as the sample of the docs does.
fn is_guessable(bytes: &[u8]) -> bool {
    let repeated = bytes.iter().all(|byte| Some(byte) == bytes.first());
    let counting = bytes.iter().enumerate().all(|(index, byte)| index % 256 == usize::from(*byte));
    repeated || counting
}
