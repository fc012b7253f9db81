//! Form fields as text: of bodies, and of the query of a URL. What they are cut from and decoded by is [`parameters`].

use std::borrow::Cow;

use crate::parameters;

/// Longer forms are read up to here.
const MAX_FIELDS: usize = 1_000;

/// Names and values, decoded, in their order. What is not UTF-8 is replaced, as it is only compared and shown.
pub(crate) fn fields(form: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    parameters::pairs(form).take(MAX_FIELDS).map(|(name, value)| (text(name), text(value)))
}

/// The first value of a field.
pub(crate) fn find<'f>(form: &'f [u8], name: &str) -> Option<Cow<'f, str>> {
    fields(form).find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The query of a URL, as it came.
pub(crate) fn query(url: &str) -> &[u8] {
    parameters::query(url).as_bytes()
}

fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
