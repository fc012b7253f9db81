//! What happened to a delivery and what comes next, in plain words.

use postern_domain::{Timestamp, attempt::ResultKind, delivery::DeliveryState, queue::QueueSettings};
use postern_frontend::{format, state::State};
use postern_store::{
    read::{Attempt, Delivery},
    tenant::{Connection, Destination, DestinationState, RunState},
};

/// A delivery's surroundings; what was deleted is missing.
pub(super) struct Around<'a> {
    pub(super) destination: Option<&'a Destination>,
    pub(super) connection: Option<&'a Connection>,
    pub(super) now: Timestamp,
}

/// What comes next of a delivery, or why nothing does.
pub(super) fn next_step(delivery: &Delivery, around: &Around<'_>) -> String {
    let tries = format::counted(delivery.attempts.into(), "try", "tries");
    if let Some(text) = queue(around.destination).and_then(|_| next_in_queue(delivery, around.now)) {
        return text;
    }
    match delivery.state {
        DeliveryState::Pending => match delivery.due_at {
            Some(due) => {
                let which = if delivery.attempts == 0 { "first" } else { "next" };
                let (at, now) = (due.as_micros(), around.now.as_micros());
                format!("{which} try at {} ({})", format::moment(at).shown, format::distance(at, now))
            }
            None => "waits for its turn".to_owned(),
        },
        DeliveryState::Leased => "a try is under way".to_owned(),
        DeliveryState::Held => held(around).to_owned(),
        DeliveryState::Delivered => String::new(),
        DeliveryState::Dead if delivery.reason.as_deref() == Some("expired") => {
            "given up: its event reached the end of its retention while it still waited".to_owned()
        }
        DeliveryState::Dead => {
            format!("gave up after {tries}: retry it by hand when the destination is fixed")
        }
        DeliveryState::Cancelled => "cancelled: retry it by hand if it should be sent after all".to_owned(),
    }
}

fn queue(destination: Option<&Destination>) -> Option<QueueSettings> {
    destination.and_then(|found| found.queue)
}

/// Where a program has to ask for it.
fn next_in_queue(delivery: &Delivery, now: Timestamp) -> Option<String> {
    match delivery.state {
        DeliveryState::Pending => Some(match delivery.due_at.filter(|due| *due > now) {
            Some(due) => {
                let (at, now) = (due.as_micros(), now.as_micros());
                format!("can be leased from {} ({})", format::moment(at).shown, format::distance(at, now))
            }
            None => "waits in the queue to be leased".to_owned(),
        }),
        DeliveryState::Leased => Some("leased: waits to be acknowledged or given back".to_owned()),
        DeliveryState::Dead if delivery.reason.as_deref() != Some("expired") => {
            let receives = format::counted(delivery.attempts.into(), "receive", "receives");
            Some(format!("gave up after {receives} without an acknowledgement: retry it by hand to put it back"))
        }
        DeliveryState::Cancelled => Some("cancelled: retry it by hand to put it back".to_owned()),
        DeliveryState::Dead | DeliveryState::Held | DeliveryState::Delivered => None,
    }
}

