//! Looking at connections.

use actix_web::web::{self, Data};
use postern_domain::ConnectionId;
use postern_store::tenant::Connection;

use super::shape::ConnectionView;
use crate::{
    App,
    auth::{ConnectionsRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// List connections, oldest first
#[utoipa::path(
    get, path = "/api/v1/connections", operation_id = "list_connections", tag = "connections", params(ListParams),
    responses((status = 200, description = "A page", body = Page<ConnectionView>), Problems),
    extensions(("x-permission" = json!("connections:read")))
)]
pub(crate) async fn list(
    caller: Permit<ConnectionsRead>,
    app: Data<App>,
    query: Query,
) -> Result<web::Json<Page<ConnectionView>>, Problem> {
    let page = query.page(&app, caller.scope(), "connections")?;
    let store = app.engine.store.tenant(caller.scope());
    let rows = store.connections().list(page.after().map(ConnectionId::from_uuid), page.fetch()).await?;
    let position = |row: &Connection| row.id.uuid().as_bytes().to_vec();
    Ok(web::Json(page.answer(rows, position, |row| ConnectionView::of(&row))))
}

/// Look at one connection
#[utoipa::path(
    get, path = "/api/v1/connections/{id}", operation_id = "get_connection", tag = "connections",
    params(("id" = String, Path)),
    responses((status = 200, description = "The connection", body = ConnectionView), Problems),
    extensions(("x-permission" = json!("connections:read")))
)]
pub(crate) async fn find(
    caller: Permit<ConnectionsRead>,
    app: Data<App>,
    id: PathId<ConnectionId>,
) -> Result<web::Json<ConnectionView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let found = store.connections().find(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(ConnectionView::of(&found)))
}
