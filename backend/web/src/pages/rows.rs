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
use postern_store::{
    TenantStore,
    read::{Delivery, DeliveryFilter, Event, EventFilter, ListError, RequestOutcome, RequestRead, Window},
};

use super::{Halt, list::Names};

/// So many rows are read beside a page, to say more about its own.
const BESIDE: usize = 1_000;
/// The deliveries of an event are made with it; so much room is left for clocks.
const FAN_OUT_S: i64 = 60;

pub(super) fn shown(at: Timestamp) -> Moment {
    format::moment(at.as_micros())
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
pub(super) async fn events(store: &TenantStore, names: &Names, events: Vec<Event>) -> Result<Vec<EventRow>, Halt> {
    let tallies = tallies(store, &events).await?;
    let tenant = &names.tenant;
    let row = |event: Event| {
        let tally = tallies.get(&event.id);
        let settled_without = matches!(event.outcome, EventOutcome::Filtered | EventOutcome::Unrouted);
        EventRow {
            href: links::event(tenant, &event.id.to_string()),
            id: event.id.to_string(),
            source: names.source(event.source),
            outcome: outcome(event.outcome),
            outcome_note: tally.filter(|tally| tally.deliveries > 1).map(Tally::note).unwrap_or_default(),
            attempts: match tally {
                Some(tally) => format::count(tally.attempts),
                None if settled_without => "0".to_owned(),
                None => "–".to_owned(),
            },
            size: size(event.body_bytes.into()),
            received: shown(event.received_at),
            event_type: event.event_type,
        }
    };
    Ok(events.into_iter().map(row).collect())
}

/// The deliveries of one event, counted.
#[derive(Default)]
struct Tally {
    deliveries: u64,
    delivered: u64,
    attempts: u64,
}

impl Tally {
    fn note(&self) -> String {
        format!("{} of {} delivered", format::count(self.delivered), format::count(self.deliveries))
    }
}

/// Of events whose deliveries are all among those that one read gives.
async fn tallies(store: &TenantStore, events: &[Event]) -> Result<HashMap<EventId, Tally>, Halt> {
    let made = || events.iter().map(|event| postern_domain::id::made_at(event.id.uuid()));
    let (Some(first), Some(last)) = (made().min(), made().max()) else { return Ok(HashMap::new()) };
    let to = Some(last.plus_secs(FAN_OUT_S));
    let window = Window { limit: BESIDE, after: None, from: Some(first), to };
    let slice = whole(store.list_deliveries(DeliveryFilter::default(), &window).await)?;
    // The last row may be in the middle of an event.
    let cut = slice.next.and(slice.rows.last()).map(|row| row.event);
    let mut tallies: HashMap<EventId, Tally> = HashMap::new();
    for delivery in slice.rows.iter().filter(|row| Some(row.event) != cut) {
        let tally = tallies.entry(delivery.event).or_default();
        tally.deliveries += 1;
        tally.delivered += u64::from(delivery.state == DeliveryState::Delivered);
        tally.attempts += u64::from(delivery.attempts);
    }
    Ok(tallies)
}

/// The rows of deliveries. The type of an event is known where one read of events reaches it.
pub(super) async fn deliveries(
    store: &TenantStore,
    names: &Names,
    deliveries: Vec<Delivery>,
) -> Result<Vec<DeliveryRow>, Halt> {
    let types = types(store, &deliveries).await?;
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

async fn types(store: &TenantStore, deliveries: &[Delivery]) -> Result<HashMap<EventId, String>, Halt> {
    let made = || deliveries.iter().map(|delivery| postern_domain::id::made_at(delivery.event.uuid()));
    let (Some(first), Some(last)) = (made().min(), made().max()) else { return Ok(HashMap::new()) };
    let window = Window { limit: BESIDE, after: None, from: Some(first), to: Some(last.plus_ms(1)) };
    let slice = whole(store.list_events(&EventFilter::default(), &window).await)?;
    Ok(slice.rows.into_iter().map(|event| (event.id, event.event_type)).collect())
}

/// A read without a filter by id has nothing that could be unknown.
pub(super) fn whole<T>(read: Result<T, ListError>) -> Result<T, Halt> {
    read.map_err(|cause| crate::problem::Problem::from(cause).into())
}

pub(super) fn requests(names: &Names, requests: Vec<RequestRead>) -> Vec<RequestRow> {
    let tenant = &names.tenant;
    let row = |request: RequestRead| RequestRow {
        id: request.id.to_string(),
        at: shown(request.at),
        source: names.source(request.source),
        source_href: links::source(tenant, &request.source.to_string()),
        outcome: match request.outcome {
            RequestOutcome::Refused => State::Refused,
            RequestOutcome::Duplicate => State::Duplicate,
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