fn held(around: &Around<'_>) -> &'static str {
    let (Some(destination), Some(connection)) = (around.destination, around.connection) else {
        return "held: its connection or its destination was deleted, so there is nowhere to send it";
    };
    match (destination.state, connection.state) {
        (DestinationState::Paused, _) => "held: the destination is paused",
        (DestinationState::Held, _) => "held: the destination said that it is gone; resume it when it is back",
        (DestinationState::Active, RunState::Paused) => "held: the connection is paused",
        (DestinationState::Active, RunState::Active) => "held a moment ago; it goes on now",
    }
}

/// `3 of 12 tries`, `1 of 5 receives`; by hand there may be more of them than the schedule has.
pub(super) fn tries(delivery: &Delivery, destination: Option<&Destination>) -> String {
    let (planned, one, more) = match queue(destination) {
        Some(queue) => (Some(u64::from(queue.max_receives)), "receive", "receives"),
        None => (destination.map(|found| found.retry.schedule_s.len() as u64 + 1), "try", "tries"),
    };
    let made = u64::from(delivery.attempts);
    match planned.filter(|planned| made <= *planned && !delivery.state.is_final()) {
        Some(planned) => format!("{} of {}", format::count(made), format::counted(planned, one, more)),
        None => format::counted(made, one, more),
    }
}

pub(super) fn is_success(attempt: &Attempt) -> bool {
    match attempt.kind {
        ResultKind::Acknowledged => true,
        ResultKind::Answered => attempt.status.is_some_and(|status| (200..300).contains(&status)),
        _ => false,
    }
}

pub(super) fn attempt_state(attempt: &Attempt) -> State {
    if is_success(attempt) { State::Delivered } else { State::Failed }
}

/// `503 Service Unavailable`.
pub(super) fn status_text(status: u16) -> String {
    let reason = actix_web::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// `503 Service Unavailable`, `connection refused`.
pub(super) fn result(attempt: &Attempt) -> String {
    if let Some(status) = attempt.status {
        return status_text(status);
    }
    let word = match attempt.kind {
        ResultKind::Answered => "answered",
        ResultKind::Timeout => "no answer in time",
        ResultKind::Dns => "name not found",
        ResultKind::Connect => "no connection",
        ResultKind::Tls => "TLS failed",
        ResultKind::Blocked => "address not allowed",
        ResultKind::TooLarge => "answer too large",
        ResultKind::Interrupted => "interrupted",
        ResultKind::Superseded => "superseded",
        ResultKind::Internal => "internal fault",
        ResultKind::Acknowledged => "acknowledged",
        ResultKind::Rejected => "given back",
        ResultKind::LeaseExpired => "lease ran out",
    };
    match &attempt.detail {
        Some(detail) => format!("{word}: {detail}"),
        None => word.to_owned(),
    }
}

/// It may have been processed though no answer came.
pub(super) const fn is_unknown(kind: ResultKind) -> bool {
    matches!(kind, ResultKind::Timeout | ResultKind::Interrupted | ResultKind::LeaseExpired)
}

/// What the result means, in a sentence.
pub(super) fn explanation(attempt: &Attempt) -> &'static str {
    match attempt.kind {
        ResultKind::Answered => status_words(attempt.status.unwrap_or_default()),
        ResultKind::Timeout => "The destination did not answer within its timeout. The outcome is unknown.",
        ResultKind::Dns => "The host name of the destination could not be resolved. Nothing was sent.",
        ResultKind::Connect => "The destination took no connection. Nothing was sent.",
        ResultKind::Tls => "No secure connection came about, for example because of its certificate. Nothing was sent.",
        ResultKind::Blocked => {
            "The host name leads to an address that Postern does not send to, such as one of a private network. Nothing \
             was sent."
        }
        ResultKind::TooLarge => "The headers of the answer were larger than Postern reads. It may have been processed.",
        ResultKind::Interrupted => "Postern stopped while the request was under way. It may have been processed.",
        ResultKind::Superseded => "It ended after another try had taken its place, and decided nothing.",
        ResultKind::Internal => "The fault is Postern's own, not the destination's.",
        ResultKind::Acknowledged => "",
        ResultKind::Rejected => "The program that had leased it gave it back.",
        ResultKind::LeaseExpired => {
            "The program that had leased it did not acknowledge it in time. It may have been processed."
        }
    }
}

const fn status_words(status: u16) -> &'static str {
    match status {
        200..300 => "",
        300..400 => "The destination redirects. Postern does not follow: change the URL of the destination.",
        401 | 403 => "The destination does not let the request in: check its headers and the signing secret.",
        404 => "There is nothing at the URL of the destination.",
        408 | 429 => "The destination asks to slow down. The try is repeated later.",
        410 => "The destination says that it is gone for good. It is held until somebody resumes it.",
        400..500 => "The destination refuses the request as it is.",
        503 => "The destination is up, and says that it cannot take requests now.",
        500..600 => "The destination failed while it handled the request.",
        _ => "The answer has a status that says neither yes nor no.",
    }
}

/// Who asked for it.
pub(super) fn actor(attempt: &Attempt) -> String {
    let id = &attempt.actor_id;
    match attempt.actor_kind.as_str() {
        "engine" => "Postern".to_owned(),
        "api_key" => format!("key {id}"),
        "user" => format!("user {id}"),
        other if id.is_empty() => other.to_owned(),
        other => format!("{other} {id}"),
    }
}
