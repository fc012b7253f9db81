//! Looking at members.

use actix_web::web::{self, Data};
use postern_domain::UserId;
use postern_store::tenant::Member;

use super::shape::MemberView;
use crate::{
    App,
    auth::{MembersRead, Permit},
    openapi::{ListParams, Problems},
    page::Page,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// List members
#[utoipa::path(
    get, path = "/api/v1/members", operation_id = "list_members", tag = "members", params(ListParams),
    responses((status = 200, description = "A page", body = Page<MemberView>), Problems),
    extensions(("x-permission" = json!("members:read")))
)]
pub(crate) async fn list(
    caller: Permit<MembersRead>,
    app: Data<App>,
    query: Query,
) -> Result<web::Json<Page<MemberView>>, Problem> {
    let page = query.page(&app, caller.scope(), "members")?;
    let store = app.engine.store.tenant(caller.scope());
    let rows = store.members(page.after().map(UserId::from_uuid), page.fetch()).await?;
    let position = |row: &Member| row.user.uuid().as_bytes().to_vec();
    Ok(web::Json(page.answer(rows, position, |row| MemberView::of(&row))))
}

/// Look at one member
#[utoipa::path(
    get, path = "/api/v1/members/{id}", operation_id = "get_member", tag = "members",
    params(("id" = String, Path)),
    responses((status = 200, description = "The member", body = MemberView), Problems),
    extensions(("x-permission" = json!("members:read")))
)]
pub(crate) async fn find(
    caller: Permit<MembersRead>,
    app: Data<App>,
    id: PathId<UserId>,
) -> Result<web::Json<MemberView>, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let found = store.member(id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(MemberView::of(&found)))
}
