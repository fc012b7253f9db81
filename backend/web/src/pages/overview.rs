//! `/t/{tenant}/`: how it goes, what needs a look, what came last.
//!
//! Figures are counted from what lists give: the newest 1 000 deliveries of the range, and it says so where there were
//! more.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{Timestamp, delivery::DeliveryState, source::SourceKind};
use postern_frontend::{
    chart::Chart,
    format, links,
    pages::overview::{Attention, Kpi, Overview, RangeLink},
    parts::EventRow,
    shell::{Section, Shell},
    state::State,
};
use postern_store::{
    TenantStore,
    read::{Delivery, DeliveryFilter, EventFilter, Slice, Window},
    tenant::{DestinationState, RunState},
};

use super::{
    Halt,
    answer::{self, Nonce},
    list::Names,
    live::{self, Part},
    overview_chart::{self, Range},
    rows,
};
use crate::{
    App,
    auth::{EventsRead, Member},
    query::Query,
    route::resource,
};

const NEWEST: usize = 1_000;
const LAST_EVENTS: usize = 10;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/live/overview", [(Method::GET, web::get().to(go_on))]));
}

/// The deliveries that the figures are counted from.
struct Counted {
    range: Range,
    /// Of the range; where `next` is set there were more.
    all: Slice<Delivery>,
    waiting: Slice<Delivery>,
    held: Slice<Delivery>,
    dead: Slice<Delivery>,
}

impl Counted {
    async fn read(store: &TenantStore, range: Range, now: Timestamp) -> Result<Self, Halt> {
        let since = Window { limit: NEWEST, after: None, from: Some(range.begin(now)), to: None };
        let ever = Window::newest(NEWEST);
        let of = |state| DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        Ok(Self {
            range,
            all: rows::whole(store.list_deliveries(DeliveryFilter::default(), &since).await)?,
            waiting: rows::whole(store.list_deliveries(of(DeliveryState::Pending), &ever).await)?,
            held: rows::whole(store.list_deliveries(of(DeliveryState::Held), &ever).await)?,
            dead: rows::whole(store.list_deliveries(of(DeliveryState::Dead), &since).await)?,
        })
    }

    fn within(&self) -> String {
        match self.all.next {
            Some(_) => format!("of the newest {}", format::count(NEWEST as u64)),
            None => format!("in the last {}", self.range.words()),
        }
    }
}

async fn show(member: Member<EventsRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut query = query?.without_empty();
    let done = query.text("done");
    let range = query.parsed("range", Range::parse)?.unwrap_or_default();
    query.finish()?;
    let (nonce, now) = (Nonce::fresh(), app.engine.clock.now());
    let store = app.engine.store.tenant(member.scope());
    let names = Names::read(&store, member.scope()).await?;
    let shell = answer::shell(&app, &member, Section::Overview, done.as_deref(), &nonce).await?;
    let page = if names.sources.is_empty() {
        first_run(shell)
    } else {
        let counted = Counted::read(&store, range, now).await?;
        let mut page = Overview {
            shell,
            first_run: false,
            ranges: ranges(&names.tenant, range),
            kpis: kpis(&names.tenant, &counted, now),
            chart: overview_chart::of(&names.tenant, range, &counted.all, now),
            attention: attention(&names, &counted),
            events: last_events(&store, &names).await?,
        };
        let part = Part::of(&page.as_live())?;
        page.shell.live_href = part.live_href(&links::live(&names.tenant, "overview"));
        page
    };
    Ok(answer::show(&page, &nonce))
}

async fn last_events(store: &TenantStore, names: &Names) -> Result<Vec<EventRow>, Halt> {
    let last = store.list_events(&EventFilter::default(), &Window::newest(LAST_EVENTS)).await;
    rows::events(store, names, rows::whole(last)?.rows).await
}

/// The last events go on; figures are counted when the page is opened.
async fn go_on(
    request: HttpRequest,
    member: Result<Member<EventsRead>, Halt>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let mut query = query?;
    let seen = query.aside(live::SEEN);
    query.finish()?;
    live::stream(&app, &request, member, seen, |app, member| async move {
        let store = app.engine.store.tenant(member.scope());
        let names = Names::read(&store, member.scope()).await?;
        let shell = answer::shell(&app, &member, Section::Overview, None, &Nonce::fresh()).await?;
        let page = Overview { events: last_events(&store, &names).await?, first_run: false, ..first_run(shell) };
        Part::of(&page.as_live())
    })
    .await
}

