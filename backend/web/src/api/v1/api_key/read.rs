//! Looking at api keys.

use actix_web::web::{self, Data};
use postern_domain::ApiKeyId;
use postern_store::tenant::ApiKey;

use super::shape::ApiKeyView;
use crate::{
    App,
    auth::{KeysRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// List API keys, oldest first
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "api-keys", params(ListParams),
    responses((status = 200, description = "A page", body = Page<ApiKeyView>), Problems),
    extensions(("x-permission" = json!("keys:read")))
)]
pub(crate) async fn list(
    caller: Permit<KeysRead>,
    app: Data<App>,
    query: Query,
) -> Result<web::Json<Page<ApiKeyView>>, Problem> {
    let page = query.page(&app, caller.scope(), "api-keys")?;
    let store = app.engine.store.tenant(caller.scope());
    let rows = store.api_keys().list(page.after().map(ApiKeyId::from_uuid), page.fetch()).await?;
    let position = |row: &ApiKey| row.id.uuid().as_bytes().to_vec();
    Ok(web::Json(page.answer(rows, position, |row| ApiKeyView::of(&row))))
}

/// Look at one API key
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", operation_id = "get_api_key", tag = "api-keys",
    params(("id" = String, Path)),
    responses((status = 200, description = "The API key", body = ApiKeyView), Problems),
    extensions(("x-permission" = json!("keys:read")))
)]
pub(crate) async fn find(
    caller: Permit<KeysRead>,
    app: Data<App>,
    id: PathId<ApiKeyId>,
) -> Result<web::Json<ApiKeyView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let found = store.api_keys().find(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(ApiKeyView::of(&found)))
}
