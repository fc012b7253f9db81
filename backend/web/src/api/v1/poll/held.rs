//! Events of a run that found more than was agreed: let go, or thrown away.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::SourceId;
use postern_pipeline::configure::poll::{self, HeldAction};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    answer::{changed, remembered},
    auth::{Permit, SourcesWrite},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettleHeld)]
pub(crate) struct SettleHeld {
    action: Action,
}

/// `release`: they are delivered now. `discard`: they stay on record, and are delivered nowhere.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HeldAction)]
pub(crate) enum Action {
    Release,
    Discard,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
#[schema(as = SettledHeld)]
pub(crate) struct SettledView {
    events: u64,
}

/// Release or discard the held events of a source
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/held", operation_id = "settle_held_events", tag = "polling",
    params(("id" = String, Path), OnceHeader), request_body = SettleHeld,
    responses((status = 200, description = "How many there were", body = SettledView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn settle(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
    body: Json<SettleHeld>,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&body.bytes));
    let action = match body.value.action {
        Action::Release => HeldAction::Release,
        Action::Discard => HeldAction::Discard,
    };
    let view = |events: &u64| SettledView { events: *events };
    let remember = move |events: &u64| remembered(StatusCode::OK, &view(events));
    Ok(changed(poll::settle_held(&app.engine, &by, (id.0, action), remember).await?, view))
}
