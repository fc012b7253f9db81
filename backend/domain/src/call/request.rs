//! The request of a call: what may be asked for, and what is shown of it.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::{destination, invalid::Invalid};

pub const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
/// Those that do no harm when they are carried out twice (RFC 9110, section 9.2.2).
pub const IDEMPOTENT: [&str; 4] = ["GET", "HEAD", "PUT", "DELETE"];
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
pub const MAX_METADATA_BYTES: usize = 4_096;
const HIDDEN: &str = "***";

/// # Errors
/// When it is none of [`METHODS`].
pub fn check_method(method: &str) -> Result<&'static str, Invalid> {
    let known = METHODS.into_iter().find(|known| *known == method);
    known.ok_or_else(|| Invalid::new("request.method", format!("must be one of {}", METHODS.join(", "))))
}

/// The headers, checked and lower-cased. Who calls says the content type and the user agent; how the message is framed
/// is ours to say.
///
/// # Errors
/// As [`destination::check_headers`].
pub fn check_headers(headers: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
    let is_own = |name: &str| ["content-type", "user-agent"].iter().any(|own| name.eq_ignore_ascii_case(own));
    let (own, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        headers.iter().map(|(name, value)| (name.clone(), value.clone())).partition(|(name, _)| is_own(name));
    let at_request = |cause: Invalid| Invalid::new(format!("request.{}", cause.field), cause.detail);
    let mut checked = destination::check_headers(&others).map_err(at_request)?;
    for (name, value) in own {
        let field = format!("request.headers.{name}");
        if value.is_empty() || value.len() > 255 || value.bytes().any(|byte| !(byte == b' ' || byte.is_ascii_graphic()))
        {
            return Err(Invalid::new(field, "must be visible ASCII of 1 to 255 bytes"));
        }
        if checked.insert(name.to_ascii_lowercase(), value).is_some() {
            return Err(Invalid::new(field, "stands twice, in different case"));
        }
    }
    Ok(checked)
}

/// The bytes of a body: JSON as it was written, or a text as it is where the content type is not JSON.
///
/// # Errors
/// When the method has no body, it is too large, or its content type cannot be of this value.
pub fn body_bytes(method: &str, written: Option<&str>, content_type: Option<&str>) -> Result<Vec<u8>, Invalid> {
    let Some(written) = written else { return Ok(Vec::new()) };
    if matches!(method, "GET" | "HEAD") {
        return Err(Invalid::new("request.body", format!("cannot be sent with {method}")));
    }
    let bytes = if content_type.is_none_or(is_json) {
        written.as_bytes().to_vec()
    } else {
        match serde_json::from_str(written) {
            Ok(Value::String(text)) => text.into_bytes(),
            _ => return Err(Invalid::new("request.body", "must be a string where the content type is not JSON")),
        }
    };
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Invalid::new("request.body", format!("may have at most {MAX_BODY_BYTES} bytes")));
    }
    Ok(bytes)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// A URL without what may be secret in it: no user, no password, of its query the names only, no fragment.
#[must_use]
pub fn shown_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return HIDDEN.to_owned() };
    // Of a URL that has a host, which all here do, these cannot fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let names = url.query().map(|query| {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(hidden_value).collect::<Vec<_>>().join("&")
    });
    url.set_query(names.as_deref().filter(|names| !names.is_empty()));
    url.into()
}

/// What has no name is a value.
fn hidden_value(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("https://a.example/x", "https://a.example/x"),
            ("https://me:hush@a.example:8443/x?key=hush&b=#hush", "https://a.example:8443/x?key=***&b=***"),
            ("https://a.example/x?hush", "https://a.example/x?***"),
            ("https://a.example/x?", "https://a.example/x"),
            ("hush", "***"),
        ] {
            assert_eq!(shown_url(url), shown);
        }
    }

    #[test]
    fn a_body_is_json_unless_its_type_says_otherwise() {
        let bytes = |written: &str, kind: Option<&str>| body_bytes("POST", Some(written), kind);
        assert_eq!(bytes(r#"{"a": 1.10}"#, None), Ok(br#"{"a": 1.10}"#.to_vec()));
        assert_eq!(bytes(r#""a""#, Some("application/json; charset=utf-8")), Ok(br#""a""#.to_vec()));
        assert_eq!(bytes(r#""a\u00e9=b""#, Some("text/plain")), Ok("aé=b".into()));
        assert_eq!(bytes("{}", Some("text/plain")).expect_err("no text").field, "request.body");
        let large = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES));
        assert!(bytes(&large, None).is_err() && bytes(&large, Some("text/plain")).is_ok());
        assert_eq!(body_bytes("GET", Some("1"), None).expect_err("no body").field, "request.body");
        assert_eq!(body_bytes("GET", None, None), Ok(Vec::new()));
    }

    #[test]
    fn headers_that_would_break_the_message_are_refused() {
        let check = |name: &str, value: &str| check_headers(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(check("Content-Type", "text/csv"), Ok(BTreeMap::from([("content-type".into(), "text/csv".into())])));
        assert!(check("user-agent", "us/1").is_ok() && check("Idempotency-Key", "a").is_ok());
        for (name, value) in
            [("Host", "a"), ("content-length", "1"), ("content-type", "a\r\nb: c"), ("user-agent", ""), ("a b", "c")]
        {
            let cause = check(name, value).expect_err("refused");
            assert!(cause.field.starts_with("request.headers."), "{cause}");
        }
        let twice = BTreeMap::from([("Content-Type".into(), "a/b".into()), ("content-type".into(), "a/b".into())]);
        assert!(check_headers(&twice).is_err());
        assert!(check_method("GET").is_ok() && check_method("get").is_err() && check_method("TRACE").is_err());
    }
}
