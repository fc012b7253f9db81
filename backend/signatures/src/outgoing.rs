//! Signs what Postern delivers, by Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Secret};

use crate::{
    mac::{Algorithm, Key},
    whsec,
};

/// Fewer bytes could be guessed.
pub const MIN_KEY_BYTES: usize = 16;
/// The standard's upper bound.
pub const MAX_KEY_BYTES: usize = 64;

/// The key by which one destination recognises Postern.
#[derive(Clone)]
pub struct SigningKey {
    bytes: Secret<Vec<u8>>,
    key: Key,
}

impl SigningKey {
    /// Reads `whsec_` and base64; the prefix may be missing.
    ///
    /// # Errors
    /// When it is not base64, or not of [`MIN_KEY_BYTES`] to [`MAX_KEY_BYTES`].
    pub fn parse(whsec: &str) -> Result<Self, Invalid> {
        let bytes = whsec::decode(whsec).ok_or_else(|| invalid("must be `whsec_` followed by base64"))?;
        Self::from_bytes(bytes.expose())
    }

    /// Takes the random bytes themselves; new keys have 32.
    ///
    /// # Errors
    /// When there are fewer than [`MIN_KEY_BYTES`] or more than [`MAX_KEY_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        if !(MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&bytes.len()) {
            return Err(invalid(&format!("must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")));
        }
        Ok(Self { bytes: Secret::new(bytes.to_vec()), key: Key::new(Algorithm::Sha256, bytes)? })
    }

    /// The text to show once to the owner of the destination: `whsec_` and base64.
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(format!("{}{}", whsec::PREFIX, STANDARD.encode(self.bytes.expose())))
    }

    /// The value of `webhook-signature` for one attempt.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let timestamp = timestamp_s.to_string();
        let mac = self.key.mac(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
        format!("v1,{}", STANDARD.encode(mac))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([secret])")
    }
}

fn invalid(detail: &str) -> Invalid {
    Invalid::new("signing_secret", detail)
}
