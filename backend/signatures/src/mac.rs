//! HMAC keys, and the one comparison that all signed schemes use.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use postern_domain::{Invalid, Secret};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

/// Signatures beyond this many in one request are not looked at.
pub(crate) const MAX_SIGNATURES: usize = 32;

/// The hash under the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// One key, already mixed in. Its bytes are not kept.
#[derive(Clone)]
pub(crate) enum Key {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Box<Hmac<Sha384>>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Key {
    /// Fails for no length that HMAC has; the error is there so that nothing has to panic.
    pub(crate) fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Invalid> {
        match algorithm {
            Algorithm::Sha1 => Hmac::new_from_slice(bytes).map(Self::Sha1),
            Algorithm::Sha256 => Hmac::new_from_slice(bytes).map(Self::Sha256),
            Algorithm::Sha384 => Hmac::new_from_slice(bytes).map(|key| Self::Sha384(Box::new(key))),
            Algorithm::Sha512 => Hmac::new_from_slice(bytes).map(|key| Self::Sha512(Box::new(key))),
        }
        .map_err(|_| Invalid::new("secrets", "cannot be used as an HMAC key"))
    }

    /// The MAC over the parts, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1(key) => run(key.clone(), parts),
            Self::Sha256(key) => run(key.clone(), parts),
            Self::Sha384(key) => run(Hmac::clone(key), parts),
            Self::Sha512(key) => run(Hmac::clone(key), parts),
        }
    }

    const fn mac_bytes(&self) -> usize {
        match self {
            Self::Sha1(_) => 20,
            Self::Sha256(_) => 32,
            Self::Sha384(_) => 48,
            Self::Sha512(_) => 64,
        }
    }
}

fn run<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Vec<u8> {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// All keys of a source.
#[derive(Clone)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    /// Makes one key of each secret; `derive` says what its bytes are.
    pub(crate) fn derive(
        algorithm: Algorithm,
        secrets: &[Secret<String>],
        derive: impl Fn(&str) -> Result<Secret<Vec<u8>>, Invalid>,
    ) -> Result<Self, Invalid> {
        let key = |secret: &Secret<String>| Key::new(algorithm, derive(secret.expose())?.expose());
        secrets.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The keys are the bytes of the secrets as they are written.
    pub(crate) fn of_text(algorithm: Algorithm, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        Self::derive(algorithm, secrets, |text| Ok(Secret::new(text.as_bytes().to_vec())))
    }

    /// Which key made one of the signatures. Only the first [`MAX_SIGNATURES`] count, an undecodable one is `None`, and
    /// the body is hashed once for each key at most; not at all when no signature has the right length.
    pub(crate) fn find(&self, parts: &[&[u8]], signatures: impl Iterator<Item = Option<Vec<u8>>>) -> Option<usize> {
        let candidates: Vec<Vec<u8>> = signatures.take(MAX_SIGNATURES).flatten().collect();
        self.0.iter().position(|key| {
            let mut fitting = candidates.iter().filter(|signature| signature.len() == key.mac_bytes()).peekable();
            if fitting.peek().is_none() {
                return false;
            }
            let mac = key.mac(parts);
            fitting.any(|signature| bool::from(mac.ct_eq(signature)))
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(any(test, feature = "samples"))]
impl Keys {
    pub(crate) fn first(&self) -> Option<&Key> {
        self.0.first()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} keys]", self.len())
    }
}

/// Lower-case hex only: the providers that write it so compare it so.
pub(crate) fn lower_hex(text: &str) -> Option<Vec<u8>> {
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then(|| hex::decode(text).ok()).flatten()
}
