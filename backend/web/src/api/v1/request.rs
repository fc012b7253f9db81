//! `/requests`: what came to the front door and did not become an event.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::Timestamp;
use postern_store::read::{RequestFilter, RequestOutcome, RequestRead};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{kept, schema};
use crate::{
    App,
    auth::{Permit, RequestsRead},
    openapi::{ListParams, Problems},
    page::Page,
    problem::Problem,
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/requests", [(Method::GET, web::get().to(list))]));
}

/// What to look for; everything given must fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct RequestParams {
    #[param(value_type = Option<schema::RequestOutcome>)]
    outcome: Option<String>,
    source_id: Option<String>,
    /// From this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
}

/// A request that was refused, a duplicate, or worth a look.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(crate) struct RequestView {
    id: String,
    source_id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = schema::RequestOutcome)]
    outcome: &'static str,
    /// What was wrong with it.
    cause: String,
    /// What would have been right.
    expected: String,
    /// The address it came from.
    remote: String,
    method: String,
    #[schema(value_type = Object)]
    headers: Option<Box<RawValue>>,
    body_bytes: i64,
    dedup_key: Option<String>,
    /// The event that came first, of a duplicate or of a body that came again.
    event_id: Option<String>,
}

impl RequestView {
    fn of(request: RequestRead) -> Self {
        Self {
            id: request.id.to_string(),
            source_id: request.source.to_string(),
            at: request.at,
            outcome: request.outcome.as_str(),
            cause: request.cause,
            expected: request.expected,
            remote: request.remote,
            method: request.method,
            headers: kept::headers(request.headers),
            body_bytes: request.body_bytes,
            dedup_key: request.dedup_key,
            event_id: request.event.map(|id| id.to_string()),
        }
    }
}

/// List requests that did not become events or are worth a look, newest first
///
/// A page may hold fewer than asked for, even none, and yet have a `next_cursor`: a filter looks at so many requests at
/// once and no more.
#[utoipa::path(
    get, path = "/api/v1/requests", operation_id = "list_requests", tag = "requests",
    params(RequestParams, ListParams),
    responses((status = 200, description = "A page", body = Page<RequestView>), Problems),
    extensions(("x-permission" = json!("requests:read")))
)]
pub(crate) async fn list(
    caller: Permit<RequestsRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<web::Json<Page<RequestView>>, Problem> {
    let filter =
        RequestFilter { outcome: query.parsed("outcome", RequestOutcome::parse)?, source: query.id("source_id")? };
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let page = query.page(&app, caller.scope(), "requests")?;
    let store = app.engine.store.tenant(caller.scope());
    let slice = store.list_requests(filter, &page.window(from, to)).await?;
    Ok(web::Json(page.answer_slice(slice, RequestView::of)))
}
