//! Looking at destinations.

use actix_web::web::{self, Data};
use postern_domain::DestinationId;
use postern_store::tenant::Destination;

use super::shape::DestinationView;
use crate::{
    App,
    auth::{DestinationsRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// List destinations, oldest first
#[utoipa::path(
    get, path = "/api/v1/destinations", operation_id = "list_destinations", tag = "destinations", params(ListParams),
    responses((status = 200, description = "A page", body = Page<DestinationView>), Problems),
    extensions(("x-permission" = json!("destinations:read")))
)]
pub(crate) async fn list(
    caller: Permit<DestinationsRead>,
    app: Data<App>,
    query: Query,
) -> Result<web::Json<Page<DestinationView>>, Problem> {
    let page = query.page(&app, caller.scope(), "destinations")?;
    let store = app.engine.store.tenant(caller.scope());
    let rows = store.destinations().list(page.after().map(DestinationId::from_uuid), page.fetch()).await?;
    let position = |row: &Destination| row.id.uuid().as_bytes().to_vec();
    Ok(web::Json(page.answer(rows, position, |row| DestinationView::of(&row))))
}

/// Look at one destination
#[utoipa::path(
    get, path = "/api/v1/destinations/{id}", operation_id = "get_destination", tag = "destinations",
    params(("id" = String, Path)),
    responses((status = 200, description = "The destination", body = DestinationView), Problems),
    extensions(("x-permission" = json!("destinations:read")))
)]
pub(crate) async fn find(
    caller: Permit<DestinationsRead>,
    app: Data<App>,
    id: PathId<DestinationId>,
) -> Result<web::Json<DestinationView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let found = store.destinations().find(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(DestinationView::of(&found)))
}
