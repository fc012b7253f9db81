//! Plaid: `Plaid-Verification`, an ES256 token with the body's hash, at most five minutes old.
//!
//! The token names its key. Keys are configured as JWKs, or fetched from Plaid with the client's id and secret: a POST to
//! Plaid's own host, once for each key.

use std::borrow::Cow;

use postern_domain::{Invalid, Secret, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    coded::{Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::{KeyRequest, Keyring},
    jws::{Algorithm, SharedKeys, Token},
    public_key::{Jwk, PublicKey, keys_of},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::jwt::{Empty, HashForm, Profile},
    window::{Unit, Window, tolerance_s},
};

const PROFILE: Profile = Profile {
    header: Cow::Borrowed("plaid-verification"),
    prefix: None,
    algorithms: &[Algorithm::Es256],
    issuer: None,
    required: &["iat"],
    body: Some(("request_body_sha256", HashForm::Hex)),
    body_may_be_empty: Empty::Hashed,
    url: None,
    leeway_s: 0,
    id: None,
};
const HOST_SUFFIX: &str = "plaid.com";
const ENVIRONMENTS: [(&str, &str); 2] = [("production", "production"), ("sandbox", "sandbox")];
/// Plaid's are UUIDs.
const MAX_KID_BYTES: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Plaid {
    configured: Vec<Jwk>,
    client: Option<Client>,
    no_secrets: SharedKeys,
    window: Window,
}

/// By whom a key is asked for.
#[derive(Clone, Debug)]
struct Client {
    id: String,
    secret: Secret<String>,
    environment: &'static str,
}

impl Plaid {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let mut configured = Vec::new();
        for text in &credentials.public_keys {
            let keys = keys_of(text.as_bytes());
            if keys.is_empty() || keys.iter().any(|jwk| jwk.key().is_none()) {
                return Err(Invalid::new("public_keys", "must each be a JWK as Plaid gives it out"));
            }
            configured.extend(keys);
        }
        let environment = fields.choice("environment", &ENVIRONMENTS)?.unwrap_or("production");
        let client = match (fields.text("client_id")?, credentials.secrets.first()) {
            (Some(id), Some(secret)) => Some(Client { id: id.to_owned(), secret: secret.clone(), environment }),
            (Some(_), None) => return Err(Invalid::new("secrets", "must hold the API secret of this `client_id`")),
            (None, Some(_)) => return Err(invalid("client_id", "is required, since the secret is that client's")),
            (None, None) => None,
        };
        if client.is_none() && configured.is_empty() {
            let detail = "must hold a JWK of Plaid, or `config.client_id` and the API secret must be given to fetch it";
            return Err(Invalid::new("public_keys", detail));
        }
        let window = Window::new(Unit::Seconds, tolerance_s(fields)?);
        Ok(Self { configured, client, no_secrets: SharedKeys::new(&[])?, window })
    }

    /// The key of a token, or what to ask Plaid for.
    fn key(&self, kid: &str, keys: &dyn Keyring) -> Result<Found, Refusal> {
        let named = |jwk: &&Jwk| jwk.kid.as_deref().is_none_or(|known| known == kid);
        if let Some(jwk) = self.configured.iter().find(named) {
            return Ok(Found::Key(jwk.clone()));
        }
        let unknown = || Refusal::new(RefusalCause::SignatureMismatch, "a token by one of the keys of this source");
        let client = self.client.as_ref().ok_or_else(unknown)?;
        let request = client.request(kid);
        match keys.find(&request.cache_as) {
            None => Ok(Found::Ask(request)),
            Some(answer) => {
                let mut found = keys_of(&answer).into_iter().filter(|jwk| jwk.kid.as_deref() == Some(kid));
                found.next().map(Found::Key).ok_or_else(unknown)
            }
        }
    }
}

enum Found {
    Key(Jwk),
    Ask(KeyRequest),
}

impl Client {
    fn request(&self, kid: &str) -> KeyRequest {
        let body = json!({"client_id": self.id, "secret": self.secret.expose(), "key_id": kid});
        KeyRequest {
            url: format!("https://{}.{HOST_SUFFIX}/webhook_verification_key/get", self.environment),
            method: "POST",
            body: Some(Secret::new(body.to_string().into_bytes())),
            host_suffix: Cow::Borrowed(HOST_SUFFIX),
            cache_as: format!("plaid:{}:{kid}", self.environment),
        }
    }
}

impl Coded for Plaid {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let token = PROFILE.token(request)?;
        let kid = token.kid.clone().filter(|kid| is_kid(kid));
        let kid =
            kid.ok_or_else(|| malformed(format!("header `{}` with a token that names its key", PROFILE.header)))?;
        let jwk = match self.key(&kid, keys)? {
            Found::Key(jwk) => jwk,
            Found::Ask(request) => return Ok(Proof::NeedsKey(request)),
        };
        if jwk.expired_at.is_some_and(|expired_at| expired_at <= now.as_secs()) {
            return Err(Refusal::new(RefusalCause::SignatureMismatch, "a token by a key that has not expired"));
        }
        self.shown(token, &jwk, request, now)
    }
}

impl Plaid {
    fn shown(&self, token: Token<'_>, jwk: &Jwk, request: &RawRequest<'_>, now: Timestamp) -> Result<Proof, Refusal> {
        let public_keys: Vec<PublicKey> = jwk.key().into_iter().collect();
        let (claims, place) = token.open(&self.no_secrets, &public_keys).ok_or_else(|| PROFILE.mismatch(1))?;
        let signed_at = claims.seconds("iat").map(|at| at.to_string()).unwrap_or_default();
        self.window.check(&PROFILE.header, &signed_at, now)?;
        PROFILE.check(&claims, request, now)?;
        // Plaid gives events no id, and two may have the same body.
        let event_id = format!("{}:{signed_at}", hex::encode(Sha256::digest(request.body)));
        Ok(Proof::Shown(Shown {
            secret_index: Some(place),
            covers_body: true,
            event_id: Some(event_id),
            ..Shown::default()
        }))
    }
}

/// As Plaid writes them: it becomes part of a request, and of a name in a cache.
fn is_kid(text: &str) -> bool {
    (1..=MAX_KID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
