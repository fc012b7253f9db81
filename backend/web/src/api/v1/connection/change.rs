//! Making, changing and deleting connections.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::ConnectionId;
use postern_pipeline::configure::connection;
use postern_store::tenant::Connection;

use super::{
    PATH,
    shape::{ConnectionView, CreateConnection, PatchConnection},
};
use crate::{
    App,
    answer::{changed, created, deleted, remembered, remembered_empty},
    auth::{ConnectionsWrite, Permit},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

type Changed = Result<HttpResponse, Problem>;

/// Make a connection
#[utoipa::path(
    post, path = "/api/v1/connections", operation_id = "create_connection", tag = "connections", params(OnceHeader),
    request_body = CreateConnection,
    responses((status = 201, description = "Made; Location says where", body = ConnectionView), Problems),
    extensions(("x-permission" = json!("connections:write")))
)]
pub(crate) async fn create(
    caller: Permit<ConnectionsWrite>,
    app: Data<App>,
    once: Idempotency,
    body: Json<CreateConnection>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let done = connection::create(&app.engine, &by, body.value.try_into()?, remember(StatusCode::CREATED)).await?;
    Ok(created(PATH, done, ConnectionView::of))
}

/// Change a connection
#[utoipa::path(
    patch, path = "/api/v1/connections/{id}", operation_id = "update_connection", tag = "connections",
    params(("id" = String, Path), OnceHeader), request_body = PatchConnection,
    responses((status = 200, description = "As it is now", body = ConnectionView), Problems),
    extensions(("x-permission" = json!("connections:write")))
)]
pub(crate) async fn update(
    caller: Permit<ConnectionsWrite>,
    app: Data<App>,
    id: PathId<ConnectionId>,
    once: Idempotency,
    body: Json<PatchConnection>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let change = (id.0, body.value.into());
    let done = connection::update(&app.engine, &by, change, remember(StatusCode::OK)).await?;
    Ok(changed(done, ConnectionView::of))
}

/// Delete a connection
#[utoipa::path(
    delete, path = "/api/v1/connections/{id}", operation_id = "delete_connection", tag = "connections",
    params(("id" = String, Path), OnceHeader), responses((status = 204, description = "Deleted"), Problems),
    extensions(("x-permission" = json!("connections:write")))
)]
pub(crate) async fn delete(
    caller: Permit<ConnectionsWrite>,
    app: Data<App>,
    id: PathId<ConnectionId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    Ok(deleted(&connection::delete(&app.engine, &by, id.0, remembered_empty).await?))
}

/// Stop delivering; deliveries wait
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/pause", operation_id = "pause_connection", tag = "connections",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = ConnectionView), Problems),
    extensions(("x-permission" = json!("connections:write")))
)]
pub(crate) async fn pause(
    caller: Permit<ConnectionsWrite>,
    app: Data<App>,
    id: PathId<ConnectionId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = connection::pause(&app.engine, &by, id.0, remember(StatusCode::OK)).await?;
    Ok(changed(done, ConnectionView::of))
}

/// Deliver again
#[utoipa::path(
    post, path = "/api/v1/connections/{id}/resume", operation_id = "resume_connection", tag = "connections",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = ConnectionView), Problems),
    extensions(("x-permission" = json!("connections:write")))
)]
pub(crate) async fn resume(
    caller: Permit<ConnectionsWrite>,
    app: Data<App>,
    id: PathId<ConnectionId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = connection::resume(&app.engine, &by, id.0, remember(StatusCode::OK)).await?;
    Ok(changed(done, ConnectionView::of))
}

fn remember(status: StatusCode) -> impl FnOnce(&Connection) -> (u16, String) {
    move |made| remembered(status, &ConnectionView::of(made))
}
