//! A request as it came, and the only ways to read its headers: a header that decides anything may stand there once.

use http::HeaderName;

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
        within_bounds(name, value.as_bytes()).map(Some)
    }

    /// As [`Self::single`], and of visible ASCII.
    pub(crate) fn single_text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.single(name)?.map(|bytes| text(name, bytes)).transpose()
    }

    /// The text of the first of these headers that is there. Of one that is there twice neither counts.
    pub(crate) fn first_text<'n>(&self, names: &'n [HeaderName]) -> Result<(&'n HeaderName, &'a str), Refusal> {
        for name in names {
            if let Some(text) = self.single_text(name.as_str())? {
                return Ok((name, text));
            }
        }
        let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
        Err(missing(&names.join("` or `")))
    }

    /// All values of a header that may be there repeatedly, each as [`Self::single_text`] wants it.
    pub(crate) fn every_text(&self, name: &HeaderName) -> Result<Vec<&'a str>, Refusal> {
        self.headers.get_all(name).iter().map(|value| text(name.as_str(), value.as_bytes())).collect()
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

fn within_bounds<'a>(name: &str, value: &'a [u8]) -> Result<&'a [u8], Refusal> {
    if value.len() <= MAX_HEADER_BYTES {
        return Ok(value);
    }
    Err(malformed(format!("header `{name}` with at most {MAX_HEADER_BYTES} bytes")))
}

fn text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, Refusal> {
    let value = within_bounds(name, value)?;
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    text.ok_or_else(|| malformed(format!("header `{name}` in visible ASCII")))
}

/// A header that cannot be read as the scheme wants it.
pub(crate) fn malformed(expected: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCause::MalformedHeader, expected)
}

/// A header that is not there.
pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::new(RefusalCause::MissingHeader, format!("header `{name}`"))
}

/// A body in which something is not as the scheme wants it.
pub(crate) fn malformed_body(expected: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCause::MalformedBody, expected)
}
