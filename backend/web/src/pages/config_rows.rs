//! What the pages of sources, destinations and connections share: names by id, rows, the way through a list.

use actix_web::HttpResponse;
use postern_domain::{DestinationId, SourceId, TenantScope, delivery::DeliveryState};
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
    tenant::{Connection, Destination, DestinationState, Part, RunState},
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
    page::PageRequest,
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

/// The connections from a source, or to a destination, as rows, newest first. What a tenant may have fits into memory.
pub(super) async fn connections(
    store: &TenantStore,
    names: &Names,
    ends: (Option<SourceId>, Option<DestinationId>),
) -> Result<Vec<ConnectionRow>, Halt> {
    let rows = store.connections().between(ends, Part { after: None, limit: MAX_PER_TENANT }).await?;
    Ok(rows.iter().map(|row| connection(names, row)).collect())
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
    let source = source.map(|source| (source.id, source.name)).into_iter().collect();
    let destination = destination.map(|found| (found.id, found.name)).into_iter().collect();
    Ok(Names::of(scope, source, destination))
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

/// The part of a list that a page shows, and one row more.
pub(super) fn part<I>(page: &PageRequest, id: impl Fn(uuid::Uuid) -> I) -> Part<I> {
    Part { after: page.after().map(id), limit: page.fetch() }
}

/// The last deliveries that the filter lets through, as rows.
pub(super) async fn last_deliveries(
    store: &TenantStore,
    names: &Names,
    filter: DeliveryFilter,
) -> Result<Vec<DeliveryRow>, Halt> {
    let slice = rows::whole(store.list_deliveries(filter, &Window::newest(LAST)).await)?;
    rows::deliveries(store, names, slice.rows).await
}

/// How many wait, as a sentence's first words; none when none do.
pub(super) async fn waiting(store: &TenantStore, filter: DeliveryFilter) -> Result<Option<String>, Halt> {
    let (mut count, mut goes_on) = (0_u64, false);
    for state in [DeliveryState::Pending, DeliveryState::Held] {
        let filter = DeliveryFilter { state: Some(state), ..filter };
        let slice = rows::whole(store.list_deliveries(filter, &Window::newest(COUNTED)).await)?;
        count += u64::try_from(slice.rows.len()).unwrap_or(u64::MAX);
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
