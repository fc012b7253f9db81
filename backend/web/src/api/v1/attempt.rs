//! `/attempts/export`: every try of every delivery, to be kept elsewhere.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::delivery::DeliveryState;
use postern_store::read::{AttemptFilter, Span};
use utoipa::IntoParams;

use crate::{
    App,
    api::v1::schema,
    auth::{DeliveriesRead, Permit},
    export::{self, AttemptExport, Format},
    openapi::{ExportParams, Problems},
    problem::Problem,
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/attempts/export", [(Method::GET, web::get().to(export))]));
}

/// What to look for; everything given must fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct AttemptParams {
    /// Begun from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Begun before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// Of the delivery, as it is when its attempt is written out.
    #[param(value_type = Option<schema::DeliveryState>)]
    state: Option<String>,
    destination_id: Option<String>,
    source_id: Option<String>,
    connection_id: Option<String>,
}

/// Take away the attempts: who, when, where to, with what result
///
/// In the order in which they were made, as many as there are, without headers and bodies. The columns of CSV and the
/// fields of the objects are the same; moments are RFC 3339 in UTC. In CSV a cell that a spreadsheet would take for a
/// formula begins with an apostrophe. What cannot be sent whole ends without the end of its chunked encoding. Two
/// exports of a tenant may be under way; another is refused with 429. That it was taken away is in the audit log.
#[utoipa::path(
    get, path = "/api/v1/attempts/export", operation_id = "export_attempts", tag = "deliveries",
    params(ExportParams, AttemptParams),
    responses(
        (status = 200, description = "The attempts", content((String = "application/jsonl"), (String = "text/csv"))),
        Problems
    ),
    extensions(("x-permission" = json!("deliveries:read")))
)]
pub(crate) async fn export(
    caller: Permit<DeliveriesRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<HttpResponse, Problem> {
    let filter = AttemptFilter {
        state: query.parsed("state", DeliveryState::parse)?,
        destination: query.id("destination_id")?,
        source: query.id("source_id")?,
        connection: query.id("connection_id")?,
        started: Span { from: query.moment("from")?, to: query.moment("to")? },
        made: Span::default(),
    };
    let said = query.said();
    let format = query.parsed("format", Format::parse)?.unwrap_or(Format::Jsonl);
    query.finish()?;
    app.engine.store.tenant(caller.scope()).check_attempt_filter(&filter).await?;
    let (scope, actor) = (caller.scope(), caller.actor());
    let export = AttemptExport::of(filter);
    export::begin(&app, export::Asked { scope, actor, format, export, filter: said }).await
}
