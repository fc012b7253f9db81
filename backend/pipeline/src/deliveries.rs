//! What a person may do to a delivery: ask for another try, or call it off.
//!
//! Both are on the audit trail in the same transaction, and both may be asked for twice under one Idempotency-Key and
//! are then done once.

use postern_domain::{DeliveryId, EventId};
use postern_store::{
    StoreError, TenantTx,
    tenant::{Cancelled, Claim, EventCancelled, Retried},
};

use crate::{
    Engine,
    configure::{By, Done},
};

/// What is remembered of a change under an Idempotency-Key: that it was made. The caller shows what is so now.
const REMEMBERED_STATUS: u16 = 202;

/// Why a delivery is not tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such delivery")]
    NotFound,
    #[error("a try is under way")]
    InFlight,
    /// There is nowhere to send it any more.
    #[error("its connection or its destination was deleted")]
    Unrouted,
    #[error("the retention of its payload is over")]
    PayloadExpired,
    #[error("the idempotency key was used for another change")]
    OnceKeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a delivery is not called off.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such delivery")]
    NotFound,
    /// What has left cannot be called back.
    #[error("a try is under way")]
    InFlight,
    #[error("it is finished")]
    Finished,
    #[error("the idempotency key was used for another change")]
    OnceKeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the delivery due at once, whatever became of it before. The attempt will be on record as the caller's.
///
/// # Errors
/// [`RetryError`]; nothing is changed then.
pub async fn retry(engine: &Engine, by: &By, id: DeliveryId) -> Result<Done<()>, RetryError> {
    let mut tx = match begin(engine, by).await? {
        Begun::Fresh(tx) => tx,
        Begun::MadeBefore { status, body } => return Ok(Done::Before { status, body }),
        Begun::OtherChange => return Err(RetryError::OnceKeyReused),
    };
    match tx.retry_delivery(id).await?.ok_or(RetryError::NotFound)? {
        Retried::Due => {}
        Retried::InFlight => return Err(RetryError::InFlight),
        Retried::Unrouted => return Err(RetryError::Unrouted),
        Retried::PayloadExpired => return Err(RetryError::PayloadExpired),
    }
    commit(tx, by).await?;
    engine.wake();
    Ok(Done::Now(()))
}

/// Ends a delivery that waits, without a further try.
///
/// # Errors
/// [`CancelError`]; nothing is changed then.
pub async fn cancel(engine: &Engine, by: &By, id: DeliveryId) -> Result<Done<()>, CancelError> {
    let mut tx = match begin(engine, by).await? {
        Begun::Fresh(tx) => tx,
        Begun::MadeBefore { status, body } => return Ok(Done::Before { status, body }),
        Begun::OtherChange => return Err(CancelError::OnceKeyReused),
    };
    match tx.cancel_delivery(id).await?.ok_or(CancelError::NotFound)? {
        Cancelled::Done => {}
        Cancelled::InFlight => return Err(CancelError::InFlight),
        Cancelled::Finished => return Err(CancelError::Finished),
    }
    commit(tx, by).await?;
    engine.wake();
    Ok(Done::Now(()))
}

/// Ends what waits of an event, without a further try: it was published for later, or is between two tries.
///
/// # Errors
/// [`CancelError`]; nothing is changed then.
pub async fn cancel_event(engine: &Engine, by: &By, id: EventId) -> Result<Done<EventCancelled>, CancelError> {
    let mut tx = match begin(engine, by).await? {
        Begun::Fresh(tx) => tx,
        Begun::MadeBefore { status, body } => return Ok(Done::Before { status, body }),
        Begun::OtherChange => return Err(CancelError::OnceKeyReused),
    };
    let outcome = tx.cancel_event(id).await?.ok_or(CancelError::NotFound)?;
    commit(tx, by).await?;
    engine.wake();
    Ok(Done::Now(outcome))
}

enum Begun {
    Fresh(TenantTx),
    MadeBefore { status: u16, body: String },
    OtherChange,
}

async fn begin(engine: &Engine, by: &By) -> Result<Begun, StoreError> {
    let mut tx = engine.store.tenant(by.scope).begin(&by.actor).await?;
    let Some(once) = &by.once else { return Ok(Begun::Fresh(tx)) };
    Ok(match tx.claim_idempotency(once.key, once.fingerprint).await? {
        Claim::Fresh => Begun::Fresh(tx),
        Claim::Replay { status, body } => Begun::MadeBefore { status, body },
        Claim::Mismatch => Begun::OtherChange,
    })
}

async fn commit(mut tx: TenantTx, by: &By) -> Result<(), StoreError> {
    if by.once.is_some() {
        tx.answer_idempotency(REMEMBERED_STATUS, "").await?;
    }
    tx.commit().await
}
