//! What a run asks for.

use std::{borrow::Cow, fmt};

use http::{HeaderName, Method, header};
use postern_domain::{Invalid, destination::MAX_URL_BYTES};
use serde_json::{Map, Value};
use url::{Origin, Url};

use super::{HIDDEN, Secrecy, auth::Auth, fields::Fields};
use crate::template::Template;

const MAX_HEADERS: usize = 30;
const MAX_HEADER_BYTES: usize = 4_096;
const MAX_QUERY: usize = 50;
const MAX_QUERY_BYTES: usize = 2_048;
const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_BODY_DEPTH: usize = 32;
const FORM: &str = "application/x-www-form-urlencoded";

/// They say how a request is framed, where it goes, or what Postern reads of the answer.
const RESERVED: [&str; 17] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What holds no credential, and is shown.
const OPEN: [&str; 4] = ["accept", "user-agent", "content-type", "x-github-api-version"];

#[derive(Clone, Debug, PartialEq)]
pub struct RequestSettings {
    /// GET or POST.
    pub method: Method,
    pub url: Template,
    pub headers: Vec<HeaderSetting>,
    pub query: Vec<QuerySetting>,
    pub body: Option<Body>,
    pub auth: Auth,
    /// Whether an unchanged page may be answered with 304; of GET only.
    pub conditional: bool,
}

/// Left out of a request while its template has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderSetting {
    pub name: HeaderName,
    pub value: Template,
}

/// Left out of a request while its template has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct QuerySetting {
    pub name: String,
    pub value: Template,
}

#[derive(Clone, PartialEq)]
pub enum Body {
    /// An object or a list, in whose strings templates stand. A string that is one place takes its value as it is, a
    /// number as a number; while there is none, the member is left out.
    Json(Value),
    /// Sent as it is written, but for its templates.
    Text(Template),
}

/// A body may hold a credential.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(..)")
    }
}

impl RequestSettings {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, Invalid> {
        let method = fields.choice("method", &[("GET", false), ("POST", true)])?.unwrap_or(false);
        let method = if method { Method::POST } else { Method::GET };
        let url = read_url(&mut fields)?;
        let headers = read_headers(&mut fields)?;
        let query = read_query(&mut fields)?;
        let body = read_body(&mut fields, &headers)?;
        let auth = fields.object("auth")?;
        let auth = Auth::read(auth, &headers)?;
        if method == Method::GET && body.is_some() {
            return Err(fields.invalid("body", "a GET has no body; use `\"method\": \"POST\"`"));
        }
        if body.is_none() && headers.iter().any(|header| header.name == header::CONTENT_TYPE) {
            return Err(fields.invalid("headers.content-type", "has no meaning without a body"));
        }
        let conditional = fields.flag("conditional")?;
        if conditional == Some(true) && method != Method::GET {
            return Err(fields.invalid("conditional", "conditional requests are for GET; a POST has no ETag to ask by"));
        }
        fields.finish()?;
        let conditional = conditional.unwrap_or(method == Method::GET);
        Ok(Self { method, url, headers, query, body, auth, conditional })
    }

