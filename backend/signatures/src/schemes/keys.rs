//! The keys of a source, whichever kind of signature they check.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use postern_domain::{Invalid, Secret, source::MAX_SECRETS};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use crate::{
    mac::{self, Algorithm, MAX_SIGNATURES},
    public_key::PublicKey,
    request::RawRequest,
    template::{Filling, Template},
};

/// Checking one costs some 50 µs; a sender lists one, or two while it changes keys.
pub(crate) const MAX_PUBLIC_SIGNATURES: usize = 4;

#[derive(Clone)]
pub(crate) enum Keys {
    Hmac(mac::Keys),
    Hash(Algorithm, Vec<Secret<Vec<u8>>>),
    Ed25519(Vec<VerifyingKey>),
}

impl Keys {
    pub(crate) fn hmac(
        algorithm: Algorithm,
        secrets: &[Secret<String>],
        derive: impl Fn(&str) -> Result<Secret<Vec<u8>>, Invalid>,
    ) -> Result<Self, Invalid> {
        mac::Keys::derive(algorithm, secrets, derive).map(Self::Hmac)
    }

    pub(crate) fn hash(algorithm: Algorithm, secrets: &[Secret<String>]) -> Self {
        Self::Hash(algorithm, secrets.iter().map(|secret| Secret::new(secret.expose().as_bytes().to_vec())).collect())
    }

    pub(crate) fn ed25519(public_keys: &[String]) -> Result<Self, Invalid> {
        if public_keys.is_empty() {
            return Err(Invalid::new("public_keys", "must have at least one: the sender's, by which it is recognised"));
        }
        ed25519(public_keys).map(Self::Ed25519)
    }

    /// Which key made one of the signatures. Undecodable ones are `None` and fit nothing.
    pub(crate) fn find(
        &self,
        template: &Template,
        (request, filling): (&RawRequest<'_>, Filling<'_>),
        signatures: impl Iterator<Item = Option<Vec<u8>>>,
    ) -> Option<usize> {
        match self {
            Self::Hmac(keys) => keys.find(&template.fill(request, filling), signatures),
            Self::Hash(algorithm, secrets) => {
                let candidates: Vec<Vec<u8>> = signatures.take(MAX_SIGNATURES).flatten().collect();
                secrets.iter().position(|secret| {
                    let hash =
                        digest(*algorithm, &template.fill(request, Filling { secret: secret.expose(), ..filling }));
                    candidates.iter().any(|candidate| bool::from(hash.ct_eq(candidate)))
                })
            }
            Self::Ed25519(keys) => {
                let signed = template.fill(request, filling).concat();
                let signatures = signatures.take(MAX_PUBLIC_SIGNATURES).flatten();
                signatures
                    .filter_map(|bytes| Signature::from_slice(&bytes).ok())
                    .find_map(|signature| keys.iter().position(|key| key.verify_strict(&signed, &signature).is_ok()))
            }
        }
    }

    /// A signature by the first key, where both sides have it.
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn sample(
        &self,
        template: &Template,
        (request, filling): (&RawRequest<'_>, Filling<'_>),
    ) -> Option<Vec<u8>> {
        match self {
            Self::Hmac(keys) => keys.first().map(|key| key.mac(&template.fill(request, filling))),
            Self::Hash(algorithm, secrets) => {
                let filling = Filling { secret: secrets.first()?.expose(), ..filling };
                Some(digest(*algorithm, &template.fill(request, filling)))
            }
            Self::Ed25519(_) => None,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Hmac(keys) => keys.len(),
            Self::Hash(_, secrets) => secrets.len(),
            Self::Ed25519(keys) => keys.len(),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} keys]", self.len())
    }
}

/// Ed25519 keys, in all their forms; there may be none.
pub(crate) fn ed25519(texts: &[String]) -> Result<Vec<VerifyingKey>, Invalid> {
    if texts.len() > MAX_SECRETS {
        return Err(Invalid::new("public_keys", format!("may have at most {MAX_SECRETS} entries")));
    }
    let key = |text: &String| {
        PublicKey::parse_ed25519(text).ok_or_else(|| {
            Invalid::new(
                "public_keys",
                "must each be an Ed25519 public key of 32 bytes: in hex, in base64 (`whpk_` may stand before it), as PEM \
                 or as JWK",
            )
        })
    };
    texts.iter().map(key).collect()
}

fn digest(algorithm: Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => run::<Sha1>(parts),
        Algorithm::Sha256 => run::<Sha256>(parts),
        Algorithm::Sha384 => run::<Sha384>(parts),
        Algorithm::Sha512 => run::<Sha512>(parts),
    }
}

fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}
