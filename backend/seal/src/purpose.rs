//! One key for each purpose, derived from a ring key by HKDF-SHA256, so that no two uses ever share one.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use postern_domain::Secret;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The derived keys of one ring key.
pub(crate) struct PurposeKeys {
    pub(crate) sealing: Zeroizing<[u8; 32]>,
    audit: Zeroizing<[u8; 64]>,
    cursors: Zeroizing<[u8; 64]>,
    csrf: Zeroizing<[u8; 64]>,
    sessions: Zeroizing<[u8; 32]>,
}

impl PurposeKeys {
    /// `None` only if HKDF could not make as many bytes, which it can.
    pub(crate) fn derive(ring_key: &[u8]) -> Option<Self> {
        let hkdf = Hkdf::<Sha256>::new(Some(b"postern"), ring_key);
        Some(Self {
            sealing: expand(&hkdf, "secrets")?,
            audit: expand(&hkdf, "audit-mac")?,
            cursors: expand(&hkdf, "cursors")?,
            csrf: expand(&hkdf, "csrf")?,
            sessions: expand(&hkdf, "sessions")?,
        })
    }

    pub(crate) fn audit_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.audit, parts)
    }

    pub(crate) fn cursor_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.cursors, parts)
    }

    pub(crate) fn csrf_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.csrf, parts)
    }

    pub(crate) fn session_key(&self) -> Secret<[u8; 32]> {
        Secret::new(*self.sessions)
    }
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, purpose: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut key = Zeroizing::new([0; N]);
    hkdf.expand(purpose.as_bytes(), key.as_mut_slice()).ok()?;
    Some(key)
}

/// Each part goes in behind its length, so that no two lists of parts read the same.
fn mac(key: &[u8; 64], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = (*key).into();
    let mut mac = Hmac::<Sha256>::new(&block);
    block.as_mut_slice().zeroize();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
