//! Public keys of senders, in the forms that senders give them in, and the one way to check a signature with them.
//!
//! The algorithm always comes from the scheme or from its allow-list, never from the key or the request alone; a key of
//! another kind than the algorithm's proves nothing.

mod certificate;
pub(crate) mod chain;
mod jwk;
mod p521;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{
    Pkcs1v15Sign, Pss, RsaPublicKey,
    pkcs1::DecodeRsaPublicKey,
    pkcs8::{ObjectIdentifier, SubjectPublicKeyInfoRef, der::Decode},
    traits::PublicKeyParts,
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

pub(crate) use certificate::Certificate;
pub(crate) use jwk::{Jwk, keys_of};

use crate::whsec::LENIENT;

/// More is no key of anybody: a chain of four certificates has some 8 kB.
const MAX_TEXT_BYTES: usize = 32 * 1024;
/// Shorter ones have been broken.
const MIN_RSA_BYTES: usize = 256;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A key, by its kind.
#[derive(Clone)]
pub(crate) enum PublicKey {
    Rsa(Box<RsaPublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::Point>),
    Ed25519(Box<Ed25519Key>),
}

/// How a signature is made and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicAlgorithm {
    /// PKCS#1 v1.5, as are its kin. With SHA-1 only where a sender has nothing better.
    RsaSha1,
    RsaSha256,
    RsaSha384,
    RsaSha512,
    /// With a salt as long as the hash, as are its kin.
    PssSha256,
    PssSha384,
    PssSha512,
    /// With SHA-256, the signature in DER.
    P256Der,
    /// With SHA-256, the signature as its two numbers one after the other.
    P256Fixed,
    /// With SHA-384.
    P384Fixed,
    /// With SHA-512.
    P521Fixed,
    Ed25519,
}

impl PublicKey {
    /// Reads PEM (of a key or of a certificate), a JWK, or base64 of the key's DER, as senders show their keys.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        if text.starts_with('{') {
            return keys_of(text.as_bytes()).into_iter().next().and_then(|jwk| jwk.key());
        }
        match pem(text) {
            Some((label, der)) => match label {
                "PUBLIC KEY" => Self::from_spki(&der),
                "RSA PUBLIC KEY" => RsaPublicKey::from_pkcs1_der(&der).ok().and_then(Self::from_rsa),
                "CERTIFICATE" => Certificate::from_der(&der).map(|certificate| certificate.key),
                _ => None,
            },
            None => Self::from_spki(&LENIENT.decode(text).ok()?),
        }
    }

    /// Reads an Ed25519 key, which senders also show bare: its bytes in hex, or in base64 with `whpk_` before it or not.
    pub(crate) fn parse_ed25519(text: &str) -> Option<Ed25519Key> {
        const BYTES: usize = 32;
        let text = text.trim();
        let bare = match text.len() == 2 * BYTES {
            true => hex::decode(text).ok(),
            false => STANDARD.decode(text.strip_prefix("whpk_").unwrap_or(text)).ok(),
        };
        match bare
            .filter(|bytes| bytes.len() == BYTES)
            .map_or_else(|| Self::parse(text), |bytes| Self::ed25519(&bytes))?
        {
            Self::Ed25519(key) => Some(*key),
            _ => None,
        }
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let bits = info.subject_public_key.as_bytes()?;
        let curve = || info.algorithm.parameters_oid().ok();
        match info.algorithm.oid {
            RSA => RsaPublicKey::try_from(info).ok().and_then(Self::from_rsa),
            ELLIPTIC if curve() == Some(P256) => Self::p256(bits),
            ELLIPTIC if curve() == Some(P384) => Self::p384(bits),
            ELLIPTIC if curve() == Some(P521) => Self::p521(bits),
            ED25519 => Self::ed25519(bits),
            _ => None,
        }
    }

    fn from_rsa(key: RsaPublicKey) -> Option<Self> {
        (key.size() >= MIN_RSA_BYTES).then(|| Self::Rsa(Box::new(key)))
    }

    fn p256(point: &[u8]) -> Option<Self> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|key| Self::P256(Box::new(key)))
    }

    fn p384(point: &[u8]) -> Option<Self> {
        p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|key| Self::P384(Box::new(key)))
    }

    fn p521(point: &[u8]) -> Option<Self> {
        p521::Point::read(point).map(|point| Self::P521(Box::new(point)))
    }

    /// A weak key would verify signatures that nobody made.
    pub(crate) fn ed25519(bytes: &[u8]) -> Option<Self> {
        let key = Ed25519Key::from_bytes(bytes.try_into().ok()?).ok()?;
        (!key.is_weak()).then(|| Self::Ed25519(Box::new(key)))
    }

    /// Whether the signature was made with this key over the parts, one after the other. No when the key is of another
    /// kind, or the signature not of its form.
    pub(crate) fn verifies(&self, algorithm: PublicAlgorithm, parts: &[&[u8]], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa(key), PublicAlgorithm::RsaSha1) => rsa(key, &SHA1, &hash::<Sha1>(parts), signature),
            (Self::Rsa(key), PublicAlgorithm::RsaSha256) => rsa(key, &SHA256, &hash::<Sha256>(parts), signature),
            (Self::Rsa(key), PublicAlgorithm::RsaSha384) => rsa(key, &SHA384, &hash::<Sha384>(parts), signature),
            (Self::Rsa(key), PublicAlgorithm::RsaSha512) => rsa(key, &SHA512, &hash::<Sha512>(parts), signature),
            (Self::Rsa(key), PublicAlgorithm::PssSha256) => {
                pss(key, Pss::new_with_salt::<rsa::sha2::Sha256>(32), &hash::<Sha256>(parts), signature)
            }
            (Self::Rsa(key), PublicAlgorithm::PssSha384) => {
                pss(key, Pss::new_with_salt::<rsa::sha2::Sha384>(48), &hash::<Sha384>(parts), signature)
            }
            (Self::Rsa(key), PublicAlgorithm::PssSha512) => {
                pss(key, Pss::new_with_salt::<rsa::sha2::Sha512>(64), &hash::<Sha512>(parts), signature)
            }
            (Self::P256(key), PublicAlgorithm::P256Der) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash::<Sha256>(parts), &signature).is_ok()),
            (Self::P256(key), PublicAlgorithm::P256Fixed) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash::<Sha256>(parts), &signature).is_ok()),
            (Self::P384(key), PublicAlgorithm::P384Fixed) => p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash::<Sha384>(parts), &signature).is_ok()),
            (Self::P521(point), PublicAlgorithm::P521Fixed) => point.verifies(&parts.concat(), signature),
            (Self::Ed25519(key), PublicAlgorithm::Ed25519) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(&parts.concat(), &signature).is_ok()),
            _ => false,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa(_) => "RSA key",
            Self::P256(_) => "P-256 key",
            Self::P384(_) => "P-384 key",
            Self::P521(_) => "P-521 key",
            Self::Ed25519(_) => "Ed25519 key",
        })
    }
}

