//! One attempt: sign, send, judge, hand over to be settled.
//!
//! No transaction is open while the network is. Before anything leaves, the lease must still cover the whole exchange.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, header};
use postern_domain::{
    Actor, AttemptId, ConnectionId, DeliveryId, EventId, TenantId, Timestamp,
    actor::ActorKind,
    attempt::{MAX_RESPONSE_BYTES, ResultKind, Timings},
    delivery::DeadReason,
    destination::DestinationKind,
    retry::{self, Next, Outcome},
};
use postern_egress::{Exchange, OutboundRequest};
use postern_store::engine::{AttemptRow, SentBody, Settlement, Verdict, bins::BinRequest};

use crate::{
    engine::Engine,
    entry::DestinationEntry,
    headers,
    lanes::Slot,
    rendering::{Outgoing, Rendering},
    writer::Settled,
};

/// The lease must outlive the request's deadline by so much, or two processes could deliver the same row.
pub(crate) const LEASE_MARGIN: Duration = Duration::from_secs(5);

pub(crate) const USER_AGENT: &str = concat!("Postern/", env!("CARGO_PKG_VERSION"));

/// A leased delivery with all that its attempt needs.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) delivery: DeliveryId,
    pub(crate) tenant: TenantId,
    pub(crate) event: EventId,
    pub(crate) connection: ConnectionId,
    pub(crate) token: AttemptId,
    pub(crate) retries: i32,
    pub(crate) attempts: i32,
    /// The person or key who asked for this try, as `kind:id`.
    pub(crate) asked_by: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
    /// Of a connection that does not send the body as it came.
    pub(crate) rendering: Option<Box<Rendering>>,
    /// Of a first try, for the end-to-end figure.
    pub(crate) received_at: Option<Timestamp>,
    pub(crate) leased_at: Instant,
    pub(crate) destination: Arc<DestinationEntry>,
    pub(crate) slot: Slot,
}

pub(crate) fn spawn(engine: &Arc<Engine>, job: Job) {
    let tasks = engine.tasks.clone();
    let engine = Arc::clone(engine);
    tasks.spawn("attempt", async move { attempt(&engine, job).await });
}

async fn attempt(engine: &Engine, job: Job) {
    let lease = Duration::from_millis(u64::try_from(engine.options.lease_ms).unwrap_or(0));
    let needed = Duration::from_millis(u64::from(job.destination.timeout_ms)) + LEASE_MARGIN;
    let turn = job.destination.runtime.turn().await;
    let started_at = engine.clock.now();
    if job.leased_at.elapsed() + needed > lease || !engine.instance.is_live() {
        return settle(engine, job, Verdict::Released, Tried::none(started_at));
    }
    let tried = match AssertUnwindSafe(send(engine, &job, started_at)).catch_unwind().await {
        Ok(tried) => tried,
        Err(_) => {
            let id = job.delivery;
            tracing::error!(delivery.id = %id, "The attempt of delivery `{id}` panicked");
            Tried::internal(started_at, "an internal error")
        }
    };
    drop(turn);
    let verdict = judge(engine, &job, &tried).await;
    settle(engine, job, verdict, tried);
}

/// What one try came to.
struct Tried {
    started_at: Timestamp,
    headers: HeaderMap,
    sent: Option<SentBody>,
    exchange: Exchange,
}

impl Tried {
    fn none(started_at: Timestamp) -> Self {
        Self::internal(started_at, "")
    }

    fn internal(started_at: Timestamp, detail: &str) -> Self {
        Self { started_at, headers: HeaderMap::new(), sent: None, exchange: failed(ResultKind::Internal, detail) }
    }
}

fn failed(kind: ResultKind, detail: &str) -> Exchange {
    Exchange {
        kind,
        status: None,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        truncated: false,
        retry_after: None,
        timings: Timings::default(),
        detail: Some(detail.to_owned()).filter(|text| !text.is_empty()),
        may_have_left: false,
    }
}

