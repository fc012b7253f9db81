//! The cookie of a browser session: a JWT (RFC 7519, HS256) that names a session and proves nothing else. Whether the
//! session is still good is asked of the database, at every request.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use postern_domain::{SessionId, Timestamp};
use postern_seal::{Keyring, session};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// As long as a session can live at all.
const LIFETIME_S: i64 = 7 * 86_400;
const ISSUER: &str = "postern";
const AUDIENCE: &str = "postern-pages";
/// Longer than any that we make.
const MAX_LEN: usize = 1_024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    /// The session.
    sub: String,
    iat: i64,
    exp: i64,
}

/// The prefix binds the cookie to this host and to TLS; browsers refuse it where there is no TLS.
fn name(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-postern" } else { "postern" }
}

/// The cookie for a session that has just begun. `None`: the keyring has no key.
pub(crate) fn begin(
    settings: &Settings,
    keyring: &Keyring,
    session: SessionId,
    now: Timestamp,
) -> Option<Cookie<'static>> {
    let (key_id, key) = session::keys(keyring).into_iter().next()?;
    let header = Header { kid: Some(key_id), ..Header::new(Algorithm::HS256) };
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: session.to_string(),
        iat: now.as_secs(),
        exp: now.as_secs() + LIFETIME_S,
    };
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.expose())).ok()?;
    Some(cookie(settings, token, Duration::seconds(LIFETIME_S)))
}

/// Tells the browser to forget it.
pub(crate) fn end(settings: &Settings) -> Cookie<'static> {
    cookie(settings, String::new(), Duration::ZERO)
}

fn cookie(settings: &Settings, value: String, max_age: Duration) -> Cookie<'static> {
    Cookie::build(name(settings), value)
        .path("/")
        .http_only(true)
        .secure(settings.is_https())
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .finish()
}

/// The session that the request's cookie names, if we wrote it and it has not run out.
pub(crate) fn read(settings: &Settings, keyring: &Keyring, request: &HttpRequest, now: Timestamp) -> Option<SessionId> {
    let cookie = request.cookie(name(settings))?;
    verify(keyring, cookie.value(), now)
}

fn verify(keyring: &Keyring, token: &str, now: Timestamp) -> Option<SessionId> {
    if token.len() > MAX_LEN {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key_id = header.kid?;
    let (_, key) = session::keys(keyring).into_iter().find(|(known, _)| *known == key_id)?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // Checked below, by the clock that everything else goes by.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.expose()), &rules).ok()?.claims;
    let in_time = claims.iat <= now.as_secs() + 60 && now.as_secs() < claims.exp;
    claims.sub.parse().ok().filter(|_| in_time)
}
