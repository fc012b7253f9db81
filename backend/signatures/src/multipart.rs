//! Fields of a body of `multipart/form-data` (RFC 7578), as bytes. Files among them are stepped over.

use crate::request::RawRequest;

const CONTENT_TYPE: &str = "multipart/form-data";
/// More make a form that no sender of ours sends.
const MAX_PARTS: usize = 1_000;
/// By RFC 2046.
const MAX_BOUNDARY_BYTES: usize = 70;

/// A name and a value.
pub(crate) type Field<'a> = (&'a str, &'a [u8]);

/// What parts the fields, when the request says that its body is such a form.
pub(crate) fn boundary<'a>(request: &RawRequest<'a>) -> Option<&'a str> {
    let value = request.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, rest) = value.split_once(';')?;
    let boundary = kind.trim_matches(' ').eq_ignore_ascii_case(CONTENT_TYPE).then(|| parameter(rest, "boundary"))??;
    (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// The fields in the order in which they came, repeated ones included; none when the form has no end, or too many parts.
pub(crate) fn read<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Field<'a>>> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(delimiter.trim_start().as_bytes())?;
    let mut fields = Vec::new();
    for _ in 0..=MAX_PARTS {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (part, after) = split_once(rest, delimiter.as_bytes())?;
        fields.extend(field(part));
        rest = after;
    }
    None
}

/// The value of the last field of this name: where a name repeats, the sender's own comes after those it passes on.
pub(crate) fn last<'a>(fields: &[Field<'a>], name: &str) -> Option<&'a [u8]> {
    fields.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| *value)
}

/// None for a file, and for a part that does not say what it is.
fn field(part: &[u8]) -> Option<Field<'_>> {
    const DISPOSITION: &str = "content-disposition:";
    let (head, value) = split_once(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    let line = head
        .lines()
        .find(|line| line.get(..DISPOSITION.len()).is_some_and(|start| start.eq_ignore_ascii_case(DISPOSITION)))?;
    let name = parameter(line, "name").filter(|_| parameter(line, "filename").is_none())?;
    Some((name, value))
}

/// `; name=value` or `; name="value"`.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

fn split_once<'a>(text: &'a [u8], part: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.windows(part.len()).position(|window| window == part)?;
    Some((text.get(..place)?, text.get(place + part.len()..)?))
}
