//! Random bytes from the operating system, and SHA-256. Everything secret that Postern makes begins here.

use rand::{Rng, rand_core::UnwrapErr, rngs::SysRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of 62 in a byte: what lies above is thrown again, or some characters would come more often.
const FAIR_BELOW: u8 = 248;

/// `N` bytes that nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give: going on with guessable keys would be worse.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

/// `len` characters of `0-9A-Za-z`, each worth 5.95 bits.
#[must_use]
pub fn random_base62(len: usize) -> String {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        let mut bytes = random_bytes::<64>();
        let fair = bytes.iter().filter(|byte| **byte < FAIR_BELOW);
        text.extend(fair.filter_map(|byte| base62_digit(usize::from(*byte) % BASE62.len())).take(len - text.len()));
        bytes.zeroize();
    }
    text
}

#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn base62_digit(value: usize) -> Option<char> {
    BASE62.get(value).map(|byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_has_the_length_and_the_letters_that_were_asked_for() {
        for len in [0, 1, 32, 500] {
            let text = random_base62(len);
            assert_eq!(text.len(), len);
            assert!(text.bytes().all(|byte| BASE62.contains(&byte)), "{text}");
        }
        assert_ne!(random_base62(32), random_base62(32));
        assert_ne!(random_bytes::<16>(), random_bytes::<16>());
    }

    #[test]
    fn every_letter_comes_about_as_often_as_the_others() {
        let text = random_base62(62_000);
        for letter in BASE62 {
            let count = text.bytes().filter(|byte| byte == letter).count();
            assert!((800..1_200).contains(&count), "{} came {count} times, 1 000 expected", char::from(*letter));
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(sha256("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
