//! A JSON Schema checker of its own, stricter than the standard: what no property names is wrong.

use postern_domain::Timestamp;
use serde_json::{Map, Value};

/// What is wrong with the value, in words. Knows the keywords that the vocabulary and the envelopes use, and no other.
pub(super) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return found.push(format!("{at}: no schema")) };
    for (keyword, bound) in schema {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "examples" => {}
            "type" => check_type(bound, value, at, found),
            "enum" if !bound.as_array().expect("a list").contains(value) => {
                found.push(format!("{at}: not of the enum"))
            }
            "const" if bound != value => found.push(format!("{at}: not {bound}")),
            "format" => check_format(bound, value, at, found),
            "minLength" if length(value) < bound.as_u64() => found.push(format!("{at}: too short")),
            "maxLength" if length(value) > bound.as_u64() => found.push(format!("{at}: too long")),
            "minimum" if value.as_i64() < bound.as_i64() => found.push(format!("{at}: too small")),
            "enum" | "const" | "minLength" | "maxLength" | "minimum" => {}
            "properties" => check_properties(bound.as_object().expect("properties"), value, at, found),
            "required" => {
                let names = bound.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"));
                found.extend(names.filter(|name| value.get(name).is_none()).map(|name| format!("{at}: no {name}")));
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(bound, item, &format!("{at}/{index}"), found);
                }
            }
            other => found.push(format!("{at}: the checker does not know `{other}`")),
        }
    }
}

fn check_type(wanted: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = wanted.as_str() == Some(is) || wanted.as_array().is_some_and(|all| all.contains(&Value::from(is)));
    if !fits {
        found.push(format!("{at}: {is} instead of {wanted}"));
    }
}

fn check_format(format: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    assert_eq!(format, "date-time", "the checker knows no other format");
    if value.as_str().is_some_and(|text| Timestamp::parse_rfc3339(text).is_err()) {
        found.push(format!("{at}: no date-time"));
    }
}

fn check_properties(properties: &Map<String, Value>, value: &Value, at: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match properties.get(name) {
            Some(schema) => check(schema, value, &format!("{at}/{name}"), found),
            None => found.push(format!("{at}: nothing is said of {name}")),
        }
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}
