//! `/t/{tenant}/events/{id}`: one event, inspected, and its bytes as they came.

use std::collections::HashMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, Data, ServiceConfig},
};
use postern_domain::{ConnectionId, DestinationId, EventId, Timestamp, delivery::EventOutcome, permission::Permission};
use postern_frontend::{links, pages::event::EventDetail, parts::Fact, payload::Payload, shell::Section};
use postern_store::{
    TenantStore,
    read::{self, Delivery},
    tenant::{Connection, Destination, Source},
};

use super::{
    Halt,
    answer::{self, Nonce},
    event_curl, event_panel, event_steps,
    event_words::Around,
    live::{self, Part},
    rows,
};
use crate::{
    App,
    auth::{EventsRead, Member},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/events/{id}", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/events/{id}/raw", [(Method::GET, web::get().to(raw))]))
        .service(resource("/t/{tenant}/live/events/{id}", [(Method::GET, web::get().to(go_on))]));
}

/// An event with all that its page speaks about.
pub(super) struct Found {
    pub(super) tenant: String,
    pub(super) detail: read::EventDetail,
    /// None once it was deleted.
    pub(super) source: Option<Source>,
    destinations: HashMap<DestinationId, Destination>,
    connections: HashMap<ConnectionId, Connection>,
    now: Timestamp,
}

impl Found {
    pub(super) async fn read(store: &TenantStore, tenant: String, id: EventId, now: Timestamp) -> Result<Self, Halt> {
        let detail = store.find_event(id).await?.ok_or_else(Problem::not_found)?;
        let source = store.sources().find(detail.event.source).await?;
        let (mut destinations, mut connections) = (HashMap::new(), HashMap::new());
        for Delivery { destination, connection, .. } in detail.deliveries.iter().map(|detail| &detail.delivery) {
            if !destinations.contains_key(destination) {
                destinations.insert(*destination, store.destinations().find(*destination).await?);
            }
            if !connections.contains_key(connection) {
                connections.insert(*connection, store.connections().find(*connection).await?);
            }
        }
        let destinations = destinations.into_iter().filter_map(|(id, found)| Some((id, found?))).collect();
        let connections = connections.into_iter().filter_map(|(id, found)| Some((id, found?))).collect();
        Ok(Self { tenant, detail, source, destinations, connections, now })
    }

    pub(super) fn destination(&self, id: DestinationId) -> Option<&Destination> {
        self.destinations.get(&id)
    }

    pub(super) fn destination_name(&self, id: DestinationId) -> String {
        self.destination(id).map_or_else(|| "a deleted destination".to_owned(), |found| found.name.clone())
    }

    pub(super) fn around(&self, delivery: &Delivery) -> Around<'_> {
        Around {
            destination: self.destination(delivery.destination),
            connection: self.connections.get(&delivery.connection),
            now: self.now,
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let event = &self.detail.event;
        let sha256: String = self.detail.body_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        vec![
            Fact::new("Size", rows::size(event.body_bytes.into())),
            Fact::new("Content type", event.content_type.as_deref().unwrap_or("none")),
            Fact::new("Dedup key", event.dedup_key.as_deref().unwrap_or("none")),
            Fact::new("From", event.remote.clone()),
            Fact::new("SHA-256", sha256),
        ]
    }

    /// Where the same could be sent once more. The last part of the URL lets anybody in, so only those see it who may
    /// look at the source.
    fn url(&self, app: &App, may_see: bool) -> Option<String> {
        let token = self.source.as_ref()?.token.as_ref()?;
        Some(app.settings.ingest_url(if may_see { token.expose() } else { "TOKEN" }))
    }

    /// Nobody but a person will change anything.
    pub(super) fn is_over(&self) -> bool {
        !matches!(self.detail.event.outcome, EventOutcome::Queued | EventOutcome::Retrying | EventOutcome::Held)
    }

