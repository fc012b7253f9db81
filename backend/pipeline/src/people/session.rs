//! A person's sessions, listed and ended.

use postern_domain::{SessionId, Timestamp, UserId};
use postern_store::{StoreError, people::Session};

use super::Person;
use crate::Engine;

/// A live session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    pub id: SessionId,
    pub created_at: Timestamp,
    /// To the minute.
    pub seen_at: Timestamp,
    /// Where it began; empty when that is not known.
    pub remote: String,
    pub user_agent: String,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at,
            seen_at: session.seen_at,
            remote: session.remote,
            user_agent: session.user_agent,
        }
    }
}

/// Those that are alive, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn sessions(engine: &Engine, user: UserId) -> Result<Vec<SessionView>, StoreError> {
    Ok(engine.store.sessions(user).await?.into_iter().map(SessionView::from).collect())
}

/// Ends the session that this request came with.
///
/// # Errors
/// When the database does not answer.
pub async fn log_out(engine: &Engine, person: &Person) -> Result<(), StoreError> {
    end_session(engine, person, person.session).await.map(|_| ())
}

/// Ends one of the person's own sessions. False when there is no such one, or it has ended.
///
/// # Errors
/// When the database does not answer.
pub async fn end_session(engine: &Engine, person: &Person, session: SessionId) -> Result<bool, StoreError> {
    Ok(engine.store.end_session(person.user, session, person.remote).await? > 0)
}
