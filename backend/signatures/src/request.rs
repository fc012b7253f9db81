//! A request as it came, and the only ways to read its headers: a header that decides anything may stand there once.

use crate::refusal::{Refusal, RefusalCause};

/// Longer values are refused unread. 32 signatures of any scheme fit.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// What is verified: as it came, no copy.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest<'a> {
    /// In capitals, as on the wire.
    pub method: &'a str,
    /// The public URL with its query, as the sender was told it. May be empty where no scheme signs it.
    pub url: &'a str,
    /// All headers.
    pub headers: &'a http::HeaderMap,
    /// The body's bytes, untouched.
    pub body: &'a [u8],
}

impl<'a> RawRequest<'a> {
    /// The one value of a header; none when it is not there; refused when it is there twice or is too long.
    pub(crate) fn single(&self, name: &str) -> Result<Option<&'a [u8]>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(malformed(format!("header `{name}` once")));
        }
        if value.len() > MAX_HEADER_BYTES {
            return Err(malformed(format!("header `{name}` with at most {MAX_HEADER_BYTES} bytes")));
        }
        Ok(Some(value.as_bytes()))
    }

    /// As [`Self::single`], and of visible ASCII.
    pub(crate) fn single_text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let Some(bytes) = self.single(name)? else { return Ok(None) };
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        text.map(Some).ok_or_else(|| malformed(format!("header `{name}` in visible ASCII")))
    }

    /// As [`Self::single`], but it must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&'a [u8], Refusal> {
        self.single(name)?.ok_or_else(|| missing(name))
    }

    /// As [`Self::single_text`], but it must be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.single_text(name)?.ok_or_else(|| missing(name))
    }
}

/// A header that cannot be read as the scheme wants it.
pub(crate) fn malformed(expected: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCause::MalformedHeader, expected)
}

/// A header that is not there.
pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::new(RefusalCause::MissingHeader, format!("header `{name}`"))
}
