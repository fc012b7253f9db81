//! Public keys of senders, in any of the forms in which they are handed out: raw in hex or base64, PEM, JWK.
//!
//! For a public key the form can be told by its look: none is taken for another, and a wrong one fits no signature.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::VerifyingKey;
use postern_domain::{Invalid, source::MAX_SECRETS};
use serde_json::Value;

/// What stands before the 32 bytes in the DER of an Ed25519 key (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Reads Ed25519 keys.
pub(crate) fn keys(texts: &[String]) -> Result<Vec<VerifyingKey>, Invalid> {
    if texts.len() > MAX_SECRETS {
        return Err(Invalid::new("public_keys", format!("may have at most {MAX_SECRETS} entries")));
    }
    let key = |text: &String| {
        ed25519(text.trim()).ok_or_else(|| {
            Invalid::new(
                "public_keys",
                "must each be an Ed25519 public key of 32 bytes: in hex, in base64 (`whpk_` may stand before it), as PEM \
                 or as JWK",
            )
        })
    };
    texts.iter().map(key).collect()
}

fn ed25519(text: &str) -> Option<VerifyingKey> {
    let bytes = if text.starts_with('{') {
        let jwk: Value = serde_json::from_str(text).ok()?;
        if jwk.get("kty")?.as_str()? != "OKP" || jwk.get("crv")?.as_str()? != "Ed25519" {
            return None;
        }
        URL_SAFE_NO_PAD.decode(jwk.get("x")?.as_str()?).ok()?
    } else if text.starts_with("-----BEGIN PUBLIC KEY-----") {
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        STANDARD.decode(lines.map(str::trim).collect::<String>()).ok()?
    } else if text.len() == 64 {
        hex::decode(text).ok()?
    } else {
        STANDARD.decode(text.strip_prefix("whpk_").unwrap_or(text)).ok()?
    };
    let raw: [u8; 32] = bytes.strip_prefix(&ED25519_SPKI).unwrap_or(&bytes).try_into().ok()?;
    VerifyingKey::from_bytes(&raw).ok().filter(|key| !key.is_weak())
}
