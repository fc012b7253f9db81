//! Making, changing and deleting destinations.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::DestinationId;
use postern_pipeline::configure::destination;
use postern_store::tenant::Destination;

use super::{
    PATH,
    shape::{CreateDestination, DestinationView, PatchDestination},
};
use crate::{
    App,
    answer::{changed, created, deleted, remembered, remembered_empty},
    auth::{DestinationsWrite, Permit},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

type Changed = Result<HttpResponse, Problem>;

/// Make a destination
#[utoipa::path(
    post, path = "/api/v1/destinations", operation_id = "create_destination", tag = "destinations", params(OnceHeader),
    request_body = CreateDestination,
    responses((status = 201, description = "Made; Location says where", body = DestinationView), Problems),
    extensions(("x-permission" = json!("destinations:write")))
)]
pub(crate) async fn create(
    caller: Permit<DestinationsWrite>,
    app: Data<App>,
    once: Idempotency,
    body: Json<CreateDestination>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let done = destination::create(&app.engine, &by, body.value.into(), remember(StatusCode::CREATED)).await?;
    Ok(created(PATH, done, DestinationView::with_secret))
}

/// Change a destination
#[utoipa::path(
    patch, path = "/api/v1/destinations/{id}", operation_id = "update_destination", tag = "destinations",
    params(("id" = String, Path), OnceHeader), request_body = PatchDestination,
    responses((status = 200, description = "As it is now", body = DestinationView), Problems),
    extensions(("x-permission" = json!("destinations:write")))
)]
pub(crate) async fn update(
    caller: Permit<DestinationsWrite>,
    app: Data<App>,
    id: PathId<DestinationId>,
    once: Idempotency,
    body: Json<PatchDestination>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let change = (id.0, body.value.into());
    let done = destination::update(&app.engine, &by, change, remember(StatusCode::OK)).await?;
    Ok(changed(done, DestinationView::of))
}

/// Delete a destination and its connections
#[utoipa::path(
    delete, path = "/api/v1/destinations/{id}", operation_id = "delete_destination", tag = "destinations",
    params(("id" = String, Path), OnceHeader), responses((status = 204, description = "Deleted"), Problems),
    extensions(("x-permission" = json!("destinations:write")))
)]
pub(crate) async fn delete(
    caller: Permit<DestinationsWrite>,
    app: Data<App>,
    id: PathId<DestinationId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    Ok(deleted(&destination::delete(&app.engine, &by, id.0, remembered_empty).await?))
}

/// Stop delivering; deliveries wait
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/pause", operation_id = "pause_destination", tag = "destinations",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = DestinationView), Problems),
    extensions(("x-permission" = json!("destinations:write")))
)]
pub(crate) async fn pause(
    caller: Permit<DestinationsWrite>,
    app: Data<App>,
    id: PathId<DestinationId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = destination::pause(&app.engine, &by, id.0, remember(StatusCode::OK)).await?;
    Ok(changed(done, DestinationView::of))
}

/// Deliver again
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/resume", operation_id = "resume_destination", tag = "destinations",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = DestinationView), Problems),
    extensions(("x-permission" = json!("destinations:write")))
)]
pub(crate) async fn resume(
    caller: Permit<DestinationsWrite>,
    app: Data<App>,
    id: PathId<DestinationId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = destination::resume(&app.engine, &by, id.0, remember(StatusCode::OK)).await?;
    Ok(changed(done, DestinationView::of))
}

fn remember(status: StatusCode) -> impl FnOnce(&Destination) -> (u16, String) {
    move |made| remembered(status, &DestinationView::of(made))
}
