//! Calling off what waits of an event.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::EventId;
use postern_pipeline::{configure::Done, deliveries};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App,
    answer::current,
    auth::{DeliveriesWrite, Permit},
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

/// What became of the event's deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventCancelled {
    id: String,
    /// How many waited and are cancelled now; none when the call was made before.
    cancelled: u32,
    /// How many could not be called back, because a try of them is under way.
    in_flight: u32,
}

/// Call off what waits of an event
///
/// For one that was published for later, and one that is between two tries. What is delivered stays so.
#[utoipa::path(
    post, path = "/api/v1/events/{id}/cancel", operation_id = "cancel_event", tag = "events",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "Nothing of it waits any more", body = EventCancelled), Problems),
    extensions(("x-permission" = json!("deliveries:write")))
)]
pub(crate) async fn cancel(
    caller: Permit<DeliveriesWrite>,
    app: Data<App>,
    id: PathId<EventId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let done = deliveries::cancel_event(&app.engine, &caller.by(once.with_body(&[])), id.0).await?;
    let (cancelled, in_flight) = match &done {
        Done::Now(outcome) => (outcome.cancelled, outcome.in_flight),
        Done::Before { .. } => (0, 0),
    };
    Ok(current(StatusCode::OK, &done, &EventCancelled { id: id.0.to_string(), cancelled, in_flight }))
}
