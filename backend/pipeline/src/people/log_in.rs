//! Logging in. An address that nobody has is answered like a wrong password, after as much work.

use std::net::IpAddr;

use postern_domain::{Secret, SessionId, UserId, email};
use postern_store::{
    StoreError,
    people::{Charged, Credential, NewSession},
};

use super::throttle::{FULL_LINE_WAIT_S, Known, of_log_in};
use crate::Engine;

/// Of the name that a browser gives itself, so much is kept.
const MAX_USER_AGENT_CHARS: usize = 256;

/// Somebody who says who they are.
#[derive(Debug)]
pub struct LogIn {
    pub email: String,
    pub password: Secret<String>,
    pub remote: Option<IpAddr>,
    pub user_agent: String,
    /// That the browser had until now, whosever it was: it ends with the new one.
    pub replaces: Option<SessionId>,
    /// Who logged in with this browser before, as it can prove.
    pub known: Option<UserId>,
}

/// A session that was just started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    pub session: SessionId,
    pub user: UserId,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// No such user, or another password: it is not told which.
    #[error("the address or the password is wrong")]
    Wrong,
    /// Nothing was looked at.
    #[error("too many tries; the next one in {wait_s} s")]
    Throttled { wait_s: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts a session. Each has an id of its own, whatever the browser had before.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(engine: &Engine, attempt: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { email, password, remote, user_agent, replaces, known } = attempt;
    let seat = engine.hashing.seat().ok_or(LogInError::Throttled { wait_s: FULL_LINE_WAIT_S })?;
    // What cannot be an address is nobody's: it is not looked for as it came, and counts like any other.
    let address = email::parse(&email).ok();
    let credential = engine.store.credential(address.as_deref().unwrap_or_default()).await?;
    let email = address.unwrap_or_else(|| email.chars().take(email::MAX_LEN).collect());
    let keys = of_log_in(&email, remote, find_known(engine, credential.as_ref(), (remote, known)).await?);
    let charge = match engine.store.charge(&keys).await? {
        Charged::Now(charge) => charge,
        Charged::Wait(wait_s) => return Err(LogInError::Throttled { wait_s }),
    };
    let verified = credential.as_ref().and_then(|credential| credential.password_hash.clone());
    let right = engine.hashing.verify(password, verified.clone()).await;
    let (Some(Credential { user, .. }), Some(verified), true) = (&credential, &verified, right) else {
        if let Some(credential) = &credential {
            refuse(engine, credential.user, credential.user.to_string(), remote);
        }
        return Err(LogInError::Wrong);
    };
    let user_agent = printable(&user_agent);
    let new = NewSession { user: *user, verified, remote, user_agent: &user_agent, charge: &charge };
    let session = engine.store.start_session(&new).await?.ok_or(LogInError::Wrong)?;
    drop(seat);
    if let Some(replaced) = replaces {
        end_replaced(engine, replaced, remote).await?;
    }
    Ok(LoggedIn { session, user: *user })
}

/// Puts a failure on record, without the sender waiting for it: the time would tell that there is such a user. There
/// are only as many as the counters let through.
pub(super) fn refuse(engine: &Engine, user: UserId, target: String, remote: Option<IpAddr>) {
    let store = engine.store.clone();
    engine.tasks.spawn("refuse-log-in", async move {
        if let Err(cause) = store.refuse(user, &target, remote).await {
            tracing::warn!(user.id = %user, %cause, "A refused log-in of `{user}` could not be recorded");
        }
    });
}

/// Otherwise a session that somebody planted in the browser would go on beside the new one.
async fn end_replaced(engine: &Engine, session: SessionId, remote: Option<IpAddr>) -> Result<(), StoreError> {
    let Some(live) = engine.store.use_session(session).await? else { return Ok(()) };
    engine.store.end_session(live.user, session, remote).await.map(|_| ())
}

async fn find_known(
    engine: &Engine,
    credential: Option<&Credential>,
    (remote, browser_of): (Option<IpAddr>, Option<UserId>),
) -> Result<Known, StoreError> {
    // Asked for nobody too, so that the time is the same.
    let user = credential.map_or(UserId::from_uuid(uuid::Uuid::nil()), |credential| credential.user);
    let by_network = engine.store.is_known_at(user, remote).await?;
    Ok(if by_network {
        Known::ByNetwork
    } else if browser_of == Some(user) {
        Known::ByBrowser
    } else {
        Known::No
    })
}

fn printable(user_agent: &str) -> String {
    user_agent.chars().filter(|letter| !letter.is_control()).take(MAX_USER_AGENT_CHARS).collect()
}
