//! Log in and log out.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use postern_domain::SessionId;
use postern_frontend::{
    links,
    pages::login::Login,
    shell::{Plain, Theme},
};
use postern_pipeline::people::{self, LogIn, LogInError};
use postern_seal::{csrf, token::random_base62};

use super::{Halt, answer, answer::Nonce, posted::Posted};
use crate::{
    App,
    auth::{MaybeVisitor, Visitor, client_address, cookie},
    problem::{Code, Problem},
    query::Query,
    route::resource,
    settings::Settings,
};

const MAX_AGENT: usize = 200;
/// 190 bits.
const VISIT_LEN: usize = 32;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/login", [(Method::GET, web::get().to(show)), (Method::POST, web::post().to(log_in))]))
        .service(resource("/logout", [(Method::POST, web::post().to(log_out))]));
}

async fn show(
    app: Data<App>,
    visitor: MaybeVisitor,
    query: Result<Query, Halt>,
    request: HttpRequest,
) -> Result<HttpResponse, Halt> {
    let mut query = query?.without_empty();
    let next = query.text("next").unwrap_or_default();
    if visitor.0.is_some() {
        return Ok(answer::see_other(&own_path(&next)));
    }
    let notice = query.text("out").map(|_| "You have been logged out.".to_owned());
    Ok(page(&app, &request, StatusCode::OK, Login { next, notice, ..blank() }))
}

async fn log_in(app: Data<App>, request: HttpRequest, posted: Posted) -> Result<HttpResponse, Halt> {
    let email = posted.text("email").trim().to_owned();
    let next = posted.text("next").to_owned();
    let (keyring, now) = (app.engine.store.keyring(), app.engine.clock.now());
    let wanted = LogIn {
        email: email.clone(),
        password: posted.secret("password"),
        remote: client_address(&request, &app.settings),
        user_agent: agent(&request),
        replaces: cookie::read(&app.settings, keyring, &request, now),
        known: cookie::known(&app.settings, keyring, &request, now),
    };
    let again = |status, error: &str, wait: Option<String>| {
        let shown = Login { email: email.clone(), next: next.clone(), error: Some(error.to_owned()), wait, ..blank() };
        Ok(page(&app, &request, status, shown))
    };
    match people::log_in(&app.engine, wanted).await {
        Ok(logged_in) => {
            let mut response = answer::see_other(&own_path(&next));
            set_session(&app, &mut response, logged_in.session)?;
            if let Some(cookie) = cookie::remember(&app.settings, keyring, logged_in.user, now) {
                add_cookie(&mut response, &cookie);
            }
            Ok(response)
        }
        Err(LogInError::Wrong) => again(StatusCode::UNPROCESSABLE_ENTITY, "E-mail address or password is wrong.", None),
        Err(LogInError::Throttled { wait_s }) => {
            let refused =
                again(StatusCode::TOO_MANY_REQUESTS, "There were too many failed tries.", Some(format!("{wait_s} s")));
            refused.map(|page| answer::retry_after(page, wait_s))
        }
        Err(LogInError::Store(cause)) => Err(cause.into()),
    }
}

async fn log_out(app: Data<App>, visitor: Visitor, _posted: Posted) -> Result<HttpResponse, Halt> {
    people::log_out(&app.engine, &visitor.person).await?;
    let mut response = answer::see_other(&links::with_query(links::LOGIN, &[("out", "1")]));
    add_cookie(&mut response, &cookie::end(&app.settings));
    Ok(response)
}

fn blank() -> Login {
    Login { plain: Plain::default(), email: String::new(), next: String::new(), error: None, wait: None, notice: None }
}

/// The page, with a token that is bound to this browser by a cookie of its own: there is no session yet.
fn page(app: &App, request: &HttpRequest, status: StatusCode, login: Login) -> HttpResponse {
    let nonce = Nonce::fresh();
    let (visit, is_new) = match visit(request, &app.settings) {
        Some(visit) => (visit, false),
        None => (random_base62(VISIT_LEN), true),
    };
    let token = csrf::token(app.engine.store.keyring(), &visit);
    let plain = Plain { csrf: token, nonce: nonce.text(), theme: Theme::default() };
    let mut response = answer::html(status, &Login { plain, ..login }, &nonce);
    if is_new {
        let cookie = Cookie::build(visit_name(app.settings.is_https()), visit)
            .path("/")
            .http_only(true)
            .secure(app.settings.is_https())
            .same_site(SameSite::Lax)
            .finish();
        add_cookie(&mut response, &cookie);
    }
    response
}

const fn visit_name(is_https: bool) -> &'static str {
    if is_https { "__Host-postern-visit" } else { "postern-visit" }
}

/// What the log-in page left in the browser; a form of it is good in this browser only.
pub(super) fn visit(request: &HttpRequest, settings: &Settings) -> Option<String> {
    let cookie = request.cookie(visit_name(settings.is_https()))?;
    let value = cookie.value();
    (value.len() == VISIT_LEN && value.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| value.to_owned())
}

/// A path on this site, or the root: a link to the log-in page must not lead anywhere else.
pub(super) fn own_path(next: &str) -> String {
    let mut letters = next.chars();
    let is_path = letters.next() == Some('/') && !matches!(letters.next(), Some('/' | '\\'));
    let is_plain = next.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\');
    if is_path && is_plain && next.len() <= 2_000 { next.to_owned() } else { "/".to_owned() }
}

fn agent(request: &HttpRequest) -> String {
    let value = request.headers().get("user-agent").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    value.unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(MAX_AGENT).collect()
}

/// From now on the browser shows this session.
pub(super) fn set_session(app: &App, response: &mut HttpResponse, session: SessionId) -> Result<(), Problem> {
    let cookie = cookie::begin(&app.settings, app.engine.store.keyring(), session, app.engine.clock.now());
    add_cookie(response, &cookie.ok_or_else(|| Problem::internal(&"the session could not be signed"))?);
    Ok(())
}

pub(super) fn add_cookie(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    // A cookie of ours has no letter that a header could not hold.
    if response.add_cookie(cookie).is_err() {
        tracing::error!("A cookie could not be set: {}", Problem::new(Code::Internal, cookie.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn after_the_log_in_one_stays_on_this_site() {
        for hostile in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/a\nb", "/\t/x", "x"]
        {
            assert_eq!(own_path(hostile), "/", "{hostile:?}");
        }
        assert_eq!(own_path("/t/ten_1/events?type=a%20b"), "/t/ten_1/events?type=a%20b");
    }
}
