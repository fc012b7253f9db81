//! Passwords, kept as Argon2id hashes (RFC 9106) in the PHC string format.

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use postern_domain::{Invalid, Secret};

/// In characters. Longer ones cost the server more than they give the user.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=128;

/// Of a password that nobody has: what is verified for an account that does not exist.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$cG9zdGVybi1uby1vbmUhIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// # Errors
/// When it has fewer than 12 or more than 128 characters.
pub fn check(password: &Secret<String>) -> Result<(), Invalid> {
    if LENGTHS.contains(&password.expose().chars().count()) {
        return Ok(());
    }
    Err(Invalid::new("password", "must have 12 to 128 characters"))
}

/// Hashes a password with a fresh salt: Argon2id, 19 MiB, 2 passes. Takes some tens of milliseconds of one core.
///
/// # Errors
/// As [`check`].
pub fn hash(password: &Secret<String>) -> Result<Secret<String>, Invalid> {
    check(password)?;
    let hashed = Argon2::default().hash_password(password.expose().as_bytes());
    hashed.map(|hash| Secret::new(hash.to_string())).map_err(|_| Invalid::new("password", "cannot be hashed"))
}

/// Whether it is the password that was hashed. Without a hash it is not, and takes as long, so that the time does not
/// tell whether there is an account.
#[must_use]
pub fn verify(password: &Secret<String>, hash: Option<&Secret<String>>) -> bool {
    let stored = hash.and_then(|hash| PasswordHash::new(hash.expose()).ok());
    // What could not have been set is compared too, but not at any length.
    let plausible = check(password).is_ok();
    let text = if plausible { password.expose().as_bytes() } else { b"" };
    let (expected, known) = match stored {
        Some(hash) => (Ok(hash), plausible),
        None => (PasswordHash::new(NOBODYS), false),
    };
    expected.is_ok_and(|hash| Argon2::default().verify_password(text, &hash).is_ok()) && known
}

#[cfg(test)]
mod tests {
    use argon2::password_hash;

    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let password = secret("correct horse battery");
        let (first, second) = (hash(&password).expect("hashed"), hash(&password).expect("hashed"));
        assert!(first.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && first != second);
        assert!(verify(&password, Some(&first)) && verify(&password, Some(&second)));
        for wrong in ["correct horse batterz", "", "correct horse battery ", &"x".repeat(100_000)] {
            assert!(!verify(&secret(wrong), Some(&first)), "{wrong:.20}");
        }
    }

    #[test]
    fn without_a_hash_nothing_is_right_and_as_much_is_computed() {
        let nobodys = PasswordHash::new(NOBODYS).expect("a PHC string");
        let ours = hash(&secret("correct horse battery")).expect("hashed");
        let ours = PasswordHash::new(ours.expose()).expect("a PHC string");
        assert_eq!((nobodys.algorithm, nobodys.version, &nobodys.params), (ours.algorithm, ours.version, &ours.params));
        let compared = Argon2::default().verify_password(b"correct horse battery", &nobodys);
        assert_eq!(compared, Err(password_hash::Error::PasswordInvalid), "computed to the end");
        assert!(!verify(&secret("correct horse battery"), None));
        assert!(!verify(&secret("correct horse battery"), Some(&secret("not a hash"))));
    }

    #[test]
    fn a_password_of_the_wrong_length_is_refused() {
        for text in ["", "eleven char", &"x".repeat(129)] {
            assert!(hash(&Secret::new(text.to_owned())).is_err(), "{text}");
        }
    }
}
