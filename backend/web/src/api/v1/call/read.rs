//! Looking at calls, and waiting for their end.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web::{self, Data},
};
use postern_domain::{CallId, TenantScope, Timestamp, call::CallState};
use postern_pipeline::calls::{self, Waited};
use postern_store::{
    TenantStore,
    calls::{Call, CallFilter},
};
use utoipa::IntoParams;

use super::{
    schema::{self, PreferHeader},
    shape::{CallDetailView, CallView},
};
use crate::{
    App,
    auth::{CallsRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    prefer::{self, Prefer},
    problem::Problem,
    query::Query,
};

/// While a request is under way.
const USUAL_RETRY_AFTER_S: i64 = 2;
const LONGEST_RETRY_AFTER_S: i64 = 3_600;

/// What to look for; everything given must fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct CallParams {
    #[param(value_type = Option<schema::CallState>)]
    state: Option<String>,
    source_id: Option<String>,
    /// Asked for from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Asked for before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
}

/// List calls, newest first
///
/// With a source and a state, a page may hold fewer than asked for, even none, and yet have a `next_cursor`.
#[utoipa::path(
    get, path = "/api/v1/calls", operation_id = "list_calls", tag = "calls", params(CallParams, ListParams),
    responses((status = 200, description = "A page", body = Page<CallView>), Problems),
    extensions(("x-permission" = json!("calls:read")))
)]
pub(crate) async fn list(
    caller: Permit<CallsRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<web::Json<Page<CallView>>, Problem> {
    let filter = CallFilter { state: query.parsed("state", CallState::parse)?, source: query.id("source_id")? };
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let page = query.page(&app, caller.scope(), "calls")?;
    let store = app.engine.store.tenant(caller.scope());
    let slice = store.list_calls(filter, &page.window(from, to)).await?;
    Ok(web::Json(page.answer_slice(slice, CallView::of)))
}

/// Look at one call, its tries and its steps
///
/// Always 200, whatever became of the call. While it is not done, `Retry-After` says when to look again; `Prefer: wait=N`
/// answers as soon as it is done.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", operation_id = "get_call", tag = "calls",
    params(("id" = String, Path), PreferHeader),
    responses((status = 200, description = "The call", body = CallDetailView), Problems),
    extensions(("x-permission" = json!("calls:read")))
)]
pub(crate) async fn find(
    caller: Permit<CallsRead>,
    app: Data<App>,
    id: PathId<CallId>,
    prefer: Prefer,
) -> Result<HttpResponse, Problem> {
    let (call, waited) = awaited(&app, (caller.scope(), id.0), prefer).await?;
    let mut response = HttpResponse::Ok();
    head(&mut response, &call, app.engine.clock.now());
    if let Some(applied) = prefer.applied(waited, StatusCode::OK) {
        response.insert_header((prefer::APPLIED, applied));
    }
    Ok(response.json(detail(&app.engine.store.tenant(caller.scope()), call).await?))
}

/// The call as it is, once the caller's patience is over or it has ended; and whether it was waited.
pub(super) async fn awaited(
    app: &App,
    (scope, id): (TenantScope, CallId),
    prefer: Prefer,
) -> Result<(Call, Waited), Problem> {
    let (call, waited) = match prefer.wait() {
        Some(patience) => calls::wait(&app.engine, (scope, id), patience, app.live.closed()).await?,
        None => (app.engine.store.tenant(scope).find_call(id).await?, Waited::No),
    };
    Ok((call.ok_or_else(Problem::not_found)?, waited))
}

pub(super) async fn detail(store: &TenantStore, call: Call) -> Result<CallDetailView, Problem> {
    let (attempts, steps) = (store.call_attempts(call.id).await?, store.call_steps(call.id).await?);
    Ok(CallDetailView::of(call, attempts, steps))
}

/// What says when to look again, as long as there is something to come.
fn head(response: &mut HttpResponseBuilder, call: &Call, now: Timestamp) {
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if !call.state.is_final() {
        response.insert_header((header::RETRY_AFTER, retry_after_s(call, now)));
    }
}

/// One that waits for its time has nothing to say before it.
fn retry_after_s(call: &Call, now: Timestamp) -> i64 {
    let wait_s = call.due_at.map_or(0, |at| at.ms_since(now).max(0) / 1_000);
    if wait_s == 0 { USUAL_RETRY_AFTER_S } else { (wait_s + 1).min(LONGEST_RETRY_AFTER_S) }
}

/// The call as it is now, after a change of it.
pub(super) async fn shown(app: &App, scope: TenantScope, id: CallId) -> Result<CallDetailView, Problem> {
    let store = app.engine.store.tenant(scope);
    let call = store.find_call(id).await?.ok_or_else(Problem::not_found)?;
    detail(&store, call).await
}
