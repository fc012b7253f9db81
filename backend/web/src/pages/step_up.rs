//! The password once more, before something that a stolen session should not be able to do.

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use postern_frontend::pages::reauth::Reauth;
use postern_pipeline::people::{self, ConfirmError};

use super::{
    Halt, answer,
    answer::Nonce,
    login::{own_path, set_session},
    posted::Posted,
};
use crate::{App, auth::Visitor, query::Query, route::resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/reauth", [(Method::GET, web::get().to(show)), (Method::POST, web::post().to(confirm))]));
}

/// Confirmed so long ago, a password must be given again.
const GOOD_FOR_MS: i64 = 10 * 60 * 1_000;

/// # Errors
/// The way to the page that asks for the password, and from there to `next`.
pub(super) fn require(app: &App, visitor: &Visitor, next: &str) -> Result<(), Halt> {
    let age_ms = app.engine.clock.now().ms_since(visitor.person.confirmed_at);
    if age_ms < GOOD_FOR_MS { Ok(()) } else { Err(Halt::StepUp { next: next.to_owned() }) }
}

async fn show(app: Data<App>, visitor: Visitor, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let next = own_path(&query?.without_empty().text("next").unwrap_or_default());
    Ok(page(&app, &visitor, StatusCode::OK, next, None))
}

async fn confirm(app: Data<App>, visitor: Visitor, posted: Posted) -> Result<HttpResponse, Halt> {
    let next = own_path(posted.text("next"));
    match people::confirm(&app.engine, &visitor.person, posted.secret("password")).await {
        Ok(session) => {
            let mut response = answer::see_other(&next);
            set_session(&app, &mut response, session)?;
            Ok(response)
        }
        Err(ConfirmError::Wrong) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page(&app, &visitor, status, next, Some(("The password is wrong.", None))))
        }
        Err(ConfirmError::Throttled { wait_s }) => {
            let error = Some(("There were too many failed tries.", Some(format!("{wait_s} s"))));
            let page = page(&app, &visitor, StatusCode::TOO_MANY_REQUESTS, next, error);
            Ok(answer::retry_after(page, wait_s))
        }
        Err(ConfirmError::Store(cause)) => Err(cause.into()),
    }
}

type Refused = (&'static str, Option<String>);

fn page(app: &App, visitor: &Visitor, status: StatusCode, next: String, refused: Option<Refused>) -> HttpResponse {
    let nonce = Nonce::fresh();
    let (error, wait) = refused.map_or((None, None), |(error, wait)| (Some(error.to_owned()), wait));
    let page = Reauth {
        plain: answer::plain(app, visitor, &nonce),
        email: visitor.person.email.clone(),
        reason: "What you asked for shows or changes something secret.".to_owned(),
        cancel_href: next.clone(),
        next,
        error,
        wait,
    };
    answer::html(status, &page, &nonce)
}
