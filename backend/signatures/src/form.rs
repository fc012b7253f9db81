//! Reads `application/x-www-form-urlencoded`: bodies, and the query of a URL.

use std::borrow::Cow;

/// Longer forms are read up to here.
const MAX_FIELDS: usize = 1_000;

/// Names and values, decoded, in their order. What is not UTF-8 is replaced, as it is only compared and shown.
pub(crate) fn fields(form: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).take(MAX_FIELDS).map(|field| {
        let (name, value) = match field.iter().position(|byte| *byte == b'=') {
            Some(place) => (&field[..place], &field[place + 1..]),
            None => (field, &[][..]),
        };
        (decode(name), decode(value))
    })
}

/// The first value of a field.
pub(crate) fn find<'f>(form: &'f [u8], name: &str) -> Option<Cow<'f, str>> {
    fields(form).find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The query of a URL, as it came.
pub(crate) fn query(url: &str) -> &[u8] {
    let before_fragment = url.split_once('#').map_or(url, |(before, _)| before);
    before_fragment.split_once('?').map_or("", |(_, query)| query).as_bytes()
}

fn decode(text: &[u8]) -> Cow<'_, str> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return String::from_utf8_lossy(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match after.get(..2).and_then(|pair| hex::decode(pair).ok()) {
                Some(pair) => {
                    rest = &after[2..];
                    pair[0]
                }
                None => b'%',
            },
            plain => *plain,
        });
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}
