//! The connections of a tenant: the list, one of them, and what can be done to it.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{ConnectionId, permission::Permission};
use postern_frontend::{
    form::{Choice, Field},
    links,
    pages::{
        confirm::Confirm,
        connection::ConnectionDetail,
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
    config_rows::{self as rows, Answer, Configured, Names, moment},
    connection_form,
    posted::Posted,
};
use crate::{
    App,
    auth::{ConnectionsRead, ConnectionsWrite, Member},
    path::PathId,
    problem::Problem,
    query::Query,
    route::resource,
};

type Id = Result<PathId<ConnectionId>, Halt>;

pub(super) fn routes(config: &mut ServiceConfig) {
    let at = |rest: &str| format!("/t/{{tenant}}/connections{rest}");
    config
        .service(resource(&at(""), [(Method::GET, web::get().to(list))]))
        .service(resource(
            &at("/new"),
            [
                (Method::GET, web::get().to(connection_form::new)),
                (Method::POST, web::post().to(connection_form::create)),
            ],
        ))
        .service(resource(&at("/{id}"), [(Method::GET, web::get().to(show))]))
        .service(resource(
            &at("/{id}/edit"),
            [
                (Method::GET, web::get().to(connection_form::edit)),
                (Method::POST, web::post().to(connection_form::save)),
            ],
        ))
        .service(resource(&at("/{id}/pause"), [(Method::POST, web::post().to(pause))]))
        .service(resource(&at("/{id}/resume"), [(Method::POST, web::post().to(resume))]))
        .service(resource(
            &at("/{id}/delete"),
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
    let mut query = query?.without_empty();
    let done = query.text("done");
    let source = query.text("source").unwrap_or_default();
    let destination = query.text("destination").unwrap_or_default();
    let filters = [("source", source.as_str()), ("destination", destination.as_str())];
    let page = rows::asked(&app, member.scope(), query, ("page:connections", &filters))?;
    let all = Configured::read(&rows::store(&app, &member)).await?;
    let names = all.names();
    let fits = |row: &Connection| {
        (source.is_empty() || row.source.to_string() == source)
            && (destination.is_empty() || row.destination.to_string() == destination)
    };
    let fitting = all.connections.iter().filter(|row| fits(row)).collect();
    let found = rows::newest_first(&page, fitting, |row| row.id.uuid());
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Connections, done.as_deref(), &nonce).await?;
    let sources = all.sources.iter().map(|found| Choice::new(found.id.to_string(), found.name.as_str()));
    let destinations = all.destinations.iter().map(|found| Choice::new(found.id.to_string(), found.name.as_str()));
    let view = ConnectionList {
        rows: found.data.into_iter().map(|row| names.connection(&shell.tenant_id, row)).collect(),
        paging: rows::paging(&links::connections(&shell.tenant_id), &page, found.next_cursor.as_ref(), &filters),
        filtered: filters.iter().any(|(_, value)| !value.is_empty()),
        filter: ConnectionFilter {
            source: Field::select("source", source.as_str(), rows::any_of(sources)),
            destination: Field::select("destination", destination.as_str(), rows::any_of(destinations)),
        },
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

async fn show(member: Member<ConnectionsRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let store = rows::store(&app, &member);
    let found = find(&store, id).await?;
    let names = rows::ends(&store, &found).await?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Connections, done.as_deref(), &nonce).await?;
    let tenant = shell.tenant_id.as_str();
    let view = ConnectionDetail {
        id: found.id.to_string(),
        source: names.source(found.source),
        source_href: links::source(tenant, &found.source.to_string()),
        destination: names.destination(found.destination),
        destination_href: links::destination(tenant, &found.destination.to_string()),
        state: rows::run_state(found.state),
        paused: found.state == RunState::Paused,
        event_types: found.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        facts: vec![
            Fact::new("Created", moment(found.created_at).shown),
            Fact::new("Changed", moment(found.updated_at).shown),
        ],
        deliveries: if member.may(Permission::DeliveriesRead) {
            rows::last_deliveries(&store, &names, tenant, (through(&found), Some(found.id))).await?
        } else {
            Vec::new()
        },
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

/// Deliveries between its ends: its own, and those of one that connected them before.
fn through(connection: &Connection) -> DeliveryFilter {
    DeliveryFilter {
        source: Some(connection.source),
        destination: Some(connection.destination),
        ..DeliveryFilter::default()
    }
}

async fn pause(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    rows::made(configure::connection::pause(&app.engine, &member.by(), id, rows::forget).await?)?;
    Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &id.to_string()), "paused"))
}

async fn resume(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    rows::made(configure::connection::resume(&app.engine, &member.by(), id, rows::forget).await?)?;
    Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &id.to_string()), "resumed"))
}

async fn confirm(member: Member<ConnectionsWrite>, app: Data<App>, id: Id) -> Answer {
    let store = rows::store(&app, &member);
    let found = find(&store, id).await?;
    let names = rows::ends(&store, &found).await?;
    let waiting = rows::waiting(&store, through(&found), Some(found.id)).await?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Connections, None, &nonce).await?;
    let here = links::connection(&shell.tenant_id, &found.id.to_string());
    let view = Confirm {
        verb: "Delete connection".to_owned(),
        thing: title(&names, &found),
        consequences: rows::cancelled(waiting).into_iter().collect(),
        action: links::verb(&here, "delete"),
        cancel_href: here,
        typed: None,
        hidden: Vec::new(),
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

async fn delete(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    rows::made(configure::connection::delete(&app.engine, &member.by(), id?.0, rows::forget).await?)?;
    Ok(answer::done(&links::connections(&member.membership.tenant.to_string()), "deleted"))
}
