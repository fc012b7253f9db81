//! Calling a call off, and making one that came to nothing again.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::CallId;
use postern_pipeline::{
    calls::{self, CallRefusal},
    configure::Done,
};

use super::{
    create::{new_view, remember, with_head},
    read::shown,
    shape::CallDetailView,
};
use crate::{
    App,
    answer::{accepted, current, made_id},
    auth::{CallsWrite, Permit},
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

/// Call a call off
///
/// One that waits is cancelled at once. While a request is under way the state is `cancelling`: the connection is closed,
/// and an answer that came first is kept.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/cancel", operation_id = "cancel_call", tag = "calls",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "The call as it is now", body = CallDetailView), Problems),
    extensions(("x-permission" = json!("calls:write")))
)]
pub(crate) async fn cancel(
    caller: Permit<CallsWrite>,
    app: Data<App>,
    id: PathId<CallId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let done = calls::cancel(&app.engine, &caller.by(once.with_body(&[])), id.0).await?;
    Ok(current(StatusCode::OK, &done, &shown(&app, caller.scope(), id.0).await?))
}

/// Make a call again that failed, expired or was cancelled
///
/// As a new call with the same request and policy, due now; `redrive_of` names the first. The request is kept for as long
/// as a payload.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/redrive", operation_id = "redrive_call", tag = "calls",
    params(("id" = String, Path), OnceHeader),
    responses((status = 202, description = "The new call", body = CallDetailView), Problems),
    extensions(("x-permission" = json!("calls:write")))
)]
pub(crate) async fn redrive(
    caller: Permit<CallsWrite>,
    app: Data<App>,
    id: PathId<CallId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&[]));
    let done = calls::redrive(&app.engine, &by, id.0, remember).await.map_err(|cause| match cause {
        CallRefusal::NoSource => Problem::new(
            crate::problem::Code::WrongState,
            "The source of the call is gone: make a new call of another source.",
        ),
        other => Problem::from(other),
    })?;
    let made = match &done {
        Done::Now(call) => call.id.to_string(),
        Done::Before { body, .. } => made_id(body).unwrap_or_default(),
    };
    Ok(with_head(accepted(done, new_view), made, None))
}
