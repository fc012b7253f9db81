//! Answers to changes: 201 with Location, 200, 204; and the same again for a change that was asked for before.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use postern_pipeline::configure::Done;
use serde::{Deserialize, Serialize};
use tracing::error;

const REPLAYED: &str = "idempotency-replayed";

/// What is remembered of an answer for an Idempotency-Key. `view` must hold no secret.
pub(crate) fn remembered<V: Serialize>(status: StatusCode, view: &V) -> (u16, String) {
    (status.as_u16(), to_json(view))
}

/// What is remembered of a deletion.
pub(crate) fn remembered_empty((): &()) -> (u16, String) {
    (StatusCode::NO_CONTENT.as_u16(), String::new())
}

/// 201, with the place of what was made: `collection` is the path above its id.
pub(crate) fn created<T, V: Serialize>(collection: &str, done: Done<T>, view: impl FnOnce(&T) -> V) -> HttpResponse {
    let (replayed, status, body) = shape(StatusCode::CREATED, done, view);
    let mut response = HttpResponse::build(status);
    if let Some(id) = made_id(&body) {
        response.insert_header((header::LOCATION, format!("{collection}/{id}")));
    }
    mark(&mut response, replayed);
    response.content_type("application/json").body(body)
}

/// 200, with what it is now.
pub(crate) fn changed<T, V: Serialize>(done: Done<T>, view: impl FnOnce(&T) -> V) -> HttpResponse {
    let (replayed, status, body) = shape(StatusCode::OK, done, view);
    let mut response = HttpResponse::build(status);
    mark(&mut response, replayed);
    response.content_type("application/json").body(body)
}

/// 202, with what was asked for.
pub(crate) fn accepted<T, V: Serialize>(done: Done<T>, view: impl FnOnce(&T) -> V) -> HttpResponse {
    let (replayed, status, body) = shape(StatusCode::ACCEPTED, done, view);
    let mut response = HttpResponse::build(status);
    mark(&mut response, replayed);
    response.content_type("application/json").body(body)
}

/// What it is now, whether it came to be so by this request or by the same one before.
pub(crate) fn current<T, V: Serialize>(status: StatusCode, done: &Done<T>, view: &V) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    mark(&mut response, Replayed::of(done));
    response.content_type("application/json").body(to_json(view))
}

/// 204.
pub(crate) fn deleted(done: &Done<()>) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    mark(&mut response, Replayed::of(done));
    response.finish()
}

/// The id in the body of an answer.
pub(crate) fn made_id(body: &str) -> Option<String> {
    serde_json::from_str(body).ok().map(|Made { id }| id)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    Yes,
    No,
}

impl Replayed {
    const fn of<T>(done: &Done<T>) -> Self {
        match done {
            Done::Before { .. } => Self::Yes,
            Done::Now(_) => Self::No,
        }
    }
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

fn shape<T, V: Serialize>(
    status: StatusCode,
    done: Done<T>,
    view: impl FnOnce(&T) -> V,
) -> (Replayed, StatusCode, String) {
    match done {
        Done::Now(made) => (Replayed::No, status, to_json(&view(&made))),
        Done::Before { status: then, body } => (Replayed::Yes, StatusCode::from_u16(then).unwrap_or(status), body),
    }
}

fn mark(response: &mut actix_web::HttpResponseBuilder, replayed: Replayed) {
    if replayed == Replayed::Yes {
        response.insert_header((REPLAYED, "true"));
    }
}

/// Our views always have a text.
fn to_json<V: Serialize>(view: &V) -> String {
    serde_json::to_string(view).unwrap_or_else(|cause| {
        error!(%cause, "An answer could not be written as JSON");
        String::new()
    })
}
