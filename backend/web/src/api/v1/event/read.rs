//! Looking at events.

use actix_web::web::{self, Data};
use postern_domain::{EventId, delivery::EventOutcome, event_type::Pattern};
use postern_store::read::{EventFilter, Search};
use utoipa::IntoParams;

use super::shape::{EventDetailView, EventView};
use crate::{
    App,
    api::v1::schema,
    auth::{EventsRead, Permit},
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
pub(crate) struct EventParams {
    source_id: Option<String>,
    /// A type, or a pattern like `payment.*`.
    r#type: Option<String>,
    #[param(value_type = Option<schema::EventOutcome>)]
    outcome: Option<String>,
    /// Received from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Received before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// An event id, a delivery id, a dedup key, or a part of a type.
    q: Option<String>,
}

/// List events, newest first
///
/// A page may hold fewer than asked for, even none, and yet have a `next_cursor`: a filter looks at so many events at
/// once and no more.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "list_events", tag = "events",
    params(EventParams, ListParams),
    responses((status = 200, description = "A page", body = Page<EventView>), Problems),
    extensions(("x-permission" = json!("events:read")))
)]
pub(crate) async fn list(
    caller: Permit<EventsRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<web::Json<Page<EventView>>, Problem> {
    let filter = EventFilter {
        source: query.id("source_id")?,
        event_type: query.parsed("type", |text| Pattern::parse(text).ok())?,
        outcome: query.parsed("outcome", EventOutcome::parse)?,
        search: query.text("q").filter(|text| !text.trim().is_empty()).map(|text| Search::parse(&text)),
    };
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let page = query.page(&app, caller.scope(), "events")?;
    let store = app.engine.store.tenant(caller.scope());
    let slice = store.list_events(&filter, &page.window(from, to)).await?;
    Ok(web::Json(page.answer_slice(slice, EventView::of)))
}

/// Look at one event, its deliveries and their attempts
#[utoipa::path(
    get, path = "/api/v1/events/{id}", operation_id = "get_event", tag = "events", params(("id" = String, Path)),
    responses((status = 200, description = "The event", body = EventDetailView), Problems),
    extensions(("x-permission" = json!("events:read")))
)]
pub(crate) async fn find(
    caller: Permit<EventsRead>,
    app: Data<App>,
    id: PathId<EventId>,
) -> Result<web::Json<EventDetailView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let event = store.find_event(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(EventDetailView::of(event)))
}
