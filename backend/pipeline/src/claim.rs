//! The loop that leases what waits: retries, backlogs, what other replicas and past processes left.
//!
//! It looks only at lanes that are due and have room, in a round among tenants, so a destination that hangs with a
//! million waiting costs the others nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use postern_domain::{
    AttemptId, ConnectionId, TenantId, Timestamp, destination::DestinationKind, payload::PayloadFormat,
};
use postern_store::{
    StoreError,
    engine::{ClaimTerms, Claimed, LaneDue, LaneWish},
};

use crate::{
    dispatch::{self, Job},
    engine::Engine,
    entry::{ConnectionEntry, DestinationEntry},
    lanes::{Lanes, NoSlot, Slot},
    rendering::Rendering,
};

/// What one claim takes at most, in all and from one lane.
const CLAIM: usize = 256;
const LANE_CLAIM: u32 = 128;
/// How often the database is asked which lanes are due, beyond what this process knows.
const DISCOVER_EVERY: Duration = Duration::from_millis(500);
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(engine: Arc<Engine>) {
    let mut discovered_at: Option<Instant> = None;
    let mut unsure: Vec<AttemptId> = Vec::new();
    while !engine.tasks.stopping() {
        if let Err(cause) = give_back(&engine, &mut unsure).await {
            tracing::warn!(%cause, "A claim that failed could not be given back yet");
            pause(&engine, FAILURE_PAUSE).await;
            continue;
        }
        let rediscover = engine.lanes.take_rediscover();
        if rediscover || discovered_at.is_none_or(|at| at.elapsed() >= DISCOVER_EVERY) {
            discovered_at = Some(Instant::now());
            if let Err(cause) = discover(&engine).await {
                tracing::warn!(%cause, "Due deliveries could not be looked for");
                pause(&engine, FAILURE_PAUSE).await;
                continue;
            }
        }
        match round(&engine, &mut unsure).await {
            Ok(claimed) if claimed >= CLAIM => {}
            Ok(_) => {
                let wait = until_next(&engine).min(DISCOVER_EVERY);
                pause(&engine, wait).await;
            }
            Err(cause) => {
                tracing::warn!(%cause, "Due deliveries could not be claimed");
                pause(&engine, FAILURE_PAUSE).await;
            }
        }
    }
}

