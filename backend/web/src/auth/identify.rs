//! Reads the credential of a request: `Authorization: Bearer pst_…`, and nothing else. No cookie, no query parameter.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web::Data,
};
use postern_domain::{Actor, TenantScope, address, permission::Permission, role::Role};
use postern_pipeline::KeyEntry;
use postern_seal::api_key;

use crate::{
    App,
    problem::{Code, Problem},
    settings::Settings,
};

/// Who sent the request, proven by an API key.
#[derive(Debug)]
pub struct Caller {
    key: Arc<KeyEntry>,
    remote: Option<IpAddr>,
}

impl Caller {
    /// The tenant that the key belongs to.
    #[must_use]
    pub fn scope(&self) -> TenantScope {
        TenantScope::after_authentication(self.key.tenant)
    }

    /// The key as the audit trail names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::api_key(self.key.id, self.remote)
    }

    /// The highest role that the key may give or take.
    #[must_use]
    pub fn role(&self) -> Role {
        Role::of_key(&self.key.permissions)
    }

    /// What the key may do.
    #[must_use]
    pub fn permissions(&self) -> &[Permission] {
        &self.key.permissions
    }
}

/// The client's address: the peer's, or what a trusted proxy says.
#[must_use]
pub fn client_address(request: &HttpRequest, settings: &Settings) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
    let lines: Vec<&str> = lines.collect();
    Some(address::client_address(peer, lines.into_iter(), &settings.trusted_proxies))
}

/// Stands before every route of the API; what it lets through has a [`Caller`].
pub(crate) async fn identify(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match caller(&app, request.request()).await {
        Ok(caller) => {
            request.extensions_mut().insert(Rc::new(caller));
            next.call(request).await.map(ServiceResponse::map_into_left_body)
        }
        // An answer and no error: the request goes along with it, and with the request what is left of its body.
        Err(problem) => Ok(request.into_response(problem.error_response()).map_into_right_body()),
    }
}

async fn caller(app: &App, request: &HttpRequest) -> Result<Caller, Problem> {
    let presented = api_key::parse(bearer(request)?).ok_or_else(unknown_key)?;
    let key = app.engine.routing.api_key(&presented.public_id).await?.ok_or_else(unknown_key)?;
    if !api_key::same_hash(&key.hash, &presented.hash) {
        return Err(unknown_key());
    }
    if key.expires_at.is_some_and(|at| at <= app.engine.clock.now()) {
        return Err(Problem::new(Code::Unauthenticated, "The API key has expired."));
    }
    let remote = client_address(request, &app.settings);
    let admitted = key.allowed_ips.is_empty() || remote.is_some_and(|address| key.allowed_ips.admits(address));
    if !admitted {
        return Err(Problem::new(Code::AddressNotAllowed, "This key may not be used from your address."));
    }
    app.engine.note_key_used(key.id);
    Ok(Caller { key, remote })
}

fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let missing = || Problem::new(Code::Unauthenticated, "Send `Authorization: Bearer pst_…`.");
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        // Two programs that read different ones would disagree about who is calling.
        return Err(Problem::new(Code::MalformedRequest, "There are two Authorization headers."));
    }
    let (scheme, key) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(key.trim()) } else { Err(missing()) }
}

/// Says the same of a mistyped, an unknown and a revoked key.
fn unknown_key() -> Problem {
    Problem::new(Code::Unauthenticated, "The API key is not valid.")
}
