//! What follows on a try, a deadline or somebody's wish, decided and written: one step, and at the end of a call its
//! event, routed by the newest configuration, in the same transaction.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use postern_domain::{
    Actor, EventId, Timestamp,
    call::{CallError, CallState, Failure, Standing, Tried, Verdict, judge},
};
use postern_egress::Exchange;
use postern_store::{
    StoreError,
    calls::{Call, CallAttemptRow, CallEnd, CallFence, CallResponse, CallSettle, CallSettled, CallStep},
    engine::AcceptBatch,
};
use serde_json::Value;

use super::event;
use crate::{
    Engine, headers,
    polling::{figures::Ending, hand_over},
    writer::{Routed, give_back, route},
};

/// A transaction that the database did not answer is repeated so often as it is; after that its deliveries are routed
/// anew each time.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// Of a server that stops.
const LAST_ROUNDS: usize = 2;

/// Why a call moves on.
#[derive(Debug)]
pub(super) enum Reason {
    Tried(Box<Ended>),
    /// Its deadline passed while it waited.
    Overdue,
    /// Somebody called it off while it waited.
    CalledOff(Actor),
    /// Nothing was sent: the lease is given back.
    Released,
}

/// A try that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    attempt: CallAttemptRow,
    tried: Tried,
    answer: Option<Answer>,
}

#[derive(Debug)]
struct Answer {
    response: CallResponse,
    body: Bytes,
}

/// What is to be written, but for the event.
struct Plan {
    to: CallState,
    why: String,
    actor: Actor,
    due_at: Option<Timestamp>,
    retries: u32,
    error: Option<CallError>,
}

impl Ended {
    /// Without an answer; `attempt.unknown` says whether the request may have left.
    pub(super) fn without_answer(attempt: CallAttemptRow) -> Self {
        let tried = Tried { kind: attempt.kind, status: None, retry_after_s: None, may_have_left: attempt.unknown };
        Self { attempt, tried, answer: None }
    }

    pub(super) fn with(mut attempt: CallAttemptRow, exchange: Exchange) -> Self {
        let tried = Tried {
            kind: exchange.kind,
            status: exchange.status,
            retry_after_s: exchange.retry_after,
            may_have_left: exchange.may_have_left,
        };
        attempt.unknown = tried.is_unknown();
        let answer = exchange.status.map(|status| Answer {
            response: CallResponse {
                status,
                headers: serde_json::from_str(&headers::as_json(&exchange.headers, usize::MAX)).unwrap_or(Value::Null),
                content_type: content_type(&exchange),
                body_bytes: u64::try_from(exchange.body.len()).unwrap_or(u64::MAX),
                truncated: exchange.truncated,
            },
            body: exchange.body,
        });
        Self { attempt, tried, answer }
    }

    fn detail(&self) -> String {
        match (self.tried.status, &self.attempt.detail) {
            (Some(status), _) => format!("the upstream answered {status}"),
            (None, Some(detail)) => detail.clone(),
            (None, None) => self.tried.kind.as_str().to_owned(),
        }
    }
}

fn content_type(exchange: &Exchange) -> Option<String> {
    let value = exchange.headers.get(http::header::CONTENT_TYPE)?;
    value.to_str().ok().map(|text| text.chars().take(255).collect())
}

