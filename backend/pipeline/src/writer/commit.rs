//! Commits a batch of accepted events, whatever the database does meanwhile.

use std::{collections::HashMap, time::Duration};

use postern_domain::{EventId, SourceId, Timestamp};
use postern_store::{
    StoreError,
    engine::{AcceptBatch, Accepted, EventRow, FirstEvent, Written as Told},
};

use super::{
    Settled,
    route::{Departure, Routed, route},
    settle,
};
use crate::{
    accept::AcceptError,
    dispatch::{self, Job},
    engine::Engine,
    inlet::{Outcome, Submission},
};

/// A commit that the database did not answer is repeated with the same ids: if it had happened, that changes nothing.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// Commits `batch` and settles `settled` with it, answers every caller, and sends off what can leave.
pub(super) async fn accept(engine: &std::sync::Arc<Engine>, batch: Vec<Submission>, settled: Vec<Settled>) {
    let (batch, repeats) = set_repeats_aside(batch);
    let mut settled = settled;
    let mut outcome = write(engine, &batch, &mut settled).await;
    if matches!(outcome, Err(StoreError::Data { .. })) && !settled.is_empty() {
        // It may be a settlement that was refused: the events must not pay for it.
        settle::settle(engine, std::mem::take(&mut settled)).await;
        outcome = write(engine, &batch, &mut settled).await;
    }
    match outcome {
        Ok((routed, known)) => finish(engine, batch, repeats, routed, known),
        Err(StoreError::Data { .. }) if batch.len() > 1 => {
            // One row is bad, and it must not fail its neighbours.
            for one in batch {
                let single = vec![one];
                match write(engine, &single, &mut settled).await {
                    Ok((routed, known)) => finish(engine, single, HashMap::new(), routed, known),
                    Err(cause) => fail(single, &cause),
                }
            }
            // Their first ones have been decided; the sender asks again.
            repeats.into_values().flatten().for_each(|repeat| reply(repeat, Err(AcceptError::Busy)));
        }
        Err(cause) => {
            repeats.into_values().flatten().for_each(|repeat| reply(repeat, Err(AcceptError::Busy)));
            fail(batch, &cause);
        }
    }
    settle::settle(engine, settled).await;
}

type Repeats = HashMap<usize, Vec<Submission>>;

/// The same key twice in one batch: the second waits for what becomes of the first.
fn set_repeats_aside(batch: Vec<Submission>) -> (Vec<Submission>, Repeats) {
    let mut first: HashMap<(SourceId, [u8; 16]), usize> = HashMap::with_capacity(batch.len());
    let mut kept: Vec<Submission> = Vec::with_capacity(batch.len());
    let mut repeats: Repeats = HashMap::new();
    for submission in batch {
        let key = submission.event.dedup.as_ref().map(|dedup| (submission.event.source, dedup.hash));
        match key.and_then(|key| first.get(&key).copied()) {
            Some(place) => repeats.entry(place).or_default().push(submission),
            None => {
                if let Some(key) = key {
                    first.insert(key, kept.len());
                }
                kept.push(submission);
            }
        }
    }
    (kept, repeats)
}

type Written = (Routed, Known);

/// By place in the batch: what was not new, what was, with a body that another event had, and what was refused for that.
struct Known {
    duplicates: HashMap<usize, FirstEvent>,
    replays: HashMap<usize, EventId>,
    refused: HashMap<usize, EventId>,
}

impl Known {
    fn of(written: Told) -> Self {
        let Told { duplicates, replays, refused } = written;
        Self {
            duplicates: duplicates.into_iter().collect(),
            replays: replays.into_iter().collect(),
            refused: refused.into_iter().collect(),
        }
    }

    /// None: written, and nothing to tell of it.
    fn outcome(&self, place: usize) -> Outcome {
        let refused = self.refused.get(&place).copied().map(Outcome::Refused);
        let duplicate = || self.duplicates.get(&place).copied().map(Outcome::Duplicate);
        let replayed = || self.replays.get(&place).copied().map(Outcome::Replayed);
        refused.or_else(duplicate).or_else(replayed).unwrap_or(Outcome::Accepted)
    }
}

/// Routes and writes, again with newer configuration when it was stale. `settled` is emptied once it is written.
async fn write(engine: &Engine, batch: &[Submission], settled: &mut Vec<Settled>) -> Result<Written, StoreError> {
    let mut failures = 0;
    let mut prepared: Option<(AcceptBatch, Routed)> = None;
    loop {
        let (rows, routed) = match prepared.take() {
            Some(again) => again,
            None => prepare(engine, batch),
        };
        let outcome = if settled.is_empty() {
            engine.store.commit(&rows).await.map(|accepted| (accepted, Vec::new()))
        } else {
            engine.store.commit_and_settle(&rows, settled).await
        };
        match outcome {
            Ok((accepted, lost)) => {
                settle::written(engine, std::mem::take(settled), &lost);
                match accepted {
                    Accepted::Written(written) => return Ok((routed, Known::of(written))),
                    Accepted::StaleConfig => {
                        drop(routed);
                        engine.routing.refresh().await?;
                    }
                }
            }
            Err(cause) if cause.is_unavailable() && failures + 1 < TRIES => {
                failures += 1;
                tracing::warn!(%cause, "Commit {failures} of {TRIES} failed, trying again");
                tokio::time::sleep(PAUSE).await;
                prepared = Some((AcceptBatch { repeated: true, ..rows }, routed));
            }
            Err(cause) => {
                give_back(engine, routed, &cause);
                return Err(cause);
            }
        }
    }
}

