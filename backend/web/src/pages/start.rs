//! The first event: makes a source, a bin and a connection, sends something, and shows what arrived.

use actix_web::{
    HttpRequest,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use bytes::Bytes;
use postern_domain::{Timestamp, destination::DestinationKind, source::SourceKind};
use postern_frontend::{
    links,
    pages::start::{Arrived, Start},
    shell::Section,
};
use postern_pipeline::{
    accept::{self, Incoming},
    configure::{
        MAX_PER_TENANT,
        destination::NewDestination,
        first::{self, Begun},
        source::NewSource,
    },
};
use postern_store::{
    TenantStore,
    read::{EventFilter, Window},
    tenant::{Destination, Source},
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer},
    event::Found,
    event_curl::quoted,
    event_steps,
    list::Names,
    live::{self, Part},
    posted::Posted,
    rows,
};
use crate::{
    App,
    auth::{ConnectionsWrite, Member, Need, SourcesRead, SourcesWrite},
    problem::Problem,
    query::Query,
    route::resource,
};

const BODY: &str = r#"{"type":"test","hello":"world"}"#;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/t/{tenant}/start",
            [(Method::GET, web::get().to(show)), (Method::POST, web::post().to(begin))],
        ))
        .service(resource("/t/{tenant}/live/start", [(Method::GET, web::get().to(go_on))]))
        .service(resource("/t/{tenant}/start/send", [(Method::POST, web::post().to(send))]));
}

/// A source that takes anything, and the bin that it leads to.
struct Pair {
    source: Source,
    destination: Destination,
}

/// The oldest such pair, and what everything is called.
async fn find<N: Need>(app: &App, member: &Member<N>) -> Result<(Names, Option<Pair>), Halt> {
    let store = configured::store(app, member);
    let connections = store.connections().list(None, MAX_PER_TENANT).await?;
    let (sources, bins) =
        (store.sources().list(None, MAX_PER_TENANT).await?, store.destinations().list(None, MAX_PER_TENANT).await?);
    let pair = connections.iter().find_map(|connection| {
        let mut sources = sources.iter().filter(|source| source.id == connection.source);
        let open = sources.find(|source| source.token.is_some() && source.scheme.as_deref() == Some("none"))?;
        let mut bins = bins.iter().filter(|found| found.id == connection.destination);
        let bin = bins.find(|found| found.kind == DestinationKind::Bin)?;
        Some(Pair { source: open.clone(), destination: bin.clone() })
    });
    Ok((Names::read(&store, member.scope()).await?, pair))
}

fn here<N: Need>(member: &Member<N>) -> String {
    links::start(&member.membership.tenant.to_string())
}

async fn show(member: Member<SourcesRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let nonce = Nonce::fresh();
    let Some((mut page, is_over)) = view(&app, &member, done.as_deref(), &nonce).await? else {
        return Ok(answer::see_other(&links::overview(&member.membership.tenant.to_string())));
    };
    let part = Part::of(&page.as_live(), &page.shell.csrf)?.and_last(is_over);
    page.shell.live_href = part.live_href(&links::live(&page.shell.tenant_id, "start"));
    Ok(answer::show(&page, &nonce))
}

/// Until the event that came last is through.
async fn go_on(
    request: HttpRequest,
    member: Result<Member<SourcesRead>, Halt>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Answer {
    let mut query = query?;
    let seen = query.aside(live::SEEN);
    query.finish()?;
    live::stream(&app, &request, member, seen, |app, member| async move {
        let shown = view(&app, &member, None, &Nonce::fresh()).await?;
        let (page, is_over) = shown.ok_or_else(Problem::not_found)?;
        Ok(Part::of(&page.as_live(), &page.shell.csrf)?.and_last(is_over))
    })
    .await
}

/// The page, and whether nothing more happens to what it shows. None when the pair is not there (any more).
async fn view(
    app: &Data<App>,
    member: &Member<SourcesRead>,
    done: Option<&str>,
    nonce: &Nonce,
) -> Result<Option<(Start, bool)>, Halt> {
    let (names, pair) = find(app, member).await?;
    let Some(Pair { source, destination }) = pair else { return Ok(None) };
    let shell = answer::shell(app, member, Section::Overview, done, nonce).await?;
    let tenant = shell.tenant_id.as_str();
    let url = source.token.as_ref().map(|token| app.settings.ingest_url(token.expose())).unwrap_or_default();
    let store = configured::store(app, member);
    let (arrived, is_over) = arrived(&store, &names, &source, app.engine.clock.now()).await?.unzip();
    let page = Start {
        curl: format!("curl -H {} -d {} {}", quoted("content-type: application/json"), quoted(BODY), quoted(&url)),
        ingest_url: url,
        send_action: links::verb(&links::start(tenant), "send"),
        source_href: links::source(tenant, &source.id.to_string()),
        destination_href: links::destination(tenant, &destination.id.to_string()),
        arrived,
        shell,
    };
    Ok(Some((page, is_over.unwrap_or(false))))
}

/// The last event of the source, with its way as the inspector shows it, and whether it is through.
async fn arrived(
    store: &TenantStore,
    names: &Names,
    source: &Source,
    now: Timestamp,
) -> Result<Option<(Arrived, bool)>, Halt> {
    let filter = EventFilter { source: Some(source.id), ..EventFilter::default() };
    let slice = rows::whole(store.list_events(&filter, &Window::newest(1)).await)?;
    let Some(id) = slice.rows.first().map(|event| event.id) else { return Ok(None) };
    let found = Found::read(store, names.tenant.clone(), id, now).await?;
    let event = rows::events(names, slice.rows).into_iter().next();
    Ok(event.map(|event| (Arrived { steps: event_steps::of(&found), event }, found.is_over())))
}

/// Asked for twice, it makes one pair. Whoever may make connections may make their ends.
async fn begin(member: Member<ConnectionsWrite>, app: Data<App>, _posted: Posted) -> Answer {
    match first::begin(&app.engine, &member.by(), (open_source(), bin())).await? {
        Begun::Now => Ok(answer::done(&here(&member), "created")),
        Begun::Before => Ok(answer::see_other(&here(&member))),
    }
}

fn open_source() -> NewSource {
    let scheme = Some("none".to_owned());
    NewSource { scheme, ..NewSource::named("First source".to_owned(), SourceKind::Webhook) }
}

fn bin() -> NewDestination {
    NewDestination {
        name: "First bin".to_owned(),
        kind: DestinationKind::Bin,
        url: None,
        headers: std::collections::BTreeMap::new(),
        rate_limit: None,
        concurrency: None,
        timeout_ms: None,
        retry: None,
        fail_next: None,
        queue: None,
    }
}

/// What a sender would post, taken in as if it had come over the network.
async fn send(member: Member<SourcesWrite>, app: Data<App>, _posted: Posted) -> Answer {
    let pair = find(&app, &member).await?.1.ok_or_else(Problem::not_found)?;
    let source = app.engine.routing.source(pair.source.id).await?.ok_or_else(Problem::not_found)?;
    if source.paused {
        return Err(Problem::paused("The source is paused: resume it first.").into());
    }
    if let Err(wait) = app.engine.check_intake(&source) {
        return Err(Problem::rate_limited(wait, "This source takes no more requests at the moment.").into());
    }
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    let nowhere = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    let incoming = Incoming {
        method: "POST",
        url: "",
        headers: &headers,
        body: Bytes::from_static(BODY.as_bytes()),
        remote: member.person.remote.unwrap_or(nowhere),
    };
    accept::receive(&app.engine, &source, &incoming).await.map_err(Problem::from)?;
    Ok(answer::done(&here(&member), "sent"))
}