/// Writes what follows. Gives the state it led to; `None` when somebody else has gone on with the call.
///
/// # Errors
/// When the database refuses it, or does not answer and the engine stops.
pub(super) async fn settle(
    engine: &Arc<Engine>,
    mut call: Call,
    reason: Reason,
) -> Result<Option<CallState>, StoreError> {
    let chance: f64 = rand::random();
    let mut rounds = 0;
    // Of one end there is one event, however often it is written.
    let mut event_id = EventId::fresh();
    loop {
        match settle_as(engine, &call, (&reason, event_id), chance).await {
            Ok(Settled::Moved(now)) => {
                call = *now;
                event_id = EventId::fresh();
            }
            Ok(Settled::To(state)) => return Ok(Some(state)),
            Ok(Settled::LostLease) => return Ok(None),
            Err(cause) if cause.is_unavailable() => {
                rounds += 1;
                // Only who made the try has an answer to lose: the others are found again.
                let is_own = call.lease.is_some_and(|lease| lease.by == engine.instance.id());
                if !is_own || (engine.tasks.stopping() && rounds >= LAST_ROUNDS) {
                    return Err(cause);
                }
                let id = call.id;
                tracing::warn!(call.id = %id, %cause, "What call `{id}` came to could not be written yet");
                tokio::time::sleep(LONG_PAUSE).await;
            }
            Err(cause) => return Err(cause),
        }
    }
}

enum Settled {
    To(CallState),
    Moved(Box<Call>),
    LostLease,
}

async fn settle_as(
    engine: &Arc<Engine>,
    call: &Call,
    (reason, event_id): (&Reason, EventId),
    chance: f64,
) -> Result<Settled, StoreError> {
    let now = engine.clock.now();
    let plan = plan(call, reason, now, chance);
    let ended = match reason {
        Reason::Tried(ended) => Some(&**ended),
        _ => None,
    };
    let step = CallStep {
        version: call.version.saturating_add(1),
        from: Some(call.state),
        to: plan.to,
        at: now,
        actor: plan.actor.clone(),
        why: plan.why.clone(),
    };
    let end = plan.to.is_final().then(|| {
        let answer = ended.and_then(|ended| ended.answer.as_ref());
        CallEnd {
            completed_at: now,
            expires_at: now.plus_secs(i64::from(call.policy.result_ttl_s)),
            response: answer.map(|answer| answer.response.clone()),
            result: answer.map(|answer| answer.body.clone()).unwrap_or_default(),
            error: plan.error.clone(),
            event: event_id,
        }
    });
    let settle = CallSettle {
        id: call.id,
        tenant: call.tenant,
        fence: CallFence { version: call.version, token: call.lease.map(|lease| lease.token) },
        step: &step,
        attempt: ended.map(|ended| &ended.attempt),
        due_at: plan.due_at,
        attempts: call.attempts.saturating_add(i32::from(ended.is_some())),
        retries: plan.retries,
        end: end.as_ref(),
        accept: None,
    };
    write(engine, call, settle).await
}

