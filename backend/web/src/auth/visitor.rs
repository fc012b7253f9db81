//! Who looks at a page: a person with a session, and within one tenant a member with a role.
//!
//! Both are parameters of handlers, like [`super::Permit`] of the API, and both ask the database each time: a session
//! that was ended and a role that was lowered are dead at once, on every replica.

use std::{marker::PhantomData, ops::Deref};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::Method, web::Data};
use futures_util::future::LocalBoxFuture;
use postern_domain::{Actor, TenantId, TenantScope, permission::Permission, role::Role};
use postern_pipeline::{
    configure::By,
    people::{self, Membership, Person},
};

use super::{client_address, cookie, need::Need};
use crate::{
    App,
    pages::Halt,
    problem::{Code, Problem},
};

/// A person with a session.
#[derive(Debug)]
pub struct Visitor {
    pub(crate) person: Person,
}

/// A person where nobody needs to be one: the log-in page sends somebody on who is logged in already.
#[derive(Debug)]
pub struct MaybeVisitor(pub(crate) Option<Visitor>);

/// A member of the tenant in the path, with the permission `N`.
#[derive(Debug)]
pub struct Member<N: Need> {
    pub(crate) visitor: Visitor,
    pub(crate) membership: Membership,
    need: PhantomData<N>,
}

impl<N: Need> Deref for Member<N> {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl<N: Need> Member<N> {
    /// The tenant in the path, and no other.
    #[must_use]
    pub fn scope(&self) -> TenantScope {
        TenantScope::after_authentication(self.membership.tenant)
    }

    #[must_use]
    pub const fn role(&self) -> Role {
        self.membership.role
    }

    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.membership.role.permissions().contains(&permission)
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        self.visitor.person.actor()
    }

    /// The member as they are now, for a page that goes on: the session may have ended, the role may be another.
    pub(crate) async fn again(&self, app: &App) -> Result<Self, Halt> {
        let person = people::identify_again(&app.engine, &self.visitor.person).await?;
        let person = person.ok_or(Halt::LogIn { next: None })?;
        enter(app, Visitor { person }, Some(self.membership.tenant)).await
    }

    /// The member as the verbs of the pipeline want one.
    #[must_use]
    pub fn by(&self) -> By {
        By { scope: self.scope(), actor: self.actor(), once: None }
    }
}

async fn visitor(request: &HttpRequest) -> Result<Option<Visitor>, Problem> {
    let Some(app) = request.app_data::<Data<App>>() else { return Ok(None) };
    let (engine, settings) = (&app.engine, &app.settings);
    let Some(session) = cookie::read(settings, engine.store.keyring(), request, engine.clock.now()) else {
        return Ok(None);
    };
    let person = people::identify(engine, session, client_address(request, settings)).await?;
    Ok(person.map(|person| Visitor { person }))
}

async fn member<N: Need>(request: &HttpRequest) -> Result<Member<N>, Halt> {
    let visitor = visitor(request).await?.ok_or_else(|| to_log_in(request))?;
    let tenant: Option<TenantId> = request.match_info().get("tenant").and_then(|text| text.parse().ok());
    let app = request.app_data::<Data<App>>().ok_or_else(Problem::not_found)?;
    enter(app, visitor, tenant).await
}

async fn enter<N: Need>(app: &App, visitor: Visitor, tenant: Option<TenantId>) -> Result<Member<N>, Halt> {
    let membership = match tenant {
        Some(tenant) => people::membership(&app.engine, visitor.person.user, tenant).await?,
        None => None,
    };
    // Somebody else's tenant is answered like one that nobody has.
    let membership = membership.ok_or_else(Problem::not_found)?;
    if !membership.role.permissions().contains(&N::PERMISSION) {
        let (role, needed) = (membership.role.as_str(), N::PERMISSION.as_str());
        let detail = format!("Your role here is {role}, which lacks `{needed}`. An owner or admin can change it.");
        return Err(Problem::new(Code::PermissionMissing, detail).into());
    }
    Ok(Member { visitor, membership, need: PhantomData })
}

/// Only what can be looked at again is worth coming back to.
fn to_log_in(request: &HttpRequest) -> Halt {
    let next = request.uri().path_and_query().map(ToString::to_string).filter(|_| request.method() == Method::GET);
    Halt::LogIn { next }
}

impl FromRequest for Visitor {
    type Error = Halt;
    type Future = LocalBoxFuture<'static, Result<Self, Halt>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { visitor(&request).await?.ok_or_else(|| to_log_in(&request)) })
    }
}

impl FromRequest for MaybeVisitor {
    type Error = Halt;
    type Future = LocalBoxFuture<'static, Result<Self, Halt>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(visitor(&request).await?)) })
    }
}

impl<N: Need> FromRequest for Member<N> {
    type Error = Halt;
    type Future = LocalBoxFuture<'static, Result<Self, Halt>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { member(&request).await })
    }
}
