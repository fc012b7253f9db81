//! What may be done with a receipt: acknowledge, give back, keep for longer.

use std::collections::{HashMap, HashSet};

use postern_domain::{
    AttemptId, DestinationId, Invalid, TenantScope, Timestamp,
    attempt::ResultKind,
    queue::{MAX_BATCH, MAX_LEASE_S, MAX_REASON_CHARS, check_lease_s, within},
};
use postern_store::{
    engine::{Settlement, Verdict},
    pull::HeldPull,
};

use super::{Ending, PullError, Queue, not_acknowledged, settle, settlement};
use crate::engine::Engine;

/// What an acknowledgement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// Also when it was acknowledged by this receipt before.
    Yes,
    /// The lease ended before, or another has followed it.
    LeaseLost,
    /// This queue never gave out such a receipt, or it is past its retention.
    NotFound,
}

/// What a delivery that was given back has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenBack {
    /// It can be leased again from this moment on.
    Again(Timestamp),
    /// It was received as often as was agreed.
    Dead,
}

/// What to do with what is given back.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub receipt: AttemptId,
    /// As the queue says, unless given.
    pub delay_s: Option<u32>,
    pub reason: Option<String>,
}

/// The deliveries of these receipts are done with. Each is answered, in its place.
///
/// # Errors
/// [`PullError`]; then nothing is known of any of them, and all may be acknowledged again.
pub async fn acknowledge(
    engine: &Engine,
    scope: TenantScope,
    id: DestinationId,
    receipts: &[AttemptId],
) -> Result<Vec<(AttemptId, Acknowledged)>, PullError> {
    let count = u32::try_from(receipts.len()).unwrap_or(u32::MAX);
    within("receipts", count, (1, MAX_BATCH)).map_err(|_| Invalid::new("receipts", "must be 1 to 100 receipts"))?;
    let queue = Queue::find(engine, scope, id).await?;
    let store = engine.store.tenant(scope);
    let _permit = engine.gates.database().await;
    let held = store.held_pulls(queue.entry.id, receipts).await?;
    let mut known: HashMap<AttemptId, Acknowledged> =
        held.iter().map(|pull| (pull.token, Acknowledged::LeaseLost)).collect();
    let settlements = held.iter().filter(|pull| !pull.has_ended).map(|pull| {
        let ending =
            Ending { kind: ResultKind::Acknowledged, at: pull.looked_at, detail: None, verdict: Verdict::Delivered };
        settlement(pull, ending)
    });
    for row in settle(engine, settlements.collect()).await? {
        known.insert(row.attempt.id, Acknowledged::Yes);
    }
    let unsure: HashSet<AttemptId> =
        receipts.iter().copied().filter(|receipt| known.get(receipt) != Some(&Acknowledged::Yes)).collect();
    let unsure: Vec<AttemptId> = unsure.into_iter().collect();
    for (receipt, kind) in store.settled_pulls(queue.entry.id, &unsure).await? {
        let became = if kind == ResultKind::Acknowledged { Acknowledged::Yes } else { Acknowledged::LeaseLost };
        known.insert(receipt, became);
    }
    let became = |receipt: &AttemptId| known.get(receipt).copied().unwrap_or(Acknowledged::NotFound);
    Ok(receipts.iter().map(|receipt| (*receipt, became(receipt))).collect())
}

/// Gives a delivery back, to be leased again after a while.
///
/// # Errors
/// [`PullError`]; nothing is changed then.
pub async fn give_back(
    engine: &Engine,
    scope: TenantScope,
    id: DestinationId,
    refusal: Refusal,
) -> Result<GivenBack, PullError> {
    if let Some(delay_s) = refusal.delay_s {
        check_lease_s("delay_s", delay_s)?;
    }
    if refusal.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON_CHARS) {
        return Err(Invalid::new("reason", format!("may have at most {MAX_REASON_CHARS} characters")).into());
    }
    let queue = Queue::find(engine, scope, id).await?;
    let _permit = engine.gates.database().await;
    let pull = find(engine, scope, &queue, refusal.receipt).await?;
    let delay_s = refusal.delay_s.unwrap_or(queue.settings.retry_delay_s);
    let ending = Ending {
        kind: ResultKind::Rejected,
        at: pull.looked_at,
        // PostgreSQL keeps no NUL in a text.
        detail: refusal.reason.map(|reason| reason.replace('\0', "\u{fffd}")).filter(|reason| !reason.is_empty()),
        verdict: not_acknowledged(&queue.settings, &pull, engine.clock.now().plus_secs(delay_s.into())),
    };
    match settle(engine, vec![settlement(&pull, ending)]).await?.first() {
        Some(Settlement { verdict: Verdict::Again { due_at, .. }, .. }) => Ok(GivenBack::Again(*due_at)),
        Some(_) => Ok(GivenBack::Dead),
        None => Err(PullError::LeaseLost),
    }
}

/// Makes a lease last until so many seconds from now; 12 hours in all at most. Answers until when.
///
/// # Errors
/// [`PullError`]; nothing is changed then.
pub async fn extend(
    engine: &Engine,
    scope: TenantScope,
    id: DestinationId,
    (receipt, seconds): (AttemptId, u32),
) -> Result<Timestamp, PullError> {
    within("seconds", seconds, (1, MAX_LEASE_S))?;
    let queue = Queue::find(engine, scope, id).await?;
    let _permit = engine.gates.database().await;
    let spans = (i64::from(seconds) * 1_000, i64::from(MAX_LEASE_S) * 1_000);
    let extended = engine.store.tenant(scope).extend_pull(queue.entry.id, receipt, spans).await?;
    extended.ok_or(PullError::LeaseLost)
}

/// The lease, if it has not ended.
async fn find(engine: &Engine, scope: TenantScope, queue: &Queue, receipt: AttemptId) -> Result<HeldPull, PullError> {
    let held = engine.store.tenant(scope).held_pulls(queue.entry.id, &[receipt]).await?;
    held.into_iter().find(|pull| !pull.has_ended).ok_or(PullError::LeaseLost)
}