    /// Of the only delivery, or of the first that is not through.
    fn next_step(&self) -> String {
        let next = self.detail.deliveries.iter().map(|detail| &detail.delivery);
        next.map(|delivery| super::event_words::next_step(delivery, &self.around(delivery)))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }
}

async fn show(
    member: Member<EventsRead>,
    app: Data<App>,
    id: Result<PathId<EventId>, Halt>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let (nonce, id, mut query) = (Nonce::fresh(), id?.0, query?);
    let done = query.text("done");
    query.finish()?;
    let (mut page, found) = inspect(&app, &member, id, done.as_deref(), &nonce).await?;
    let here = links::live(&found.tenant, &format!("events/{id}"));
    let part = Part::of(&page.as_live(), &page.shell.csrf)?.and_last(found.is_over());
    page.shell.live_href = part.live_href(&here);
    Ok(answer::show(&page, &nonce))
}

/// Until nothing more happens to it.
async fn go_on(
    request: HttpRequest,
    member: Result<Member<EventsRead>, Halt>,
    app: Data<App>,
    id: Result<PathId<EventId>, Halt>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let (id, mut query) = (id?.0, query?);
    let seen = query.aside(live::SEEN);
    query.finish()?;
    live::stream(&app, &request, member, seen, move |app, member| async move {
        let (page, found) = inspect(&app, &member, id, None, &Nonce::fresh()).await?;
        Ok(Part::of(&page.as_live(), &page.shell.csrf)?.and_last(found.is_over()))
    })
    .await
}

async fn inspect(
    app: &Data<App>,
    member: &Member<EventsRead>,
    id: EventId,
    done: Option<&str>,
    nonce: &Nonce,
) -> Result<(EventDetail, Found), Halt> {
    let store = app.engine.store.tenant(member.scope());
    let tenant = member.scope().tenant_id().to_string();
    let found = Found::read(&store, tenant, id, app.engine.clock.now()).await?;
    let body = store.find_payload(id).await?.and_then(|payload| payload.body);
    let event = &found.detail.event;
    let headers = rows::headers(&found.detail.headers);
    let url = found.url(app, member.may(Permission::SourcesRead));
    let curl =
        url.zip(body.as_deref()).map(|(url, body)| event_curl::command(&url, &headers, body, &file_name(id, body)));
    let source = event.source.to_string();
    let page = EventDetail {
        shell: answer::shell(app, member, Section::Events, done, nonce).await?,
        id: id.to_string(),
        event_type: event.event_type.clone(),
        source: found.source.as_ref().map_or_else(|| source.clone(), |source| source.name.clone()),
        source_href: links::source(&found.tenant, &source),
        outcome: rows::outcome(event.outcome),
        next_step: found.next_step(),
        received: rows::shown(event.received_at),
        facts: found.facts(),
        steps: event_steps::of(&found),
        deliveries: event_panel::of(&found),
        headers,
        payload: match &body {
            Some(body) => Payload::of(body, body.len() as u64),
            None => Payload::absent("It is past its retention and was deleted; what is known of it is still here."),
        },
        curl,
        back_href: links::events(&found.tenant),
    };
    Ok((page, found))
}

/// The bytes. Whoever sent them chose them, so a browser may save them and do nothing else with them.
async fn raw(
    member: Member<EventsRead>,
    app: Data<App>,
    id: Result<PathId<EventId>, Halt>,
) -> Result<HttpResponse, Halt> {
    let id = id?.0;
    let store = app.engine.store.tenant(member.scope());
    let payload = store.find_payload(id).await?.ok_or_else(Problem::not_found)?;
    let expired =
        || Problem::new(Code::PayloadExpired, "The payload is past its retention; its metadata is still here.");
    let body = payload.body.ok_or_else(expired)?;
    let content_type = if is_text(&body) { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file_name(id, &body))))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

fn is_text(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| !text.contains('\0'))
}

fn file_name(id: EventId, body: &[u8]) -> String {
    format!("{id}.{}", if is_text(body) { "txt" } else { "bin" })
}
