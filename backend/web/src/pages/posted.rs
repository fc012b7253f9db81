//! A form that was sent: its fields, once it is certain that one of our own pages sent it.
//!
//! Two locks: the browser's word about where the request came from (Sec-Fetch-Site, or Origin where that is missing),
//! and a token that only a page of this session shows.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{self, BytesMut, Data},
};
use futures_util::{StreamExt, future::LocalBoxFuture};
use postern_domain::{Invalid, Secret};
use postern_seal::csrf;

use super::{Halt, login};
use crate::{
    App,
    auth::cookie,
    problem::{Code, Problem},
    settings::Settings,
};

const MAX_BYTES: usize = 128 * 1024;
const MAX_FIELDS: usize = 200;
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
pub(crate) const TOKEN: &str = "_csrf";

/// The fields of a form.
#[derive(Debug)]
pub(crate) struct Posted {
    fields: Vec<(String, String)>,
}

impl Posted {
    /// As it was typed; empty when it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Without spaces around it; `None` when nothing was typed.
    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Of a password: nothing is trimmed.
    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        Secret::new(self.text(name).to_owned())
    }

    /// Every value of a box that can be ticked several times.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// One entry on each line; empty lines say nothing.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// # Errors
    /// When something was typed and it is no number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Invalid> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Invalid::new(name, "must be a whole number"))
    }
}

impl FromRequest for Posted {
    type Error = Halt;
    type Future = LocalBoxFuture<'static, Result<Self, Halt>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_origin(&request)?;
            let fields = read(&request, payload).await?;
            let posted = Self { fields };
            let subject = subject(&request);
            let app = request.app_data::<Data<App>>().ok_or_else(Problem::not_found)?;
            let holds =
                subject.is_some_and(|subject| csrf::holds(app.engine.store.keyring(), &subject, posted.text(TOKEN)));
            if !holds {
                return Err(
                    forged("This form is too old, or was opened before you logged in. Load the page again.").into()
                );
            }
            Ok(posted)
        })
    }
}

fn forged(detail: &str) -> Problem {
    Problem::new(Code::FormRefused, detail)
}

/// The session, or before there is one what the log-in page left in the browser.
fn subject(request: &HttpRequest) -> Option<String> {
    let app = request.app_data::<Data<App>>()?;
    let (keyring, now) = (app.engine.store.keyring(), app.engine.clock.now());
    match cookie::read(&app.settings, keyring, request, now) {
        Some(session) if request.path() != postern_frontend::links::LOGIN => Some(session.to_string()),
        _ => login::visit(request, &app.settings),
    }
}

/// Of a link that leaves an entry in the audit log: nobody else's page may have it followed.
pub(super) fn refuse_strangers(request: &HttpRequest) -> Result<(), Problem> {
    let site = request.headers().get("sec-fetch-site").map(header::HeaderValue::as_bytes);
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        return Err(forged("An export begins on our own pages. Open the list and take it from there."));
    }
    Ok(())
}

/// Browsers say where a request comes from, and no page can make them lie; what they say in two ways must be right in
/// both. Some keep the origin to themselves (`null`), which is believed only of what they call the same site. A program
/// may say nothing: it has no cookies of somebody else's to abuse, and the token is asked of it all the same.
fn check_origin(request: &HttpRequest) -> Result<(), Problem> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| !["same-origin", "none"].contains(&site)) {
        return Err(forged("The form was sent from another site."));
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return Ok(()) };
    if origin == "null" && site == Some("same-origin") {
        return Ok(());
    }
    let app = request.app_data::<Data<App>>().ok_or_else(Problem::not_found)?;
    if is_own(&app.settings, origin, text(header::HOST.as_str())) {
        return Ok(());
    }
    let here = app.settings.public_url.trim_end_matches('/');
    Err(forged(&format!("The form was sent from another site than `{here}`, which is the public URL of this one.")))
}

/// The public URL, or the host that was asked for: where browsers come by TLS, a page without it is another site's.
fn is_own(settings: &Settings, origin: &str, host: Option<&str>) -> bool {
    let at_host = match origin.split_once("://") {
        Some(("http", named)) => !settings.is_https() && Some(named) == host,
        Some(("https", named)) => Some(named) == host,
        _ => false,
    };
    at_host || settings.public_url.trim_end_matches('/') == origin
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Vec<(String, String)>, Problem> {
    let media_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Problem::new(Code::UnsupportedMediaType, "Send the form as application/x-www-form-urlencoded."));
    }
    let all = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new(Code::MalformedRequest, "The form ended early."))?;
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(Problem::new(Code::PayloadTooLarge, format!("A form may have at most {MAX_BYTES} bytes.")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let late = || Problem::new(Code::RequestTimeout, "The form did not arrive in time.");
    let bytes = tokio::time::timeout(BODY_TIMEOUT, all).await.map_err(|_| late())??;
    let unreadable = || Problem::new(Code::MalformedRequest, "The form cannot be read.");
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable())?;
    let fields = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| unreadable())?.into_inner();
    if fields.len() > MAX_FIELDS || fields.iter().any(|(_, value)| value.contains('\0')) {
        return Err(unreadable());
    }
    Ok(fields)
}
