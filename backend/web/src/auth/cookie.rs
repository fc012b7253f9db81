//! The cookies of a browser, both JWTs (RFC 7519, HS256). One names a session and proves nothing else: whether the session
//! is still good is asked of the database, at every request. The other stays after it, and says that somebody logged in
//! with this browser before: strangers who guess at their password do not keep them waiting there.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use postern_domain::{SessionId, Timestamp, UserId, session::KNOWN_MS};
use postern_seal::{Keyring, session};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// As long as a session can live at all.
const LIFETIME_S: i64 = 7 * 86_400;
const ISSUER: &str = "postern";
/// Each cookie is for one thing, and none can stand for another.
const SESSION: &str = "postern-pages";
const KNOWN: &str = "postern-known";
/// Longer than any that we make.
const MAX_LEN: usize = 1_024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    /// The session, or the user who is known.
    sub: String,
    iat: i64,
    exp: i64,
}

/// The prefix binds a cookie to this host and to TLS; browsers refuse it where there is no TLS.
fn name(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-postern" } else { "postern" }
}

fn known_name(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-postern-known" } else { "postern-known" }
}

/// The cookie for a session that has just begun. `None`: the keyring has no key.
pub(crate) fn begin(
    settings: &Settings,
    keyring: &Keyring,
    session: SessionId,
    now: Timestamp,
) -> Option<Cookie<'static>> {
    let token = sign(keyring, (SESSION, session.to_string()), (now, LIFETIME_S))?;
    Some(cookie(name(settings), settings, token, LIFETIME_S))
}

/// The cookie of a browser that the user has logged in with.
pub(crate) fn remember(
    settings: &Settings,
    keyring: &Keyring,
    user: UserId,
    now: Timestamp,
) -> Option<Cookie<'static>> {
    let token = sign(keyring, (KNOWN, user.to_string()), (now, KNOWN_MS / 1_000))?;
    Some(cookie(known_name(settings), settings, token, KNOWN_MS / 1_000))
}

fn sign(keyring: &Keyring, (audience, subject): (&str, String), (now, lives_s): (Timestamp, i64)) -> Option<String> {
    let (key_id, key) = session::keys(keyring).into_iter().next()?;
    let header = Header { kid: Some(key_id), ..Header::new(Algorithm::HS256) };
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: audience.to_owned(),
        sub: subject,
        iat: now.as_secs(),
        exp: now.as_secs() + lives_s,
    };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.expose())).ok()
}

/// Tells the browser to forget it.
pub(crate) fn end(settings: &Settings) -> Cookie<'static> {
    cookie(name(settings), settings, String::new(), 0)
}

fn cookie(name: &'static str, settings: &Settings, value: String, lives_s: i64) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(settings.is_https())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(lives_s))
        .finish()
}

/// The session that the request's cookie names, if we wrote it and it has not run out.
pub(crate) fn read(settings: &Settings, keyring: &Keyring, request: &HttpRequest, now: Timestamp) -> Option<SessionId> {
    let cookie = request.cookie(name(settings))?;
    verify(keyring, SESSION, cookie.value(), now)?.parse().ok()
}

/// Who logged in with this browser before, if they did in the last weeks.
pub(crate) fn known(settings: &Settings, keyring: &Keyring, request: &HttpRequest, now: Timestamp) -> Option<UserId> {
    let cookie = request.cookie(known_name(settings))?;
    verify(keyring, KNOWN, cookie.value(), now)?.parse().ok()
}

/// What the token is about, if we wrote it for this audience and it has not run out.
fn verify(keyring: &Keyring, audience: &str, token: &str, now: Timestamp) -> Option<String> {
    if token.len() > MAX_LEN {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key_id = header.kid?;
    let (_, key) = session::keys(keyring).into_iter().find(|(known, _)| *known == key_id)?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // Checked below, by the clock that everything else goes by.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.expose()), &rules).ok()?.claims;
    let in_time = claims.iat <= now.as_secs() + 60 && now.as_secs() < claims.exp;
    in_time.then_some(claims.sub)
}
