//! Looking at deliveries.

use actix_web::web::{self, Data};
use postern_domain::{DeliveryId, EventId, delivery::DeliveryState};
use postern_store::{
    TenantStore,
    read::{DeliveryFilter, EventFilter, Search, Window},
};
use utoipa::IntoParams;

use super::shape::{DeliveryDetailView, DeliveryView};
use crate::{
    App,
    api::v1::schema,
    auth::{DeliveriesRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// What to look for; everything given must fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct DeliveryParams {
    #[param(value_type = Option<schema::DeliveryState>)]
    state: Option<String>,
    destination_id: Option<String>,
    source_id: Option<String>,
    event_id: Option<String>,
    /// Made from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Made before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
}

/// List deliveries, newest first
///
/// A page may hold fewer than asked for, even none, and yet have a `next_cursor`: a filter looks at so many deliveries
/// at once and no more.
#[utoipa::path(
    get, path = "/api/v1/deliveries", operation_id = "list_deliveries", tag = "deliveries",
    params(DeliveryParams, ListParams),
    responses((status = 200, description = "A page", body = Page<DeliveryView>), Problems),
    extensions(("x-permission" = json!("deliveries:read")))
)]
pub(crate) async fn list(
    caller: Permit<DeliveriesRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<web::Json<Page<DeliveryView>>, Problem> {
    let filter = DeliveryFilter {
        state: query.parsed("state", DeliveryState::parse)?,
        destination: query.id("destination_id")?,
        source: query.id("source_id")?,
        event: query.id("event_id")?,
        connection: None,
    };
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let page = query.page(&app, caller.scope(), "deliveries")?;
    let store = app.engine.store.tenant(caller.scope());
    if let Some(event) = filter.event {
        check_event(&store, event).await?;
    }
    let slice = store.list_deliveries(filter, &page.window(from, to)).await?;
    Ok(web::Json(page.answer_slice(slice, |delivery| DeliveryView::of(&delivery))))
}

/// Look at one delivery and its attempts
#[utoipa::path(
    get, path = "/api/v1/deliveries/{id}", operation_id = "get_delivery", tag = "deliveries",
    params(("id" = String, Path)),
    responses((status = 200, description = "The delivery", body = DeliveryDetailView), Problems),
    extensions(("x-permission" = json!("deliveries:read")))
)]
pub(crate) async fn find(
    caller: Permit<DeliveriesRead>,
    app: Data<App>,
    id: PathId<DeliveryId>,
) -> Result<web::Json<DeliveryDetailView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let delivery = store.find_delivery(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(DeliveryDetailView::of(delivery)))
}

/// An event that the tenant does not have is named, as a source or a destination would be.
async fn check_event(store: &TenantStore, id: EventId) -> Result<(), Problem> {
    let filter = EventFilter { search: Some(Search::Event(id)), ..EventFilter::default() };
    let found = store.list_events(&filter, &Window { limit: 1, after: None, from: None, to: None }).await?;
    if found.rows.is_empty() { Err(Problem::unknown_reference("event_id")) } else { Ok(()) }
}
