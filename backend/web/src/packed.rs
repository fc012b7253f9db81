//! Pages go out compressed. Nothing else does: what programs read is their concern, and streams must not be held back.
//!
//! How long a compressed page is can tell what stands in it to whoever may add to it and listens on the wire (BREACH). The
//! one thing on a page that opens a door, the token of its forms, differs in each answer, see [`postern_seal::csrf`].

use std::io::Write;

use actix_web::{
    body::{EitherBody, MessageBody},
    dev::ServiceResponse,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};

/// Below this it goes in one packet anyway.
const LEAST_BYTES: usize = 1_200;
/// Higher ones cost much more than they save.
const LEVEL: u32 = 4;

/// Compresses a page that was asked for by GET: what a form is answered with can show a secret.
pub(crate) fn pack<B: MessageBody>(mut response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B, Bytes>> {
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page || response.request().method() != Method::GET {
        return response.map_into_left_body();
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_gzip(response.request().headers()) {
        return response.map_into_left_body();
    }
    response.map_body(|head, body| match body.try_into_bytes() {
        Err(body) => EitherBody::left(body),
        Ok(plain) => EitherBody::right(match gzip(&plain) {
            None => plain,
            Some(packed) => {
                head.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                packed
            }
        }),
    })
}

/// RFC 9110, section 12.5.3; `gzip;q=0` takes it out.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = weight.trim().trim_start_matches("q=").trim_end_matches(['0', '.']);
        coding.trim().eq_ignore_ascii_case("gzip") && (!entry.contains(';') || !weight.is_empty())
    })
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    if plain.len() < LEAST_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::new(LEVEL));
    encoder.write_all(plain).ok()?;
    Some(Bytes::from(encoder.finish().ok()?))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

    use super::takes_gzip;

    #[test]
    fn who_does_not_want_gzip_gets_none() {
        for (accepted, takes) in [
            ("gzip", true),
            ("br, GZIP", true),
            ("deflate,gzip;q=0.5", true),
            ("gzip;q=1.0", true),
            ("gzip; q=0", false),
            ("gzip;q=0.000", false),
            ("br, identity", false),
            ("gzipped", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
