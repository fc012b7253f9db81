//! The headers that every answer has, whatever it is and whoever wrote it.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::request_id;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// A year, as browsers want it before they take it seriously.
const TLS_ONLY: &str = "max-age=31536000; includeSubDomains";

/// Where browsers come by TLS: from now on they come by nothing else, so that nobody between can take the S away.
pub(crate) fn insist_on_tls(headers: &mut HeaderMap) {
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
}

/// Adds what is missing; what a handler has set stays.
pub(crate) fn add(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(&REQUEST_ID)
        && let Ok(value) = HeaderValue::from_str(&request_id::current())
    {
        headers.insert(REQUEST_ID, value);
    }
}
