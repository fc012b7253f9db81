//! The front door: `/in/{token}`. Checks what can be checked before the body is read, reads it within its bounds, and
//! hands it to `pipeline::accept`. What is refused is put on record with its cause.
//!
//! Its answers may come from a tenant, and the front door may share a host with the pages, so every answer is sandboxed.

pub(crate) mod reply;

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderValue},
    web::{self, BytesMut, Data, Payload, ServiceConfig},
};
use bytes::Bytes;
use futures_util::StreamExt;
use postern_pipeline::{
    Refusal, SourceEntry,
    accept::{self, Incoming},
    door::{Bar, Head},
};

use crate::{
    App,
    auth::client_address,
    problem::{Code, Problem},
};

/// From the first byte of the body to the last.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
const PREFIX: &str = "/in";
const SANDBOX: &str = "sandbox; default-src 'none'";

pub(crate) fn routes(config: &mut ServiceConfig) {
    // A pattern would be a regular expression, run for every request; a prefix is compared.
    config.service(web::scope(PREFIX).default_service(web::to(inlet)));
}

async fn inlet(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let mut answer = match take_in(&app, token_of(request.path()), &request, payload).await {
        Ok(answer) => answer,
        Err(problem) => actix_web::ResponseError::error_response(&problem),
    };
    sandbox(&mut answer);
    answer
}

/// Whatever a tenant or a provider wrote into it.
pub(crate) fn sandbox(answer: &mut HttpResponse) {
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
}

/// Of a path in another form there is no source.
fn token_of(path: &str) -> &str {
    path.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default()
}

async fn take_in(app: &App, token: &str, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let found = app.engine.routing.source_by_token(token, app.engine.clock.now()).await?;
    let source = found.ok_or_else(Problem::not_found)?;
    let mut headers = converted(request.headers());
    source.hide_token(&mut headers);
    let url = signed_url(app, &source, request);
    let mut incoming = Incoming {
        method: request.method().as_str(),
        url: &url,
        headers: &headers,
        body: Bytes::new(),
        remote: remote(app, request),
    };
    check(app, &source, &incoming)?;
    incoming.body = match read(payload, source.max_body_bytes).await {
        Ok(body) => body,
        Err((reason, problem)) => return Err(refuse(app, &source, &incoming, reason, problem)),
    };
    match accept::receive(&app.engine, &source, &incoming).await {
        Ok(reception) => Ok(reply::of_reception(&source, incoming.method, reception)),
        Err(cause) => Ok(reply::of_error(&source, cause)),
    }
}

/// Why the front door refused, for the record.
struct Reason {
    cause: &'static str,
    expected: String,
    body_bytes: u64,
}

impl Reason {
    fn new(cause: &'static str, expected: impl Into<String>) -> Self {
        Self { cause, expected: expected.into(), body_bytes: 0 }
    }
}

fn refuse(app: &App, source: &SourceEntry, incoming: &Incoming<'_>, reason: Reason, problem: Problem) -> Problem {
    let refusal = Refusal { cause: reason.cause, expected: &reason.expected, body_bytes: reason.body_bytes };
    app.engine.record_refusal(source, incoming, &refusal);
    problem
}

/// Before the body is read.
fn check(app: &App, source: &SourceEntry, incoming: &Incoming<'_>) -> Result<(), Problem> {
    let announced = incoming.headers.get(http::header::CONTENT_LENGTH);
    let body_bytes = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let (method, headers, remote) = (incoming.method, incoming.headers, Some(incoming.remote));
    let head = Head { method, headers, remote, body_bytes };
    if let Some(bar) = Bar::first(source, &head) {
        let mut reason = Reason::new(bar.cause(), bar.expected(source));
        reason.body_bytes = body_bytes.unwrap_or_default();
        return Err(refuse(app, source, incoming, reason, reply::of_bar(source, bar)));
    }
    if let Err(wait) = app.engine.check_intake(source) {
        let problem = Problem::rate_limited(wait, "This source takes no more requests at the moment.");
        return Err(refuse(app, source, incoming, Reason::new("rate_limit", "fewer requests a second"), problem));
    }
    Ok(())
}

/// A TCP peer always has an address; a request that came without one is from nowhere.
fn remote(app: &App, request: &HttpRequest) -> IpAddr {
    client_address(request, &app.settings).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn too_large(limit: usize) -> (Reason, Problem) {
    let expected = format!("a body of at most {limit} bytes");
    (Reason::new("too_large", &expected), Problem::new(Code::PayloadTooLarge, format!("Send {expected}.")))
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, (Reason, Problem)> {
    let all = async {
        let mut first: Option<Bytes> = None;
        let mut more = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let Ok(chunk) = chunk else {
                let problem = Problem::new(Code::MalformedRequest, "The body broke off.");
                return Err((Reason::new("body_broke_off", "the whole body"), problem));
            };
            let held = first.as_ref().map_or(0, Bytes::len) + more.len();
            if held + chunk.len() > limit {
                return Err(too_large(limit));
            }
            // Most bodies come in one piece, which then needs no copy.
            match &mut first {
                None => first = Some(chunk),
                Some(first) => {
                    if more.is_empty() {
                        more.extend_from_slice(&std::mem::take(first));
                    }
                    more.extend_from_slice(&chunk);
                }
            }
        }
        Ok(if more.is_empty() { first.unwrap_or_default() } else { more.freeze() })
    };
    tokio::time::timeout(BODY_TIMEOUT, all).await.unwrap_or_else(|_| {
        let expected = format!("the whole body within {} s", BODY_TIMEOUT.as_secs());
        Err((Reason::new("body_timeout", &expected), Problem::new(Code::RequestTimeout, format!("Send {expected}."))))
    })
}

/// actix has a header map of its own, which the rooms below do not know.
fn converted(headers: &HeaderMap) -> http::HeaderMap {
    let mut all = http::HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            all.append(name, value);
        }
    }
    all
}

/// The URL that a provider signs is the one it was given, with the query as it came; never what a Host header says.
fn signed_url(app: &App, source: &SourceEntry, request: &HttpRequest) -> String {
    let query = request.query_string();
    let Some(url) = &source.public_url else {
        return joined(&[app.settings.ingest_base(), request.path()], query);
    };
    // What was configured with a query is sent with it, and a provider may add to that.
    let (base, own) = url.split_once('?').unwrap_or((url, ""));
    match query {
        "" => url.clone(),
        query if query.starts_with(own) => joined(&[base], query),
        query => [url.as_str(), query].join("&"),
    }
}

/// Every request goes through here, so nothing is formatted.
fn joined(parts: &[&str], query: &str) -> String {
    let mut url = String::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + query.len() + 1);
    parts.iter().for_each(|part| url.push_str(part));
    if !query.is_empty() {
        url.push('?');
        url.push_str(query);
    }
    url
}
