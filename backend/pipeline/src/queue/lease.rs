//! Gives what waits in a queue to who asks for it, and lets them wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use postern_domain::{
    Actor, AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, TenantScope, Timestamp,
    attempt::ResultKind,
    delivery::DeadReason,
    payload::PayloadFormat,
    queue::{MAX_BATCH, MAX_WAIT_S, check_lease_s, within},
};
use postern_store::{
    engine::Verdict,
    pull::{HeldPull, PullTerms, Pulled, PulledDelivery},
};
use tokio::sync::watch;

use super::{
    Ending, PullError, Queue, ended,
    gate::{Gate, LOOK_EVERY},
    settle, settlement,
};
use crate::{
    engine::Engine,
    entry::ConnectionEntry,
    metrics::Received,
    rendering::{Outgoing, Rendering},
};

/// Bodies of so many bytes in one answer; a single one may be larger.
const MAX_BYTES: i64 = 4 * 1024 * 1024;
/// So many calls wait at one queue of this process; who comes then is answered at once.
const MAX_WAITING: u32 = 256;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub max: u32,
    /// As the queue says, unless given.
    pub visibility_s: Option<u32>,
    pub wait_s: u32,
}

/// A delivery in the hands of who asked for it.
#[derive(Clone, Debug)]
pub struct Leased {
    pub receipt: AttemptId,
    pub delivery: DeliveryId,
    pub connection: ConnectionId,
    /// From 1, since it was last put into the queue by hand.
    pub receive_count: u32,
    pub leased_until: Timestamp,
    pub event: EventId,
    pub event_type: String,
    pub source: SourceId,
    pub received_at: Timestamp,
    /// Of the body as its connection hands it on.
    pub content_type: Option<String>,
    pub body: Bytes,
}

impl Wish {
    fn check(&self) -> Result<(), PullError> {
        within("max", self.max, (1, MAX_BATCH))?;
        within("wait_s", self.wait_s, (0, MAX_WAIT_S))?;
        if let Some(visibility_s) = self.visibility_s {
            check_lease_s("visibility_s", visibility_s)?;
        }
        Ok(())
    }
}

/// Leases what is due; if nothing is, waits for it as long as was asked, and answers an empty list then.
///
/// # Errors
/// [`PullError`].
pub async fn lease(
    engine: &Engine,
    (scope, actor): (TenantScope, &Actor),
    id: DestinationId,
    wish: Wish,
) -> Result<Vec<Leased>, PullError> {
    wish.check()?;
    Queue::find(engine, scope, id).await?;
    let caller = Caller { scope, asked_by: format!("{}:{}", actor.kind.as_str(), actor.id), wish };
    let gate = engine.gates.at(id);
    let mut changes = gate.changes.subscribe();
    let until = Instant::now() + Duration::from_secs(wish.wait_s.into());
    let found = take(engine, &caller, id, (&gate, Look::Always)).await?;
    if !found.is_empty() || wish.wait_s == 0 {
        return Ok(found);
    }
    let Some(_place) = Place::take(&gate) else { return Ok(found) };
    wait(engine, &caller, id, (&gate, &mut changes, until)).await
}

async fn wait(
    engine: &Engine,
    caller: &Caller,
    id: DestinationId,
    (gate, changes, until): (&Gate, &mut watch::Receiver<u64>, Instant),
) -> Result<Vec<Leased>, PullError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        tokio::select! {
            // The sender lives in the gate, which is held.
            _ = changes.changed() => {}
            () = engine.gates.closed() => {}
            () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
        }
        let found = take(engine, caller, id, (gate, Look::UnlessJustDone)).await?;
        if !found.is_empty() || engine.gates.is_closed() || until <= Instant::now() {
            return Ok(found);
        }
    }
}

struct Caller {
    scope: TenantScope,
    asked_by: String,
    wish: Wish,
}

/// One of those who may wait; given back when dropped.
struct Place<'g>(&'g Gate);

impl<'g> Place<'g> {
    fn take(gate: &'g Gate) -> Option<Self> {
        let more = |waiting| (waiting < MAX_WAITING).then_some(waiting + 1);
        gate.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self(gate))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Always,
    /// Somebody else of this process may have looked a moment ago, and found nothing.
    UnlessJustDone,
}

/// One try, in turn with the others who ask here.
async fn take(
    engine: &Engine,
    caller: &Caller,
    id: DestinationId,
    (gate, how): (&Gate, Look),
) -> Result<Vec<Leased>, PullError> {
    let mut turn = gate.turn.lock().await;
    // Read before the database is: what is committed from now on counts as a change.
    let changes = *gate.changes.borrow();
    let just_done = turn.is_some_and(|(seen, at)| seen == changes && at.elapsed() < LOOK_EVERY / 2);
    // It may have been paused or deleted while we waited.
    let queue = Queue::find(engine, caller.scope, id).await?;
    if !queue.entry.active {
        return Err(PullError::Paused);
    }
    if how == Look::UnlessJustDone && just_done {
        return Ok(Vec::new());
    }
    let lanes = queue.lanes(engine);
    let pulled = {
        let _permit = engine.gates.database().await;
        pull(engine, caller, &queue, &lanes).await?
    };
    *turn = pulled.is_empty().then(|| (changes, Instant::now()));
    drop(turn);
    hand_over(engine, (&queue, caller), pulled, lanes).await
}