/// The first block of a PEM text: its label and what stands in it. Lines of any length, as people paste them.
pub(crate) fn pem(text: &str) -> Option<(&str, Vec<u8>)> {
    pem_block(text).map(|(block, _)| block)
}

/// The same, and the text after it.
fn pem_block(text: &str) -> Option<((&str, Vec<u8>), &str)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (inside, rest) = rest.split_once(format!("-----END {label}-----").as_str())?;
    let inside: String = inside.split_ascii_whitespace().collect();
    Some(((label, LENIENT.decode(inside).ok()?), rest))
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

fn rsa(key: &RsaPublicKey, prefix: &[u8], hashed: &[u8], signature: &[u8]) -> bool {
    let padding = Pkcs1v15Sign { hash_len: Some(hashed.len()), prefix: prefix.into() };
    key.verify(padding, hashed, signature).is_ok()
}

fn pss(key: &RsaPublicKey, padding: Pss, hashed: &[u8], signature: &[u8]) -> bool {
    key.verify(padding, hashed, signature).is_ok()
}

/// What stands before the hash (RFC 8017, 9.2): its algorithm, in DER.
const SHA1: [u8; 15] = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256: [u8; 19] = sha2_prefix(0x31, 0x01, 0x20);
const SHA384: [u8; 19] = sha2_prefix(0x41, 0x02, 0x30);
const SHA512: [u8; 19] = sha2_prefix(0x51, 0x03, 0x40);

const fn sha2_prefix(total: u8, kind: u8, length: u8) -> [u8; 19] {
    let oid = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let [o0, o1, o2, o3, o4, o5, o6, o7] = oid;
    [0x30, total, 0x30, 0x0d, 0x06, 0x09, o0, o1, o2, o3, o4, o5, o6, o7, kind, 0x05, 0x00, 0x04, length]
}
