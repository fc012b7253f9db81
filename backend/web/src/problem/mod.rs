//! RFC 9457 problems, and the only map from errors to HTTP. Every error enum is matched in full, without a `_` arm, so
//! that a new kind of error cannot become somebody's fault by accident. Start at [`Code`] for the table.

mod code;
mod from_call;
mod from_error;
mod from_people;
mod from_queue;
mod from_read;

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;

pub use code::Code;
use postern_domain::Invalid;

use crate::{request_id, security_headers};

/// How long a client should wait before it asks again, when the database does not answer.
const RETRY_AFTER_S: u32 = 2;

/// The answer to a request that was not done, and why.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    allow: Option<String>,
    trace_id: Option<String>,
}

/// One field that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// As it was written, dotted for nested ones: `retry.schedule_s`.
    pub field: String,
    /// What to do about it.
    pub detail: String,
}

/// The body of a problem, `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    /// Stable; what scripts should look at.
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// Quote it when you report the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

impl Problem {
    /// A problem of the given kind; `detail` is for the caller to read.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
            allow: None,
            trace_id: None,
        }))
    }

    /// The one answer to an id that is unknown, of the wrong kind, deleted, or somebody else's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing under this path that you can see.")
    }

    /// The same for an id in a body or a query: `source_id`.
    #[must_use]
    pub fn unknown_reference(field: &str) -> Self {
        Self::new(Code::NotFound, format!("There is nothing under the id in `{field}` that you can see."))
            .with_field(field, "there is no such id")
    }

    /// Fields that were read and cannot be accepted.
    #[must_use]
    pub fn invalid(field: &str, detail: &str) -> Self {
        Self::new(Code::InvalidFields, format!("`{field}` {detail}")).with_field(field, detail)
    }

    /// Our fault: the cause goes to the log, a trace id to the client.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let trace_id = request_id::current();
        error!(request.id = %trace_id, "Request `{trace_id}` failed: {cause}");
        let mut problem =
            Self::new(Code::Internal, "The request was not done. Quote the trace id when you report this.");
        problem.0.trace_id = Some(trace_id);
        problem
    }

    /// Nobody's fault: the same request may succeed later.
    pub fn unavailable(cause: &dyn fmt::Display) -> Self {
        let trace_id = request_id::current();
        warn!(request.id = %trace_id, "Request `{trace_id}` could not be done now: {cause}");
        let mut problem = Self::new(Code::Unavailable, "Postern cannot do this at the moment. Ask again soon.");
        problem.0.retry_after_s = Some(RETRY_AFTER_S);
        problem.0.trace_id = Some(trace_id);
        problem
    }

    /// Paused by its owner: the sender should come back.
    #[must_use]
    pub fn paused(detail: &str) -> Self {
        Self::new(Code::Unavailable, detail).with_retry_after_s(60)
    }

    /// At the front door: who sent it was not proved. The sender is not told what was missing, the tenant is.
    #[must_use]
    pub fn unproved() -> Self {
        Self::new(Code::SignatureRefused, "The signature or token does not hold.")
    }

    /// Too many requests; `wait` is when one more is allowed.
    #[must_use]
    pub fn rate_limited(wait: std::time::Duration, detail: &str) -> Self {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Self::new(Code::RateLimited, detail).with_retry_after_s(seconds)
    }

    /// Names a field that is part of the problem.
    #[must_use]
    pub fn with_field(mut self, field: &str, detail: &str) -> Self {
        self.0.errors.push(FieldError { field: field.to_owned(), detail: detail.to_owned() });
        self
    }

    /// Sends Retry-After.
    #[must_use]
    pub fn with_retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Sends Allow, as a 405 must.
    #[must_use]
    pub fn with_allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// What kind of problem it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What to read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields it is about.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// Of what is our fault.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }

    /// The headers that go with it on a page.
    pub(crate) fn add_headers(&self, headers: &mut header::HeaderMap) {
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
        }
        if let Some(value) = self.0.trace_id.as_deref().and_then(|id| header::HeaderValue::from_str(id).ok()) {
            headers.insert(security_headers::REQUEST_ID, value);
        }
    }

    fn headers(&self, response: &mut HttpResponseBuilder) {
        if let Some(seconds) = self.0.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(methods) = &self.0.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        if self.0.code == Code::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(trace_id) = &self.0.trace_id {
            // An error is made into an answer after its request has ended, when nothing else knows the id any more.
            response.insert_header((security_headers::REQUEST_ID, trace_id.as_str()));
        }
        if matches!(self.0.code, Code::RequestTimeout | Code::PayloadTooLarge) {
            // The rest of the body is not wanted.
            response.force_close();
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let body = ProblemBody {
            kind: format!("urn:postern:problem:{}", self.0.code.as_str()),
            title: self.0.code.title(),
            status: self.status_code().as_u16(),
            code: self.0.code.as_str(),
            detail: &self.0.detail,
            errors: &self.0.errors,
            trace_id: self.0.trace_id.as_deref(),
        };
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        self.headers(&mut response);
        let mut response = response.body(serde_json::to_vec(&body).unwrap_or_default());
        security_headers::add(response.headers_mut());
        response
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(&invalid.field, &invalid.detail)
    }
}
