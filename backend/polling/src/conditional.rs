//! Conditional requests (RFC 9110, section 13): an unchanged first page costs a 304 and nothing else.
//!
//! What the provider said of a page is kept together with the page it said it of; a cursor that moved in the URL makes
//! another page. It is kept when a run has ended well, and sent on the first page only.

use http::{HeaderMap, HeaderName, header};
use postern_domain::Secret;
use postern_seal::token::sha256;

use crate::{request::PageRequest, settings::PollSettings};

/// A longer one is not kept: it goes into a row for each source.
const MAX_BYTES: usize = 512;

/// Which version of which page is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// Of the page they belong to: see [`page_key`].
    pub page_key: String,
    /// As it came.
    pub etag: Option<String>,
    /// As it came.
    pub last_modified: Option<String>,
}

impl Validators {
    /// What the answer to the first page's request said (`asked` as the pager gave it, wherever redirects led); `None`
    /// where it said nothing that can be asked by.
    #[must_use]
    pub fn of(asked: &PageRequest, headers: &HeaderMap) -> Option<Self> {
        let read = |name: HeaderName| {
            let text = headers.get(name)?.to_str().ok()?.trim();
            (!text.is_empty() && text.len() <= MAX_BYTES).then(|| text.to_owned())
        };
        let (etag, last_modified) = (read(header::ETAG), read(header::LAST_MODIFIED));
        let says_something = etag.is_some() || last_modified.is_some();
        says_something.then(|| Self { page_key: page_key(asked), etag, last_modified })
    }

    /// The request made conditional, if these belong to its page; whether it was. An ETag is worth more than a date.
    pub fn ask(&self, settings: &PollSettings, request: &mut PageRequest) -> bool {
        if !settings.request.conditional || self.page_key != page_key(request) {
            return false;
        }
        let by = match (&self.etag, &self.last_modified) {
            (Some(etag), _) => (header::IF_NONE_MATCH, etag),
            (None, Some(date)) => (header::IF_MODIFIED_SINCE, date),
            (None, None) => return false,
        };
        request.headers.push((by.0, Secret::new(by.1.clone())));
        true
    }
}

/// What makes a page the same: method and rendered URL, hashed.
#[must_use]
pub fn page_key(request: &PageRequest) -> String {
    let hash = sha256(format!("{}\0{}", request.method, request.url));
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
