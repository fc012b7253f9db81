//! `/destinations/{id}/requests`: what a bin received.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{DestinationId, Timestamp};
use postern_store::read::BinRequestRead;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::kept::{self, BodyView, Truncated};
use crate::{
    App,
    auth::{DestinationsRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/destinations/{id}/requests", [(Method::GET, web::get().to(list))]));
}

/// A request as a bin received it.
#[derive(Serialize, ToSchema)]
#[schema(as = BinRequest)]
pub(crate) struct BinRequestView {
    id: String,
    event_id: String,
    delivery_id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The status it was answered.
    status: i32,
    #[schema(value_type = Object)]
    headers: Option<Box<RawValue>>,
    /// The first 64 kB; the whole is the payload of the event.
    #[serde(flatten)]
    body: BodyView,
    body_bytes: i32,
    /// Whether the body is longer than what is shown.
    truncated: bool,
}

impl BinRequestView {
    fn of(request: BinRequestRead) -> Self {
        let truncated = usize::try_from(request.body_bytes).is_ok_and(|bytes| bytes > request.body.len());
        Self {
            id: request.id.to_string(),
            event_id: request.event.to_string(),
            delivery_id: request.delivery.to_string(),
            at: request.at,
            status: request.answered,
            headers: kept::headers(request.headers),
            body: BodyView::of(request.body, Truncated::from(truncated)),
            body_bytes: request.body_bytes,
            truncated,
        }
    }
}

/// List what a bin received, newest first, at most 100 at once
#[utoipa::path(
    get, path = "/api/v1/destinations/{id}/requests", operation_id = "list_bin_requests", tag = "destinations",
    params(("id" = String, Path), ListParams),
    responses((status = 200, description = "A page", body = Page<BinRequestView>), Problems),
    extensions(("x-permission" = json!("destinations:read")))
)]
pub(crate) async fn list(
    caller: Permit<DestinationsRead>,
    app: Data<App>,
    id: PathId<DestinationId>,
    query: Query,
) -> Result<web::Json<Page<BinRequestView>>, Problem> {
    let page = query.page(&app, caller.scope(), &format!("bin {}", id.0))?;
    let store = app.engine.store.tenant(caller.scope());
    let slice = store.list_bin_requests(id.0, &page.window(None, None)).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(page.answer_slice(slice, BinRequestView::of)))
}
