//! The runs of a source: those there were, and one more now.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data},
};
use postern_domain::SourceId;
use postern_pipeline::configure::poll;
use postern_store::polling::{Asked, RunStatus};
use utoipa::IntoParams;

use super::{
    schema,
    shape::{AskedView, RunView},
};
use crate::{
    App,
    answer::{accepted, remembered},
    auth::{Permit, SourcesRead, SourcesWrite},
    idempotency::Idempotency,
    openapi::{ListParams, OnceHeader, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// What to look for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct RunParams {
    #[param(value_type = Option<schema::RunOutcome>)]
    state: Option<String>,
}

/// Run a source that polls now
///
/// It begins within a second or two, whatever the schedule says, but not before a moment that the provider asked to wait
/// for. While one that was asked for has not begun, that one is answered.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/poll", operation_id = "poll_source", tag = "polling",
    params(("id" = String, Path), OnceHeader),
    responses((status = 202, description = "Asked for; look for its id among the runs", body = AskedView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn ask(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&[]));
    let remember = |asked: &Asked| remembered(StatusCode::ACCEPTED, &AskedView::of(id.0, *asked));
    let done = poll::run_now(&app.engine, &by, id.0, remember).await?;
    Ok(accepted(done, |asked| AskedView::of(id.0, *asked)))
}

/// List the runs of a source, newest first
///
/// The run that is under way is among them. Runs that found nothing, one after the other, are one row of state `quiet`. A
/// page may hold fewer than asked for, even none, and yet have a `next_cursor`: a filter looks at so many at once.
#[utoipa::path(
    get, path = "/api/v1/sources/{id}/runs", operation_id = "list_source_runs", tag = "polling",
    params(("id" = String, Path), RunParams, ListParams),
    responses((status = 200, description = "A page", body = Page<RunView>), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn list(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    id: PathId<SourceId>,
    mut query: Query,
) -> Result<web::Json<Page<RunView>>, Problem> {
    let state = query.parsed("state", RunStatus::parse)?;
    let page = query.page(&app, caller.scope(), &format!("runs:{}", id.0))?;
    let store = app.engine.store.tenant(caller.scope());
    store.sources().find(id.0).await?.ok_or_else(Problem::not_found)?;
    let mut slice = store.runs(id.0, &page.window(None, None)).await?;
    slice.rows.retain(|run| state.is_none_or(|state| run.status == state));
    Ok(web::Json(page.answer_slice(slice, RunView::of)))
}
