//! Queues that programs of tenants lease from: a destination that sends nothing and is asked instead.
//!
//! What waits in one is claimed by nobody here. [`lease`] gives it to who asks, [`receipt`] ends what was leased, and
//! [`ended`] takes back what ran out. A receipt is the id of the attempt, and the fencing token of its lease.

mod ended;
mod gate;
pub mod lease;
pub mod receipt;

pub(crate) use gate::Gates;

use std::sync::Arc;

use bytes::Bytes;
use postern_domain::{
    DestinationId, Invalid, TenantScope, Timestamp,
    actor::ActorKind,
    attempt::{ResultKind, Timings},
    destination::DestinationKind,
    queue::QueueSettings,
    retry::Next,
};
use postern_store::{
    StoreError,
    engine::{AttemptRow, Settlement, Verdict},
    pull::HeldPull,
};

use crate::{
    engine::Engine,
    entry::{ConnectionEntry, DestinationEntry},
    metrics::Received,
};

/// Why there is nothing to be had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("there is no such destination")]
    NotFound,
    #[error("the destination is not a queue")]
    NotAQueue,
    #[error("the queue is paused")]
    Paused,
    /// So many are leased, and no more may be.
    #[error("{0} deliveries are leased, as many as may be")]
    Full(u32),
    /// The receipt is of no use any more: its lease ran out, was ended, or never was.
    #[error("the lease is lost")]
    LeaseLost,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A queue of the tenant's, as it is configured.
struct Queue {
    entry: Arc<DestinationEntry>,
    settings: QueueSettings,
}

impl Queue {
    async fn find(engine: &Engine, scope: TenantScope, id: DestinationId) -> Result<Self, PullError> {
        let found = engine.routing.destination(id).await?;
        let entry = found.filter(|entry| entry.tenant == scope.tenant_id()).ok_or(PullError::NotFound)?;
        match (entry.kind, entry.queue) {
            (DestinationKind::Queue, Some(settings)) => Ok(Self { entry, settings }),
            (DestinationKind::Http | DestinationKind::Bin | DestinationKind::Queue, _) => Err(PullError::NotAQueue),
        }
    }

    /// Its connections that are not paused.
    fn lanes(&self, engine: &Engine) -> Vec<Arc<ConnectionEntry>> {
        let maps = engine.routing.read();
        maps.connections_to(self.entry.id).iter().filter(|lane| !lane.paused).cloned().collect()
    }
}

/// How a lease ended.
struct Ending {
    kind: ResultKind,
    at: Timestamp,
    detail: Option<String>,
    verdict: Verdict,
}

/// What becomes of a delivery that was received and not acknowledged.
fn not_acknowledged(settings: &QueueSettings, pull: &HeldPull, due_at: Timestamp) -> Verdict {
    match settings.after_receive(u32::try_from(pull.retries).unwrap_or(0), due_at) {
        Next::Dead(reason) => Verdict::Dead(reason),
        Next::Again(due_at) | Next::HoldDestination(due_at) => {
            Verdict::Again { due_at, retries: pull.retries.saturating_add(1) }
        }
        Next::Delivered => Verdict::Delivered,
    }
}

/// The attempt that a lease was, and what follows.
fn settlement(pull: &HeldPull, ending: Ending) -> Settlement {
    let (actor_kind, actor_id) = pull.asked_by.split_once(':').unwrap_or((ActorKind::Engine.as_str(), ""));
    let took_us = ending.at.as_micros().saturating_sub(pull.leased_at.as_micros()).clamp(0, i64::from(i32::MAX));
    let attempt = AttemptRow {
        id: pull.token,
        tenant: pull.tenant,
        delivery: pull.delivery,
        destination: pull.destination,
        number: pull.attempts.saturating_add(1),
        actor_kind: actor_kind.to_owned(),
        actor_id: actor_id.to_owned(),
        started_at: pull.leased_at,
        timings: Timings { total_us: u32::try_from(took_us).unwrap_or(0), ..Timings::default() },
        method: "PULL".to_owned(),
        url: format!("queue:{}", pull.destination),
        sent: pull.sent,
        request_headers: "{}".to_owned(),
        response_headers: None,
        kind: ending.kind,
        status: None,
        body: Bytes::new(),
        truncated: false,
        detail: ending.detail,
    };
    Settlement { verdict: ending.verdict, attempt, settled_at: ending.at }
}

/// Settles, counts, and wakes who waits for what is due again. Answers those that kept their lease.
async fn settle(engine: &Engine, settlements: Vec<Settlement>) -> Result<Vec<Settlement>, StoreError> {
    let lost = engine.store.settle_pulls(&settlements).await?;
    let kept: Vec<Settlement> = settlements.into_iter().filter(|row| !lost.contains(&row.attempt.delivery)).collect();
    for row in &kept {
        let (attempt, metrics) = (&row.attempt, &engine.metrics);
        metrics.receives.get_or_create(&Received { result: attempt.kind.as_str() }).inc();
        match row.verdict {
            Verdict::Delivered => {
                metrics.delivered.inc();
            }
            Verdict::Dead(reason) => {
                metrics.dead.inc();
                let id = attempt.delivery;
                tracing::warn!(delivery.id = %id, attempt.number, kind = attempt.kind.as_str(),
                    "Delivery `{id}` is dead: {}", reason.as_str());
            }
            Verdict::Again { .. } => engine.gates.wake(attempt.destination),
            Verdict::Released => {}
        }
    }
    Ok(kept)
}