async fn send(engine: &Engine, job: &Job, now: Timestamp) -> Tried {
    let outgoing = Outgoing::of(job.rendering.as_deref(), job.event, &job.body, job.content_type.as_deref()).await;
    let headers = match signed_headers(job, &outgoing, now) {
        Ok(headers) => headers,
        Err(cause) => {
            return Tried::internal(now, &format!("the request could not be built: {cause}"));
        }
    };
    let exchange = match job.destination.kind {
        DestinationKind::Http => match job.destination.checked_url(&engine.egress) {
            Ok(url) => {
                let request = OutboundRequest {
                    method: Method::POST,
                    url,
                    headers: headers.clone(),
                    body: outgoing.body.clone(),
                    timeout: Duration::from_millis(u64::from(job.destination.timeout_ms)),
                    max_response_bytes: MAX_RESPONSE_BYTES,
                    now,
                };
                engine.egress.send(request).await
            }
            Err(blocked) => failed(ResultKind::Blocked, &blocked.to_string()),
        },
        DestinationKind::Bin => Box::pin(receive_in_bin(engine, job, (&headers, outgoing.body.clone()), now)).await,
        // The claim passes queues by; should one come here, nothing leaves.
        DestinationKind::Queue => failed(ResultKind::Internal, "a queue is asked, and nothing is sent to it"),
    };
    Tried { started_at: now, headers, sent: outgoing.note, exchange }
}

fn signed_headers(job: &Job, outgoing: &Outgoing, now: Timestamp) -> Result<HeaderMap, header::InvalidHeaderValue> {
    let id = job.event.to_string();
    let signature = job.destination.signing_key.sign(&id, now.as_secs(), &outgoing.body);
    let mut headers = HeaderMap::with_capacity(5 + job.destination.headers.len());
    if let Some(content_type) = &outgoing.content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type)?);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert("webhook-id", HeaderValue::try_from(id)?);
    headers.insert("webhook-timestamp", HeaderValue::from(now.as_secs()));
    headers.insert("webhook-signature", HeaderValue::try_from(signature)?);
    for (name, value) in &job.destination.headers {
        headers.insert(name, value.clone());
    }
    Ok(headers)
}

async fn receive_in_bin(engine: &Engine, job: &Job, (headers, body): (&HeaderMap, Bytes), now: Timestamp) -> Exchange {
    let begun = Instant::now();
    let request = BinRequest {
        tenant: job.tenant,
        destination: job.destination.id,
        event: job.event,
        delivery: job.delivery,
        at: now,
        headers: headers::as_json(headers, usize::MAX),
        body,
    };
    match engine.store.bin_receive(&request).await {
        Ok(status) => {
            let total_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
            let body = if status == 200 { "kept" } else { "failing, as it was told to" };
            Exchange {
                status: Some(status),
                body: Bytes::from_static(body.as_bytes()),
                timings: Timings { total_us, first_byte_us: Some(total_us), ..Timings::default() },
                ..failed(ResultKind::Answered, "")
            }
        }
        Err(cause) => {
            let id = job.delivery;
            tracing::warn!(delivery.id = %id, %cause, "The bin could not keep delivery `{id}`");
            failed(ResultKind::Internal, "the bin could not keep the request")
        }
    }
}

/// What follows, and what the destination's health makes of it.
async fn judge(engine: &Engine, job: &Job, tried: &Tried) -> Verdict {
    let exchange = &tried.exchange;
    let outcome = Outcome { kind: exchange.kind, status: exchange.status, retry_after_s: exchange.retry_after };
    let retries = u32::try_from(job.retries).unwrap_or(0);
    let chance: f64 = rand::random();
    let next = retry::next(&job.destination.retry, retries, &outcome, engine.clock.now(), chance);
    // What is rare is boxed: every attempt carries the room of all it might do.
    if let Some(failing) = job.destination.runtime.note_outcome(outcome.is_success()) {
        Box::pin(note_health(engine, job, failing)).await;
    }
    match next {
        Next::Delivered => Verdict::Delivered,
        Next::Dead(reason) => Verdict::Dead(reason),
        Next::Again(due_at) => Verdict::Again { due_at, retries: job.retries.saturating_add(1) },
        Next::HoldDestination(due_at) => {
            Box::pin(hold_gone(engine, job)).await;
            Verdict::Again { due_at, retries: job.retries }
        }
    }
}

