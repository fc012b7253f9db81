//! Templates become a request: each value escaped for its place.

use std::fmt::Write;

use http::{HeaderName, HeaderValue, header};
use postern_domain::{Invalid, Secret, destination::MAX_URL_BYTES};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::{
    settings::{Body, Format, PollSettings, RequestSettings, is_form},
    template::{Template, Vars},
};

const URL: &str = "poll.request.url";
const BODY: &str = "poll.request.body";
const ACCEPT_JSON: &str = "application/json";
const ACCEPT_FEED: &str =
    "application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1";

/// The URL with its query, within the origin that the settings name.
pub(super) fn url(settings: &RequestSettings, vars: &Vars) -> Result<String, Invalid> {
    let invalid = |detail: String| Invalid::new(URL, detail);
    let filled = settings.url.fill(vars, percent).map_err(invalid)?;
    let mut text = filled.ok_or_else(|| invalid("has a template without a value".to_owned()))?;
    if has_dot_segment(&text) {
        return Err(invalid("must not have `.` or `..` as a part of its path, nor get one from a cursor".to_owned()));
    }
    for entry in &settings.query {
        let field = || format!("poll.request.query.{}", entry.name);
        let value = entry.value.fill(vars, str::to_owned).map_err(|detail| Invalid::new(field(), detail))?;
        if let Some(value) = value {
            append(&mut text, &entry.name, &value);
        }
    }
    let url = Url::parse(&text).map_err(|cause| invalid(format!("is not a URL: {cause}")))?;
    if Some(url.origin()) != settings.origin() || !url.username().is_empty() {
        return Err(invalid("no template may reach into the host".to_owned()));
    }
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(invalid(format!("has more than {MAX_URL_BYTES} bytes, its query and cursor with it")));
    }
    Ok(url.into())
}

/// The headers of the settings, and what an API needs to be told besides.
pub(super) fn headers(settings: &PollSettings, vars: &Vars) -> Result<Vec<(HeaderName, Secret<String>)>, Invalid> {
    let mut headers = Vec::with_capacity(settings.request.headers.len() + 2);
    for header in &settings.request.headers {
        let invalid = |detail: &str| Invalid::new(format!("poll.request.headers.{}", header.name), detail);
        let value = header.value.fill(vars, str::to_owned).map_err(|detail| invalid(&detail))?;
        let Some(value) = value else { continue };
        if !value.is_ascii() || HeaderValue::from_str(&value).is_err() {
            return Err(invalid("the cursor has characters that cannot stand in a header"));
        }
        headers.push((header.name.clone(), Secret::new(value)));
    }
    let mut usual = |name: HeaderName, value: &str| {
        if headers.iter().all(|(known, _)| *known != name) {
            headers.push((name, Secret::new(value.to_owned())));
        }
    };
    usual(header::ACCEPT, if settings.format == Format::Feed { ACCEPT_FEED } else { ACCEPT_JSON });
    if settings.request.body.is_some() {
        usual(header::CONTENT_TYPE, settings.request.content_type());
    }
    Ok(headers)
}

pub(super) fn body(settings: &RequestSettings, vars: &Vars) -> Result<Option<Vec<u8>>, Invalid> {
    let invalid = |detail: String| Invalid::new(BODY, detail);
    match &settings.body {
        None => Ok(None),
        Some(Body::Text(template)) => {
            let escape = if is_form(settings.content_type()) { percent } else { json_text };
            let text = template.fill(vars, escape).map_err(invalid)?;
            let text = text.ok_or_else(|| invalid("has a template without a value".to_owned()))?;
            Ok(Some(text.into_bytes()))
        }
        Some(Body::Json(value)) => {
            let filled = json(value, vars)?.unwrap_or_else(|| Value::Object(Map::new()));
            Ok(Some(filled.to_string().into_bytes()))
        }
    }
}

/// The URL with this entry of the query, and no other of its name. The rest stays as it was written.
pub(super) fn with_query(url: &str, name: &str, value: &str) -> String {
    let mut text = without_query(url, name);
    append(&mut text, name, value);
    text
}

/// Puts a key where a word stands in the path, and nowhere else.
pub(super) fn with_path_word(url: &str, word: &str, value: &str) -> Option<String> {
    let start = path_start(url);
    let end = url[start..].find(['?', '#']).map_or(url.len(), |length| start + length);
    let at = start + url[start..end].find(word)?;
    Some([&url[..at], &path_safe(value), &url[at + word.len()..]].concat())
}

/// Puts the word back where a link shows the key.
pub(super) fn without_path_key(url: &str, word: &str, value: &str) -> String {
    let (head, path) = url.split_at(path_start(url));
    format!("{head}{}", path.replace(&path_safe(value), word).replace(&percent(value), word))
}

fn path_start(url: &str) -> usize {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length)
}

/// What may stand in a segment stays as it is: some providers write keys with a colon.
fn path_safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}

pub(super) fn without_query(url: &str, name: &str) -> String {
    let Some((start, query)) = url.split_once('?') else { return url.to_owned() };
    let is_other = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).all(|(key, _)| key != name);
    let kept: Vec<&str> = query.split('&').filter(is_other).collect();
    if kept.is_empty() { start.to_owned() } else { format!("{start}?{}", kept.join("&")) }
}

/// Sets what a JSON Pointer names, making objects on the way; `None` where something else stands in it.
pub(super) fn set_pointer(json: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let mut parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let last = parts.pop()?;
    let mut here = json;
    for part in parts {
        here = here.as_object_mut()?.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
    here.as_object_mut()?.insert(last, value);
    Some(())
}

/// All but what RFC 3986 leaves unreserved, so that a value can end neither a segment nor a pair.
pub(super) fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into memory does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The inside of a JSON string.
fn json_text(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn append(url: &mut String, name: &str, value: &str) {
    let mark = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    url.push_str(mark);
    url.push_str(&percent(name));
    url.push('=');
    url.push_str(&percent(value));
}

/// The parser would walk up the path.
fn has_dot_segment(url: &str) -> bool {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    path.split(['/', '\\']).skip(1).any(is_dots)
}

/// `None` for a string whose template has no value yet: its member is left out.
fn json(value: &Value, vars: &Vars) -> Result<Option<Value>, Invalid> {
    Ok(Some(match value {
        Value::String(text) => {
            let template = Template::parse(BODY, text)?;
            return template.fill_value(vars).map_err(|detail| Invalid::new(BODY, detail));
        }
        Value::Array(values) => {
            let filled: Result<Vec<Option<Value>>, Invalid> = values.iter().map(|value| json(value, vars)).collect();
            Value::Array(filled?.into_iter().flatten().collect())
        }
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, value) in members {
                if let Some(value) = json(value, vars)? {
                    filled.insert(name.clone(), value);
                }
            }
            Value::Object(filled)
        }
        other => other.clone(),
    }))
}
