//! The secrets of a source in the forms in which a provider may write them back.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::header::AUTHORIZATION;
use postern_domain::Secret;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{
    name,
    needle::{Needle, SHORT},
};
use crate::settings::{Auth, Body, PollSettings};

pub(super) fn needles(settings: &PollSettings, access_token: Option<&Secret<String>>) -> Vec<Needle> {
    let request = &settings.request;
    let mut secrets: Vec<&str> =
        request.auth.secrets().into_iter().map(|(_, secret)| secret.expose().as_str()).collect();
    secrets.extend(access_token.map(|token| token.expose().as_str()));
    for header in request.headers.iter().filter(|header| header.is_secret()) {
        let value = header.value.as_str();
        // `x-page-size: 100` is none, and 100 stands in many a page.
        if value.len() >= SHORT || name::is_secret(header.name.as_str().as_bytes()) {
            secrets.push(value);
        }
        if header.name == AUTHORIZATION {
            // Of `Bearer abc` the word before is no secret.
            secrets.extend(value.split_once(' ').map(|(_, rest)| rest));
        }
    }
    let query = request.query.iter().filter(|entry| name::is_secret(entry.name.as_bytes()));
    secrets.extend(query.map(|entry| entry.value.as_str()));
    if let Some(Body::Json(body)) = &request.body {
        members(body, &mut secrets);
    }
    let mut forms: BTreeSet<String> = secrets.into_iter().flat_map(forms).collect();
    for (found, value) in in_url(request.url.literal_start()) {
        if name::is_secret(found.as_bytes()) {
            forms.extend(self::forms(&value));
        }
    }
    if let Auth::Basic { username, password } = &request.auth {
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        forms.extend(self::forms(&BASE64_STANDARD.encode(pair.expose())));
    }
    forms.into_iter().map(Secret::new).filter_map(|form| Needle::new(form.expose())).collect()
}

fn in_url(url: &str) -> Vec<(String, String)> {
    let url = Url::parse(url).ok();
    url.map_or_else(Vec::new, |url| url.query_pairs().into_owned().collect())
}

/// Texts under a name that says that they are secret.
fn members<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name::is_secret(name.as_bytes()) => found.push(text),
                    _ => members(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, found)),
        _ => {}
    }
}

/// As it is; in JSON, with and without what some escape beyond need; in a URL, in a form, and in XML.
fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let json = json.trim_matches('"');
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    vec![
        secret.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        ascii_json(json),
        ascii_json(json).replace('/', "\\/"),
        percent(secret, "0123456789ABCDEF"),
        percent(secret, "0123456789abcdef"),
        form,
        xml,
    ]
}

/// All but the unreserved letters.
fn percent(text: &str, digits: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let digit = |half: u8| digits.chars().nth(usize::from(half));
            encoded.extend(std::iter::once('%').chain(digit(byte >> 4)).chain(digit(byte & 15)));
        }
    }
    encoded
}

/// Some write everything beyond ASCII, and what HTML would read, by its number.
fn ascii_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() && !matches!(letter, '<' | '>' | '&') {
            text.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}
