//! Who belongs to a tenant: looked at, added, given another role, removed.

use actix_web::{
    HttpResponse, ResponseError,
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use postern_domain::{Invalid, UserId, permission::Permission, role::Role};
use postern_frontend::{
    form::Field,
    format, links,
    pages::members::{self, MemberForm, MemberList, MemberRow},
    shell::Section,
};
use postern_pipeline::people::{self, NewMember, Removal, RoleChange};
use postern_store::tenant::Member as Row;

use super::{
    Halt, answer,
    answer::Nonce,
    config_rows::{self, Deletion},
    posted::Posted,
};
use crate::{
    App,
    auth::{Member, MembersRead, MembersWrite, Need},
    path::PathId,
    problem::Problem,
    query::Query,
    route::resource,
};

/// More than a page should show; a tenant has few people.
const MOST: u64 = 250;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/t/{tenant}/members",
            [(Method::GET, web::get().to(list)), (Method::POST, web::post().to(add))],
        ))
        .service(resource("/t/{tenant}/members/{id}/role", [(Method::POST, web::post().to(set_role))]))
        .service(resource(
            "/t/{tenant}/members/{id}/delete",
            [(Method::GET, web::get().to(ask)), (Method::POST, web::post().to(remove))],
        ));
}

async fn list(app: Data<App>, member: Member<MembersRead>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    page(&app, &member, StatusCode::OK, MemberForm::default(), done.as_deref()).await
}

async fn add(app: Data<App>, member: Member<MembersWrite>, posted: Posted) -> Result<HttpResponse, Halt> {
    let typed = posted.text("email").trim().to_owned();
    let Some(role) = Role::parse(posted.text("role")) else {
        return Err(Problem::invalid("role", "must be `owner`, `admin`, `editor` or `viewer`").into());
    };
    let password = posted.secret("password");
    let tried = if password.expose().is_empty() {
        Err(Invalid::new("password", "is needed: without one, somebody new could not log in").into())
    } else {
        let new = NewMember { email: typed.clone(), role, password: Some(password), own: member.role() };
        people::add_member(&app.engine, &member.by(), new, |_| (0, String::new())).await
    };
    let Err(cause) = tried else { return Ok(answer::done(&list_path(&member), "added")) };
    let problem = Problem::from(cause);
    let mut form =
        MemberForm { email: Field::new("email", typed), role: members::role(role.as_str()), ..MemberForm::default() };
    if !answer::explain(&mut form, &problem) {
        return Err(problem.into());
    }
    page(&app, &member, problem.status_code(), form, None).await
}

async fn set_role(
    app: Data<App>,
    member: Member<MembersWrite>,
    id: Result<PathId<UserId>, Halt>,
    posted: Posted,
) -> Result<HttpResponse, Halt> {
    let unknown = || Invalid::new("role", "must be `owner`, `admin`, `editor` or `viewer`");
    let role = Role::parse(posted.text("role")).ok_or_else(|| Problem::from(unknown()))?;
    let change = RoleChange { user: id?.0, role, own: member.role() };
    people::set_role(&app.engine, &member.by(), change, |_| (0, String::new())).await.map_err(Problem::from)?;
    Ok(answer::done(&list_path(&member), "saved"))
}

async fn ask(
    app: Data<App>,
    member: Member<MembersWrite>,
    id: Result<PathId<UserId>, Halt>,
) -> Result<HttpResponse, Halt> {
    let found = app.engine.store.tenant(member.scope()).member(id?.0).await?.ok_or_else(Problem::not_found)?;
    let tenant = member.membership.tenant.to_string();
    let asked = Deletion {
        verb: "Remove member",
        consequences: vec![
            format!("They can no longer open {}, from the next click on.", member.membership.tenant_name),
            "Keys they made stay; revoke those that should not.".to_owned(),
        ],
        here: links::member(&tenant, &found.user.to_string()),
        cancel_href: links::members(&tenant),
        thing: found.email,
    };
    config_rows::confirm(&app, &member, Section::Members, asked).await
}

async fn remove(
    app: Data<App>,
    member: Member<MembersWrite>,
    id: Result<PathId<UserId>, Halt>,
    _posted: Posted,
) -> Result<HttpResponse, Halt> {
    let removal = Removal { user: id?.0, own: member.role() };
    people::remove_member(&app.engine, &member.by(), removal, |()| (0, String::new())).await.map_err(Problem::from)?;
    Ok(answer::done(&list_path(&member), "removed"))
}

fn list_path<N: Need>(member: &Member<N>) -> String {
    links::members(&member.membership.tenant.to_string())
}

async fn page<N: Need>(
    app: &App,
    member: &Member<N>,
    status: StatusCode,
    form: MemberForm,
    done: Option<&str>,
) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Members, done, &nonce).await?;
    let rows = app.engine.store.tenant(member.scope()).members(None, MOST).await?;
    let owners = rows.iter().filter(|row| row.role == Role::Owner).count();
    let rows = rows.into_iter().map(|row| shown(member, row, owners)).collect();
    Ok(answer::html(status, &MemberList { shell, rows, form }, &nonce))
}

fn shown<N: Need>(member: &Member<N>, row: Row, owners: usize) -> MemberRow {
    let last_owner = row.role == Role::Owner && owners < 2;
    let can_change = member.may(Permission::MembersWrite) && member.role().at_least(row.role) && !last_owner;
    let id = row.user.to_string();
    let here = links::member(&member.membership.tenant.to_string(), &id);
    MemberRow {
        email: row.email,
        role: members::role(row.role.as_str()),
        joined: format::moment(row.created_at.as_micros()),
        is_you: row.user == member.person.user,
        can_log_in: row.has_password,
        can_change,
        remove_href: can_change.then(|| links::verb(&here, "delete")),
        id,
    }
}
