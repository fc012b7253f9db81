//! Making, changing and deleting sources.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::{SourceId, TenantScope};
use postern_pipeline::configure::{Done, source};
use postern_store::tenant::Source;

use super::{
    PATH,
    shape::{CreateSource, PatchSource, SourceView},
};
use crate::{
    App,
    answer::{self, changed, created, deleted, remembered, remembered_empty},
    auth::{Permit, SourcesWrite},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

type Changed = Result<HttpResponse, Problem>;

/// Make a source
#[utoipa::path(
    post, path = "/api/v1/sources", operation_id = "create_source", tag = "sources", params(OnceHeader),
    request_body = CreateSource,
    responses((status = 201, description = "Made; Location says where", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn create(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    once: Idempotency,
    body: Json<CreateSource>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let done = source::create(&app.engine, &by, body.value.try_into()?, remember(&app, StatusCode::CREATED)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(created(PATH, done, |source| SourceView::of(source, &app)))
}

/// Change a source
#[utoipa::path(
    patch, path = "/api/v1/sources/{id}", operation_id = "update_source", tag = "sources",
    params(("id" = String, Path), OnceHeader), request_body = PatchSource,
    responses((status = 200, description = "As it is now", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn update(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
    body: Json<PatchSource>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let change = (id.0, body.value.try_into()?);
    let done = source::update(&app.engine, &by, change, remember(&app, StatusCode::OK)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(changed(done, |source| SourceView::of(source, &app)))
}

/// Delete a source and its connections
#[utoipa::path(
    delete, path = "/api/v1/sources/{id}", operation_id = "delete_source", tag = "sources",
    params(("id" = String, Path), OnceHeader), responses((status = 204, description = "Deleted"), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn delete(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    Ok(deleted(&source::delete(&app.engine, &by, id.0, remembered_empty).await?))
}

/// Stop taking events in
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/pause", operation_id = "pause_source", tag = "sources",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn pause(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = source::pause(&app.engine, &by, id.0, remember(&app, StatusCode::OK)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(changed(done, |source| SourceView::of(source, &app)))
}

/// Take events in again
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/resume", operation_id = "resume_source", tag = "sources",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn resume(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let done = source::resume(&app.engine, &by, id.0, remember(&app, StatusCode::OK)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(changed(done, |source| SourceView::of(source, &app)))
}

/// A remembered answer lacks the URL, which lets its holder in; here it is put back.
pub(super) async fn whole(app: &App, scope: TenantScope, done: Done<Source>) -> Result<Done<Source>, Problem> {
    let Done::Before { status, body } = done else { return Ok(done) };
    let Some(id) = answer::made_id(&body).and_then(|id| id.parse().ok()) else {
        return Ok(Done::Before { status, body });
    };
    let source = app.engine.store.tenant(scope).sources().find(id).await?;
    let url = source.and_then(|source| source.token).map(|token| app.settings.ingest_url(token.expose()));
    let body = match url {
        Some(url) => body.replacen("\"ingest_url\":null", &format!("\"ingest_url\":\"{url}\""), 1),
        None => body,
    };
    Ok(Done::Before { status, body })
}

pub(super) fn remember(app: &App, status: StatusCode) -> impl FnOnce(&Source) -> (u16, String) {
    move |source| remembered(status, &SourceView::of(source, app).without_secrets())
}