/// Writes that a destination began to fail, or recovered: once for each change, and not for every stumble.
async fn note_health(engine: &Engine, job: &Job, failing: bool) {
    let since = failing.then(|| engine.clock.now());
    if let Err(cause) = engine.store.note_failing(job.destination.id, since).await {
        tracing::warn!(destination.id = %job.destination.id, %cause, "The health of a destination could not be noted");
    }
}

async fn hold_gone(engine: &Engine, job: &Job) {
    let reason = "it answered 410 Gone: resume it when it is back, or delete it";
    let scope = postern_domain::TenantScope::from_owned_row(job.tenant);
    if let Err(cause) = engine.store.hold_destination(scope, job.destination.id, reason).await {
        tracing::warn!(destination.id = %job.destination.id, %cause, "A destination that is gone could not be held");
    }
    if let Err(cause) = engine.routing.refresh().await {
        tracing::warn!(%cause, "The configuration could not be read again");
    }
}

fn settle(engine: &Engine, job: Job, verdict: Verdict, tried: Tried) {
    let Tried { started_at, headers, sent, exchange } = tried;
    let (actor_kind, actor_id) = actor(job.asked_by.as_deref());
    if let Verdict::Again { due_at, .. } = verdict {
        let (id, status) = (job.delivery, exchange.status);
        tracing::info!(delivery.id = %id, attempt.number = job.attempts + 1, kind = exchange.kind.as_str(), status,
            "Delivery `{id}` was not acknowledged, trying again at {due_at}");
    } else if let Verdict::Dead(reason) = verdict {
        let (id, status) = (job.delivery, exchange.status);
        tracing::warn!(delivery.id = %id, attempt.number = job.attempts + 1, kind = exchange.kind.as_str(), status,
            "Delivery `{id}` is dead: {}", reason.as_str());
    }
    let url = match job.destination.kind {
        DestinationKind::Http => job.destination.url.clone(),
        DestinationKind::Bin => "bin".to_owned(),
        DestinationKind::Queue => format!("queue:{}", job.destination.id),
    };
    let attempt = AttemptRow {
        id: job.token,
        tenant: job.tenant,
        delivery: job.delivery,
        destination: job.destination.id,
        number: job.attempts.saturating_add(1),
        actor_kind,
        actor_id,
        started_at,
        timings: exchange.timings,
        method: "POST".to_owned(),
        url,
        sent,
        request_headers: headers::as_json(&headers, usize::MAX),
        response_headers: exchange.status.map(|_| headers::as_json(&exchange.headers, usize::MAX)),
        kind: exchange.kind,
        status: exchange.status,
        body: exchange.body,
        truncated: exchange.truncated,
        detail: exchange.detail,
    };
    let settlement = Settlement { verdict, attempt, settled_at: engine.clock.now() };
    let settled = Settled { settlement, received_at: job.received_at, connection: job.connection, slot: job.slot };
    // The writer lives as long as the engine.
    let _ = engine.settled.send(settled);
}

fn actor(asked_by: Option<&str>) -> (String, String) {
    let asked = asked_by.and_then(|text| text.split_once(':'));
    match asked.and_then(|(kind, id)| ActorKind::parse(kind).map(|kind| (kind, id))) {
        Some((kind, id)) => (kind.as_str().to_owned(), id.to_owned()),
        None => (Actor::engine().kind.as_str().to_owned(), String::new()),
    }
}

/// Ends a delivery whose payload is past its retention: there is nothing to send.
pub(crate) fn expire(engine: &Engine, job: Job) {
    let mut tried = Tried::internal(engine.clock.now(), "the payload is past its retention");
    tried.exchange.kind = ResultKind::Internal;
    settle(engine, job, Verdict::Dead(DeadReason::Expired), tried);
}