fn prepare(engine: &Engine, batch: &[Submission]) -> (AcceptBatch, Routed) {
    let now = engine.clock.now();
    let mut routed = Routed {
        deliveries: Vec::with_capacity(batch.len()),
        departures: Vec::with_capacity(batch.len()),
        ..Routed::default()
    };
    let mut events = Vec::with_capacity(batch.len());
    let maps = engine.routing.read();
    for submission in batch {
        let mut event = submission.event.clone();
        route(engine, &maps, &event, now, &mut routed);
        event.filtered = routed.filtered;
        events.push(event);
    }
    let rows = AcceptBatch {
        config_version: maps.version,
        now,
        instance: engine.instance.id(),
        lease_ms: engine.options.lease_ms,
        events,
        deliveries: std::mem::take(&mut routed.deliveries),
        repeated: false,
    };
    (rows, routed)
}

/// Whether it was written is not known. If it was, its leases are ours and nobody will use them: they are given back.
pub(crate) fn give_back(engine: &Engine, routed: Routed, cause: &StoreError) {
    if cause.is_unavailable() {
        for departure in routed.departures {
            settle::release(engine, departure);
        }
    }
}

fn finish(engine: &std::sync::Arc<Engine>, batch: Vec<Submission>, mut repeats: Repeats, routed: Routed, known: Known) {
    let mut accepted: HashMap<EventId, (bytes::Bytes, Option<String>, Timestamp)> = HashMap::with_capacity(batch.len());
    engine.metrics.commit_events.observe(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
    for (place, submission) in batch.into_iter().enumerate() {
        let event = &submission.event;
        let outcome = known.outcome(place);
        for repeat in repeats.remove(&place).unwrap_or_default() {
            let of_repeat = after(outcome, event, &repeat.event);
            if matches!(of_repeat, Ok(Outcome::Duplicate(_))) {
                engine.metrics.duplicates.inc();
            }
            reply(repeat, of_repeat);
        }
        match outcome {
            Outcome::Duplicate(_) => {
                engine.metrics.duplicates.inc();
            }
            Outcome::Accepted | Outcome::Replayed(_) => {
                engine.metrics.accepted.inc();
                accepted.insert(event.id, (event.body.clone(), event.content_type.clone(), event.received_at));
            }
            Outcome::Refused(_) => {}
        }
        reply(submission, Ok(outcome));
    }
    for (lane, due_at) in routed.waiting {
        engine.lanes.note(lane, due_at);
        engine.lanes.wake.notify_one();
    }
    engine.gates.wake_all(&routed.queued);
    for departure in routed.departures {
        // The deliveries of a duplicate or a refused event were not written; dropping the departure frees its slot.
        let Some((body, content_type, received_at)) = accepted.get(&departure.delivery.event).cloned() else {
            continue;
        };
        send_off(engine, departure, body, content_type, received_at);
    }
}

/// Of an event with the same key as one before it in the batch.
fn after(outcome: Outcome, event: &EventRow, repeat: &EventRow) -> Result<Outcome, AcceptError> {
    let same_body = repeat.body_sha256 == event.body_sha256;
    match outcome {
        Outcome::Accepted | Outcome::Replayed(_) => Ok(Outcome::Duplicate(FirstEvent { id: event.id, same_body })),
        Outcome::Duplicate(_) => Ok(outcome),
        Outcome::Refused(_) if same_body => Ok(outcome),
        // The key is free after all; the sender asks again.
        Outcome::Refused(_) => Err(AcceptError::Busy),
    }
}

/// Hands a delivery that was written with its lease to the dispatcher.
pub(crate) fn send_off(
    engine: &std::sync::Arc<Engine>,
    departure: Departure,
    body: bytes::Bytes,
    content_type: Option<String>,
    received_at: Timestamp,
) {
    let job = Job {
        delivery: departure.delivery.id,
        tenant: departure.delivery.tenant,
        event: departure.delivery.event,
        connection: departure.delivery.connection,
        token: departure.token,
        retries: 0,
        attempts: 0,
        asked_by: None,
        content_type,
        body,
        rendering: departure.rendering,
        received_at: Some(received_at),
        leased_at: std::time::Instant::now(),
        destination: departure.destination,
        slot: departure.slot,
    };
    dispatch::spawn(engine, job);
}

fn fail(batch: Vec<Submission>, cause: &StoreError) {
    tracing::error!(%cause, "{} accepted events could not be written; their senders were told to come back", batch.len());
    for submission in batch {
        let told = match cause {
            StoreError::Data { doing, cause } => StoreError::Data { doing, cause: cause.clone() },
            StoreError::Unavailable { doing, cause } => StoreError::Unavailable { doing, cause: cause.clone() },
            StoreError::Inconsistent { table, cause } => StoreError::Inconsistent { table, cause: cause.clone() },
        };
        reply(submission, Err(AcceptError::Store(told)));
    }
}

fn reply(submission: Submission, outcome: Result<Outcome, AcceptError>) {
    drop(submission.room);
    // The caller may have gone; what was committed stays.
    let _ = submission.reply.send(outcome);
}
