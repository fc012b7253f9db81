//! The address of a person, by which they are known.

use crate::invalid::Invalid;

pub const MAX_LEN: usize = 254;

/// As it is stored: trimmed and in lower case, so that one person cannot have two accounts by spelling. Whether there
/// is a mailbox is another matter.
///
/// # Errors
/// When it cannot be an address.
pub fn parse(text: &str) -> Result<String, Invalid> {
    let email = text.trim().to_lowercase();
    let has_form = email.split_once('@').is_some_and(|(person, host)| !person.is_empty() && !host.is_empty());
    let is_plain = !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    if has_form && is_plain && email.len() <= MAX_LEN {
        return Ok(email);
    }
    Err(Invalid::new("email", format!("must be an address like ada@example.com, of at most {MAX_LEN} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_makes_no_second_person() {
        assert_eq!(parse(" Ada@Example.com\n"), Ok("ada@example.com".to_owned()));
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for text in ["", "ada", "@example.com", "ada@", "a da@example.com", "ada@exa\u{0}mple.com"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&format!("{}@b", "a".repeat(MAX_LEN - 1))).is_err());
    }
}
