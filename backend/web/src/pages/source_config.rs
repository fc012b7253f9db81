//! The `config` of a source, as its form shows it and as the API takes it.

use postern_domain::Invalid;
use postern_frontend::{form::Form, pages::source_form::SourceForm};
use serde_json::{Map, Value};

use super::posted::Posted;

const PREFIX: &str = "config.";

/// How a field is written.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Spaces count.
    Exact,
    Number,
    Flag,
    /// One, or several with commas between them.
    Texts,
    Json,
}

fn kind(key: &str) -> Kind {
    match key {
        "prefix" | "separator" | "group_separator" => Kind::Exact,
        "prefix_optional" | "header_repeated" => Kind::Flag,
        "header" | "signature_keys" | "timestamp_header" => Kind::Texts,
        "handshakes" => Kind::Json,
        other if other.ends_with("_s") => Kind::Number,
        _ => Kind::Text,
    }
}

/// Shows what is kept. What is not is left as it is: as usual.
pub(super) fn fill(form: &mut SourceForm, config: &Value) {
    for field in form.fields_mut() {
        let kept = field.name.strip_prefix(PREFIX).and_then(|key| Some((key, config.get(key)?)));
        let Some((key, value)) = kept else { continue };
        field.value = match (kind(key), value) {
            (Kind::Texts, Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            (Kind::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        };
    }
}

/// What the form asks. What it does not ask stays as it is in `kept`; what is as usual is not said.
///
/// # Errors
/// Names the field at fault.
pub(super) fn read(posted: &Posted, form: &SourceForm, mut kept: Map<String, Value>) -> Result<Value, Invalid> {
    for field in form.fields() {
        let Some(key) = field.name.strip_prefix(PREFIX) else { continue };
        if posted.all(&field.name).is_empty() {
            continue;
        }
        let is_usual = posted.text(&field.name) == field.value;
        match value(posted, &field.name, kind(key))?.filter(|_| !is_usual) {
            Some(value) => kept.insert(key.to_owned(), value),
            None => kept.remove(key),
        };
    }
    Ok(Value::Object(kept))
}

/// None when nothing was typed.
fn value(posted: &Posted, name: &str, kind: Kind) -> Result<Option<Value>, Invalid> {
    Ok(match kind {
        Kind::Text => posted.optional(name).map(Value::String),
        Kind::Exact => Some(posted.text(name)).filter(|text| !text.is_empty()).map(Value::from),
        Kind::Number => posted.number::<i64>(name)?.map(Value::from),
        Kind::Flag => (posted.text(name) == "true").then_some(Value::Bool(true)),
        Kind::Texts => {
            let mut texts: Vec<String> = posted.text(name).split(',').map(str::trim).map(str::to_owned).collect();
            texts.retain(|text| !text.is_empty());
            match texts.len() {
                0 | 1 => texts.pop().map(Value::String),
                _ => Some(texts.into()),
            }
        }
        Kind::Json => match posted.optional(name) {
            None => None,
            Some(text) => Some(serde_json::from_str(&text).map_err(|_| Invalid::new(name, "must be JSON"))?),
        },
    })
}
