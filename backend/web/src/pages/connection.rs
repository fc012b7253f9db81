//! The connections of a tenant: the list, one of them, and what can be done to it.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{ConnectionId, permission::Permission};
use postern_frontend::{
    format::duration_us,
    links,
    pages::{
        connection::ConnectionDetail,
        connection_form::payload_label,
        connections::{ConnectionFilter, ConnectionList},
    },
    parts::Fact,
    shell::Section,
};
use postern_pipeline::configure;
use postern_store::{
    TenantStore,
    read::DeliveryFilter,
    tenant::{Connection, RunState},
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer, Deletion},
    connection_form,
    list::{self, Asked, Names},
    posted::Posted,
    rows::shown,
};
use crate::{
    App,
    auth::{ConnectionsRead, ConnectionsWrite, Member},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

type Id = Result<PathId<ConnectionId>, Halt>;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/connections", [(Method::GET, web::get().to(list))]))
        .service(resource(
            "/t/{tenant}/connections/new",
            [
                (Method::GET, web::get().to(connection_form::new)),
                (Method::POST, web::post().to(connection_form::create)),
            ],
        ))
        .service(resource("/t/{tenant}/connections/{id}", [(Method::GET, web::get().to(show))]))
        .service(resource(
            "/t/{tenant}/connections/{id}/edit",
            [
                (Method::GET, web::get().to(connection_form::edit)),
                (Method::POST, web::post().to(connection_form::save)),
            ],
        ))
        .service(resource("/t/{tenant}/connections/{id}/pause", [(Method::POST, web::post().to(pause))]))
        .service(resource("/t/{tenant}/connections/{id}/resume", [(Method::POST, web::post().to(resume))]))
        .service(resource(
            "/t/{tenant}/connections/{id}/delete",
            [(Method::GET, web::get().to(confirm)), (Method::POST, web::post().to(delete))],
        ));
}

pub(super) async fn find(store: &TenantStore, id: Id) -> Result<Connection, Halt> {
    Ok(store.connections().find(id?.0).await?.ok_or_else(Problem::not_found)?)
}

pub(super) fn title(names: &Names, connection: &Connection) -> String {
    format!("{} → {}", names.source(connection.source), names.destination(connection.destination))
}

async fn list(member: Member<ConnectionsRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut asked = Asked::of(query?);
    let source = asked.parsed("source", "There is no such source.", |text| text.parse().ok());
    let destination = asked.parsed("destination", "There is no such destination.", |text| text.parse().ok());
    if let Some(problem) = asked.problem.take() {
        return Err(Problem::new(Code::InvalidQuery, problem).into());
    }
    let store = configured::store(&app, &member);
    let names = Names::read(&store, member.scope()).await?;
    let filter = ConnectionFilter {
        source: asked.select("source", names.source_choices()),
        destination: asked.select("destination", names.destination_choices()),
    };
    let (here, filtered) = (asked.here(&links::connections(&names.tenant)), asked.is_filtered());
    let done = asked.done.take();
    let page = asked.page(&app, member.scope(), "page:connections")?;
    let ends = (source, destination);
    let found = store.connections().between(ends, configured::part(&page, ConnectionId::from_uuid)).await?;
    let position = |row: &Connection| row.id.uuid().as_bytes().to_vec();
    let found = page.answer(found, position, |row| configured::connection(&names, &row));
    let nonce = Nonce::fresh();
    let view = ConnectionList {
        shell: answer::shell(&app, &member, Section::Connections, done.as_deref(), &nonce).await?,
        filter,
        filtered,
        rows: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
    };
    Ok(answer::show(&view, &nonce))
}

async fn show(member: Member<ConnectionsRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let store = configured::store(&app, &member);
    let found = find(&store, id).await?;
    let names = configured::ends(&store, member.scope(), &found).await?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Connections, done.as_deref(), &nonce).await?;
    let tenant = shell.tenant_id.as_str();
    let view = ConnectionDetail {
        id: found.id.to_string(),
        source: names.source(found.source),
        source_href: links::source(tenant, &found.source.to_string()),
        destination: names.destination(found.destination),
        destination_href: links::destination(tenant, &found.destination.to_string()),
        state: configured::run_state(found.state),
        paused: found.state == RunState::Paused,
        event_types: found.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        facts: vec![
            Fact::new("Payload", payload_label(found.payload.as_str())),
            Fact::new("Delay", delay(found.delay_s)),
            Fact::new("Created", shown(found.created_at).shown),
            Fact::new("Changed", shown(found.updated_at).shown),
        ],
        deliveries: if member.may(Permission::DeliveriesRead) {
            configured::last_deliveries(&store, &names, through(&found)).await?
        } else {
            Vec::new()
        },
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

fn through(connection: &Connection) -> DeliveryFilter {
    DeliveryFilter { connection: Some(connection.id), ..DeliveryFilter::default() }
}

async fn pause(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::connection::pause(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &id.to_string()), "paused"))
}

async fn resume(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::connection::resume(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &id.to_string()), "resumed"))
}

async fn confirm(member: Member<ConnectionsWrite>, app: Data<App>, id: Id) -> Answer {
    let store = configured::store(&app, &member);
    let found = find(&store, id).await?;
    let names = configured::ends(&store, member.scope(), &found).await?;
    let waiting = configured::waiting(&store, through(&found)).await?;
    let here = links::connection(&names.tenant, &found.id.to_string());
    let asked = Deletion {
        verb: "Delete connection",
        thing: title(&names, &found),
        consequences: configured::cancelled(waiting).into_iter().collect(),
        cancel_href: here.clone(),
        here,
    };
    configured::confirm(&app, &member, Section::Connections, asked).await
}

async fn delete(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    configured::made(configure::connection::delete(&app.engine, &member.by(), id?.0, configured::forget).await?)?;
    Ok(answer::done(&links::connections(&member.membership.tenant.to_string()), "deleted"))
}

fn delay(delay_s: u32) -> String {
    if delay_s == 0 { "none".to_owned() } else { duration_us(u64::from(delay_s) * 1_000_000) }
}
