//! One question to a token server (RFC 6749, sections 4.4 and 6).

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use postern_domain::Secret;
use postern_egress::{Exchange, OutboundRequest};
use postern_polling::{Auth, ClientAuth};
use serde::Deserialize;
use serde_json::Value;

use super::{COOLDOWN_S, NoToken};
use crate::Engine;

const TIMEOUT: Duration = Duration::from_secs(15);
const MAX_BYTES: usize = 64 * 1024;
const FIELD: &str = "poll.request.auth";

/// What a token server gave.
pub(super) struct Granted {
    pub(super) access_token: Secret<String>,
    pub(super) expires_in_s: Option<i64>,
    /// In place of the one that was shown; none where it stays.
    pub(super) refresh_token: Option<Secret<String>>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    /// A number; some write it as text.
    expires_in: Option<Value>,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
}

struct Question<'a> {
    token_url: &'a str,
    form: Secret<String>,
    basic: Option<Secret<String>>,
    shown: Option<&'a Secret<String>>,
}

/// Asks for a token. `newer` stands in for the refresh token of the settings, when it was replaced already.
///
/// # Errors
/// When the server refuses, does not answer, or must not be asked.
pub(super) async fn ask(engine: &Engine, auth: &Auth, newer: Option<&Secret<String>>) -> Result<Granted, NoToken> {
    let Some(question) = question(auth, newer) else {
        return Err(settings("has no token server".to_owned()));
    };
    let url = engine
        .egress
        .check_url(question.token_url)
        .map_err(|blocked| NoToken::Settings { field: "poll.request.auth.token_url", message: blocked.to_string() })?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(basic) = &question.basic {
        let mut value = HeaderValue::from_str(basic.expose())
            .map_err(|_| settings("the client's id and secret cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let exchange = engine
        .egress
        .send(OutboundRequest {
            method: Method::POST,
            url,
            headers,
            body: Bytes::copy_from_slice(question.form.expose().as_bytes()),
            timeout: TIMEOUT,
            max_response_bytes: MAX_BYTES,
            now: engine.clock.now(),
        })
        .await;
    read(engine, &exchange, question.shown)
}

fn read(engine: &Engine, exchange: &Exchange, shown: Option<&Secret<String>>) -> Result<Granted, NoToken> {
    let unreachable = |message: String| {
        let wait_s = exchange.retry_after.and_then(|secs| i64::try_from(secs).ok()).unwrap_or(0).max(COOLDOWN_S);
        NoToken::Unreachable { message, until: engine.clock.now().plus_secs(wait_s) }
    };
    match exchange.status {
        Some(200) if !exchange.truncated => {
            let answer: Option<Answer> = serde_json::from_slice(&exchange.body).ok();
            let Some((text, answer)) = answer.and_then(|mut answer| Some((answer.access_token.take()?, answer))) else {
                return Err(NoToken::Refused {
                    status: Some(200),
                    message: "the token server's answer has no access_token".to_owned(),
                });
            };
            let expires_in_s = answer.expires_in.and_then(|value| match value {
                Value::Number(number) => number.as_f64().map(whole),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            });
            let refresh_token = answer.refresh_token.filter(|text| shown.is_some_and(|shown| shown.expose() != text));
            Ok(Granted { access_token: Secret::new(text), expires_in_s, refresh_token: refresh_token.map(Secret::new) })
        }
        // 408 and 429 are about the moment, the rest of 4xx about the credential.
        Some(status @ 400..500) if !matches!(status, 408 | 425 | 429) => {
            let named = serde_json::from_slice::<Refusal>(&exchange.body).ok().and_then(|refusal| refusal.error);
            let named: String = named.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(64).collect();
            let why = if named.is_empty() { String::new() } else { format!(" ({named})") };
            Err(NoToken::Refused { status: Some(status), message: format!("the token server answered {status}{why}") })
        }
        Some(status) => Err(unreachable(format!("the token server answered {status}"))),
        None => {
            let detail = exchange.detail.as_deref().unwrap_or(exchange.kind.as_str());
            Err(unreachable(format!("the token server did not answer: {detail}")))
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a life in seconds; what is too large stops at the largest")]
const fn whole(secs: f64) -> i64 {
    secs as i64
}

fn settings(message: String) -> NoToken {
    NoToken::Settings { field: FIELD, message }
}

fn question<'a>(auth: &'a Auth, newer: Option<&'a Secret<String>>) -> Option<Question<'a>> {
    let (token_url, client, style, mut fields, shown) = match auth {
        Auth::ClientCredentials { token_url, client_id, client_secret, scopes, audience, style } => {
            let mut fields = vec![("grant_type", "client_credentials".to_owned())];
            if !scopes.is_empty() {
                fields.push(("scope", scopes.join(" ")));
            }
            fields.extend(audience.clone().map(|audience| ("audience", audience)));
            (token_url, (client_id, Some(client_secret)), *style, fields, None)
        }
        Auth::RefreshToken { token_url, client_id, client_secret, refresh_token, style } => {
            let shown = newer.unwrap_or(refresh_token);
            let fields = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", shown.expose().clone())];
            (token_url, (client_id, client_secret.as_ref()), *style, fields, Some(shown))
        }
        Auth::None | Auth::Bearer { .. } | Auth::Basic { .. } | Auth::ApiKey { .. } => return None,
    };
    let (client_id, client_secret) = client;
    let mut basic = None;
    match (style, client_secret) {
        (ClientAuth::Basic, Some(secret)) => {
            let pair = Secret::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
            basic = Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.expose()))));
        }
        (ClientAuth::Body, Some(secret)) => {
            fields.push(("client_id", client_id.clone()));
            fields.push(("client_secret", secret.expose().clone()));
        }
        (_, None) => fields.push(("client_id", client_id.clone())),
    }
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    Some(Question { token_url, form: Secret::new(form.join("&")), basic, shown })
}

/// As `application/x-www-form-urlencoded` has it, with spaces as `%20`, which every server reads.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
