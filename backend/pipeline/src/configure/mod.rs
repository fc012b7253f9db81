//! Changes of configuration: checked, written with their audit entry in one transaction, then in effect.
//!
//! One file for each noun, one function for each verb. Start at [`run`]: it is what they all do in the same way.

pub mod api_key;
pub mod connection;
pub mod destination;
pub mod first;
pub mod front_door;
mod once;
pub mod poll;
pub mod source;
mod tick;

use postern_domain::{Actor, ConnectionId, Invalid, TenantScope, permission::Permission};
use postern_store::{StoreError, TenantTx, tenant::Claim};

use crate::Engine;

pub use once::{Done, OnceKey, OnceKeyReused};

/// More of one kind than a tenant may have; all of them are kept in memory.
pub const MAX_PER_TENANT: u64 = 10_000;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// What was to be changed does not exist, or is somebody else's.
    #[error("there is no such thing")]
    NotFound,
    /// The same of an id in this field of the input.
    #[error("there is nothing under the id in {0}")]
    UnknownReference(&'static str),
    #[error("this pair is connected already, by {0}")]
    PairExists(ConnectionId),
    #[error("there are {limit} {noun} already, which is the most there can be")]
    TooMany { noun: &'static str, limit: u64 },
    /// Nobody can give away what they do not have.
    #[error("the creator does not have {}", .0.as_str())]
    ExceedsOwn(Permission),
    /// It is no source that polls.
    #[error("the source does not poll")]
    DoesNotPoll,
    #[error("the source is paused")]
    Paused,
    #[error("the idempotency key was used for another change")]
    OnceKeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// On whose behalf, and whether the same change may already have been asked for.
#[derive(Clone, Debug)]
pub struct By {
    pub scope: TenantScope,
    pub actor: Actor,
    pub once: Option<OnceKey>,
}

impl From<OnceKeyReused> for ConfigureError {
    fn from(_: OnceKeyReused) -> Self {
        Self::OnceKeyReused
    }
}

/// Makes a change and puts it into effect, as [`once`](fn@once) makes it.
pub(crate) async fn run<T, E: From<StoreError> + From<OnceKeyReused>>(
    engine: &Engine,
    by: &By,
    change: impl AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
    answer: impl FnOnce(&T) -> (u16, String),
) -> Result<Done<T>, E> {
    let done = once(engine, by, change, answer).await?;
    if matches!(done, Done::Now(_)) {
        put_into_effect(engine).await;
    }
    Ok(done)
}

/// Makes a change; or finds that it was made before. `answer` is what is remembered of it for the next time: a status of
/// the caller's choosing, and a text without secrets.
pub(crate) async fn once<T, E: From<StoreError> + From<OnceKeyReused>>(
    engine: &Engine,
    by: &By,
    change: impl AsyncFnOnce(&mut TenantTx) -> Result<T, E>,
    answer: impl FnOnce(&T) -> (u16, String),
) -> Result<Done<T>, E> {
    let mut tx = engine.store.tenant(by.scope).begin(&by.actor).await?;
    if let Some(once) = &by.once {
        match tx.claim_idempotency(once.key, once.fingerprint).await? {
            Claim::Fresh => {}
            Claim::Replay { status, body } => return Ok(Done::Before { status, body }),
            Claim::Mismatch => return Err(OnceKeyReused.into()),
        }
    }
    let made = change(&mut tx).await?;
    if by.once.is_some() {
        let (status, body) = answer(&made);
        tx.answer_idempotency(status, &body).await?;
    }
    tx.commit().await?;
    Ok(Done::Now(made))
}

/// The change is made, whatever happens here; and nothing is accepted or sent by a configuration that is not the
/// newest, so that failing to read it now only means reading it a little later.
async fn put_into_effect(engine: &Engine) {
    if let Err(cause) = engine.routing.refresh().await {
        tracing::warn!(%cause, "A changed configuration could not be read again at once");
    }
}

fn check_room(noun: &'static str, present: u64, limit: u64) -> Result<(), ConfigureError> {
    if present < limit { Ok(()) } else { Err(ConfigureError::TooMany { noun, limit }) }
}
