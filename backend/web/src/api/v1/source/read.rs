//! Looking at sources.

use actix_web::web::{self, Data};
use postern_domain::SourceId;
use postern_pipeline::polling;
use postern_store::tenant::Source;

use super::shape::SourceView;
use crate::{
    App,
    auth::{Permit, SourcesRead},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// List sources, oldest first
#[utoipa::path(
    get, path = "/api/v1/sources", operation_id = "list_sources", tag = "sources", params(ListParams),
    responses((status = 200, description = "A page", body = Page<SourceView>), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn list(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    query: Query,
) -> Result<web::Json<Page<SourceView>>, Problem> {
    let page = query.page(&app, caller.scope(), "sources")?;
    let store = app.engine.store.tenant(caller.scope());
    let rows = store.sources().list(page.after().map(SourceId::from_uuid), page.fetch()).await?;
    let runs_itself = |source: &&Source| source.poll.is_some() || source.schedule.is_some();
    let ids: Vec<SourceId> = rows.iter().filter(runs_itself).map(|source| source.id).collect();
    let now = polling::overviews(&app.engine, caller.scope(), &ids).await?;
    let position = |source: &Source| source.id.uuid().as_bytes().to_vec();
    let view = |source: Source| SourceView::of(&source, &app).with_polling(now.get(&source.id));
    Ok(web::Json(page.answer(rows, position, view)))
}

/// Look at one source
#[utoipa::path(
    get, path = "/api/v1/sources/{id}", operation_id = "get_source", tag = "sources", params(("id" = String, Path)),
    responses((status = 200, description = "The source", body = SourceView), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn find(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    id: PathId<SourceId>,
) -> Result<web::Json<SourceView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let source = store.sources().find(id.0).await?.ok_or_else(Problem::not_found)?;
    let now = polling::overview(&app.engine, caller.scope(), id.0).await?;
    Ok(web::Json(SourceView::of(&source, &app).with_polling(now.as_ref())))
}
