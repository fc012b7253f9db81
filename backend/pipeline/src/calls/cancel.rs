//! Calls a call off. What waits ends at once; of what is under way the connection is closed, and an answer that came
//! before that is kept.

use std::sync::Arc;

use postern_domain::{CallId, call::CallState};
use postern_store::{
    calls::{Call, CallStep},
    tenant::Claim,
};

use super::{
    CallRefusal,
    settle::{self, Reason},
};
use crate::{
    Engine,
    configure::{By, Done, OnceKeyReused},
};

/// A call moves on while it is looked at, but not for ever.
const LOOKS: usize = 20;
/// What is remembered under an Idempotency-Key: that it was done. The caller shows what is so now.
const REMEMBERED_STATUS: u16 = 200;

/// Calls it off, or finds that it is. Gives the call as it is then.
///
/// # Errors
/// When there is none, it has come to another end, or the database does not answer.
pub async fn cancel(engine: &Arc<Engine>, by: &By, id: CallId) -> Result<Done<Call>, CallRefusal> {
    if is_known(engine, by).await? {
        return Ok(Done::Before { status: REMEMBERED_STATUS, body: String::new() });
    }
    let call = call_off(engine, by, id).await?;
    remember(engine, by).await?;
    Ok(Done::Now(call))
}

async fn call_off(engine: &Arc<Engine>, by: &By, id: CallId) -> Result<Call, CallRefusal> {
    let store = engine.store.tenant(by.scope);
    for _ in 0..LOOKS {
        let call = store.find_call(id).await?.ok_or(CallRefusal::NotFound)?;
        match call.state {
            CallState::Cancelled | CallState::Cancelling => return Ok(call),
            CallState::Succeeded | CallState::Failed | CallState::Expired => {
                return Err(CallRefusal::Finished(call.state));
            }
            CallState::Running => {
                let step = CallStep {
                    version: call.version.saturating_add(1),
                    from: Some(CallState::Running),
                    to: CallState::Cancelling,
                    at: engine.clock.now(),
                    actor: by.actor.clone(),
                    why: "cancelled while a request is under way".to_owned(),
                };
                if engine.store.call_off(id, call.version, &step).await? {
                    engine.calls.abort(id);
                    return Ok(Call { state: CallState::Cancelling, version: step.version, ..call });
                }
            }
            CallState::Scheduled | CallState::Queued | CallState::RetryWait => {
                settle::settle(engine, call, Reason::CalledOff(by.actor.clone())).await?;
            }
        }
    }
    Err(CallRefusal::Busy)
}

/// Whether it was asked for before. A call that is cancelled stays so, so the key need not be held meanwhile.
async fn is_known(engine: &Engine, by: &By) -> Result<bool, CallRefusal> {
    let Some(once) = &by.once else { return Ok(false) };
    let mut tx = engine.store.tenant(by.scope).begin(&by.actor).await?;
    match tx.claim_idempotency(once.key, once.fingerprint).await? {
        Claim::Fresh => Ok(false),
        Claim::Replay { .. } => Ok(true),
        Claim::Mismatch => Err(OnceKeyReused.into()),
    }
}

async fn remember(engine: &Engine, by: &By) -> Result<(), CallRefusal> {
    let Some(once) = &by.once else { return Ok(()) };
    let mut tx = engine.store.tenant(by.scope).begin(&by.actor).await?;
    if tx.claim_idempotency(once.key, once.fingerprint).await? == Claim::Fresh {
        tx.answer_idempotency(REMEMBERED_STATUS, "").await?;
        tx.commit().await?;
    }
    Ok(())
}
