//! One's own password, sessions and theme.

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use postern_domain::{SessionId, theme::Theme};
use postern_frontend::{
    form::{Field, Form},
    format, links,
    pages::account::{Account, PasswordForm, SessionRow},
};
use postern_pipeline::people::{self, ChangePasswordError};

use super::{Halt, answer, answer::Nonce, login, posted::Posted};
use crate::{App, auth::Visitor, auth::cookie, path::PathId, problem::Problem, query::Query, route::resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account", [(Method::GET, web::get().to(show))]))
        .service(resource("/account/password", [(Method::POST, web::post().to(change_password))]))
        .service(resource("/account/theme", [(Method::POST, web::post().to(set_theme))]))
        .service(resource("/account/sessions/{id}/end", [(Method::POST, web::post().to(end_session))]));
}

async fn show(app: Data<App>, visitor: Visitor, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let done = query?.without_empty().text("done");
    page(&app, &visitor, StatusCode::OK, PasswordForm::default(), done.as_deref()).await
}

async fn change_password(app: Data<App>, visitor: Visitor, posted: Posted) -> Result<HttpResponse, Halt> {
    let (old, new) = (posted.secret("current"), posted.secret("password"));
    let mut form = PasswordForm::default();
    let (status, wait_s) = match people::change_password(&app.engine, &visitor.person, old, new).await {
        Ok(session) => {
            let mut response = answer::done(links::ACCOUNT, "password");
            login::set_session(&app, &mut response, session)?;
            return Ok(response);
        }
        Err(ChangePasswordError::Wrong) => {
            form.current = Field::new("current", "").with_error("is not your password");
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Err(ChangePasswordError::Throttled { wait_s }) => {
            form.set_problem(format!("There were too many failed tries. Wait {wait_s} s."));
            (StatusCode::TOO_MANY_REQUESTS, Some(wait_s))
        }
        Err(ChangePasswordError::Invalid(invalid)) => {
            form.set_error(&invalid.field, &invalid.detail);
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Err(ChangePasswordError::Store(cause)) => return Err(cause.into()),
    };
    let shown = page(&app, &visitor, status, form, None).await?;
    Ok(match wait_s {
        Some(wait_s) => answer::retry_after(shown, wait_s),
        None => shown,
    })
}

async fn set_theme(app: Data<App>, visitor: Visitor, posted: Posted) -> Result<HttpResponse, Halt> {
    let theme = Theme::parse(posted.text("theme"))
        .ok_or_else(|| Problem::invalid("theme", "must be `system`, `light` or `dark`"))?;
    people::set_theme(&app.engine, &visitor.person, theme).await?;
    Ok(answer::done(links::ACCOUNT, "theme"))
}

async fn end_session(
    app: Data<App>,
    visitor: Visitor,
    id: Result<PathId<SessionId>, Halt>,
    _posted: Posted,
) -> Result<HttpResponse, Halt> {
    let id = id?.0;
    if !people::end_session(&app.engine, &visitor.person, id).await? {
        return Err(Problem::not_found().into());
    }
    if id != visitor.person.session {
        return Ok(answer::done(links::ACCOUNT, "ended"));
    }
    let mut response = answer::see_other(links::LOGIN);
    login::add_cookie(&mut response, &cookie::end(&app.settings));
    Ok(response)
}

async fn page(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    form: PasswordForm,
    done: Option<&str>,
) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let sessions = people::sessions(&app.engine, visitor.person.user).await?;
    let sessions = sessions.into_iter().map(|session| SessionRow {
        current: session.id == visitor.person.session,
        id: session.id.to_string(),
        device: device(&session.user_agent),
        remote: session.remote,
        created: format::moment(session.created_at.as_micros()),
        last_seen: format::moment(session.seen_at.as_micros()),
    });
    let shell = answer::own_shell(app, visitor, done, &nonce).await?;
    let page = Account { shell, form, sessions: sessions.collect() };
    Ok(answer::html(status, &page, &nonce))
}

/// The browser and the system, where its words name them.
fn device(agent: &str) -> String {
    let named = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = named(&[("Firefox/", "Firefox"), ("Edg/", "Edge"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = named(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "unknown".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}
