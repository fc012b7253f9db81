//! The first event: makes a source, a bin and a connection, sends something, and shows what arrived.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use bytes::Bytes;
use postern_domain::{destination::DestinationKind, source::SourceKind};
use postern_frontend::{
    format, links,
    pages::start::{Arrived, Start},
    parts::{Mark, Step},
    shell::Section,
};
use postern_pipeline::{
    accept::{self, Incoming},
    configure::{
        connection, connection::NewConnection, destination, destination::NewDestination, source, source::NewSource,
    },
};
use postern_store::{
    TenantStore,
    read::{DeliveryDetail, EventDetail, EventFilter, Window},
    tenant::{Destination, Source},
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer, Configured},
    posted::Posted,
    source_rows,
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
    let at = |rest: &str| format!("/t/{{tenant}}/start{rest}");
    config
        .service(resource(&at(""), [(Method::GET, web::get().to(show)), (Method::POST, web::post().to(begin))]))
        .service(resource(&at("/send"), [(Method::POST, web::post().to(send))]));
}

/// A source that takes anything, and the bin that it leads to.
struct Pair {
    source: Source,
    destination: Destination,
}

/// The oldest such pair.
async fn find(store: &TenantStore) -> Result<Option<Pair>, Halt> {
    let all = Configured::read(store).await?;
    let pair = all.connections.iter().find_map(|connection| {
        let mut sources = all.sources.iter().filter(|source| source.id == connection.source);
        let open = sources.find(|source| source.token.is_some() && source.scheme.as_deref() == Some("none"))?;
        let mut bins = all.destinations.iter().filter(|found| found.id == connection.destination);
        let bin = bins.find(|found| found.kind == DestinationKind::Bin)?;
        Some(Pair { source: open.clone(), destination: bin.clone() })
    });
    Ok(pair)
}

fn here<N: Need>(member: &Member<N>) -> String {
    links::start(&member.membership.tenant.to_string())
}

async fn show(member: Member<SourcesRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let store = rows::store(&app, &member);
    let Some(Pair { source, destination }) = find(&store).await? else {
        return Ok(answer::see_other(&links::overview(&member.membership.tenant.to_string())));
    };
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Overview, done.as_deref(), &nonce).await?;
    let tenant = shell.tenant_id.as_str();
    let url = source.token.as_ref().map(|token| app.settings.ingest_url(token.expose())).unwrap_or_default();
    let view = Start {
        curl: format!("curl -H {} -d {} {}", quoted("content-type: application/json"), quoted(BODY), quoted(&url)),
        ingest_url: url,
        send_action: links::verb(&links::start(tenant), "send"),
        source_href: links::source(tenant, &source.id.to_string()),
        destination_href: links::destination(tenant, &destination.id.to_string()),
        arrived: arrived(&store, tenant, (&source, &destination)).await?,
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

/// One word of a command line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

async fn arrived(
    store: &TenantStore,
    tenant: &str,
    (source, destination): (&Source, &Destination),
) -> Result<Option<Arrived>, Halt> {
    let filter = EventFilter { source: Some(source.id), ..EventFilter::default() };
    let slice = store.list_events(&filter, &Window::newest(1)).await.map_err(Problem::from)?;
    let Some(event) = slice.rows.into_iter().next() else { return Ok(None) };
    let Some(detail) = store.find_event(event.id).await? else { return Ok(None) };
    Ok(Some(Arrived {
        settled: detail.deliveries.iter().all(|found| found.delivery.state.is_final()),
        steps: steps(&detail, destination),
        event: source_rows::event(tenant, &source.name, event),
    }))
}

fn steps(detail: &EventDetail, bin: &Destination) -> Vec<Step> {
    let event = &detail.event;
    let mut steps = vec![Step {
        mark: Mark::Done,
        title: "Received".to_owned(),
        notes: vec![format!("From {}; on disk before it was answered.", event.remote)],
        at: Some(format::moment_ms(event.received_at.as_micros())),
        delta: String::new(),
        href: None,
    }];
    for found in &detail.deliveries {
        let name = if found.delivery.destination == bin.id { bin.name.as_str() } else { "Another destination" };
        steps.extend(tries(found, name, event.received_at.as_micros()));
    }
    steps
}

fn tries(found: &DeliveryDetail, name: &str, since: i64) -> Vec<Step> {
    let attempt = |attempt: &postern_store::read::Attempt| {
        let is_success = attempt.status.is_some_and(|status| (200..300).contains(&status));
        let result = attempt.status.map_or_else(|| attempt.kind.as_str().to_owned(), |status| status.to_string());
        Step {
            mark: if is_success { Mark::Done } else { Mark::Failed },
            title: format!("{name} answered {result}"),
            notes: vec![format!(
                "Try {}, {}",
                attempt.number,
                format::duration_us(u64::from(attempt.timings.total_us))
            )],
            at: Some(format::moment_ms(attempt.started_at.as_micros())),
            delta: format::delta(attempt.started_at.as_micros(), since),
            href: None,
        }
    };
    let mut steps: Vec<Step> = found.attempts.iter().map(attempt).collect();
    if !found.delivery.state.is_final() {
        steps.push(Step {
            mark: Mark::Waiting,
            title: format!("{name}: a try follows"),
            notes: Vec::new(),
            at: found.delivery.due_at.map(|due| format::moment_ms(due.as_micros())),
            delta: String::new(),
            href: None,
        });
    }
    steps
}

/// Asked for twice, it makes one pair. Whoever may make connections may make their ends.
async fn begin(member: Member<ConnectionsWrite>, app: Data<App>, _posted: Posted) -> Answer {
    if find(&rows::store(&app, &member)).await?.is_some() {
        return Ok(answer::see_other(&here(&member)));
    }
    let by = member.by();
    let source = rows::made(source::create(&app.engine, &by, open_source(), rows::forget).await?)?;
    let destination = rows::made(destination::create(&app.engine, &by, bin(), rows::forget).await?)?;
    let new = NewConnection { source: source.id, destination: destination.id, event_types: Vec::new() };
    rows::made(connection::create(&app.engine, &by, new, rows::forget).await?)?;
    Ok(answer::done(&here(&member), "created"))
}

fn open_source() -> NewSource {
    NewSource {
        name: "First source".to_owned(),
        kind: SourceKind::Webhook,
        provider: None,
        scheme: Some("none".to_owned()),
        secrets: Vec::new(),
        public_keys: Vec::new(),
        config: None,
        public_url: None,
        allowed_ips: Vec::new(),
        dedup: None,
        answer: None,
        max_body_bytes: None,
        rate_limit: None,
    }
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
    }
}

/// What a sender would post, taken in as if it had come over the network.
async fn send(member: Member<SourcesWrite>, app: Data<App>, _posted: Posted) -> Answer {
    let pair = find(&rows::store(&app, &member)).await?.ok_or_else(Problem::not_found)?;
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