fn first_run(shell: Shell) -> Overview {
    Overview {
        shell,
        first_run: true,
        ranges: Vec::new(),
        kpis: Vec::new(),
        chart: Chart::default(),
        attention: Vec::new(),
        events: Vec::new(),
    }
}

fn ranges(tenant: &str, current: Range) -> Vec<RangeLink> {
    let link = |range: Range| RangeLink {
        label: range.words().to_owned(),
        href: links::with_query(&links::overview(tenant), &[("range", range.as_str())]),
        current: range == current,
    };
    Range::ALL.map(link).into()
}

/// `1 000+` where there were more.
fn number(slice: &Slice<Delivery>) -> String {
    format!("{}{}", format::count(slice.rows.len() as u64), if slice.next.is_some() { "+" } else { "" })
}

fn kpis(tenant: &str, counted: &Counted, now: Timestamp) -> Vec<Kpi> {
    let in_state = |state| counted.all.rows.iter().filter(|row| row.state == state).count() as u64;
    let (delivered, dead) = (in_state(DeliveryState::Delivered), in_state(DeliveryState::Dead));
    let ended = delivered + dead;
    let retried = counted.all.rows.iter().filter(|row| row.attempts > 1).count() as u64;
    let all = links::with_query(&links::deliveries(tenant), &[("from", &counted.range.from(now))]);
    let of_state = |state: &str| links::with_query(&links::deliveries(tenant), &[("state", state)]);
    let kpi = |label: &str, value: String, note: String, href: String| Kpi {
        label: label.to_owned(),
        value,
        unit: String::new(),
        note,
        href,
    };
    let rate = Kpi {
        unit: if ended > 0 { "%".to_owned() } else { String::new() },
        ..kpi(
            "Delivered",
            format::percent(delivered, ended),
            format!("of {} that ended, {}", format::counted(ended, "delivery", "deliveries"), counted.within()),
            all.clone(),
        )
    };
    vec![
        rate,
        kpi("Tried more than once", format::count(retried), counted.within(), all),
        kpi("Waiting", number(&counted.waiting), "for a first or a next try".to_owned(), of_state("pending")),
        kpi("Dead", number(&counted.dead), format!("made in the last {}", counted.range.words()), links::dead(tenant)),
    ]
}

fn attention(names: &Names, counted: &Counted) -> Vec<Attention> {
    let tenant = &names.tenant;
    let mut list = Vec::new();
    let item = |state, thing: &str, text: String, href| Attention { state, thing: thing.to_owned(), text, href };
    if !counted.dead.rows.is_empty() {
        let text = format!("{} given up in the last {}", number(&counted.dead), counted.range.words());
        list.push(item(State::Dead, "Dead deliveries", text, links::dead(tenant)));
    }
    for found in &names.destinations {
        let href = links::destination(tenant, &found.id.to_string());
        match (found.state, found.failing_since) {
            (DestinationState::Held, _) => {
                list.push(item(State::Held, &found.name, "it said that it is gone; nothing is sent".to_owned(), href));
            }
            (DestinationState::Paused, _) => {
                list.push(item(State::Paused, &found.name, "what comes for it waits".to_owned(), href));
            }
            (DestinationState::Active, Some(since)) => {
                let text = format!("every try has failed since {}", rows::shown(since).shown);
                list.push(item(State::Failing, &found.name, text, href));
            }
            (DestinationState::Active, None) => {}
        }
    }
    if !counted.held.rows.is_empty() {
        let href = links::with_query(&links::deliveries(tenant), &[("state", "held")]);
        let text = format!("{} wait until somebody resumes what they wait for", number(&counted.held));
        list.push(item(State::Held, "Held deliveries", text, href));
    }
    for source in &names.sources {
        let href = links::source(tenant, &source.id.to_string());
        let unverified = source.kind == SourceKind::Webhook && matches!(source.scheme.as_deref(), None | Some("none"));
        if source.state == RunState::Paused {
            list.push(item(State::Paused, &source.name, "refuses what is sent to it".to_owned(), href));
        } else if unverified {
            list.push(item(State::Unverified, &source.name, "takes what comes, whoever sends it".to_owned(), href));
        }
    }
    list
}
