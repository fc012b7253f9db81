//! Looking at providers.

use actix_web::web::{self, Data};
use postern_pipeline::providers;

use super::shape::{ProviderList, ProviderView};
use crate::{App, auth::AnyKey, openapi::Problems, problem::Problem, query::Query};

/// List the providers that are known, by name
#[utoipa::path(
    get, path = "/api/v1/providers", operation_id = "list_providers", tag = "providers",
    responses((status = 200, description = "All of them", body = ProviderList), Problems),
    extensions(("x-permission" = json!("any")))
)]
pub(crate) async fn list(_: AnyKey, app: Data<App>, query: Query) -> Result<web::Json<ProviderList>, Problem> {
    query.finish()?;
    let data = providers::known(&app.engine).all().map(ProviderView::of).collect();
    Ok(web::Json(ProviderList { data }))
}

/// Look at one provider
#[utoipa::path(
    get, path = "/api/v1/providers/{provider}", operation_id = "get_provider", tag = "providers",
    params(("provider" = String, Path, example = "stripe")),
    responses((status = 200, description = "The provider", body = ProviderView), Problems),
    extensions(("x-permission" = json!("any")))
)]
pub(crate) async fn find(
    _: AnyKey,
    app: Data<App>,
    provider: web::Path<String>,
    query: Query,
) -> Result<web::Json<ProviderView>, Problem> {
    query.finish()?;
    let known = providers::known(&app.engine).find(&provider).ok_or_else(Problem::not_found)?;
    Ok(web::Json(ProviderView::of(known)))
}
