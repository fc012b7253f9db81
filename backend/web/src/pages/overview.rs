//! `/t/{tenant}/`: how it goes, what needs a look, what came last.
//!
//! What happened is read from its counts, see [`postern_store::activity`]; what waits is counted in the queue.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::source::SourceKind;
use postern_frontend::{
    chart::Chart,
    format, links,
    pages::overview::{Attention, Overview, RangeLink},
    parts::EventRow,
    shell::{Section, Shell},
    state::State,
};
use postern_pipeline::configure::MAX_PER_TENANT;
use postern_store::{
    TenantStore,
    read::{EventFilter, Window},
    tenant::{Destination, DestinationState, RunState, Source},
};

use super::{
    Halt,
    answer::{self, Nonce},
    list::Names,
    live::{self, Part},
    overview_chart::{self, Range},
    overview_figures::Figures,
    rows,
};
use crate::{
    App,
    auth::{EventsRead, Member},
    query::Query,
    route::resource,
};

const LAST_EVENTS: usize = 10;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/live/overview", [(Method::GET, web::get().to(go_on))]));
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
    let sources = store.sources().list(None, MAX_PER_TENANT).await?;
    let page = if sources.is_empty() {
        first_run(shell)
    } else {
        let (activity, waiting) = (store.activity(range.bars(now), now).await?, store.waiting().await?);
        let figures = Figures { tenant: &names.tenant, range, activity: &activity, waiting: &waiting, now };
        let mut page = Overview {
            shell,
            first_run: false,
            ranges: ranges(&names.tenant, range),
            kpis: figures.kpis(),
            counted: figures.counted(),
            chart: overview_chart::of(&names.tenant, range, &activity, now),
            attention: attention(&figures, &sources, &store.destinations().list(None, MAX_PER_TENANT).await?),
            events: last_events(&store, &names).await?,
        };
        let part = Part::of(&page.as_live(), &page.shell.csrf)?;
        page.shell.live_href = part.live_href(&links::live(&names.tenant, "overview"));
        page
    };
    Ok(answer::show(&page, &nonce))
}

async fn last_events(store: &TenantStore, names: &Names) -> Result<Vec<EventRow>, Halt> {
    let last = store.list_events(&EventFilter::default(), &Window::newest(LAST_EVENTS)).await;
    Ok(rows::events(names, rows::whole(last)?.rows))
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
        Part::of(&page.as_live(), &page.shell.csrf)
    })
    .await
}

fn first_run(shell: Shell) -> Overview {
    Overview {
        shell,
        first_run: true,
        ranges: Vec::new(),
        kpis: Vec::new(),
        counted: String::new(),
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

fn attention(figures: &Figures<'_>, sources: &[Source], destinations: &[Destination]) -> Vec<Attention> {
    let tenant = figures.tenant;
    let mut list = Vec::new();
    let item = |state, thing: &str, text: String, href| Attention { state, thing: thing.to_owned(), text, href };
    let dead = figures.activity.total().dead;
    if dead > 0 {
        let text = format!("{} given up of those made in the last {}", format::count(dead), figures.range.words());
        list.push(item(State::Dead, "Dead deliveries", text, links::dead(tenant)));
    }
    for found in destinations {
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
    let waiting = figures.waiting;
    if waiting.held > 0 {
        let href = links::with_query(&links::deliveries(tenant), &[("state", "held")]);
        let held = format!("{}{}", format::count(waiting.held), if waiting.more { "+" } else { "" });
        let text = format!("{} wait until somebody resumes what they wait for", held);
        list.push(item(State::Held, "Held deliveries", text, href));
    }
    for source in sources {
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
