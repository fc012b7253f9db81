//! A request that somebody writes down to learn whether a source would take it; the API's and the page's check.
//!
//! What is shown as the answer is made by the same functions as the front door's own.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, ResponseError, body::MessageBody};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern_domain::{EventId, SourceId, TenantScope, Timestamp};
use postern_pipeline::{
    SourceEntry,
    check::{self, Outcome, Step, Trial},
};
use uuid::Uuid;

use crate::{
    App,
    inlet::{self, reply},
    problem::Problem,
    security_headers,
};

/// More than any proxy in front of us lets through.
const MAX_HEADERS: usize = 200;
const MAX_METHOD_BYTES: usize = 16;
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// As it was written down.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// As the provider was told it; none: the source's own.
    pub(crate) url: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Unix seconds; none: now.
    pub(crate) received_at: Option<i64>,
}

/// What would become of it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) accepted: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) event_id: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) answer: Shown,
}

/// The answer the sender would get.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// # Errors
/// When the source is not there or takes no requests, or what was written down is no request.
pub(crate) async fn run(app: &App, scope: TenantScope, id: SourceId, asked: Asked) -> Result<Found, Problem> {
    let source = check::source(&app.engine, scope, id).await?;
    let trial = read(app, scope, &source, asked).await?;
    let checked = check::check(&app.engine, &source, &trial).await?;
    let accepted = checked.is_accepted();
    let (event_id, event_type) = match &checked.outcome {
        Outcome::Event { id, event_type } => (id.clone(), event_type.clone()),
        Outcome::Greeting(_) | Outcome::Presence | Outcome::Barred(_) | Outcome::Refused(_) => (None, None),
    };
    let answer = shown(answer(&source, &trial.method, checked.outcome));
    Ok(Found { accepted, steps: checked.steps, event_id, event_type, answer })
}

async fn read(app: &App, scope: TenantScope, source: &SourceEntry, asked: Asked) -> Result<Trial, Problem> {
    let is_method = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let method = asked.method.trim().to_ascii_uppercase();
    if !is_method(&method) || method.len() > MAX_METHOD_BYTES {
        return Err(Problem::invalid("method", "must be a method such as POST"));
    }
    let received_at = match asked.received_at {
        None => None,
        Some(seconds) if (0..=LAST_SECOND).contains(&seconds) => Some(Timestamp::from_secs(seconds)),
        Some(_) => return Err(Problem::invalid("received_at", "must be in seconds since 1970")),
    };
    let url = match asked.url {
        Some(url) => check_url(url)?,
        None => own_url(app, scope, source).await?,
    };
    Ok(Trial { method, url, headers: headers(asked.headers)?, body: asked.body, received_at })
}

/// Only signed over and read, never asked for.
fn check_url(url: String) -> Result<String, Problem> {
    let parsed = url.parse::<http::Uri>().ok().filter(|uri| uri.host().is_some());
    match parsed {
        Some(uri) if matches!(uri.scheme_str(), Some("http" | "https")) => Ok(url),
        _ => Err(Problem::invalid("url", "must be a full URL, as the provider was told it")),
    }
}

async fn own_url(app: &App, scope: TenantScope, source: &SourceEntry) -> Result<String, Problem> {
    if let Some(url) = &source.public_url {
        return Ok(url.clone());
    }
    let row = app.engine.store.tenant(scope).sources().find(source.id).await?.ok_or_else(Problem::not_found)?;
    Ok(row.token.map(|token| app.settings.ingest_url(token.expose())).unwrap_or_default())
}

/// Those that say how a message is framed are the connection's own and are left out, as the front door never sees more
/// than one of them.
fn headers(pairs: Vec<(String, String)>) -> Result<HeaderMap, Problem> {
    if pairs.len() > MAX_HEADERS {
        return Err(Problem::invalid("headers", &format!("may be at most {MAX_HEADERS}")));
    }
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let bad = |what: &str| Problem::invalid("headers", &format!("`{name}` {what}"));
        let parsed = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad("is not a header name"))?;
        let value =
            HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| bad("has a value that cannot be sent"))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn answer(source: &SourceEntry, method: &str, outcome: Outcome) -> HttpResponse {
    let mut answer = match outcome {
        // An id of no event: none was made.
        Outcome::Event { .. } => reply::of_event(source, EventId::from_uuid(Uuid::nil()), reply::IsDuplicate::No),
        Outcome::Greeting(greeting) => reply::of_greeting(greeting),
        Outcome::Presence => reply::of_presence(source, method),
        Outcome::Barred(bar) => reply::of_bar(source, bar).error_response(),
        Outcome::Refused(cause) => reply::of_error(source, cause),
    };
    inlet::sandbox(&mut answer);
    answer
}

fn shown(mut answer: HttpResponse) -> Shown {
    security_headers::add(answer.headers_mut());
    answer.headers_mut().remove(security_headers::REQUEST_ID);
    let headers = answer.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let (status, headers) = (answer.status().as_u16(), headers.collect());
    let body = answer.into_body().try_into_bytes().unwrap_or_default();
    Shown { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}
