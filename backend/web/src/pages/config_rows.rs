//! What the pages of sources, destinations and connections share: names by id, rows, the way through a list.

use actix_web::HttpResponse;
use postern_domain::{ConnectionId, TenantScope, delivery::DeliveryState};
use postern_frontend::{
    format, links,
    pages::confirm::Confirm,
    parts::{ConnectionRow, DeliveryRow},
    shell::Section,
    state::State,
};
use postern_pipeline::configure::{Done, MAX_PER_TENANT};
use postern_store::{
    TenantStore,
    read::{DeliveryFilter, Window},
    tenant::{Connection, Destination, DestinationState, RunState},
};

use super::{
    Halt,
    answer::{self, Nonce},
    list::Names,
    rows,
};
use crate::{
    App,
    auth::{Member, Need},
    page::{Page, PageRequest},
    problem::Problem,
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

/// Everything that is configured: what a tenant may have fits into memory.
pub(super) struct Configured {
    pub(super) names: Names,
    pub(super) connections: Vec<Connection>,
}

impl Configured {
    pub(super) async fn read(store: &TenantStore, scope: TenantScope) -> Result<Self, Halt> {
        let names = Names::read(store, scope).await?;
        Ok(Self { names, connections: store.connections().list(None, MAX_PER_TENANT).await? })
    }

    /// The connections that `wanted` picks, as rows.
    pub(super) fn connections(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<ConnectionRow> {
        self.connections.iter().filter(|row| wanted(row)).map(|row| connection(&self.names, row)).collect()
    }
}

pub(super) fn connection(names: &Names, row: &Connection) -> ConnectionRow {
    let tenant = &names.tenant;
    ConnectionRow {
        href: links::connection(tenant, &row.id.to_string()),
        source: names.source(row.source),
        source_href: links::source(tenant, &row.source.to_string()),
        destination: names.destination(row.destination),
        destination_href: links::destination(tenant, &row.destination.to_string()),
        event_types: match row.event_types.as_slice() {
            [] => "all".to_owned(),
            some => some.iter().map(postern_domain::event_type::Pattern::as_str).collect::<Vec<_>>().join(", "),
        },
        state: run_state(row.state),
    }
}

/// What one connection leads from and to.
pub(super) async fn ends(store: &TenantStore, scope: TenantScope, connection: &Connection) -> Result<Names, Halt> {
    let source = store.sources().find(connection.source).await?;
    let destination = store.destinations().find(connection.destination).await?;
    Ok(Names::of(scope, source.into_iter().collect(), destination.into_iter().collect()))
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

/// One page of what was read whole, newest first.
pub(super) fn newest_first<R>(page: &PageRequest, rows: Vec<R>, uuid: impl Fn(&R) -> uuid::Uuid) -> Page<R> {
    let mut rows: Vec<R> =
        rows.into_iter().rev().filter(|row| page.after().is_none_or(|after| uuid(row) < after)).collect();
    rows.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
    page.answer(rows, |row| uuid(row).as_bytes().to_vec(), |row| row)
}

/// The last deliveries that the filter lets through, as rows.
pub(super) async fn last_deliveries(
    store: &TenantStore,
    names: &Names,
    (filter, connection): (DeliveryFilter, Option<ConnectionId>),
) -> Result<Vec<DeliveryRow>, Halt> {
    let window = Window::newest(if connection.is_some() { 10 * LAST } else { LAST });
    let slice = rows::whole(store.list_deliveries(filter, &window).await)?;
    let fitting = slice.rows.into_iter().filter(|row| connection.is_none_or(|id| row.connection == id));
    rows::deliveries(store, names, fitting.take(LAST).collect()).await
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
        let slice = rows::whole(store.list_deliveries(filter, &Window::newest(COUNTED)).await)?;
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

/// The page that asks before something is deleted: what else that changes, and under whose name it goes.
pub(super) struct Deletion {
    pub(super) verb: &'static str,
    pub(super) thing: String,
    pub(super) consequences: Vec<String>,
    /// The page of the thing; its form goes to `delete` there.
    pub(super) here: String,
    pub(super) cancel_href: String,
}

pub(super) async fn confirm<N: Need>(app: &App, member: &Member<N>, section: Section, asked: Deletion) -> Answer {
    let nonce = Nonce::fresh();
    let page = Confirm {
        shell: answer::shell(app, member, section, None, &nonce).await?,
        verb: asked.verb.to_owned(),
        thing: asked.thing,
        consequences: asked.consequences,
        action: links::verb(&asked.here, "delete"),
        cancel_href: asked.cancel_href,
        typed: None,
        hidden: Vec::new(),
    };
    Ok(answer::show(&page, &nonce))
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
