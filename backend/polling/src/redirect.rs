//! Redirects are followed by hand, within one origin, and not for long: a credential must not go where a stranger points.

use http::{Method, header};

use crate::{answer::PageAnswer, fault::PageFault, request::PageRequest};

/// One more is a fault.
pub const MAX_REDIRECTS: u8 = 3;

/// The request that a redirect asks for, after `followed` of them for the same page.
///
/// # Errors
/// When it leads to another origin, nowhere, or would make a GET of a POST; or when it is one too many.
pub fn follow(asked: &PageRequest, answer: &PageAnswer<'_>, followed: u8) -> Result<PageRequest, PageFault> {
    let fault = |detail: &str| PageFault::Redirect { detail: detail.to_owned() };
    if followed >= MAX_REDIRECTS {
        return Err(fault("it is the fourth in a row"));
    }
    let keeps_method = matches!(answer.status, Some(307 | 308));
    if asked.method == Method::POST && !keeps_method {
        return Err(fault("it would make a GET of a POST; write the final address into `request.url`"));
    }
    let location = answer.headers.get(header::LOCATION).ok_or_else(|| fault("it has no `Location`"))?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| fault("its `Location` is not text"))?;
    asked.at(location.trim(), "poll.request.url")
}

#[cfg(test)]
mod tests;
