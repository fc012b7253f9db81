//! Form parameters, as bytes: what senders sign are the decoded names and values, whatever their characters.

use std::borrow::Cow;

use crate::request::RawRequest;

/// More make a form that no sender of ours sends.
const MAX_PARAMETERS: usize = 1_000;
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A decoded name and a decoded value.
pub(crate) type Parameter<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The parameters in the order in which they came, repeated ones included; none when there are too many.
pub(crate) fn read(text: &[u8]) -> Option<Vec<Parameter<'_>>> {
    let found: Vec<_> = pairs(text).take(MAX_PARAMETERS + 1).collect();
    (found.len() <= MAX_PARAMETERS).then_some(found)
}

/// The same one by one, however many there are.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    text.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(|part| {
        let cut = part.iter().position(|byte| *byte == b'=');
        let (name, value) = cut.map_or((part, &[][..]), |cut| (&part[..cut], &part[cut + 1..]));
        (decode(name), decode(value))
    })
}

/// The value of the last parameter of this name: where a name repeats, the sender's own comes after those it passes on.
pub(crate) fn last<'p>(parameters: &'p [Parameter<'_>], name: &str) -> Option<&'p [u8]> {
    parameters.iter().rev().find(|(found, _)| **found == *name.as_bytes()).map(|(_, value)| value.as_ref())
}

/// The query of a URL, without a fragment; empty when there is none.
pub(crate) fn query(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    url.split_once('?').map_or("", |(_, query)| query)
}

/// Whether the request says that its body is a form.
pub(crate) fn is_form(request: &RawRequest<'_>) -> bool {
    media_type(request).is_some_and(|kind| kind.eq_ignore_ascii_case(CONTENT_TYPE))
}

fn media_type<'a>(request: &RawRequest<'a>) -> Option<&'a str> {
    let value = request.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim_matches(' '))
}

/// `+` is a space, `%41` is a byte; a `%` that begins neither stands for itself.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = tail;
                }
                _ => decoded.push(b'%'),
            },
            (byte, _) => decoded.push(*byte),
        }
    }
    Cow::Owned(decoded)
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