/// Waits to be woken, for at most `wait`.
async fn pause(engine: &Engine, wait: Duration) {
    tokio::select! {
        () = engine.lanes.wake.notified() => {}
        () = engine.tasks.stopped() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

fn until_next(engine: &Engine) -> Duration {
    let now = engine.clock.now();
    let (_, next) = engine.lanes.due(now);
    next.map_or(DISCOVER_EVERY, |at| Duration::from_millis(u64::try_from(at.ms_since(now)).unwrap_or(0) + 1))
}

async fn discover(engine: &Engine) -> Result<(), StoreError> {
    let mut lanes = engine.store.lanes_due().await?;
    leave_queues(engine, &mut lanes);
    let now = engine.clock.now();
    let oldest = lanes.iter().map(|lane| lane.due_at).min();
    let age_s = oldest.map_or(0.0, |at| f64::from(i32::try_from(now.ms_since(at).max(0)).unwrap_or(i32::MAX)) / 1e3);
    engine.metrics.oldest_due_seconds.set(age_s);
    engine.metrics.in_flight.set(i64::from(engine.lanes.in_flight()));
    engine.lanes.replace(lanes.into_iter().map(|lane| (lane.connection, lane.due_at)));
    Ok(())
}

/// What waits in a queue waits for somebody who asks, and is nobody's backlog here.
fn leave_queues(engine: &Engine, lanes: &mut Vec<LaneDue>) {
    let maps = engine.routing.read();
    let is_queue = |lane: &LaneDue| {
        let connection = maps.connection(lane.connection)?;
        Some(maps.destination(connection.destination)?.kind == DestinationKind::Queue)
    };
    lanes.retain(|lane| is_queue(lane) != Some(true));
}

struct Ready {
    lane: ConnectionId,
    connection: Arc<ConnectionEntry>,
    destination: Arc<DestinationEntry>,
    slots: Vec<Slot>,
}

/// A claim that failed may have leased something all the same, and nobody would deliver it until the lease runs out.
async fn give_back(engine: &Engine, unsure: &mut Vec<AttemptId>) -> Result<(), StoreError> {
    if !unsure.is_empty() {
        let freed = engine.store.unclaim(unsure).await?;
        unsure.clear();
        if freed > 0 {
            tracing::info!("{freed} deliveries of a claim that failed are due again");
            engine.lanes.rediscover();
        }
    }
    Ok(())
}

/// One claim. Answers how many were leased. While it is not known whether it was made, its tokens are `unsure`.
async fn round(engine: &Arc<Engine>, unsure: &mut Vec<AttemptId>) -> Result<usize, StoreError> {
    if !engine.instance.is_live() {
        return Ok(0);
    }
    let now = engine.clock.now();
    let mut ready = reserve(engine, now);
    if ready.is_empty() {
        return Ok(0);
    }
    let wishes: Vec<LaneWish> = ready
        .iter()
        .map(|lane| LaneWish { connection: lane.lane, most: u32::try_from(lane.slots.len()).unwrap_or(0) })
        .collect();
    let most: u32 = wishes.iter().map(|wish| wish.most).sum();
    let tokens: Vec<AttemptId> = (0..most).map(|_| AttemptId::fresh()).collect();
    let terms = ClaimTerms { now, instance: engine.instance.id(), lease_ms: engine.options.lease_ms, tokens };
    let leased_at = Instant::now();
    let claimed = match engine.store.claim(&wishes, &terms).await {
        Ok(claimed) => claimed,
        Err(cause) => {
            *unsure = terms.tokens;
            return Err(cause);
        }
    };
    let count = claimed.len();
    let mut got: HashMap<ConnectionId, u32> = HashMap::new();
    for row in claimed {
        *got.entry(row.connection).or_default() += 1;
        let Some(lane) = ready.iter_mut().find(|lane| lane.lane == row.connection) else { continue };
        let Some(slot) = lane.slots.pop() else { continue };
        start(engine, row, lane, (slot, leased_at));
    }
    for wish in &wishes {
        if got.get(&wish.connection).copied().unwrap_or(0) < wish.most {
            engine.lanes.drained(wish.connection);
        }
    }
    Ok(count)
}

/// Takes slots for due lanes, one at a time in a round among tenants, until the claim is full or no room is left.
fn reserve(engine: &Engine, now: Timestamp) -> Vec<Ready> {
    let (due, _) = engine.lanes.due(now);
    let mut tenants: HashMap<TenantId, VecDeque<Ready>> = HashMap::new();
    {
        let maps = engine.routing.read();
        for (lane, _) in due {
            let Some(connection) = maps.connection(lane).filter(|connection| !connection.paused) else { continue };
            let Some(destination) = maps.destination(connection.destination).filter(|entry| entry.active) else {
                continue;
            };
            if destination.kind == DestinationKind::Queue || !Lanes::worth_a_claim(destination) {
                continue;
            }
            let ready = Ready {
                lane,
                connection: Arc::clone(connection),
                destination: Arc::clone(destination),
                slots: Vec::new(),
            };
            tenants.entry(connection.tenant).or_default().push_back(ready);
        }
    }
    let mut done = Vec::new();
    let mut taken = 0;
    let mut round: VecDeque<VecDeque<Ready>> = tenants.into_values().collect();
    while taken < CLAIM
        && let Some(mut lanes) = round.pop_front()
    {
        let Some(mut lane) = lanes.pop_front() else { continue };
        match engine.lanes.take_slot(&lane.destination) {
            Ok(slot) => {
                lane.slots.push(slot);
                taken += 1;
                if lane.slots.len() < usize::try_from(LANE_CLAIM).unwrap_or(usize::MAX) {
                    lanes.push_back(lane);
                } else {
                    done.push(lane);
                }
            }
            Err(no_slot) => {
                if let NoSlot::Limited(wait) = no_slot
                    && lane.slots.is_empty()
                {
                    engine
                        .lanes
                        .put_off(lane.lane, now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX) + 1));
                }
                done.push(lane);
            }
        }
        if !lanes.is_empty() {
            round.push_back(lanes);
        }
    }
    done.extend(round.into_iter().flatten());
    done.retain(|lane| !lane.slots.is_empty());
    done
}

fn start(engine: &Arc<Engine>, row: Claimed, lane: &Ready, (mut slot, leased_at): (Slot, Instant)) {
    let rendering = rendering(engine, &lane.connection, &row);
    let has_body = row.body.is_some();
    let body = row.body.unwrap_or_default();
    slot.hold_bytes(body.len());
    let job = Job {
        delivery: row.delivery,
        tenant: row.tenant,
        event: row.event,
        connection: row.connection,
        token: row.token,
        retries: row.retries,
        attempts: row.attempts,
        asked_by: row.asked_by,
        content_type: row.content_type,
        body,
        rendering,
        received_at: None,
        leased_at,
        destination: Arc::clone(&lane.destination),
        slot,
    };
    if has_body {
        dispatch::spawn(engine, job);
    } else {
        dispatch::expire(engine, job);
    }
}

fn rendering(engine: &Engine, connection: &ConnectionEntry, row: &Claimed) -> Option<Box<Rendering>> {
    (connection.payload != PayloadFormat::Raw).then(|| {
        Box::new(Rendering {
            format: connection.payload,
            source: row.source,
            provider: engine.routing.read().provider(row.source),
            event_type: row.event_type.clone(),
            received_at: row.received_at,
        })
    })
}
