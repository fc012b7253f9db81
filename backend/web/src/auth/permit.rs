//! The permission that a handler needs, as a parameter of the handler.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
    rc::Rc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use postern_domain::{Actor, TenantScope, permission::Permission, role::Role};
use postern_pipeline::configure::{By, OnceKey};

use super::{identify::Caller, need::Need};
use crate::problem::{Code, Problem};

/// Proof that the caller has the permission `N`. Gives the scope within which the handler may act.
#[derive(Debug)]
pub struct Permit<N: Need> {
    caller: Rc<Caller>,
    need: PhantomData<N>,
}

impl<N: Need> Permit<N> {
    /// The tenant that the caller belongs to, and no other.
    #[must_use]
    pub fn scope(&self) -> TenantScope {
        self.caller.scope()
    }

    /// The caller as the audit trail names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.caller.actor()
    }

    /// The caller as the verbs of the pipeline want it.
    #[must_use]
    pub fn by(&self, once: Option<OnceKey>) -> By {
        By { scope: self.scope(), actor: self.actor(), once }
    }

    /// The highest role that the caller may give or take.
    #[must_use]
    pub fn role(&self) -> Role {
        self.caller.role()
    }

    /// All that the caller may do: a new key may not do more.
    #[must_use]
    pub fn permissions(&self) -> &[Permission] {
        self.caller.permissions()
    }
}

/// Proof that there is a caller at all: for what is the same for everybody.
#[derive(Clone, Copy, Debug)]
pub struct AnyKey;

fn caller(request: &HttpRequest) -> Result<Rc<Caller>, Problem> {
    // Without `identify` before it a route is shut, not open.
    let caller = request.extensions().get::<Rc<Caller>>().cloned();
    caller.ok_or_else(|| Problem::new(Code::Unauthenticated, "Send `Authorization: Bearer pst_…`."))
}

impl FromRequest for AnyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(|_| Self))
    }
}

impl<N: Need> FromRequest for Permit<N> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = match caller(request) {
            Ok(caller) => caller,
            Err(problem) => return ready(Err(problem)),
        };
        if !caller.permissions().contains(&N::PERMISSION) {
            let detail = format!("The credential lacks the permission `{}`.", N::PERMISSION.as_str());
            return ready(Err(Problem::new(Code::PermissionMissing, detail)));
        }
        ready(Ok(Self { caller, need: PhantomData }))
    }
}
