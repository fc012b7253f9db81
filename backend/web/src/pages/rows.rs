//! Events, deliveries and requests as rows of tables.

use std::collections::HashMap;

use postern_domain::{
    EventId, Timestamp,
    delivery::{DeliveryState, EventOutcome},
};
use postern_frontend::{
    format::{self, Moment},
    links,
    parts::{DeliveryRow, EventRow, Header, Link, RequestRow},
    state::State,
};
use postern_polling::Schedule;
use postern_store::{
    TenantStore,
    read::{Delivery, Event, ListError, RequestOutcome, RequestRead, Tally},
};

use super::{Halt, list::Names};

pub(super) fn shown(at: Timestamp) -> Moment {
    format::moment(at.as_micros())
}

/// A moment of a timetable, also as clocks show it where the timetable is meant.
pub(super) fn planned(schedule: &Schedule, at: Timestamp) -> Moment {
    let moment = shown(at);
    match schedule.local(at) {
        Some(local) => Moment { shown: format!("{} ({local})", moment.shown), ..moment },
        None => moment,
    }
}

pub(super) fn size(bytes: i64) -> String {
    format::bytes(u64::try_from(bytes).unwrap_or(0))
}

pub(super) const fn outcome(outcome: EventOutcome) -> State {
    match outcome {
        EventOutcome::Queued => State::Queued,
        EventOutcome::Delivered => State::Delivered,
        EventOutcome::Partly => State::Partly,
        EventOutcome::Retrying => State::Retrying,
        EventOutcome::Held => State::Held,
        EventOutcome::Dead => State::Dead,
        EventOutcome::Cancelled => State::Cancelled,
        EventOutcome::Filtered => State::Filtered,
        EventOutcome::Unrouted => State::Unrouted,
    }
}

/// `attempts`: how many tries there were; one that failed and waits is retrying.
pub(super) const fn delivery_state(state: DeliveryState, attempts: u32) -> State {
    match state {
        DeliveryState::Pending if attempts > 0 => State::Retrying,
        DeliveryState::Pending => State::Pending,
        DeliveryState::Leased => State::InFlight,
        DeliveryState::Held => State::Held,
        DeliveryState::Delivered => State::Delivered,
        DeliveryState::Dead => State::Dead,
        DeliveryState::Cancelled => State::Cancelled,
    }
}

pub(super) fn can_retry(state: DeliveryState) -> bool {
    state != DeliveryState::Leased
}

pub(super) fn can_cancel(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Pending | DeliveryState::Held)
}

/// Why it is where it is, in a few words.
fn reason(delivery: &Delivery) -> String {
    let tries = format::counted(u64::from(delivery.attempts), "try", "tries");
    match (delivery.state, delivery.reason.as_deref()) {
        (DeliveryState::Dead, Some("expired")) => "past its retention".to_owned(),
        (DeliveryState::Dead, _) => format!("after {tries}"),
        _ => String::new(),
    }
}

/// Headers as they were stored: a JSON object.
pub(super) fn headers(stored: &str) -> Vec<Header> {
    let Ok(object) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(stored) else {
        return Vec::new();
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let mut headers = Vec::new();
    for (name, value) in object {
        match value {
            serde_json::Value::Array(values) => {
                headers.extend(values.into_iter().map(|value| Header { name: name.clone(), value: text(value) }));
            }
            value => headers.push(Header { name, value: text(value) }),
        }
    }
    headers
}

/// The rows of events, with what is known of their deliveries.
pub(super) fn events(names: &Names, events: Vec<Event>) -> Vec<EventRow> {
    let tenant = &names.tenant;
    let row = |event: Event| {
        let Tally { deliveries, delivered, attempts } = event.tally;
        let note = format!("{} of {} delivered", format::count(delivered), format::count(deliveries));
        EventRow {
            href: links::event(tenant, &event.id.to_string()),
            id: event.id.to_string(),
            source: names.source(event.source),
            outcome: outcome(event.outcome),
            outcome_note: if deliveries > 1 { note } else { String::new() },
            attempts: format::count(attempts),
            size: size(event.body_bytes.into()),
            received: shown(event.received_at),
            event_type: event.event_type,
        }
    };
    events.into_iter().map(row).collect()
}

/// The rows of deliveries, each with the type of its event.
pub(super) async fn deliveries(
    store: &TenantStore,
    names: &Names,
    deliveries: Vec<Delivery>,
) -> Result<Vec<DeliveryRow>, Halt> {
    let ids: Vec<EventId> = deliveries.iter().map(|delivery| delivery.event).collect();
    let types: HashMap<EventId, String> = store.event_types(&ids).await?.into_iter().collect();
    let tenant = &names.tenant;
    let row = |delivery: Delivery| {
        let (id, event) = (delivery.id.to_string(), delivery.event.to_string());
        DeliveryRow {
            href: links::delivery(tenant, &event, &id),
            event_type: types.get(&delivery.event).cloned().unwrap_or_else(|| "event".to_owned()),
            destination: names.destination(delivery.destination),
            destination_href: links::destination(tenant, &delivery.destination.to_string()),
            state: delivery_state(delivery.state, delivery.attempts),
            reason: reason(&delivery),
            attempts: format::count(delivery.attempts.into()),
            created: shown(delivery.created_at()),
            next: delivery.due_at.filter(|_| delivery.state == DeliveryState::Pending).map(shown),
            can_retry: can_retry(delivery.state),
            can_cancel: can_cancel(delivery.state),
            event_id: event,
            id,
        }
    };
    Ok(deliveries.into_iter().map(row).collect())
}

/// A read without a filter by id has nothing that could be unknown.
pub(super) fn whole<T>(read: Result<T, ListError>) -> Result<T, Halt> {
    read.map_err(|cause| crate::problem::Problem::from(cause).into())
}

/// Of what was refused for what it carried. The page of its source says which step failed.
fn check_href(tenant: &str, request: &RequestRead) -> Option<String> {
    let page = || links::verb(&links::source(tenant, &request.source.to_string()), "check");
    let is_refused = request.outcome == RequestOutcome::Refused;
    is_refused.then(|| links::with_query(&page(), &[("request", &request.id.to_string())]))
}

pub(super) fn requests(names: &Names, requests: Vec<RequestRead>) -> Vec<RequestRow> {
    let tenant = &names.tenant;
    let row = |request: RequestRead| RequestRow {
        check_href: check_href(tenant, &request),
        id: request.id.to_string(),
        at: shown(request.at),
        source: names.source(request.source),
        source_href: links::source(tenant, &request.source.to_string()),
        outcome: match request.outcome {
            RequestOutcome::Refused => State::Refused,
            RequestOutcome::Duplicate => State::Duplicate,
            RequestOutcome::Flagged => State::Flagged,
        },
        cause: request.cause.replace('_', " "),
        expected: request.expected,
        remote: request.remote,
        method: request.method,
        size: size(request.body_bytes),
        dedup_key: request.dedup_key,
        first_event: request.event.map(|event| {
            let text = event.to_string();
            Link { href: links::event(tenant, &text), text }
        }),
        headers: headers(&request.headers),
    };
    requests.into_iter().map(row).collect()
}
