//! Makes a call that came to nothing once more, as a new one.

use postern_domain::{CallId, call::CallState};
use postern_store::{
    TenantTx,
    calls::{Call, NewCall},
};

use super::{
    CallRefusal,
    create::{insert, kept_until, once, source_of},
};
use crate::{
    Engine,
    configure::{By, Done},
};

/// The same request under the same policy, due now, with as much time as the first had.
///
/// # Errors
/// When there is none, it did not fail, its request is gone, or the database does not answer.
pub async fn redrive(
    engine: &Engine,
    by: &By,
    id: CallId,
    answer: impl FnOnce(&Call) -> (u16, String),
) -> Result<Done<Call>, CallRefusal> {
    let found = engine.store.tenant(by.scope).find_call(id).await?.ok_or(CallRefusal::NotFound)?;
    source_of(engine, by.scope.tenant_id(), Some(found.source)).await?;
    let make = async move |tx: &mut TenantTx| {
        let (call, request) = tx.call_to_repeat(id).await?.ok_or(CallRefusal::NotFound)?;
        if !matches!(call.state, CallState::Failed | CallState::Expired | CallState::Cancelled) {
            return Err(CallRefusal::NotRedrivable(call.state));
        }
        let now = tx.now();
        let deadline_at = now.plus_ms(call.deadline_at.ms_since(call.not_before));
        let new = NewCall {
            id: CallId::fresh(),
            source: call.source,
            method: call.method,
            url: call.url,
            request: request.ok_or(CallRefusal::RequestExpired)?,
            not_before: now,
            deadline_at,
            policy: call.policy,
            metadata: call.metadata,
            redrive_of: Some(id),
            request_expires_at: kept_until(engine, deadline_at),
        };
        insert(tx, &new).await
    };
    once(engine, by, make, answer).await
}
