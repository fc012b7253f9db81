//! The front door: `/in/{token}`. Checks what can be checked before the body is read, reads it within its bounds, and
//! hands it to `pipeline::accept`. What is refused is put on record with its cause.
//!
//! Its answers may come from a tenant, and the front door may share a host with the pages, so every answer is sandboxed.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web::{self, BytesMut, Data, Payload, ServiceConfig},
};
use bytes::Bytes;
use futures_util::StreamExt;
use postern_domain::EventId;
use postern_pipeline::{
    Refusal, SourceEntry,
    accept::{self, Incoming, Receipt},
};

use crate::{
    App,
    auth::client_address,
    body::is_encoded,
    problem::{Code, Problem},
};

/// From the first byte of the body to the last.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
const PREFIX: &str = "/in";
const SANDBOX: &str = "sandbox; default-src 'none'";
const ALLOW: &str = "POST, PUT, PATCH, HEAD, OPTIONS";

pub(crate) fn routes(config: &mut ServiceConfig) {
    // A pattern would be a regular expression, run for every request; a prefix is compared.
    config.service(web::scope(PREFIX).default_service(web::to(inlet)));
}

async fn inlet(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let mut answer = match take_in(&app, token_of(request.path()), &request, payload).await {
        Ok(answer) => answer,
        Err(problem) => actix_web::ResponseError::error_response(&problem),
    };
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    answer
}

/// Of a path in another form there is no source.
fn token_of(path: &str) -> &str {
    path.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default()
}

async fn take_in(app: &App, token: &str, request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let source = app.engine.routing.source_by_token(token).await?.ok_or_else(Problem::not_found)?;
    match *request.method() {
        Method::POST | Method::PUT | Method::PATCH => {}
        // Some providers look whether somebody is there; that is not an event.
        Method::HEAD => return Ok(HttpResponse::Ok().finish()),
        Method::OPTIONS => return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, ALLOW)).finish()),
        _ => {
            let problem =
                Problem::new(Code::MethodNotAllowed, format!("Allowed here: {ALLOW}.")).with_allow(ALLOW.to_owned());
            return Err(refuse(app, &source, request, Reason::new("method", ALLOW), problem));
        }
    }
    check_caller(app, &source, request)?;
    check_head(app, &source, request)?;
    let body = match read(payload, source.max_body_bytes).await {
        Ok(body) => body,
        Err((reason, problem)) => return Err(refuse(app, &source, request, reason, problem)),
    };
    let headers = converted(request.headers());
    let url = signed_url(&source, request);
    let incoming = Incoming {
        method: request.method().as_str(),
        url: &url,
        headers: &headers,
        body,
        remote: remote(app, request),
    };
    match accept::receive(&app.engine, &source, &incoming).await {
        Ok(receipt) => Ok(answer(&source, receipt)),
        Err(cause) => Err(Problem::from(cause)),
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

fn refuse(app: &App, source: &Arc<SourceEntry>, request: &HttpRequest, reason: Reason, problem: Problem) -> Problem {
    let headers = converted(request.headers());
    let incoming = Incoming {
        method: request.method().as_str(),
        url: "",
        headers: &headers,
        body: Bytes::new(),
        remote: remote(app, request),
    };
    let refusal = Refusal { cause: reason.cause, expected: &reason.expected, body_bytes: reason.body_bytes };
    app.engine.record_refusal(source, &incoming, &refusal);
    problem
}

fn check_caller(app: &App, source: &Arc<SourceEntry>, request: &HttpRequest) -> Result<(), Problem> {
    let remote = remote(app, request);
    if !source.allowed_ips.admits(remote) {
        let expected = format!("an address in {}", source.allowed_ips.to_strings().join(", "));
        let problem =
            Problem::new(Code::AddressNotAllowed, "Requests to this source are taken from listed addresses only.");
        return Err(refuse(app, source, request, Reason::new("address", expected), problem));
    }
    if source.paused {
        let problem = Problem::paused("The source is paused.");
        return Err(refuse(app, source, request, Reason::new("paused", "the source to be resumed"), problem));
    }
    if let Err(wait) = app.engine.check_intake(source) {
        let problem = Problem::rate_limited(wait, "This source takes no more requests at the moment.");
        return Err(refuse(app, source, request, Reason::new("rate_limit", "fewer requests a second"), problem));
    }
    Ok(())
}

fn check_head(app: &App, source: &Arc<SourceEntry>, request: &HttpRequest) -> Result<(), Problem> {
    if is_encoded(request) {
        let problem = Problem::new(Code::UnsupportedMediaType, "Send the body without a content-encoding.");
        return Err(refuse(app, source, request, Reason::new("content_encoding", "no content-encoding"), problem));
    }
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let limit = u64::try_from(source.max_body_bytes).unwrap_or(u64::MAX);
    if let Some(body_bytes) = announced.filter(|bytes| *bytes > limit) {
        let (mut reason, problem) = too_large(source.max_body_bytes);
        reason.body_bytes = body_bytes;
        return Err(refuse(app, source, request, reason, problem));
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

/// The URL that a provider signs is the one it was given, which only the tenant knows; never what a Host header says.
fn signed_url(source: &SourceEntry, request: &HttpRequest) -> String {
    let Some(url) = &source.public_url else { return String::new() };
    match request.query_string() {
        "" => url.clone(),
        query if url.contains('?') => format!("{url}&{query}"),
        query => format!("{url}?{query}"),
    }
}

fn answer(source: &SourceEntry, receipt: Receipt) -> HttpResponse {
    if let Some(own) = &source.answer {
        let status = StatusCode::from_u16(own.status).unwrap_or(StatusCode::OK);
        return HttpResponse::build(status).content_type(own.content_type.as_str()).body(own.body.clone());
    }
    let (id, duplicate) = match receipt {
        Receipt::Accepted(id) => (id, false),
        Receipt::Duplicate(id) => (id, true),
    };
    HttpResponse::Ok().content_type("application/json").body(body(id, duplicate))
}

/// Ids need no escaping.
fn body(id: EventId, duplicate: bool) -> String {
    format!("{{\"id\":\"{id}\",\"duplicate\":{duplicate}}}")
}
