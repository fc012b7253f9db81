//! What came back. The upstream chose these bytes, so a browser may save them and do nothing else with them.

use actix_web::{HttpResponse, http::header, web::Data};
use postern_domain::CallId;

use crate::{
    App,
    api::v1::event::payload::harmless,
    auth::{CallsRead, Permit},
    openapi::Problems,
    path::PathId,
    problem::{Code, Problem},
};

const UPSTREAM_STATUS: &str = "x-upstream-status";

/// The result of a call, byte for byte as it came back
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/result", operation_id = "get_call_result", tag = "calls",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "The bytes; `X-Upstream-Status` is the status they came with",
         content_type = "application/octet-stream", body = Vec<u8>),
        (status = 409, description = "It is not done"),
        (status = 410, description = "The time of the result is over"),
        (status = 424, description = "It ended without an answer"), Problems
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
pub(crate) async fn find(
    caller: Permit<CallsRead>,
    app: Data<App>,
    id: PathId<CallId>,
) -> Result<HttpResponse, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let call = store.find_call(id.0).await?.ok_or_else(Problem::not_found)?;
    if !call.state.is_final() {
        return Err(Problem::new(Code::WrongState, format!("It is {}: there is no result yet.", call.state)));
    }
    let without = || Problem::new(Code::NoResult, format!("It is {}, and there was no answer.", call.state));
    let result = store.call_result(id.0).await?.ok_or_else(without)?;
    let expired =
        || Problem::new(Code::ResultExpired, "The time of the result is over; the call itself is still here.");
    let body = result.body.ok_or_else(expired)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, harmless(result.content_type.as_deref())))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((UPSTREAM_STATUS, result.status.to_string()))
        .body(body))
}