    /// Scheme, host and port: no template stands in them.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Url::parse(self.url.literal_start()).ok().map(|url| url.origin())
    }

    /// Whether what is asked for depends on the cursor.
    #[must_use]
    pub fn uses_cursor(&self) -> bool {
        let named = self.headers.iter().map(|header| &header.value).chain(self.query.iter().map(|entry| &entry.value));
        self.url.uses_cursor()
            || named.into_iter().any(Template::uses_cursor)
            || self.body.as_ref().is_some_and(Body::uses_cursor)
    }

    /// All texts of it that may have places.
    pub(crate) fn templates(&self) -> Vec<Cow<'_, Template>> {
        let named = self.headers.iter().map(|header| &header.value).chain(self.query.iter().map(|entry| &entry.value));
        let mut templates: Vec<_> = std::iter::once(&self.url).chain(named).map(Cow::Borrowed).collect();
        match &self.body {
            None => {}
            Some(Body::Text(template)) => templates.push(Cow::Borrowed(template)),
            // They were parsed when they were read.
            Some(Body::Json(value)) => {
                let parsed = strings(value).into_iter().filter_map(|text| Template::parse("", text).ok());
                templates.extend(parsed.map(Cow::Owned));
            }
        }
        templates
    }

    /// What stands for the cursor while there is none.
    #[must_use]
    pub(crate) fn cursor_default(&self) -> Option<String> {
        self.templates().iter().find_map(|template| template.cursor_default().map(str::to_owned))
    }

    /// What the body is, when there is one.
    #[must_use]
    pub fn content_type(&self) -> &str {
        content_type(&self.headers)
    }

    pub(super) fn to_value(&self, secrecy: Secrecy) -> Value {
        let mut object = Map::new();
        object.insert("method".to_owned(), self.method.as_str().into());
        object.insert("url".to_owned(), self.url.as_str().into());
        let headers = self.headers.iter().map(|header| {
            let value = if secrecy == Secrecy::Hidden && header.is_secret() { HIDDEN } else { header.value.as_str() };
            (header.name.as_str().to_owned(), Value::from(value))
        });
        object.insert("headers".to_owned(), Value::Object(headers.collect()));
        object.insert("query".to_owned(), query_value(&self.query));
        match &self.body {
            None => {}
            Some(Body::Json(value)) => drop(object.insert("body".to_owned(), value.clone())),
            Some(Body::Text(template)) => drop(object.insert("body".to_owned(), template.as_str().into())),
        }
        object.insert("auth".to_owned(), self.auth.to_value(secrecy));
        object.insert("conditional".to_owned(), self.conditional.into());
        Value::Object(object)
    }
}

impl HeaderSetting {
    /// Whether its value is shown to nobody. Only what is known to hold no credential is.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let name = self.name.as_str();
        !OPEN.contains(&name) && !name.starts_with("if-")
    }
}

impl Body {
    fn uses_cursor(&self) -> bool {
        match self {
            Self::Text(template) => template.uses_cursor(),
            Self::Json(value) => strings(value).into_iter().any(|text| {
                // It was parsed when it was read.
                Template::parse("", text).is_ok_and(|template| template.uses_cursor())
            }),
        }
    }
}

