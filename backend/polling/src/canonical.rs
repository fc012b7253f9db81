//! One way to write a JSON value (RFC 8785), and the hash of it by which a change is noticed.
//!
//! Keys are sorted by their UTF-16 code units, numbers are written as ECMAScript would. One thing differs on purpose:
//! integers of up to 64 bits keep all their digits, also above 2^53, or a change of a long id would not be one.

use std::{cmp::Ordering, fmt::Write};

use postern_seal::token::sha256;
use serde_json::{Number, Value};
use serde_json_path::{JsonPath, LocatedNode};

/// The first half of a SHA-256: what is stored of a content.
pub type Hash = [u8; 16];

/// Hash of what an item says, without what lies at the excluded paths.
pub(crate) fn content_hash<'p>(value: &Value, exclude: impl Iterator<Item = &'p JsonPath>) -> Hash {
    let mut places = Vec::new();
    for path in exclude {
        places.extend(path.query_located(value).all().into_iter().map(LocatedNode::to_location));
    }
    if places.is_empty() {
        return hash(&canonical(value));
    }
    // Later elements of a list first, so that taking one out does not move the next. Steps from one value are all names
    // or all numbers, so any two places can be compared.
    places.sort_by(|left, right| right.partial_cmp(left).unwrap_or(Ordering::Equal));
    places.dedup();
    let mut rest = value.clone();
    for place in &places {
        take_out(&mut rest, &place.to_json_pointer());
    }
    hash(&canonical(&rest))
}

/// What a record's row is found by.
#[must_use]
pub(crate) fn hash(text: &str) -> Hash {
    let mut half = Hash::default();
    half.copy_from_slice(&sha256(text)[..16]);
    half
}

/// The value in its one form.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => write_string(text, string),
        Value::Array(list) => {
            text.push('[');
            for (position, element) in list.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_value(text, element);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            text.push('{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_string(text, name);
                text.push(':');
                write_value(text, member);
            }
            text.push('}');
        }
    }
}

/// The escapes of RFC 8785 are those of ECMAScript: the short ones, `\u00xx` for other control characters, no others.
fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                // Writing into a text does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            letter => text.push(letter),
        }
    }
    text.push('"');
}

fn write_number(text: &mut String, number: &Number) {
    match number.as_f64() {
        Some(float) if number.is_f64() => text.push_str(&ecmascript(float)),
        _ => text.push_str(&number.to_string()),
    }
}

/// `Number::toString` of ECMA-262: the shortest digits that read back as the same number, an exponent from 1e21 and
/// below 1e-6.
fn ecmascript(float: f64) -> String {
    if float == 0.0 || !float.is_finite() {
        return "0".to_owned();
    }
    let shortest = format!("{:e}", float.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.replace('.', "");
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |many: i32| "0".repeat(usize::try_from(many).unwrap_or(0));
    let cut = usize::try_from(point).unwrap_or(0).min(digits.len());
    let plain = match point {
        _ if count <= point && point <= 21 => format!("{digits}{}", zeros(point - count)),
        _ if 0 < point && point <= 21 => format!("{}.{}", &digits[..cut], &digits[cut..]),
        _ if -6 < point && point <= 0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let exponent = point - 1;
            let sign = if exponent < 0 { '-' } else { '+' };
            let fraction = if count > 1 { format!(".{}", &digits[1..]) } else { String::new() };
            format!("{}{fraction}e{sign}{}", &digits[..1], exponent.abs())
        }
    };
    if float < 0.0 { format!("-{plain}") } else { plain }
}

fn take_out(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let name = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&name);
        }
        Some(Value::Array(list)) => {
            if let Some(position) = name.parse().ok().filter(|position| *position < list.len()) {
                let _: Value = list.remove(position);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
