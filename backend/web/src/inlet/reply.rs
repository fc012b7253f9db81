//! What the front door answers. [`crate::trial`] shows the same answers without anything having come in.

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use postern_domain::EventId;
use postern_pipeline::{
    Greeting, SourceEntry,
    accept::{AcceptError, Receipt, Reception},
    door::Bar,
};

use crate::problem::{Code, Problem};

/// Where a provider wants another, it wants nothing else.
const USUAL_REFUSAL: u16 = 401;

pub(crate) fn of_reception(source: &SourceEntry, method: &str, reception: Reception) -> HttpResponse {
    match reception {
        Reception::Event(Receipt::Accepted(id)) => of_event(source, id, IsDuplicate::No),
        Reception::Event(Receipt::Duplicate(id)) => of_event(source, id, IsDuplicate::Yes),
        Reception::Greeting(greeting) => of_greeting(greeting),
        Reception::Presence => of_presence(source, method),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IsDuplicate {
    Yes,
    No,
}

/// The tenant's own answer, or what the provider wants, or ours.
pub(crate) fn of_event(source: &SourceEntry, id: EventId, duplicate: IsDuplicate) -> HttpResponse {
    if let Some(own) = source.event_answer() {
        let mut response = HttpResponse::build(StatusCode::from_u16(own.status).unwrap_or(StatusCode::OK));
        typed(&mut response, own.content_type);
        return response.body(own.body.to_owned());
    }
    // Ids need no escaping.
    let body = format!("{{\"id\":\"{id}\",\"duplicate\":{}}}", duplicate == IsDuplicate::Yes);
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// Exactly as the provider wants it.
pub(crate) fn of_greeting(greeting: Greeting) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(greeting.status).unwrap_or(StatusCode::OK));
    typed(&mut response, greeting.content_type.as_deref());
    for (name, value) in &greeting.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.body(greeting.body)
}

/// To HEAD and OPTIONS: there is somebody, and this is what may come.
pub(crate) fn of_presence(source: &SourceEntry, method: &str) -> HttpResponse {
    if method == "HEAD" {
        return HttpResponse::Ok().finish();
    }
    HttpResponse::NoContent().insert_header((header::ALLOW, allow(source))).finish()
}

pub(crate) fn of_bar(source: &SourceEntry, bar: Bar) -> Problem {
    match bar {
        Bar::Paused => Problem::paused("The source is paused."),
        Bar::Address => {
            Problem::new(Code::AddressNotAllowed, "Requests to this source are taken from listed addresses only.")
        }
        Bar::Method => wrong_method(source),
        Bar::Encoding => Problem::new(Code::UnsupportedMediaType, "Send the body without a content-encoding."),
        Bar::ContentType => Problem::new(Code::UnsupportedMediaType, format!("Send {}.", bar.expected(source))),
        Bar::Size => Problem::new(Code::PayloadTooLarge, format!("Send {}.", bar.expected(source))),
        Bar::HeaderToken => Problem::unproved(),
    }
}

pub(crate) fn of_error(source: &SourceEntry, cause: AcceptError) -> HttpResponse {
    let problem = match cause {
        AcceptError::Method => wrong_method(source),
        AcceptError::Refused(refusal) if source.refuses_without_body() || refusal.status != USUAL_REFUSAL => {
            return HttpResponse::build(StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::UNAUTHORIZED))
                .finish();
        }
        other => Problem::from(other),
    };
    problem.error_response()
}

fn wrong_method(source: &SourceEntry) -> Problem {
    let allow = allow(source);
    Problem::new(Code::MethodNotAllowed, format!("Allowed here: {allow}.")).with_allow(allow)
}

fn allow(source: &SourceEntry) -> String {
    format!("{}, HEAD, OPTIONS", source.intake.methods())
}

fn typed(response: &mut HttpResponseBuilder, content_type: Option<&str>) {
    if let Some(content_type) = content_type {
        response.content_type(content_type);
    }
}
