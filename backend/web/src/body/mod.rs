//! The JSON body of a request: bounded in size and time, read strictly, refused with the place of the mistake.
//!
//! [`strict`] looks at the bytes before any type does: doubled keys and NUL are refused wherever they stand, because a
//! reader that keeps the last of two keys and one that keeps the first would see two different requests.

mod strict;
#[cfg(test)]
mod tests;

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::BytesMut};
use bytes::Bytes;
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// Room for any configuration.
pub const CONFIG_BYTES: usize = 64 * 1024;
/// From the first byte to the last.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A body of at most `LIMIT` bytes, read as `T`. `T` must deny unknown fields.
#[derive(Debug)]
pub struct Json<T, const LIMIT: usize = CONFIG_BYTES> {
    /// What was read.
    pub value: T,
    /// The bytes it was read from.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Json<T, LIMIT> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request, LIMIT);
        let payload = payload.take();
        Box::pin(async move {
            head?;
            let bytes = read(payload, LIMIT).await?;
            let value = parse(&bytes)?;
            Ok(Self { value, bytes })
        })
    }
}

/// A body whose own fields are read as `T` while a payload within it is the sender's business: it is not looked into,
/// and passes on byte for byte.
#[derive(Debug)]
pub struct Envelope<T, const LIMIT: usize>(pub T);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Envelope<T, LIMIT> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request, LIMIT);
        let payload = payload.take();
        Box::pin(async move {
            head?;
            read_as(utf8(&read(payload, LIMIT).await?)?).map(Self)
        })
    }
}

/// Reads bytes as `T`, strictly.
///
/// # Errors
/// 400 for what is not JSON, with line and column; 422 for what is JSON and cannot be accepted, with the field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = utf8(bytes)?;
    strict::check(text)?;
    read_as(text)
}

fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|cause| {
        let at = cause.valid_up_to();
        Problem::new(Code::InvalidFields, format!("Byte {} of the body is not valid UTF-8.", at + 1))
    })
}

fn read_as<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    // serde would also read a list, field by field in their order.
    let listed = text.trim_start().starts_with('[');
    if listed {
        return Err(Problem::invalid("body", "must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|cause| strict::explain(&cause))?;
    reader.end().map_err(|cause| strict::not_json(&cause))?;
    Ok(value)
}

fn check_head(request: &HttpRequest, limit: usize) -> Result<(), Problem> {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let media_type = text(header::CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send `content-type: application/json`."));
    }
    if is_encoded(request) {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send the body without a content-encoding."));
    }
    let announced = text(header::CONTENT_LENGTH).and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|bytes| usize::try_from(bytes).map_or(true, |bytes| bytes > limit)) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// Whether any header says so; there may be more than one.
pub(crate) fn is_encoded(request: &HttpRequest) -> bool {
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING);
    encodings.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let all = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new(Code::MalformedRequest, "The body broke off."))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let late = || Problem::new(Code::RequestTimeout, format!("It may take {} s.", BODY_TIMEOUT.as_secs()));
    tokio::time::timeout(BODY_TIMEOUT, all).await.map_err(|_| late())?
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("It may have at most {limit} bytes."))
}
