//! Places in a JSON body, by their pointers, and what may stand there. How a body is read says [`crate::lookup`].

use std::fmt;

use postern_domain::Invalid;

use crate::lookup::{Lookup, Want};

const MAX_STEPS: usize = 16;

/// A JSON Pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/a/0/b`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let Some(steps) = text.strip_prefix('/') else {
            return Err(Invalid::new(field, "must be a JSON Pointer such as `/id` or `/data/id`"));
        };
        let steps: Vec<String> = steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        if steps.len() > MAX_STEPS {
            return Err(Invalid::new(field, format!("must have at most {MAX_STEPS} steps")));
        }
        Ok(Self(steps))
    }

    /// By its steps, each a member's name or an element's number.
    pub(crate) const fn from_steps(steps: Vec<String>) -> Self {
        Self(steps)
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.0
    }

    /// The text of the string, or the digits of the number, that stands there; none for all else.
    pub(crate) fn find(&self, body: &[u8]) -> Option<String> {
        self.find_raw(body).as_deref().and_then(scalar)
    }

    /// Whether anything stands there.
    pub(crate) fn is_there(&self, body: &[u8]) -> bool {
        self.find_raw(body).is_some()
    }

    /// Whether a list stands there that has nothing in it.
    pub(crate) fn is_empty_list(&self, body: &[u8]) -> bool {
        let inside = |raw: &str| Some(raw.strip_prefix('[')?.strip_suffix(']')?.trim().is_empty());
        self.find_raw(body).as_deref().and_then(inside).unwrap_or(false)
    }

    /// What stands there, as it is written.
    fn find_raw(&self, body: &[u8]) -> Option<String> {
        let mut lookup = Lookup::default();
        lookup.add(self, Want::Raw);
        lookup.find(body).pop().flatten()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

/// The text of a string, or the digits of a number.
pub(crate) fn scalar(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'-' | b'0'..=b'9' => Some(raw.to_owned()),
        _ => None,
    }
}
