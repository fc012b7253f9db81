//! What the pages of sources, destinations and connections share: names by id, rows, the way through a list.

use std::collections::HashMap;

use actix_web::{HttpResponse, web::Data};
use postern_domain::{ConnectionId, DestinationId, SourceId, TenantScope, Timestamp, delivery::DeliveryState};
use postern_frontend::{
    form::Choice,
    format::{self, Moment},
    links,
    parts::{ConnectionRow, DeliveryRow, Paging},
    state::State,
};
use postern_pipeline::configure::{Done, MAX_PER_TENANT};
use postern_store::{
    StoreError, TenantStore,
    read::{Delivery, DeliveryFilter, EventFilter, Search, Window},
    tenant::{Connection, Destination, DestinationState, RunState, Source},
};

use super::Halt;
use crate::{
    App,
    auth::{Member, Need},
    page::{Page, PageRequest},
    problem::Problem,
    query::Query,
};

pub(super) type Answer = Result<HttpResponse, Halt>;

/// So many rows of what happened stand on the page of a thing.
pub(super) const LAST: usize = 10;
/// A confirm page counts so far.
const COUNTED: usize = 1_000;

pub(super) fn store<N: Need>(app: &App, member: &Member<N>) -> TenantStore {
    app.engine.store.tenant(member.scope())
}

/// Nothing of a form is remembered for the next time.
pub(super) fn forget<T>(_: &T) -> (u16, String) {
    (0, String::new())
}

/// Without an idempotency key nothing was done before.
pub(super) fn made<T>(done: Done<T>) -> Result<T, Halt> {
    match done {
        Done::Now(made) => Ok(made),
        Done::Before { .. } => Err(Problem::internal(&"a form was answered from memory").into()),
    }
}

pub(super) fn moment(at: Timestamp) -> Moment {
    format::moment(at.as_micros())
}

/// Everything that is configured: what a tenant may have fits into memory.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) sources: Vec<Source>,
    pub(super) destinations: Vec<Destination>,
    pub(super) connections: Vec<Connection>,
}

impl Configured {
    pub(super) async fn read(store: &TenantStore) -> Result<Self, StoreError> {
        Ok(Self {
            sources: store.sources().list(None, MAX_PER_TENANT).await?,
            destinations: store.destinations().list(None, MAX_PER_TENANT).await?,
            connections: store.connections().list(None, MAX_PER_TENANT).await?,
        })
    }

    pub(super) fn names(&self) -> Names {
        Names {
            sources: self.sources.iter().map(|source| (source.id, source.name.clone())).collect(),
            destinations: self.destinations.iter().map(|found| (found.id, found.name.clone())).collect(),
        }
    }
}

/// What people call the ends of a connection.
#[derive(Debug, Default)]
pub(super) struct Names {
    sources: HashMap<SourceId, String>,
    destinations: HashMap<DestinationId, String>,
}

impl Names {
    pub(super) fn source(&self, id: SourceId) -> String {
        self.sources.get(&id).cloned().unwrap_or_else(|| "(deleted)".to_owned())
    }

    pub(super) fn destination(&self, id: DestinationId) -> String {
        self.destinations.get(&id).cloned().unwrap_or_else(|| "(deleted)".to_owned())
    }

    pub(super) fn connection(&self, tenant: &str, row: &Connection) -> ConnectionRow {
        ConnectionRow {
            href: links::connection(tenant, &row.id.to_string()),
            source: self.source(row.source),
            source_href: links::source(tenant, &row.source.to_string()),
            destination: self.destination(row.destination),
            destination_href: links::destination(tenant, &row.destination.to_string()),
            event_types: match row.event_types.as_slice() {
                [] => "all".to_owned(),
                some => some.iter().map(postern_domain::event_type::Pattern::as_str).collect::<Vec<_>>().join(", "),
            },
            state: run_state(row.state),
        }
    }
}

/// What one connection leads from and to.
pub(super) async fn ends(store: &TenantStore, connection: &Connection) -> Result<Names, StoreError> {
    let source = store.sources().find(connection.source).await?;
    let destination = store.destinations().find(connection.destination).await?;
    Ok(Names {
        sources: source.into_iter().map(|source| (source.id, source.name)).collect(),
        destinations: destination.into_iter().map(|found| (found.id, found.name)).collect(),
    })
}

pub(super) const fn run_state(state: RunState) -> State {
    match state {
        RunState::Active => State::Active,
        RunState::Paused => State::Paused,
    }
}

pub(super) fn destination_state(destination: &Destination) -> State {
    match (destination.state, destination.failing_since) {
        (DestinationState::Paused, _) => State::Paused,
        (DestinationState::Held, _) => State::Held,
        (DestinationState::Active, Some(_)) => State::Failing,
        (DestinationState::Active, None) => State::Healthy,
    }
}

/// The options of a filter: any, then these.
pub(super) fn any_of(options: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", "any")).chain(options).collect()
}

