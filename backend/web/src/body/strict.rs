//! Looks through JSON for what no type would notice, and turns a reader's complaint into the field it is about.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::error::Category;

use crate::problem::{Code, Problem};

/// Begins the message of an error that is about the content and not about the form.
const REFUSED: &str = "refused: ";

/// # Errors
/// For text that is not JSON, has a key twice in one object, or has NUL in a string.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let looked_at = Looked::deserialize(&mut reader).and_then(|_| reader.end());
    looked_at.map_err(|cause| match without_place(&cause).strip_prefix(REFUSED) {
        Some(refused) => Problem::new(Code::InvalidFields, format!("{refused} ({}).", place(&cause))),
        None => not_json(&cause),
    })
}

/// What is not JSON, with the place where it stops being it.
pub(super) fn not_json(cause: &serde_json::Error) -> Problem {
    Problem::new(Code::InvalidJson, format!("{} at {}.", without_place(cause), place(cause)))
}

/// What a type did not accept, by field.
pub(super) fn explain(cause: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = cause.inner();
    if matches!(inner.classify(), Category::Syntax | Category::Eof | Category::Io) {
        return not_json(inner);
    }
    let message = without_place(inner);
    let path = cause.path().to_string();
    let under = |name: &str| if path == "." || path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    // serde names the field in the message, and the path then ends at its parent or already at the field.
    let named =
        |name: &str| if path == name || path.ends_with(&format!(".{name}")) { path.clone() } else { under(name) };
    if message.starts_with("unknown field") {
        let expected = message.split_once(", ").map_or(String::new(), |(_, rest)| format!(": {rest}"));
        return Problem::invalid(&named(quoted()), &format!("is not a known field{expected}"));
    }
    if message.starts_with("missing field") {
        return Problem::invalid(&named(quoted()), "is required");
    }
    let field = if path == "." { "body" } else { path.as_str() };
    Problem::invalid(field, &format!("cannot be read: {message}"))
}

fn place(cause: &serde_json::Error) -> String {
    format!("line {}, column {}", cause.line(), cause.column())
}

fn without_place(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Visits every value and keeps none.
struct Looked;

impl<'de> Deserialize<'de> for Looked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Looked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Looked, E> {
        Ok(Looked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Looked, E> {
        Ok(Looked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Looked, E> {
        Ok(Looked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Looked, E> {
        Ok(Looked)
    }

    fn visit_unit<E>(self) -> Result<Looked, E> {
        Ok(Looked)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Looked, E> {
        without_nul(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Looked, A::Error> {
        while sequence.next_element::<Looked>()?.is_some() {}
        Ok(Looked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Looked, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if !keys.insert(key.clone()) {
                let shown: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format!("{REFUSED}`{shown}` stands twice in one object")));
            }
            map.next_value::<Looked>()?;
        }
        Ok(Looked)
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let key = String::deserialize(deserializer)?;
        without_nul::<D::Error>(&key).map(|_| key)
    }
}

fn without_nul<E: serde::de::Error>(text: &str) -> Result<Looked, E> {
    if text.contains('\0') {
        Err(E::custom(format!("{REFUSED}a string holds the character U+0000")))
    } else {
        Ok(Looked)
    }
}