async fn pull(
    engine: &Engine,
    caller: &Caller,
    queue: &Queue,
    lanes: &[Arc<ConnectionEntry>],
) -> Result<Vec<PulledDelivery>, PullError> {
    let (id, now, max_in_flight) = (queue.entry.id, engine.clock.now(), queue.settings.max_in_flight);
    let lanes: Vec<ConnectionId> = lanes.iter().map(|lane| lane.id).collect();
    let store = engine.store.tenant(caller.scope);
    let mut look = store.look_at_queue(id, &lanes, (now, max_in_flight)).await?;
    if look.has_ended {
        ended::take_back(engine, Some(id)).await?;
        look = store.look_at_queue(id, &lanes, (engine.clock.now(), max_in_flight)).await?;
    }
    if look.in_flight >= max_in_flight {
        return Err(PullError::Full(max_in_flight));
    }
    if !look.has_due {
        return Ok(Vec::new());
    }
    let visibility_s = caller.wish.visibility_s.unwrap_or(queue.settings.visibility_s);
    let terms = PullTerms {
        destination: id,
        lanes,
        now: engine.clock.now(),
        lease_ms: i64::from(visibility_s) * 1_000,
        max_in_flight,
        max_bytes: MAX_BYTES,
        asked_by: caller.asked_by.clone(),
        tokens: (0..caller.wish.max).map(|_| AttemptId::fresh()).collect(),
    };
    match store.pull(&terms).await? {
        Pulled::Leased(pulled) => Ok(pulled),
        Pulled::Full => Err(PullError::Full(max_in_flight)),
    }
}

/// As each connection hands its events on. What has no payload any more is ended, visibly.
async fn hand_over(
    engine: &Engine,
    (queue, caller): (&Queue, &Caller),
    pulled: Vec<PulledDelivery>,
    lanes: Vec<Arc<ConnectionEntry>>,
) -> Result<Vec<Leased>, PullError> {
    let formats: HashMap<ConnectionId, PayloadFormat> = lanes.iter().map(|lane| (lane.id, lane.payload)).collect();
    let (mut leased, mut sent, mut expired) = (Vec::with_capacity(pulled.len()), Vec::new(), Vec::new());
    for row in pulled {
        let Some(body) = row.body.clone() else {
            let ending = Ending {
                kind: ResultKind::Internal,
                at: row.leased_at,
                detail: Some("the payload is past its retention".to_owned()),
                verdict: Verdict::Dead(DeadReason::Expired),
            };
            expired.push(settlement(&held(queue, caller, &row), ending));
            continue;
        };
        let rendering = rendering(engine, formats.get(&row.connection).copied().unwrap_or_default(), &row);
        let outgoing = Outgoing::of(rendering.as_ref(), row.event, &body, row.content_type.as_deref()).await;
        sent.extend(outgoing.note.map(|note| (row.delivery, row.token, note)));
        leased.push(Leased {
            receipt: row.token,
            delivery: row.delivery,
            connection: row.connection,
            receive_count: u32::try_from(row.retries).unwrap_or(0).saturating_add(1),
            leased_until: row.leased_until,
            event: row.event,
            event_type: row.event_type,
            source: row.source,
            received_at: row.received_at,
            content_type: outgoing.content_type,
            body: outgoing.body,
        });
    }
    if let Err(cause) = engine.store.tenant(caller.scope).note_handed_over(&sent).await {
        // Its attempt will name the event's own body instead; that must not cost the caller what was leased.
        tracing::warn!(destination.id = %queue.entry.id, %cause, "What a queue handed over could not be noted");
    }
    settle(engine, expired).await?;
    let given = u64::try_from(leased.len()).unwrap_or(0);
    engine.metrics.receives.get_or_create(&Received { result: "leased" }).inc_by(given);
    Ok(leased)
}

fn held(queue: &Queue, caller: &Caller, row: &PulledDelivery) -> HeldPull {
    HeldPull {
        token: row.token,
        delivery: row.delivery,
        tenant: queue.entry.tenant,
        connection: row.connection,
        destination: queue.entry.id,
        retries: row.retries,
        attempts: row.attempts,
        leased_at: row.leased_at,
        leased_until: row.leased_until,
        sent: None,
        asked_by: caller.asked_by.clone(),
        has_ended: false,
        looked_at: row.leased_at,
    }
}

fn rendering(engine: &Engine, format: PayloadFormat, row: &PulledDelivery) -> Option<Rendering> {
    (format != PayloadFormat::Raw).then(|| Rendering {
        format,
        source: row.source,
        provider: engine.routing.read().provider(row.source),
        event_type: row.event_type.clone(),
        received_at: row.received_at,
    })
}
