//! Which names say that what they name is secret.

/// Anywhere in a name, whatever is around them: `nextPageToken`, `x-api-key`, `client_secret`.
const PARTS: [&str; 21] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "credential",
    "cookie",
    "sessionid",
    "creditcard",
    "cardno",
    "cardnumber",
    "accountno",
    "accountnumber",
    "securitycode",
];
/// Only as a word: a `discard` is no card, `shipping` no pin.
const WORDS: [&str; 18] = [
    "auth", "bearer", "card", "cards", "cvc", "cvv", "iban", "ibans", "jwt", "mfa", "otp", "pan", "pass", "pin", "pwd",
    "session", "ssn", "totp",
];

/// A name as it stands in a text, with whatever escapes and separators it has.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let words = words(&unescaped(name));
    let joined = words.concat();
    PARTS.iter().any(|part| joined.contains(part))
        || joined.starts_with("iban")
        || joined.ends_with("iban")
        || words.iter().any(|word| WORDS.contains(&word.trim_end_matches(|letter: char| letter.is_ascii_digit())))
}

/// Letters may be written by their number: `pass\u0077ord`.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut letters = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, behind)) = rest.split_first() {
        let number = behind.strip_prefix(b"u").and_then(|digits| digits.get(..4)).filter(|_| *byte == b'\\');
        let number = number.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        letters.push(number.unwrap_or(*byte));
        rest = if number.is_some() { behind.get(5..).unwrap_or_default() } else { behind };
    }
    letters
}

/// In lower case, cut where letters change as in `debtorIBAN` and `HTTPToken`, and at all that is neither letter nor digit.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, byte) in name.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| name.get(before)).copied().unwrap_or(b' ');
        let behind = name.get(at + 1).copied().unwrap_or(b' ');
        let begins = byte.is_ascii_uppercase() && (!before.is_ascii_uppercase() || behind.is_ascii_lowercase());
        if begins || !byte.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| byte.is_ascii_alphanumeric()) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    words
}