/// One page of what was read whole, newest first.
pub(super) fn newest_first<R>(page: &PageRequest, rows: Vec<R>, uuid: impl Fn(&R) -> uuid::Uuid) -> Page<R> {
    let mut rows: Vec<R> =
        rows.into_iter().rev().filter(|row| page.after().is_none_or(|after| uuid(row) < after)).collect();
    rows.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
    page.answer(rows, |row| uuid(row).as_bytes().to_vec(), |row| row)
}

/// The page that is asked for. The word of what a form did is no filter, so it was taken before and is not named here.
pub(super) fn asked(
    app: &Data<App>,
    scope: TenantScope,
    mut query: Query,
    (list, filters): (&str, &[(&str, &str)]),
) -> Result<PageRequest, Problem> {
    let (limit, cursor) = (query.text("limit"), query.text("cursor"));
    query.finish()?;
    // No value holds a control character, so none can pass for two.
    let name = filters.iter().fold(list.to_owned(), |name, (key, value)| format!("{name}\n{key}={value}"));
    PageRequest::new(app, scope, name, (limit.as_deref(), cursor.as_deref()))
}

/// `filters` are kept on the way.
pub(super) fn paging(path: &str, page: &PageRequest, next: Option<&String>, filters: &[(&str, &str)]) -> Paging {
    let older = next.map(|cursor| {
        let mut pairs = filters.to_vec();
        pairs.push(("cursor", cursor));
        links::with_query(path, &pairs)
    });
    Paging { older, newest: page.after_bytes().map(|_| links::with_query(path, filters)) }
}

/// The last deliveries that the filter lets through, as rows.
pub(super) async fn last_deliveries(
    store: &TenantStore,
    names: &Names,
    tenant: &str,
    (filter, connection): (DeliveryFilter, Option<ConnectionId>),
) -> Result<Vec<DeliveryRow>, Halt> {
    let window = Window::newest(if connection.is_some() { 100 } else { LAST });
    let slice = store.list_deliveries(filter, &window).await.map_err(Problem::from)?;
    let mut rows = Vec::new();
    let fitting = slice.rows.into_iter().filter(|row| connection.is_none_or(|id| row.connection == id));
    for delivery in fitting.take(LAST) {
        let event = EventFilter { search: Some(Search::Event(delivery.event)), ..EventFilter::default() };
        let found = store.list_events(&event, &Window::newest(1)).await.map_err(Problem::from)?;
        let event_type = found.rows.into_iter().next().map(|event| event.event_type).unwrap_or_default();
        rows.push(delivery_row(names, tenant, delivery, event_type));
    }
    Ok(rows)
}

fn delivery_row(names: &Names, tenant: &str, delivery: Delivery, event_type: String) -> DeliveryRow {
    let (event, id) = (delivery.event.to_string(), delivery.id.to_string());
    let waits = matches!(delivery.state, DeliveryState::Pending | DeliveryState::Held);
    let state = match delivery.state {
        DeliveryState::Pending if delivery.attempts > 0 => State::Retrying,
        state => State::parse(state.as_str()).unwrap_or(State::Pending),
    };
    DeliveryRow {
        href: links::delivery(tenant, &event, &id),
        event_type: if event_type.is_empty() { "(no type)".to_owned() } else { event_type },
        destination: names.destination(delivery.destination),
        destination_href: links::destination(tenant, &delivery.destination.to_string()),
        state,
        reason: delivery.reason.clone().unwrap_or_default(),
        attempts: format::count(u64::from(delivery.attempts)),
        created: moment(delivery.created_at()),
        next: delivery.due_at.filter(|_| waits).map(moment),
        can_retry: delivery.state != DeliveryState::Leased,
        can_cancel: waits,
        event_id: event,
        id,
    }
}

/// How many wait, as a sentence's first words; none when none do.
pub(super) async fn waiting(
    store: &TenantStore,
    filter: DeliveryFilter,
    connection: Option<ConnectionId>,
) -> Result<Option<String>, Halt> {
    let (mut count, mut goes_on) = (0_u64, false);
    for state in [DeliveryState::Pending, DeliveryState::Held] {
        let filter = DeliveryFilter { state: Some(state), ..filter };
        let slice = store.list_deliveries(filter, &Window::newest(COUNTED)).await.map_err(Problem::from)?;
        let fitting = slice.rows.iter().filter(|row| connection.is_none_or(|id| row.connection == id));
        count += u64::try_from(fitting.count()).unwrap_or(u64::MAX);
        goes_on |= slice.next.is_some();
    }
    let counted = format::counted(count, "waiting delivery", "waiting deliveries");
    Ok(match (count, goes_on) {
        (0, false) => None,
        (_, false) => Some(counted),
        (_, true) => Some(format!("At least {counted}")),
    })
}

/// A confirm page says it before the button is pressed.
pub(super) fn cancelled(waiting: Option<String>) -> Option<String> {
    waiting.map(|waiting| format!("{waiting} will be cancelled."))
}

/// The connections that end with one of their ends.
pub(super) fn with_it(connections: usize) -> Option<String> {
    let count = u64::try_from(connections).unwrap_or(u64::MAX);
    let verb = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| format!("{} {verb} deleted with it.", format::counted(count, "connection", "connections")))
}
