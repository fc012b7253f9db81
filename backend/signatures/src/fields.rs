//! Reads the `config` object of a source field by field, and tells of every field that nobody asked for.

use std::ops::RangeInclusive;

use http::HeaderName;
use postern_domain::Invalid;
use serde_json::{Map, Value};

use crate::body::Pointer;

const MAX_TEXT_BYTES: usize = 200;

/// The object, and what has been asked of it.
pub(crate) struct Fields<'a> {
    given: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Takes an object; `null` is an empty one.
    pub(crate) fn new(config: &'a Value) -> Result<Self, Invalid> {
        let given = match config {
            Value::Null => None,
            Value::Object(members) => Some(members),
            _ => return Err(Invalid::new("config", "must be an object")),
        };
        Ok(Self { given, known: Vec::new() })
    }

    /// A text of 1 to 200 bytes without control characters.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| invalid(name, "must be a string"))?;
        if text.is_empty() || text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control) {
            return Err(invalid(name, &format!("must have 1 to {MAX_TEXT_BYTES} bytes and no control characters")));
        }
        Ok(Some(text))
    }

    /// A header's name.
    pub(crate) fn header(&mut self, name: &'static str) -> Result<Option<HeaderName>, Invalid> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let header = HeaderName::from_bytes(text.as_bytes());
        header.map(Some).map_err(|_| invalid(name, &format!("`{text}` is not a header name")))
    }

    /// A header's name that must be given.
    pub(crate) fn required_header(&mut self, name: &'static str) -> Result<HeaderName, Invalid> {
        self.header(name)?.ok_or_else(|| invalid(name, "is required: the name of the header to look at"))
    }

    /// A JSON Pointer.
    pub(crate) fn pointer(&mut self, name: &'static str) -> Result<Option<Pointer>, Invalid> {
        self.text(name)?.map(|text| Pointer::parse(&format!("config.{name}"), text)).transpose()
    }

    /// One of the named choices.
    pub(crate) fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        chosen.map(Some).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            invalid(name, &format!("must be one of {}", names.join(", ")))
        })
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&mut self, name: &'static str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| bounds.contains(number));
        let detail = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| invalid(name, &detail))
    }

    /// Names a field that nobody asked for, if there is one.
    pub(crate) fn finish(self, scheme: &str) -> Result<(), Invalid> {
        let mut names = self.given.into_iter().flat_map(Map::keys);
        let Some(name) = names.find(|name| !self.known.contains(&name.as_str())) else { return Ok(()) };
        let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        Err(invalid(name, &format!("is not a field of scheme `{scheme}`, whose fields are: {known}")))
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.given?.get(name).filter(|value| !value.is_null())
    }
}

/// A fault of one field of `config`.
pub(crate) fn invalid(name: &str, detail: &str) -> Invalid {
    Invalid::new(format!("config.{name}"), detail)
}