fn read_url(fields: &mut Fields<'_>) -> Result<Template, Invalid> {
    let name = "url";
    let advice = "write it like https://api.example.com/orders";
    let text =
        fields.bounded(name, MAX_URL_BYTES)?.ok_or_else(|| fields.invalid(name, format!("is required: {advice}")))?;
    let template = Template::parse(&fields.at(name), text)?;
    let start = template.literal_start();
    let (scheme, rest) = start.split_once("://").unwrap_or(("", ""));
    if !matches!(scheme, "https" | "http") {
        return Err(fields.invalid(name, format!("must begin with https:// (or http://): {advice}")));
    }
    if template.has_places() && !rest.contains(['/', '?']) {
        return Err(
            fields.invalid(name, "no template may stand in the host or the port: it decides who sees the credentials")
        );
    }
    let url = Url::parse(start).map_err(|cause| fields.invalid(name, format!("is not a URL ({cause}); {advice}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fields.invalid(name, "take the user name and password out of the URL; they belong into `auth`"));
    }
    if text.contains('#') {
        return Err(fields.invalid(name, "must not have a `#`: what stands behind it is never sent"));
    }
    if !template.always_has_a_value() {
        let detail =
            "a first run has no cursor; write `{{cursor|default:…}}`, or move it into `query`, where it is left out";
        return Err(fields.invalid(name, detail));
    }
    Ok(template)
}

fn read_headers(fields: &mut Fields<'_>) -> Result<Vec<HeaderSetting>, Invalid> {
    let mut headers: Vec<HeaderSetting> = Vec::new();
    for (name, value) in fields.entries("headers", MAX_HEADERS)? {
        let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
        let field = fields.at(&format!("headers.{shown}"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::new(&field, "is not a header name"))?;
        check_name(&field, &name)?;
        let text = value.as_str().ok_or_else(|| Invalid::new(&field, "must be a string"))?;
        if text.len() > MAX_HEADER_BYTES || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            let detail = format!("must be visible ASCII of at most {MAX_HEADER_BYTES} bytes");
            return Err(Invalid::new(&field, detail));
        }
        if headers.iter().any(|known| known.name == name) {
            return Err(Invalid::new(&field, "stands twice, in different case"));
        }
        headers.push(HeaderSetting { value: Template::parse(&field, text)?, name });
    }
    // In lower case another order than as they were written.
    headers.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    Ok(headers)
}

/// # Errors
/// For a header that is not the tenant's to write.
pub(super) fn check_name(field: &str, name: &HeaderName) -> Result<(), Invalid> {
    if RESERVED.contains(&name.as_str()) {
        return Err(Invalid::new(field, "is set by Postern itself and cannot be configured"));
    }
    Ok(())
}

/// Each entry a text, a number, a flag, or a list of them, which becomes as many entries.
fn read_query(fields: &mut Fields<'_>) -> Result<Vec<QuerySetting>, Invalid> {
    let mut query = Vec::new();
    for (name, value) in fields.entries("query", MAX_QUERY)? {
        let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
        let field = fields.at(&format!("query.{shown}"));
        if name.is_empty() || name.len() > MAX_QUERY_BYTES {
            return Err(Invalid::new(&field, "needs a name"));
        }
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(Invalid::new(&field, "must be a string, a number, true, false, or a list of them")),
            };
            if text.len() > MAX_QUERY_BYTES {
                return Err(Invalid::new(&field, format!("may have at most {MAX_QUERY_BYTES} bytes")));
            }
            query.push(QuerySetting { name: name.to_owned(), value: Template::parse(&field, &text)? });
        }
    }
    if query.len() > MAX_QUERY {
        return Err(fields.invalid("query", format!("may have at most {MAX_QUERY} values")));
    }
    Ok(query)
}

fn query_value(query: &[QuerySetting]) -> Value {
    let mut object: Map<String, Value> = Map::new();
    for entry in query {
        let value = Value::from(entry.value.as_str());
        match object.get_mut(&entry.name) {
            None => drop(object.insert(entry.name.clone(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

fn read_body(fields: &mut Fields<'_>, headers: &[HeaderSetting]) -> Result<Option<Body>, Invalid> {
    let name = "body";
    let field = fields.at(name);
    let Some(value) = fields.value(name) else { return Ok(None) };
    let kind = content_type(headers);
    let is_json = is_json(kind);
    match value {
        Value::String(text) => {
            let template = Template::parse(&field, text)?;
            if text.len() > MAX_BODY_BYTES {
                return Err(fields.invalid(name, format!("may have at most {MAX_BODY_BYTES} bytes")));
            }
            if template.has_places() && !is_json && !is_form(kind) {
                return Err(fields.invalid(name, format!("templates can stand in JSON and in {FORM}, not in `{kind}`")));
            }
            if !template.always_has_a_value() {
                return Err(fields.invalid(name, "a first run has no cursor; write `{{cursor|default:…}}`"));
            }
            Ok(Some(Body::Text(template)))
        }
        Value::Object(_) | Value::Array(_) if is_json => {
            if depth(value) > MAX_BODY_DEPTH || value.to_string().len() > MAX_BODY_BYTES {
                let detail = format!("may have at most {MAX_BODY_BYTES} bytes and {MAX_BODY_DEPTH} levels");
                return Err(fields.invalid(name, detail));
            }
            for text in strings(value) {
                Template::parse(&field, text)?;
            }
            Ok(Some(Body::Json(value.clone())))
        }
        Value::Object(_) | Value::Array(_) => {
            Err(fields.invalid(name, format!("must be a string, as the content type is `{kind}`")))
        }
        _ => Err(fields.invalid(name, "must be an object, a list or a string")),
    }
}

fn content_type(headers: &[HeaderSetting]) -> &str {
    let given = headers.iter().find(|header| header.name == header::CONTENT_TYPE);
    given.map_or("application/json", |header| header.value.as_str())
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

pub(crate) fn is_form(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
