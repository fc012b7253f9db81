//! API keys: `pst_live_<8 base62>_<32 base62>_<6 base62 CRC32>`, stored as a public id and a SHA-256.
//!
//! The secret part is worth 190 bits, so a fast hash is enough. The checksum tells a mistyped key from a guessed one
//! without asking the database, and lets secret scanners be sure of what they found.

use postern_domain::Secret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::token;

const PREFIX: &str = "pst_live_";
const PUBLIC_ID_LEN: usize = 8;
const SECRET_LEN: usize = 32;
const CHECKSUM_LEN: usize = 6;
const KEY_LEN: usize = PREFIX.len() + PUBLIC_ID_LEN + 1 + SECRET_LEN + 1 + CHECKSUM_LEN;

/// A key that was just made. `text` is shown once and never stored.
#[derive(Debug)]
pub struct NewKey {
    pub public_id: String,
    pub text: Secret<String>,
    pub hash: [u8; 32],
}

/// A key that somebody sent: well formed, not yet known to be ours.
#[derive(Debug)]
pub struct Presented {
    pub public_id: String,
    pub hash: [u8; 32],
}

#[must_use]
pub fn generate() -> NewKey {
    let public_id = token::random_base62(PUBLIC_ID_LEN);
    let secret = Zeroizing::new(token::random_base62(SECRET_LEN));
    let body = Zeroizing::new(format!("{PREFIX}{public_id}_{}", *secret));
    let text = format!("{}_{}", *body, checksum(&body));
    let hash = token::sha256(&text);
    NewKey { public_id, text: Secret::new(text), hash }
}

/// `None` when the form or the checksum is wrong: a typing error, not a guess.
#[must_use]
pub fn parse(text: &str) -> Option<Presented> {
    if text.len() != KEY_LEN || !text.is_ascii() {
        return None;
    }
    let (body, sum) = text.rsplit_once('_')?;
    let (public_id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let well_formed = is_base62(public_id, PUBLIC_ID_LEN) && is_base62(secret, SECRET_LEN) && sum == checksum(body);
    well_formed.then(|| Presented { public_id: public_id.to_owned(), hash: token::sha256(text) })
}

/// Takes the same time wherever the hashes differ.
#[must_use]
pub fn same_hash(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

fn is_base62(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn checksum(body: &str) -> String {
    let crc = crc32fast::hash(body.as_bytes());
    let digits = (0..CHECKSUM_LEN).rev().filter_map(|place| {
        let weight = 62_u64.pow(u32::try_from(place).ok()?);
        token::base62_digit(usize::try_from(u64::from(crc) / weight % 62).ok()?)
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_recognised_by_its_public_id_and_hash() {
        let made = generate();
        let text = made.text.expose();
        assert_eq!(text.len(), KEY_LEN);
        assert_eq!(text.split('_').map(str::len).collect::<Vec<_>>(), [3, 4, 8, 32, 6]);
        let presented = parse(text).expect("well formed");
        assert_eq!(presented.public_id, made.public_id);
        assert!(same_hash(&presented.hash, &made.hash));
        assert!(!same_hash(&presented.hash, &generate().hash));
        assert!(!format!("{made:?}").contains(text.as_str()));
    }

    #[test]
    fn the_checksum_does_not_change_between_releases() {
        assert_eq!(checksum("pst_live_00000000_00000000000000000000000000000000"), "3FjiUt");
        assert_eq!(checksum(""), "000000");
    }

    #[test]
    fn a_wrong_character_anywhere_is_refused() {
        let text = generate().text.expose().clone();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).expect("ascii");
            assert!(parse(&changed).is_none(), "{at}: {changed}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let text = generate().text.expose().clone();
        for bad in [
            String::new(),
            "pst_live_".to_owned(),
            "_".repeat(KEY_LEN),
            "é".repeat(KEY_LEN / 2),
            text.to_uppercase(),
            text.replace("_live_", "_test_"),
            format!("{text}0"),
            format!(" {text}"),
            format!("{text}\n"),
            text[..KEY_LEN - 1].to_owned(),
            format!("Bearer {text}"),
        ] {
            assert!(parse(&bad).is_none(), "{bad:?}");
        }
    }
}