async fn write(engine: &Arc<Engine>, call: &Call, settle: CallSettle<'_>) -> Result<Settled, StoreError> {
    let (to, at) = (settle.step.to, settle.step.at);
    let Some(end) = settle.end else {
        return match engine.store.settle_call(&settle).await? {
            CallSettled::Written => Ok(Settled::To(to)),
            CallSettled::Moved(now) => Ok(Settled::Moved(now)),
            CallSettled::LostLease | CallSettled::StaleConfig => Ok(Settled::LostLease),
        };
    };
    let source = engine.routing.source(call.source).await?;
    let ended = event::of(call, source.as_deref(), (&settle, end));
    let mut failures = 0;
    let mut prepared: Option<(AcceptBatch, Routed)> = None;
    loop {
        let (rows, routed) = prepared.take().unwrap_or_else(|| prepare(engine, &ended));
        match engine.store.settle_call(&CallSettle { accept: Some(&rows), ..settle.clone() }).await {
            Ok(CallSettled::Written) => {
                hand_over(engine, &rows, routed, HashMap::new());
                tell(engine, call, (to, at));
                return Ok(Settled::To(to));
            }
            Ok(CallSettled::LostLease) => return Ok(Settled::LostLease),
            Ok(CallSettled::Moved(now)) => return Ok(Settled::Moved(now)),
            Ok(CallSettled::StaleConfig) => {
                drop(routed);
                engine.routing.refresh().await?;
            }
            Err(cause) if cause.is_unavailable() && failures + 1 < TRIES => {
                failures += 1;
                tracing::warn!(%cause, "Commit {failures} of {TRIES} of the end of a call failed, trying again");
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

fn prepare(engine: &Engine, event: &postern_store::engine::EventRow) -> (AcceptBatch, Routed) {
    let now = engine.clock.now();
    let (mut routed, mut event) = (Routed::default(), event.clone());
    let maps = engine.routing.read();
    route(engine, &maps, &event, now, &mut routed);
    event.filtered = routed.filtered;
    let rows = AcceptBatch {
        config_version: maps.version,
        now,
        instance: engine.instance.id(),
        lease_ms: engine.options.lease_ms,
        events: vec![event],
        deliveries: std::mem::take(&mut routed.deliveries),
        repeated: false,
    };
    (rows, routed)
}

/// Those who wait, and the figures.
fn tell(engine: &Engine, call: &Call, (to, at): (CallState, Timestamp)) {
    let figures = &engine.metrics.calls;
    figures.ended.get_or_create(&Ending { state: to.as_str() }).inc();
    let took_ms = at.ms_since(call.not_before).max(0);
    figures.duration.observe(f64::from(u32::try_from(took_ms).unwrap_or(u32::MAX)) / 1e3);
    // Nobody may be waiting.
    let _ = engine.calls.ended.send(call.id);
    tracing::debug!(call.id = %call.id, state = to.as_str(), "Call `{}` is {to}", call.id);
}

fn plan(call: &Call, reason: &Reason, now: Timestamp, chance: f64) -> Plan {
    let ended = |to: CallState, why: String, error: Option<CallError>| Plan {
        to,
        why,
        actor: Actor::engine(),
        due_at: None,
        retries: call.retries,
        error,
    };
    let is_called_off = call.state == CallState::Cancelling;
    match reason {
        Reason::Tried(tried) => after_try(call, tried, now, chance),
        Reason::Overdue => {
            let why = format!("the deadline, {}, passed", call.deadline_at);
            ended(CallState::Expired, why.clone(), Some(Failure::Expired.explained(None, &why)))
        }
        Reason::CalledOff(actor) => {
            let why = "it was cancelled before a request was under way";
            let error = Some(Failure::Cancelled.explained(None, why));
            Plan { actor: actor.clone(), ..ended(CallState::Cancelled, "cancelled".to_owned(), error) }
        }
        Reason::Released if is_called_off => {
            let why = "it was cancelled before anything was sent";
            ended(CallState::Cancelled, why.to_owned(), Some(Failure::Cancelled.explained(None, why)))
        }
        Reason::Released => {
            let back = ended(CallState::Queued, "nothing was sent; given back".to_owned(), None);
            Plan { due_at: Some(now), ..back }
        }
    }
}

fn after_try(call: &Call, ended: &Ended, now: Timestamp, chance: f64) -> Plan {
    let standing = Standing {
        retries: call.retries,
        is_called_off: call.state == CallState::Cancelling,
        now,
        deadline_at: call.deadline_at,
    };
    let (mut retries, mut next) = (call.retries, None);
    let detail = ended.detail();
    let failed = |failure: Failure| Some(failure.explained(Some(&ended.tried), &detail));
    let (to, error) = match judge(&call.policy.retry, &ended.tried, &standing, chance) {
        Verdict::Succeeded => (CallState::Succeeded, None),
        Verdict::Failed(failure) => (CallState::Failed, failed(failure)),
        Verdict::Expired => (CallState::Expired, failed(Failure::Expired)),
        Verdict::Cancelled => (CallState::Cancelled, failed(Failure::Cancelled)),
        Verdict::Again { due_at, retries: spent } => {
            (retries, next) = (spent, Some(due_at));
            (CallState::RetryWait, None)
        }
    };
    Plan { to, why: detail, actor: Actor::engine(), due_at: next, retries, error }
}
