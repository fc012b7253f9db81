//! Passwords, kept as Argon2id hashes (RFC 9106) in the PHC string format.

use argon2::{Argon2, PasswordHasher};
use postern_domain::{Invalid, Secret};

/// In characters. Longer ones cost the server more than they give the user.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=128;

/// Hashes a password with a fresh salt: Argon2id, 19 MiB, 2 passes. Takes some tens of milliseconds of one core.
///
/// # Errors
/// When it has fewer than 12 or more than 128 characters.
pub fn hash(password: &Secret<String>) -> Result<Secret<String>, Invalid> {
    let text = password.expose();
    if !LENGTHS.contains(&text.chars().count()) {
        return Err(Invalid::new("password", "must have 12 to 128 characters"));
    }
    let hashed = Argon2::default().hash_password(text.as_bytes());
    hashed.map(|hash| Secret::new(hash.to_string())).map_err(|_| Invalid::new("password", "cannot be hashed"))
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordVerifier, password_hash::phc::PasswordHash};

    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let password = Secret::new("correct horse battery".to_owned());
        let (first, second) = (hash(&password).expect("hashed"), hash(&password).expect("hashed"));
        assert!(first.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && first != second);
        let parsed = PasswordHash::new(first.expose()).expect("a PHC string");
        assert!(Argon2::default().verify_password(b"correct horse battery", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse batterz", &parsed).is_err());
    }

    #[test]
    fn a_password_of_the_wrong_length_is_refused() {
        for text in ["", "eleven char", &"x".repeat(129)] {
            assert!(hash(&Secret::new(text.to_owned())).is_err(), "{text}");
        }
    }
}
