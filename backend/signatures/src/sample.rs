//! Signs a request as a source's sender would, to measure and to try out verifying. Schemes in code cannot.

use http::{HeaderMap, HeaderValue};
use postern_domain::Timestamp;

use crate::{RawRequest, SourceScheme, verifier::Verifier};

/// The headers of a request that this source takes for its sender's, with its first secret. None where the scheme is in
/// code, shows no secret of its own, or has its time in the body.
#[must_use]
pub fn sign(source: &SourceScheme, request: &RawRequest<'_>, now: Timestamp) -> Option<HeaderMap> {
    let (headers, mac) = match source.verifier() {
        Verifier::Signed(scheme) => scheme.sample(request, now)?,
        Verifier::Standard(scheme) => scheme.sample(request, now)?,
        Verifier::Token(_) | Verifier::Coded { .. } | Verifier::Open => return None,
    };
    let mut all = request.headers.clone();
    for (name, value) in headers.into_iter().chain([mac]) {
        all.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(all)
}
