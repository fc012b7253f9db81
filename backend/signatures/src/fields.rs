//! Reads the `config` object of a source field by field, and tells of every field that nobody asked for.

use std::ops::RangeInclusive;

use http::HeaderName;
use postern_domain::Invalid;
use serde_json::{Map, Value};

use crate::{body::Pointer, preset::ConfigField};

const MAX_TEXT_BYTES: usize = 200;
const MAX_TEXTS: usize = 8;

/// The object, and what has been asked of it.
pub(crate) struct Fields<'a> {
    given: Option<&'a Map<String, Value>>,
    known: Vec<String>,
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
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<&'a str>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| invalid(name, "must be a string"))?;
        if !is_plain(text) {
            return Err(invalid(name, &format!("must have 1 to {MAX_TEXT_BYTES} bytes and no control characters")));
        }
        Ok(Some(text))
    }

    /// A text, or a list of 1 to 8 of them.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<&'a str>, Invalid> {
        let Some(Value::Array(values)) = self.take(name) else {
            return Ok(self.text(name)?.into_iter().collect());
        };
        let texts: Vec<&str> = values.iter().filter_map(Value::as_str).filter(|text| is_plain(text)).collect();
        if texts.is_empty() || texts.len() != values.len() || texts.len() > MAX_TEXTS {
            let detail =
                format!("must be a string, or a list of 1 to {MAX_TEXTS}, each of 1 to {MAX_TEXT_BYTES} bytes");
            return Err(invalid(name, &detail));
        }
        Ok(texts)
    }

    /// Headers' names: one, or several of which the first that is there counts.
    pub(crate) fn headers(&mut self, name: &str) -> Result<Vec<HeaderName>, Invalid> {
        let header = |text: &str| {
            HeaderName::from_bytes(text.as_bytes())
                .map_err(|_| invalid(name, &format!("`{text}` is not a header name")))
        };
        self.texts(name)?.into_iter().map(header).collect()
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Invalid> {
        let Some(value) = self.take(name) else { return Ok(false) };
        value.as_bool().ok_or_else(|| invalid(name, "must be true or false"))
    }

    /// What a preset asks of the source: one of its choices, the first unless told otherwise, or any text.
    pub(crate) fn setting(&mut self, field: &ConfigField) -> Result<Option<String>, Invalid> {
        let name = field.name.as_str();
        if name == "tolerance_s" || self.take(name).is_some_and(|value| !value.is_string()) {
            return Ok(None);
        }
        let given = self.text(name)?;
        let known = |text: &str| field.choices.is_empty() || field.choices.iter().any(|choice| choice == text);
        match given {
            Some(text) if !known(text) => {
                let choices: Vec<String> = field.choices.iter().map(|choice| format!("`{choice}`")).collect();
                Err(invalid(name, &format!("must be one of {}", choices.join(", "))))
            }
            None if field.required => Err(invalid(name, &format!("is required: {}", field.label))),
            None => Ok(field.choices.first().cloned()),
            Some(text) => Ok(Some(text.to_owned())),
        }
    }

    /// A list of tables, each of up to a few hundred bytes.
    pub(crate) fn tables(&mut self, name: &str) -> Result<&'a [Value], Invalid> {
        match self.take(name) {
            None => Ok(&[]),
            Some(Value::Array(tables)) if tables.len() <= MAX_TEXTS => Ok(tables),
            Some(_) => Err(invalid(name, &format!("must be a list of at most {MAX_TEXTS}"))),
        }
    }

    /// A JSON Pointer.
    pub(crate) fn pointer(&mut self, name: &str) -> Result<Option<Pointer>, Invalid> {
        self.text(name)?.map(|text| Pointer::parse(&format!("config.{name}"), text)).transpose()
    }

    /// One of the named choices.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        chosen.map(Some).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            invalid(name, &format!("must be one of {}", names.join(", ")))
        })
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&mut self, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| bounds.contains(number));
        let detail = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| invalid(name, &detail))
    }

    /// Names a field that nobody asked for, if there is one.
    pub(crate) fn finish(self, scheme: &str) -> Result<(), Invalid> {
        let mut names = self.given.into_iter().flat_map(Map::keys);
        let Some(name) = names.find(|name| !self.known.contains(*name)) else { return Ok(()) };
        let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        Err(invalid(name, &format!("is not a field of scheme `{scheme}`, whose fields are: {known}")))
    }

    fn take(&mut self, name: &str) -> Option<&'a Value> {
        if !self.known.iter().any(|known| known == name) {
            self.known.push(name.to_owned());
        }
        self.given?.get(name).filter(|value| !value.is_null())
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

/// A fault of one field of `config`.
pub(crate) fn invalid(name: &str, detail: &str) -> Invalid {
    Invalid::new(format!("config.{name}"), detail)
}
