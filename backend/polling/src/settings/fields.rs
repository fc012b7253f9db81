//! Reads an object of the settings field by field, and tells of every field that nobody asked for.

use std::ops::RangeInclusive;

use postern_domain::Invalid;
use serde_json::{Map, Value};

/// Longer than any name, path or key that a person writes.
pub(super) const MAX_TEXT_BYTES: usize = 300;
/// A token of an identity provider can be long.
pub(super) const MAX_SECRET_BYTES: usize = 4_096;

/// One object, where it stands, and what has been asked of it.
pub(super) struct Fields<'a> {
    path: String,
    given: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(path: impl Into<String>, value: Option<&'a Value>) -> Result<Self, Invalid> {
        let path = path.into();
        let given = match value {
            None | Some(Value::Null) => None,
            Some(Value::Object(members)) => Some(members),
            Some(_) => return Err(Invalid::new(path, "must be an object")),
        };
        Ok(Self { path, given, known: Vec::new() })
    }

    pub(super) const fn is_given(&self) -> bool {
        self.given.is_some()
    }

    /// The field as the caller wrote it: `poll.request.url`.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    pub(super) fn invalid(&self, name: &str, detail: impl Into<String>) -> Invalid {
        Invalid::new(self.at(name), detail)
    }

    /// Null is as good as nothing.
    pub(super) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.given?.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn object(&mut self, name: &'static str) -> Result<Fields<'a>, Invalid> {
        let value = self.value(name);
        Fields::new(self.at(name), value)
    }

    /// A text without control characters.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, Invalid> {
        self.bounded(name, MAX_TEXT_BYTES)
    }

    pub(super) fn required(&mut self, name: &'static str, advice: &str) -> Result<&'a str, Invalid> {
        self.text(name)?.ok_or_else(|| self.invalid(name, format!("is required: {advice}")))
    }

    /// A text without control characters, of up to `most` bytes.
    pub(super) fn bounded(&mut self, name: &'static str, most: usize) -> Result<Option<&'a str>, Invalid> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.invalid(name, "must be a string"))?;
        if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
            return Err(self.invalid(name, format!("must have 1 to {most} bytes and no control characters")));
        }
        Ok(Some(text))
    }

    /// One of the named choices.
    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| value.as_str() == Some(choice)).map(|(_, chosen)| *chosen);
        chosen.map(Some).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            self.invalid(name, format!("must be one of {}", names.join(", ")))
        })
    }

    /// A whole number within bounds.
    pub(super) fn integer(&mut self, name: &'static str, bounds: RangeInclusive<u32>) -> Result<Option<u32>, Invalid> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let detail = || format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        number.filter(|number| bounds.contains(number)).map(Some).ok_or_else(|| self.invalid(name, detail()))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Invalid> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.invalid(name, "must be true or false"))
    }

    /// A list of at most `most`.
    pub(super) fn list(&mut self, name: &'static str, most: usize) -> Result<&'a [Value], Invalid> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::Array(values)) if values.len() <= most => Ok(values),
            Some(_) => Err(self.invalid(name, format!("must be a list of at most {most}"))),
        }
    }

    /// The names and values of an object with free names, at most `most`.
    pub(super) fn entries(&mut self, name: &'static str, most: usize) -> Result<Vec<(&'a str, &'a Value)>, Invalid> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(members)) if members.len() <= most => {
                Ok(members.iter().map(|(name, value)| (name.as_str(), value)).collect())
            }
            Some(_) => Err(self.invalid(name, format!("must be an object of at most {most} entries"))),
        }
    }

    /// Refuses a field that means nothing beside others.
    pub(super) fn refuse(&mut self, name: &'static str, why: &str) -> Result<(), Invalid> {
        match self.value(name) {
            None => Ok(()),
            Some(_) => Err(self.invalid(name, why)),
        }
    }

    /// Names a field that nobody asked for, if there is one.
    pub(super) fn finish(self) -> Result<(), Invalid> {
        let mut names = self.given.into_iter().flat_map(Map::keys);
        let Some(name) = names.find(|name| !self.known.contains(&name.as_str())) else { return Ok(()) };
        let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
        Err(self.invalid(&shown, format!("is not a field here; there are: {}", self.known.join(", "))))
    }
}
