//! What runs of a source could not take in.

use actix_web::web::{self, Data};
use postern_domain::{SourceId, Timestamp};
use postern_store::polling::QuarantineRead;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    auth::{Permit, SourcesRead},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// What to look for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct QuarantineParams {
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// An item that was set aside, or a page that is not what the settings describe.
#[derive(Serialize, ToSchema)]
#[schema(as = Quarantined)]
pub(crate) struct QuarantinedView {
    run_id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    reason: String,
    /// Its first 64 kB as text, with `[redacted]` where something may be secret.
    sample: String,
}

/// List what a source that polls has set aside, newest first
///
/// Items without an id, items that are too large for an event, and the first of the pages that are not what the settings
/// describe.
#[utoipa::path(
    get, path = "/api/v1/sources/{id}/quarantine", operation_id = "list_source_quarantine", tag = "polling",
    params(("id" = String, Path), QuarantineParams, ListParams),
    responses((status = 200, description = "A page", body = Page<QuarantinedView>), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn list(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    id: PathId<SourceId>,
    mut query: Query,
) -> Result<web::Json<Page<QuarantinedView>>, Problem> {
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let page = query.page(&app, caller.scope(), &format!("quarantine:{}", id.0))?;
    let store = app.engine.store.tenant(caller.scope());
    store.sources().find(id.0).await?.ok_or_else(Problem::not_found)?;
    let slice = store.quarantine(id.0, &page.window(from, to)).await?;
    Ok(web::Json(page.answer_slice(slice, view)))
}

fn view(item: QuarantineRead) -> QuarantinedView {
    QuarantinedView {
        run_id: item.run.to_string(),
        at: item.at,
        reason: item.reason,
        sample: String::from_utf8_lossy(&item.sample).into_owned(),
    }
}
