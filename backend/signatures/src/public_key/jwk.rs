//! JSON Web Keys (RFC 7517), one or a set of them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{BigUint, RsaPublicKey};
use serde::Deserialize;

use super::PublicKey;

/// Keys of a set beyond this many are not looked at.
const MAX_KEYS: usize = 32;

/// A key as it is written; [`Jwk::key`] makes it usable.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    #[serde(default)]
    pub(crate) kid: Option<String>,
    /// Plaid's: the key is not to be believed from this second on.
    #[serde(default)]
    pub(crate) expired_at: Option<i64>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
}

impl Jwk {
    pub(crate) fn key(&self) -> Option<PublicKey> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => PublicKey::p256(&self.point(32)?),
            ("EC", Some("P-384")) => PublicKey::p384(&self.point(48)?),
            ("EC", Some("P-521")) => PublicKey::p521(&self.point(66)?),
            ("OKP", Some("Ed25519")) => PublicKey::ed25519(&decode(self.x.as_ref())?),
            ("RSA", _) => {
                let [n, e] = [decode(self.n.as_ref())?, decode(self.e.as_ref())?];
                let key = RsaPublicKey::new(BigUint::from_bytes_be(&n), BigUint::from_bytes_be(&e));
                key.ok().and_then(PublicKey::from_rsa)
            }
            _ => None,
        }
    }

    /// The point, uncompressed.
    fn point(&self, bytes: usize) -> Option<Vec<u8>> {
        let [x, y] = [decode(self.x.as_ref())?, decode(self.y.as_ref())?];
        (x.len() == bytes && y.len() == bytes).then(|| [&[4][..], &x, &y].concat())
    }
}

/// The keys of a JWK, of a set (`{"keys": […]}`), or of what Plaid answers (`{"key": {…}}`); none when it is none of them.
pub(crate) fn keys_of(json: &[u8]) -> Vec<Jwk> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Document {
        Set { keys: Vec<Jwk> },
        Answer { key: Jwk },
        One(Jwk),
    }
    let mut keys = match serde_json::from_slice(json) {
        Ok(Document::Set { keys }) => keys,
        Ok(Document::Answer { key } | Document::One(key)) => vec![key],
        Err(_) => Vec::new(),
    };
    keys.truncate(MAX_KEYS);
    keys
}

fn decode(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}
