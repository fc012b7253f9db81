//! Who a session belongs to, and where they may act.

use std::net::IpAddr;

use postern_domain::{Actor, SessionId, TenantId, Timestamp, UserId, theme::Theme};
use postern_store::{
    StoreError,
    people::{Membership, Session},
};

use crate::Engine;

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: UserId,
    pub email: String,
    pub session: SessionId,
    /// When the password was last given: what is dangerous asks for it anew after a while.
    pub confirmed_at: Timestamp,
    /// When the session began.
    pub created_at: Timestamp,
    pub theme: Theme,
    /// Where this request came from.
    pub remote: Option<IpAddr>,
}

impl Person {
    /// As the audit trail names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::user(self.user, self.remote)
    }
}

/// None when the session has ended, was idle for 8 hours, or is 7 days old. Asks the database each time, so that an
/// ended session is dead at once.
///
/// # Errors
/// When the database does not answer.
pub async fn identify(
    engine: &Engine,
    session: SessionId,
    remote: Option<IpAddr>,
) -> Result<Option<Person>, StoreError> {
    let session = engine.store.use_session(session).await?;
    Ok(session.map(|session| person(session, remote)))
}

/// The same person again, if the session is still alive: for what goes on without anybody doing anything, which must
/// not keep a session from ending when nobody uses it.
///
/// # Errors
/// When the database does not answer.
pub async fn identify_again(engine: &Engine, known: &Person) -> Result<Option<Person>, StoreError> {
    let session = engine.store.find_session(known.session).await?;
    Ok(session.map(|session| person(session, known.remote)))
}

fn person(session: Session, remote: Option<IpAddr>) -> Person {
    Person {
        user: session.user,
        email: session.email,
        session: session.id,
        confirmed_at: session.confirmed_at,
        created_at: session.created_at,
        theme: session.theme,
        remote,
    }
}

/// The tenants that the user may act for, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn memberships(engine: &Engine, user: UserId) -> Result<Vec<Membership>, StoreError> {
    engine.store.memberships(user).await
}

/// None when the user is no member there, or there is no such tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn membership(engine: &Engine, user: UserId, tenant: TenantId) -> Result<Option<Membership>, StoreError> {
    engine.store.membership(user, tenant).await
}

/// How pages look to this person, wherever they log in.
///
/// # Errors
/// When the database does not answer.
pub async fn set_theme(engine: &Engine, person: &Person, theme: Theme) -> Result<(), StoreError> {
    engine.store.set_theme(person.user, theme).await
}
