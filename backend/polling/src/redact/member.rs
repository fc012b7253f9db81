//! Where the values of secret names stand: in JSON, also within a text of JSON, in a query or a form, in headers, in XML.
//!
//! One reading from left to right: what belongs to a value is not looked at again, and what is looked back at for a name
//! is bounded. A quote that nobody closed leads nothing astray, because no state is carried from one name to the next.

use std::ops::Range;

use super::name;

/// Longer names say nothing.
const NAME_BYTES: usize = 128;
/// Where a name without quotes begins, at the latest.
const STOPS: &[u8] = b" \t,;&?{}()<>\"':=\r\n";

/// What stands before a separator.
struct Name<'t> {
    text: &'t [u8],
    /// How many backslashes stand before its closing quote; none where it has no quotes.
    escapes: Option<usize>,
}

/// The places of all secret values.
pub(super) fn values(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(separator) = text.get(at).copied() {
        at += 1;
        let value = match separator {
            b':' | b'=' => of_member(text, at - 1),
            b'>' => of_element(text, at - 1),
            _ => None,
        };
        if let Some(value) = value {
            at = at.max(value.end);
            if !value.is_empty() {
                found.push(value);
            }
        }
    }
    found
}

/// What is behind the separator, if what is before it says that it is secret.
fn of_member(text: &[u8], separator: usize) -> Option<Range<usize>> {
    let name = name_before(text, separator);
    if !name::is_secret(name.text) {
        return None;
    }
    let arrow = usize::from(text.get(separator..separator + 2) == Some(b"=>"));
    let begin = skip(text, separator + 1 + arrow, u8::is_ascii_whitespace);
    let quote = skip(text, begin, |byte| *byte == b'\\');
    let escapes = quote - begin;
    match text.get(quote).copied() {
        Some(mark @ (b'"' | b'\'')) => Some(quote + 1..end_of_string(text, quote + 1, (mark, escapes))),
        Some(b'{' | b'[') if escapes == 0 => Some(begin..end_of_brackets(text, begin, name.escapes.unwrap_or(0))),
        _ => Some(bare(text, begin, (&name, text.get(separator).copied().unwrap_or(b':')))),
    }
}

fn name_before(text: &[u8], separator: usize) -> Name<'_> {
    let before = &text[separator.saturating_sub(2 * NAME_BYTES)..separator];
    let before = before.trim_ascii_end();
    let Some((mark @ (b'"' | b'\''), quoted)) = before.split_last() else {
        // `API key: 1` has a name of two words, and in `<a b="1">` the first is another's.
        let stops: &[u8] = if text.get(separator) == Some(&b'=') { STOPS } else { STOPS.trim_ascii_start() };
        let begin = before.iter().rposition(|byte| stops.contains(byte)).map_or(0, |at| at + 1);
        return Name { text: last(&before[begin..]), escapes: None };
    };
    let end = quoted.iter().rposition(|byte| *byte != b'\\').map_or(0, |at| at + 1);
    let escapes = quoted.len() - end;
    let begin = quoted[..end].iter().rposition(|byte| byte == mark).map_or(0, |at| at + 1);
    Name { text: last(&quoted[begin..end]), escapes: Some(escapes) }
}

fn last(name: &[u8]) -> &[u8] {
    &name[name.len().saturating_sub(NAME_BYTES)..]
}

fn skip(text: &[u8], from: usize, is_passed: impl Fn(&u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !is_passed(byte)).unwrap_or(rest.len())
}

/// Where a text ends that was begun with so many backslashes before its mark: in a text within a text, a mark of its own
/// has more of them, and one with fewer ends the text around it.
fn end_of_string(text: &[u8], from: usize, (mark, escapes): (u8, usize)) -> usize {
    let mut run = 0;
    for (at, byte) in text.iter().enumerate().skip(from) {
        if *byte == mark && ends(run, escapes) {
            return at - run.min(escapes);
        }
        run = if *byte == b'\\' { run + 1 } else { 0 };
    }
    text.len()
}

const fn ends(run: usize, escapes: usize) -> bool {
    run < escapes || (run - escapes).is_multiple_of(2 * (escapes + 1))
}

/// An object or a list, to its end or to the end of the text around it.
fn end_of_brackets(text: &[u8], from: usize, escapes: usize) -> usize {
    let (mut depth, mut run, mut is_string) = (0_usize, 0, false);
    for (at, byte) in text.iter().enumerate().skip(from) {
        match byte {
            b'"' if run < escapes => return at,
            b'"' if ends(run, escapes) => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
        run = if *byte == b'\\' { run + 1 } else { 0 };
    }
    text.len()
}

/// A value without quotes. What JSON could not have there goes on to the end of its line, or of the text around it.
fn bare(text: &[u8], from: usize, (name, separator): (&Name<'_>, u8)) -> Range<usize> {
    let end = skip(text, from, |byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let behind = text.get(skip(text, end, u8::is_ascii_whitespace));
    if name.escapes.is_some() && behind.is_none_or(|byte| b",}]\"\\".contains(byte)) {
        // That there is none, or whether, is no secret.
        let is_plain = matches!(&text[from..end], b"null" | b"true" | b"false");
        return if is_plain { end..end } else { from..end };
    }
    let is_header = name.text.to_ascii_lowercase().ends_with(b"authorization");
    let stops: &[u8] = match separator {
        b'=' => b"\r\n&;<\"",
        _ if is_header => b"\r\n",
        _ => b"\r\n<\"",
    };
    let end = skip(text, from, |byte| !stops.contains(byte));
    from..end
}

/// What an element of XML holds, whatever is in it.
fn of_element(text: &[u8], close: usize) -> Option<Range<usize>> {
    let before = &text[close.saturating_sub(2 * NAME_BYTES)..close];
    let open = before.iter().rposition(|byte| matches!(byte, b'<' | b'>')).filter(|at| before[*at] == b'<')?;
    let tag = &before[open + 1..];
    let name = &tag[..skip(tag, 0, |byte| !byte.is_ascii_whitespace())];
    if tag.ends_with(b"/") || name.starts_with(b"/") || !name::is_secret(name) {
        return None;
    }
    let end = [b"</", name].concat();
    let rest = &text[close + 1..];
    let found = rest.windows(end.len()).position(|window| window == end);
    Some(close + 1..close + 1 + found.unwrap_or(rest.len()))
}
