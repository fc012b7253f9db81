//! A password that is given again before something dangerous, and one that is changed. Throttled like a log-in.

use postern_domain::{Invalid, Secret, SessionId};
use postern_seal::password;
use postern_store::{
    StoreError,
    people::{Charge, Charged, NewPassword},
};

use super::{
    Person,
    log_in::refuse,
    throttle::{FULL_LINE_WAIT_S, of_session},
};
use crate::Engine;

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The old one.
    #[error("the password is wrong")]
    Wrong,
    #[error("too many tries; the next one in {wait_s} s")]
    Throttled { wait_s: u64 },
    /// The new one.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a session was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error("the password is wrong")]
    Wrong,
    #[error("too many tries; the next one in {wait_s} s")]
    Throttled { wait_s: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was proven: the hash that it was verified against, and the try to be taken back.
struct Proven {
    verified: Secret<String>,
    charge: Charge,
}

/// Sets a new password and ends all other sessions of the person. Gives the id under which this one goes on.
///
/// # Errors
/// [`ChangePasswordError`]; nothing is changed then.
pub async fn change_password(
    engine: &Engine,
    person: &Person,
    old: Secret<String>,
    new: Secret<String>,
) -> Result<SessionId, ChangePasswordError> {
    password::check(&new)?;
    if new.expose().eq_ignore_ascii_case(&person.email) {
        return Err(Invalid::new("password", "must not be your own address").into());
    }
    let Proven { verified, charge } = prove(engine, person, old).await?;
    let hash = engine.hashing.hash(new).await?;
    let change = NewPassword {
        user: person.user,
        session: person.session,
        remote: person.remote,
        verified: &verified,
        hash: &hash,
        charge: &charge,
    };
    engine.store.change_password(&change).await?.ok_or(ChangePasswordError::Wrong)
}

/// The person gave their password again: from now on the session may do what is dangerous, for a while. Gives the id
/// under which it goes on.
///
/// # Errors
/// [`ConfirmError`].
pub async fn confirm(engine: &Engine, person: &Person, password: Secret<String>) -> Result<SessionId, ConfirmError> {
    let Proven { charge, .. } = prove(engine, person, password).await?;
    let renewed = engine.store.confirm_session((person.user, person.session), person.remote, &charge).await?;
    renewed.ok_or(ConfirmError::Wrong)
}

async fn prove(engine: &Engine, person: &Person, password: Secret<String>) -> Result<Proven, ConfirmError> {
    let seat = engine.hashing.seat().ok_or(ConfirmError::Throttled { wait_s: FULL_LINE_WAIT_S })?;
    let charge = match engine.store.charge(&of_session(person.session)).await? {
        Charged::Now(charge) => charge,
        Charged::Wait(wait_s) => return Err(ConfirmError::Throttled { wait_s }),
    };
    let verified = engine.store.credential_of(person.user).await?.and_then(|credential| credential.password_hash);
    let right = engine.hashing.verify(password, verified.clone()).await;
    drop(seat);
    match verified.filter(|_| right) {
        Some(verified) => Ok(Proven { verified, charge }),
        None => {
            refuse(engine, person.user, person.session.to_string(), person.remote);
            Err(ConfirmError::Wrong)
        }
    }
}

impl From<ConfirmError> for ChangePasswordError {
    fn from(cause: ConfirmError) -> Self {
        match cause {
            ConfirmError::Wrong => Self::Wrong,
            ConfirmError::Throttled { wait_s } => Self::Throttled { wait_s },
            ConfirmError::Store(cause) => Self::Store(cause),
        }
    }
}
