//! Making and revoking API keys.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::ApiKeyId;
use postern_pipeline::configure::api_key::{self, MadeApiKey, NewApiKey};

use super::{
    PATH,
    shape::{ApiKeyView, CreateApiKey},
};
use crate::{
    App,
    answer::{created, deleted, remembered, remembered_empty},
    auth::{KeysWrite, Permit},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

/// Make an API key
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "api-keys", params(OnceHeader),
    request_body = CreateApiKey,
    responses((status = 201, description = "Made; the key is shown this once", body = ApiKeyView), Problems),
    extensions(("x-permission" = json!("keys:write")))
)]
pub(crate) async fn create(
    caller: Permit<KeysWrite>,
    app: Data<App>,
    once: Idempotency,
    body: Json<CreateApiKey>,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&body.bytes));
    let CreateApiKey { name, scopes, expires_at, allowed_ips } = body.value;
    let new = NewApiKey { name, scopes, allowed_ips, expires_at, own: caller.permissions().to_vec() };
    let remember = |made: &MadeApiKey| remembered(StatusCode::CREATED, &ApiKeyView::of(&made.key));
    let done = api_key::create(&app.engine, &by, new, remember).await?;
    Ok(created(PATH, done, ApiKeyView::with_secret))
}

/// Revoke an API key
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "api-keys",
    params(("id" = String, Path), OnceHeader), responses((status = 204, description = "Revoked"), Problems),
    extensions(("x-permission" = json!("keys:write")))
)]
pub(crate) async fn revoke(
    caller: Permit<KeysWrite>,
    app: Data<App>,
    id: PathId<ApiKeyId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&[]));
    Ok(deleted(&api_key::revoke(&app.engine, &by, id.0, remembered_empty).await?))
}
