//! JSON Web Signatures in their compact form (RFC 7515), read strictly.
//!
//! Which algorithms are possible is said by the scheme: the token's own word for it only chooses among them, so that a
//! public key can never be taken for a shared secret, nor `none` for a signature.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use postern_domain::{Invalid, Secret};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    mac::{Algorithm as Hash, Keys},
    public_key::{PublicAlgorithm, PublicKey},
};

/// The algorithms that exist for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

const NAMES: [(&str, Algorithm); 13] = [
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("ES512", Algorithm::Es512),
    ("EdDSA", Algorithm::EdDsa),
];

impl Algorithm {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    pub(crate) const fn public(self) -> Option<PublicAlgorithm> {
        match self {
            Self::Rs256 => Some(PublicAlgorithm::RsaSha256),
            Self::Rs384 => Some(PublicAlgorithm::RsaSha384),
            Self::Rs512 => Some(PublicAlgorithm::RsaSha512),
            Self::Ps256 => Some(PublicAlgorithm::PssSha256),
            Self::Ps384 => Some(PublicAlgorithm::PssSha384),
            Self::Ps512 => Some(PublicAlgorithm::PssSha512),
            Self::Es256 => Some(PublicAlgorithm::P256Fixed),
            Self::Es384 => Some(PublicAlgorithm::P384Fixed),
            Self::Es512 => Some(PublicAlgorithm::P521Fixed),
            Self::EdDsa => Some(PublicAlgorithm::Ed25519),
            Self::Hs256 | Self::Hs384 | Self::Hs512 => None,
        }
    }
}

/// A token whose signature has not been checked yet: until then nothing in it is worth more than a guess.
pub(crate) struct Token<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    claims: Map<String, Value>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that must be understood. We understand none.
    #[serde(default)]
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    /// Reads `header.claims.signature`; none when it is not exactly that, or of an algorithm that is not allowed.
    pub(crate) fn read(text: &'a str, allowed: &[Algorithm]) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = json(header)?;
        let algorithm = Algorithm::named(&header.alg).filter(|algorithm| allowed.contains(algorithm))?;
        if header.crit.is_some() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { algorithm, kid: header.kid, claims: json(claims)?, signed: signed.as_bytes(), signature })
    }

    /// The claims, once the keys have shown the signature to be right, and which key it was, counted from 0.
    pub(crate) fn open(self, secrets: &SharedKeys, public_keys: &[PublicKey]) -> Option<(Claims, usize)> {
        let found = match self.algorithm.public() {
            None => secrets.find(self.algorithm, self.signed, &self.signature),
            Some(algorithm) => public_keys
                .iter()
                .position(|key| key.verifies(algorithm, &[self.signed], &self.signature))
                .map(|place| secrets.len() + place),
        };
        found.map(|place| (Claims(self.claims), place))
    }
}

/// What a token says, proved.
#[derive(Debug)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// A moment in seconds; fractions, which the standard allows, are cut off.
    pub(crate) fn seconds(&self, name: &str) -> Option<i64> {
        const FAR: f64 = 1e12;
        let number = self.0.get(name)?;
        let cut = || number.as_f64().filter(|number| number.abs() < FAR).map(|number| number.trunc() as i64);
        number.as_i64().or_else(cut)
    }
}

/// Shared secrets, ready for each length of HMAC.
#[derive(Clone, Debug)]
pub(crate) struct SharedKeys {
    sha256: Keys,
    sha384: Keys,
    sha512: Keys,
}

impl SharedKeys {
    pub(crate) fn new(secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let [sha256, sha384, sha512] =
            [Hash::Sha256, Hash::Sha384, Hash::Sha512].map(|hash| Keys::of_text(hash, secrets));
        Ok(Self { sha256: sha256?, sha384: sha384?, sha512: sha512? })
    }

    pub(crate) const fn len(&self) -> usize {
        self.sha256.len()
    }

    fn find(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Option<usize> {
        let keys = match algorithm {
            Algorithm::Hs256 => &self.sha256,
            Algorithm::Hs384 => &self.sha384,
            Algorithm::Hs512 => &self.sha512,
            _ => return None,
        };
        keys.find(&[signed], std::iter::once(Some(signature.to_vec())))
    }
}

fn json<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
