//! Event types, and the patterns by which a connection chooses among them.

use crate::invalid::Invalid;

/// Longer types are cut when an event is taken in, refused when a person writes them.
pub const MAX_LEN: usize = 200;

/// What a provider calls its event, made safe to store and show: no control characters, at most [`MAX_LEN`] bytes.
#[must_use]
pub fn clean(raw: &str) -> String {
    let mut text: String = raw.chars().filter(|letter| !letter.is_control()).collect();
    while text.len() > MAX_LEN {
        text.pop();
    }
    text
}

/// `payment.received` matches itself; `payment.*` all that begins with `payment.`; `*` everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// # Errors
    /// When empty, too long, or with a `*` anywhere but as the last of its parts.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let stem = text.strip_suffix('*').unwrap_or(text);
        let star_stands_alone = stem.len() == text.len() || stem.is_empty() || stem.ends_with('.');
        if text.is_empty() || text.len() > MAX_LEN || text.chars().any(char::is_control) {
            return Err(Invalid::new("event_types", format!("each pattern must have 1 to {MAX_LEN} plain characters")));
        }
        if stem.contains('*') || !star_stands_alone {
            return Err(Invalid::new(
                "event_types",
                format!("`{text}`: `*` may stand only alone or last, as in `payment.*`"),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(stem) => event_type.starts_with(stem),
            None => self.0 == event_type,
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_parts() {
        let matches = |pattern: &str, text: &str| Pattern::parse(pattern).expect("valid").matches(text);
        assert!(matches("*", "") && matches("*", "anything"));
        assert!(matches("payment.*", "payment.received") && !matches("payment.*", "payments.x"));
        assert!(!matches("payment.*", "payment") && matches("payment", "payment") && !matches("payment", "payment.x"));
        for bad in ["", "pay*", "*.x", "a.*.b", "a\n"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_provider_may_say_anything_as_its_type() {
        assert_eq!(clean("a\0b\u{7f}c"), "abc");
        assert!(clean(&"é".repeat(500)).len() <= MAX_LEN);
    }
}
