//! Headers as they are remembered: a JSON object, in which what carries a secret stands by name only.
//!
//! Each delivery writes three of these, so they are written straight into the text. Of a name that came several times the
//! last value is kept.

use http::HeaderMap;
use serde::ser::{SerializeMap, Serializer};

const HIDDEN: &str = "[hidden]";
/// What most requests and answers have, none of it secret: looked for first, because it is quick.
const USUAL: [&str; 12] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "date",
    "host",
    "server",
    "stripe-signature",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// All of them, or as many as `most_bytes` hold.
pub(crate) fn as_json(headers: &HeaderMap, most_bytes: usize) -> String {
    let mut text = Vec::with_capacity(256);
    // Writing text into memory does not fail.
    let _ = write(headers, most_bytes, &mut text);
    String::from_utf8(text).unwrap_or_else(|_| "{}".to_owned())
}

fn write(headers: &HeaderMap, most_bytes: usize, text: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut serializer = serde_json::Serializer::new(text);
    let mut object = serializer.serialize_map(None)?;
    let mut bytes = 0;
    let mut all = headers.iter().peekable();
    while let Some((name, value)) = all.next() {
        // The values of one name follow each other.
        if all.peek().is_some_and(|(next, _)| *next == name) {
            continue;
        }
        let secret = value.is_sensitive() || is_secret(name.as_str());
        let shown = if secret { HIDDEN.into() } else { String::from_utf8_lossy(value.as_bytes()) };
        bytes += name.as_str().len() + shown.len();
        if bytes > most_bytes {
            break;
        }
        object.serialize_entry(name.as_str(), &shown)?;
    }
    object.end()
}

fn is_secret(name: &str) -> bool {
    !USUAL.contains(&name)
        && (["authorization", "cookie", "set-cookie", "proxy-authorization"].contains(&name)
            || ["token", "secret", "api-key", "apikey", "password"].iter().any(|part| name.contains(part)))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_carries_a_secret_stands_by_name_only() {
        let mut all = headers(&[("authorization", "Bearer x"), ("x-gitlab-token", "t"), ("host", "a\"b")]);
        let mut own = HeaderValue::from_static("k");
        own.set_sensitive(true);
        all.insert("x-own", own);
        let read: serde_json::Value = serde_json::from_str(&as_json(&all, 1_000)).expect("JSON");
        let expected = serde_json::json!({
            "authorization": HIDDEN, "x-gitlab-token": HIDDEN, "host": "a\"b", "x-own": HIDDEN
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn a_name_stands_once_and_the_whole_is_bounded() {
        let mut all = headers(&[("x-a", "1")]);
        all.append("x-a", HeaderValue::from_static("2"));
        assert_eq!(as_json(&all, 1_000), r#"{"x-a":"2"}"#);
        assert_eq!(as_json(&all, 3), "{}");
    }

    #[test]
    fn nothing_usual_is_secret() {
        let parts = ["token", "secret", "api-key", "apikey", "password", "authorization", "cookie"];
        assert!(USUAL.iter().all(|name| !parts.iter().any(|part| name.contains(part))));
    }
}
