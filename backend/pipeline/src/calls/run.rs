//! One try of a call: opens the request, sends it through the guarded client, and hands over what it came to.
//!
//! No transaction is open while the network is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use postern_domain::{
    CallId, Timestamp,
    attempt::{ResultKind, Timings},
    call::MAX_RESULT_BYTES,
};
use postern_egress::{Exchange, OutboundRequest};
use postern_store::calls::{Call, CallAttemptRow, CallRequest, ClaimedCall};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::settle::{self, Ended, Reason};
use crate::Engine;

/// Room for one call; given back once what it came to is written, so that a database that cannot write stops the calls by
/// itself.
pub(super) type Room = OwnedSemaphorePermit;

/// Why a try broke off.
enum Broken {
    CalledOff,
    Stopped,
}

pub(super) async fn run(engine: Arc<Engine>, claimed: ClaimedCall, room: Room) {
    let id = claimed.call.id;
    let signal = Arc::new(Notify::new());
    engine.calls.running.lock().insert(id, Arc::clone(&signal));
    engine.metrics.calls.running.inc();
    let reason = Box::pin(attempt(&engine, &claimed, &signal)).await;
    let settled = Box::pin(settle::settle(&engine, claimed.call, reason)).await;
    forget(&engine, id);
    engine.metrics.calls.running.dec();
    drop(room);
    match settled {
        Ok(Some(_)) => {}
        Ok(None) => tracing::info!(call.id = %id, "Call `{id}` was taken over; what its try came to decided nothing"),
        Err(cause) => {
            tracing::error!(call.id = %id, %cause, "What a try of call `{id}` came to could not be written; its lease will run out");
        }
    }
    engine.calls.wake.notify_one();
}

fn forget(engine: &Engine, id: CallId) {
    engine.calls.running.lock().remove(&id);
}

async fn attempt(engine: &Engine, claimed: &ClaimedCall, signal: &Notify) -> Reason {
    let call = &claimed.call;
    let started_at = engine.clock.now();
    let begun = Instant::now();
    let request = match engine.store.call_request(call.tenant, call.id).await {
        Ok(Some(request)) => request,
        Ok(None) => return unsent(engine, claimed, started_at, (ResultKind::Internal, "the request is gone")),
        Err(cause) if cause.is_unavailable() => return Reason::Released,
        Err(cause) => {
            tracing::error!(call.id = %call.id, %cause, "The request of call `{}` cannot be read", call.id);
            return unsent(engine, claimed, started_at, (ResultKind::Internal, "the request cannot be read"));
        }
    };
    if engine.tasks.stopping() || !engine.instance.is_live() {
        return Reason::Released;
    }
    let outbound = match outbound(engine, claimed, request) {
        Ok(outbound) => outbound,
        Err((kind, detail)) => return unsent(engine, claimed, started_at, (kind, &detail)),
    };
    engine.metrics.calls.attempts.inc();
    let exchange = tokio::select! {
        biased;
        exchange = Box::pin(engine.egress.send(outbound)) => Ok(exchange),
        () = signal.notified() => Err(Broken::CalledOff),
        () = engine.calls.until_interrupted() => Err(Broken::Stopped),
    };
    let total_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
    match exchange {
        Ok(exchange) => answered(engine, claimed, started_at, exchange),
        Err(broken) => {
            let detail = match broken {
                Broken::CalledOff => "it was called off while the request was under way; it may have left",
                Broken::Stopped => "the server stopped while the request was under way; it may have left",
            };
            let timings = Timings { total_us, ..Timings::default() };
            let row = row(engine, claimed, (started_at, ResultKind::Interrupted));
            let row = CallAttemptRow { timings, unknown: true, detail: Some(detail.to_owned()), ..row };
            Reason::Tried(Box::new(Ended::without_answer(row)))
        }
    }
}

fn outbound(
    engine: &Engine,
    claimed: &ClaimedCall,
    request: CallRequest,
) -> Result<OutboundRequest, (ResultKind, String)> {
    // The rules may have changed since it was taken in.
    let url = engine.egress.check_url(&request.url).map_err(|blocked| (ResultKind::Blocked, blocked.to_string()))?;
    let unusable = || (ResultKind::Internal, "the request could not be built".to_owned());
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| unusable())?);
    }
    Ok(OutboundRequest {
        method: Method::from_bytes(claimed.call.method.as_bytes()).map_err(|_| unusable())?,
        url,
        headers,
        body: request.body,
        timeout: Duration::from_millis(u64::try_from(claimed.timeout_ms).unwrap_or(0)),
        max_response_bytes: MAX_RESULT_BYTES,
        now: engine.clock.now(),
    })
}

fn answered(engine: &Engine, claimed: &ClaimedCall, started_at: Timestamp, exchange: Exchange) -> Reason {
    let row = CallAttemptRow {
        status: exchange.status,
        timings: exchange.timings,
        response_bytes: i64::try_from(exchange.body.len()).unwrap_or(i64::MAX),
        detail: exchange.detail.clone(),
        ..row(engine, claimed, (started_at, exchange.kind))
    };
    Reason::Tried(Box::new(Ended::with(row, exchange)))
}

/// Nothing left.
fn unsent(engine: &Engine, claimed: &ClaimedCall, at: Timestamp, (kind, detail): (ResultKind, &str)) -> Reason {
    let row = CallAttemptRow { detail: Some(detail.to_owned()), ..row(engine, claimed, (at, kind)) };
    Reason::Tried(Box::new(Ended::without_answer(row)))
}

fn row(engine: &Engine, claimed: &ClaimedCall, (started_at, kind): (Timestamp, ResultKind)) -> CallAttemptRow {
    CallAttemptRow {
        id: claimed.token,
        number: number(&claimed.call),
        started_at,
        ended_at: engine.clock.now(),
        kind,
        status: None,
        unknown: false,
        timings: Timings::default(),
        response_bytes: 0,
        detail: None,
    }
}

fn number(call: &Call) -> i32 {
    call.attempts.saturating_add(1)
}
