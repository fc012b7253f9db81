//! Adding members, changing their roles, removing them.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::UserId;
use postern_pipeline::people::{self, Removal, RoleChange};
use postern_store::tenant::Member;

use super::{
    PATH,
    shape::{CreateMember, MemberView, PatchMember, role},
};
use crate::{
    App,
    answer::{changed, created, deleted, remembered, remembered_empty},
    auth::{MembersWrite, Permit},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

type Changed = Result<HttpResponse, Problem>;

/// Add a member
///
/// As a viewer; or with a role that may do no more than the key itself. A key makes no owners.
#[utoipa::path(
    post, path = "/api/v1/members", operation_id = "create_member", tag = "members", params(OnceHeader),
    request_body = CreateMember,
    responses((status = 201, description = "Added; Location says where", body = MemberView), Problems),
    extensions(("x-permission" = json!("members:write")))
)]
pub(crate) async fn create(
    caller: Permit<MembersWrite>,
    app: Data<App>,
    once: Idempotency,
    body: Json<CreateMember>,
) -> Changed {
    let by = caller.by(once.with_body(body.value.fingerprint().as_bytes()));
    let new = body.value.asked_by(caller.role())?;
    let done = people::add_member(&app.engine, &by, new, remember(StatusCode::CREATED)).await?;
    Ok(created(PATH, done, MemberView::of))
}

/// Give a member another role
#[utoipa::path(
    patch, path = "/api/v1/members/{id}", operation_id = "update_member", tag = "members",
    params(("id" = String, Path), OnceHeader), request_body = PatchMember,
    responses((status = 200, description = "As they are now", body = MemberView), Problems),
    extensions(("x-permission" = json!("members:write")))
)]
pub(crate) async fn update(
    caller: Permit<MembersWrite>,
    app: Data<App>,
    id: PathId<UserId>,
    once: Idempotency,
    body: Json<PatchMember>,
) -> Changed {
    let by = caller.by(once.with_body(&body.bytes));
    let change = RoleChange { user: id.0, role: role(&body.value.role)?, own: caller.role() };
    let done = people::set_role(&app.engine, &by, change, remember(StatusCode::OK)).await?;
    Ok(changed(done, MemberView::of))
}

/// Remove a member
#[utoipa::path(
    delete, path = "/api/v1/members/{id}", operation_id = "delete_member", tag = "members",
    params(("id" = String, Path), OnceHeader), responses((status = 204, description = "Removed"), Problems),
    extensions(("x-permission" = json!("members:write")))
)]
pub(crate) async fn delete(
    caller: Permit<MembersWrite>,
    app: Data<App>,
    id: PathId<UserId>,
    once: Idempotency,
) -> Changed {
    let by = caller.by(once.with_body(&[]));
    let removal = Removal { user: id.0, own: caller.role() };
    Ok(deleted(&people::remove_member(&app.engine, &by, removal, remembered_empty).await?))
}

fn remember(status: StatusCode) -> impl FnOnce(&Member) -> (u16, String) {
    move |member| remembered(status, &MemberView::of(member))
}
