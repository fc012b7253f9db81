//! What is wrong with an input, said once, in the words the caller can act on.

/// One field of an input that cannot be accepted, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct Invalid {
    /// The field as the caller wrote it, dotted for nested ones: `retry.schedule_s`.
    pub field: String,
    pub detail: String,
}

impl Invalid {
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

/// A name that people give to things: trimmed, 1 to 100 characters, no control characters.
///
/// # Errors
/// Says which of these does not hold.
pub fn name(field: &str, text: &str) -> Result<String, Invalid> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().count() > 100 {
        return Err(Invalid::new(field, "must have 1 to 100 characters"));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Invalid::new(field, "must not contain control characters"));
    }
    Ok(trimmed.to_owned())
}
