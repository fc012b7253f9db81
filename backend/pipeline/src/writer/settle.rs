//! Writes what came of leases, for as long as it takes: until it is written, their slots stay taken.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use postern_domain::{
    DeliveryId,
    attempt::{ResultKind, Timings},
};
use postern_store::engine::{AttemptRow, Settlement, Verdict};

use super::{Settled, route::Departure};
use crate::{engine::Engine, metrics::Class};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Settles `batch`, trying again while the database does not answer.
pub(super) async fn settle(engine: &Engine, batch: Vec<Settled>) {
    if batch.is_empty() {
        return;
    }
    let mut pause = FIRST_PAUSE;
    loop {
        match engine.store.settle(&batch).await {
            Ok(lost) => return written(engine, batch, &lost),
            Err(cause) if cause.is_unavailable() => {
                tracing::warn!(%cause, "{} attempts could not be settled, trying again; dispatching waits", batch.len());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(cause) => return one_by_one(engine, batch, &cause).await,
        }
    }
}

/// One row is bad: the others are settled, and it is settled without what the database refused.
async fn one_by_one(engine: &Engine, batch: Vec<Settled>, cause: &postern_store::StoreError) {
    tracing::error!(%cause, "A batch of {} attempts was refused by the database; settling them one by one", batch.len());
    for mut one in batch {
        let mut row = one.settlement.clone();
        if engine.store.settle(std::slice::from_ref(&row)).await.is_err() {
            row.attempt.request_headers = "{}".to_owned();
            row.attempt.response_headers = None;
            row.attempt.detail = Some("the answer could not be stored".to_owned());
            row.attempt.body = Bytes::new();
            if let Err(cause) = engine.store.settle(std::slice::from_ref(&row)).await {
                let id = row.attempt.delivery;
                tracing::error!(delivery.id = %id, %cause, "Delivery `{id}` cannot be settled; its lease will run out");
            }
        }
        one.settlement = row;
        written(engine, vec![one], &[]);
    }
}

/// Counts what was written; dropping the batch gives the slots back.
pub(super) fn written(engine: &Engine, batch: Vec<Settled>, lost: &[DeliveryId]) {
    if batch.is_empty() {
        return;
    }
    let lost: HashSet<DeliveryId> = lost.iter().copied().collect();
    let metrics = &engine.metrics;
    metrics.settle_attempts.observe(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
    let now = engine.clock.now();
    for one in &batch {
        let attempt = &one.settlement.attempt;
        if lost.contains(&attempt.delivery) {
            metrics.superseded.inc();
            continue;
        }
        if one.settlement.verdict != Verdict::Released {
            metrics.attempt_seconds.observe(f64::from(attempt.timings.total_us) / 1e6);
        }
        match one.settlement.verdict {
            Verdict::Delivered => {
                metrics.delivered.inc();
                if let Some(received_at) = one.received_at {
                    metrics.end_to_end.observe(f64::from(u32::try_from(now.ms_since(received_at)).unwrap_or(0)) / 1e3);
                }
            }
            Verdict::Dead(_) => {
                metrics.dead.inc();
                failed(engine, attempt.kind);
            }
            Verdict::Again { due_at, .. } => {
                failed(engine, attempt.kind);
                engine.lanes.note(one.connection, due_at);
                engine.lanes.wake.notify_one();
            }
            Verdict::Released => engine.lanes.note(one.connection, now),
        }
    }
}

fn failed(engine: &Engine, kind: ResultKind) {
    engine.metrics.failed.get_or_create(&Class { class: kind.as_str() }).inc();
}

/// Gives a lease back that no attempt was begun under.
pub(super) fn release(engine: &Engine, departure: Departure) {
    let delivery = departure.delivery;
    let attempt = AttemptRow {
        id: departure.token,
        tenant: delivery.tenant,
        delivery: delivery.id,
        destination: delivery.destination,
        number: 0,
        actor_kind: String::new(),
        actor_id: String::new(),
        started_at: delivery.due_at,
        timings: Timings::default(),
        method: String::new(),
        url: String::new(),
        sent: None,
        request_headers: String::new(),
        response_headers: None,
        kind: ResultKind::Internal,
        status: None,
        body: Bytes::new(),
        truncated: false,
        detail: None,
    };
    let settlement = Settlement { verdict: Verdict::Released, attempt, settled_at: delivery.due_at };
    let settled = Settled { settlement, received_at: None, connection: delivery.connection, slot: departure.slot };
    // The writer lives as long as the engine.
    let _ = engine.settled.send(settled);
}
