//! The front door of a source: a new URL, and a secret that its provider may hand over.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::SourceId;
use postern_pipeline::configure::front_door;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    change::{remember, whole},
    shape::SourceView,
};
use crate::{
    App,
    answer::changed,
    auth::{Permit, SourcesWrite},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

/// How long the URL before goes on working.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateUrl)]
pub(crate) struct RotateUrl {
    /// 0 ends it at once.
    #[serde(default = "usual_overlap_s")]
    #[schema(default = 86_400, maximum = 2_592_000)]
    overlap_s: u32,
}

const fn usual_overlap_s() -> u32 {
    front_door::DEFAULT_OVERLAP_S
}

/// Give a source a new URL
///
/// The URL before works until `old_url_until`; one before that no longer.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/rotate-url", operation_id = "rotate_source_url", tag = "sources",
    params(("id" = String, Path), OnceHeader), request_body = RotateUrl,
    responses((status = 200, description = "As it is now", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn rotate_url(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
    body: Json<RotateUrl>,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&body.bytes));
    let rotation = (id.0, body.value.overlap_s);
    let done = front_door::rotate_url(&app.engine, &by, rotation, remember(&app, StatusCode::OK)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(changed(done, |source| SourceView::of(source, &app)))
}

/// Await the secret of a source
///
/// For an hour its provider may hand the secret over in a handshake, if the source has none.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/await-handshake", operation_id = "await_source_handshake", tag = "sources",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "As it is now", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn await_handshake(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&[]));
    let done = front_door::await_handshake(&app.engine, &by, id.0, remember(&app, StatusCode::OK)).await?;
    let done = whole(&app, caller.scope(), done).await?;
    Ok(changed(done, |source| SourceView::of(source, &app)))
}
