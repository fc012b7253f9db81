//! The destinations of a tenant: the list, one of them, and what can be done to it.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{DestinationId, destination::DestinationKind, permission::Permission};
use postern_frontend::{
    format, links,
    pages::{
        destination::DestinationDetail,
        destinations::{DestinationFilter, DestinationList, DestinationRow},
    },
    parts::{BinRow, Fact, Header, Link, SecretPanel},
    payload::Payload,
    shell::Section,
};
use postern_pipeline::configure;
use postern_store::{
    TenantStore,
    read::{BinRequestRead, DeliveryFilter, Window},
    tenant::{Destination, DestinationState, Sought},
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer, Deletion, LAST},
    destination_form, destination_queue,
    list::{self, Asked, Names},
    posted::Posted,
    rows::{self, shown},
    step_up,
};
use crate::{
    App,
    auth::{DestinationsRead, DestinationsWrite, KeysWrite, Member, Need},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

type Id = Result<PathId<DestinationId>, Halt>;

/// Whether the page shows the signing secret as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    Masked,
    Shown,
}

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/destinations", [(Method::GET, web::get().to(list))]))
        .service(resource(
            "/t/{tenant}/destinations/new",
            [
                (Method::GET, web::get().to(destination_form::new)),
                (Method::POST, web::post().to(destination_form::create)),
            ],
        ))
        .service(resource("/t/{tenant}/destinations/{id}", [(Method::GET, web::get().to(show))]))
        .service(resource(
            "/t/{tenant}/destinations/{id}/edit",
            [
                (Method::GET, web::get().to(destination_form::edit)),
                (Method::POST, web::post().to(destination_form::save)),
            ],
        ))
        .service(resource("/t/{tenant}/destinations/{id}/reveal", [(Method::POST, web::post().to(reveal))]))
        .service(resource("/t/{tenant}/destinations/{id}/pause", [(Method::POST, web::post().to(pause))]))
        .service(resource("/t/{tenant}/destinations/{id}/resume", [(Method::POST, web::post().to(resume))]))
        .service(resource(
            "/t/{tenant}/destinations/{id}/delete",
            [(Method::GET, web::get().to(confirm)), (Method::POST, web::post().to(delete))],
        ));
}

pub(super) async fn find(store: &TenantStore, id: Id) -> Result<Destination, Halt> {
    Ok(store.destinations().find(id?.0).await?.ok_or_else(Problem::not_found)?)
}

async fn list(member: Member<DestinationsRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut asked = Asked::of(query?);
    let state = asked.parsed("state", "There is no such state.", DestinationState::parse);
    let sought = Sought { text: asked.text("q"), state };
    if let Some(problem) = asked.problem.take() {
        return Err(Problem::new(Code::InvalidQuery, problem).into());
    }
    let states = [DestinationState::Active, DestinationState::Paused, DestinationState::Held];
    let filter = DestinationFilter {
        q: asked.field("q"),
        state: asked.select("state", list::choices(states.map(DestinationState::as_str))),
    };
    let (store, tenant) = (configured::store(&app, &member), member.membership.tenant.to_string());
    let (here, filtered) = (asked.here(&links::destinations(&tenant)), asked.is_filtered());
    let done = asked.done.take();
    let page = asked.page(&app, member.scope(), "page:destinations")?;
    let found = store.destinations().search(&sought, configured::part(&page, DestinationId::from_uuid)).await?;
    let ids: Vec<DestinationId> = found.iter().map(|found| found.id).collect();
    let connections = store.connections().count_to(&ids).await?;
    let row = |found: Destination| row(&tenant, &found, connections.get(&found.id).copied().unwrap_or_default());
    let found = page.answer(found, |found| found.id.uuid().as_bytes().to_vec(), row);
    let nonce = Nonce::fresh();
    let view = DestinationList {
        shell: answer::shell(&app, &member, Section::Destinations, done.as_deref(), &nonce).await?,
        filter,
        filtered,
        rows: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
    };
    Ok(answer::show(&view, &nonce))
}

fn target(found: &Destination) -> &str {
    found.url.as_deref().unwrap_or(found.kind.as_str())
}

fn row(tenant: &str, found: &Destination, connections: u64) -> DestinationRow {
    DestinationRow {
        href: links::destination(tenant, &found.id.to_string()),
        id: found.id.to_string(),
        name: found.name.clone(),
        target: target(found).to_owned(),
        state: configured::destination_state(found),
        connections: format::count(connections),
        created: shown(found.created_at),
    }
}

async fn show(member: Member<DestinationsRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let found = find(&configured::store(&app, &member), id).await?;
    page(&app, &member, found, Secrets::Masked, done.as_deref()).await
}

/// Admins only, after the password, and on record.
async fn reveal(member: Member<KeysWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let store = configured::store(&app, &member);
    let found = find(&store, id).await?;
    let id = found.id.to_string();
    step_up::require(&app, &member, &links::destination(&member.membership.tenant.to_string(), &id))?;
    let mut tx = store.begin(&member.actor()).await?;
    tx.note("destination.revealed", &id, serde_json::json!({ "name": found.name })).await?;
    tx.commit().await?;
    page(&app, &member, found, Secrets::Shown, None).await
}

pub(super) async fn page<N: Need>(
    app: &Data<App>,
    member: &Member<N>,
    found: Destination,
    secrets: Secrets,
    done: Option<&str>,
) -> Answer {
    let store = configured::store(app, member);
    let names = Names::read(&store, member.scope()).await?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Destinations, done, &nonce).await?;
    let tenant = shell.tenant_id.as_str();
    let filter = DeliveryFilter { destination: Some(found.id), ..DeliveryFilter::default() };
    let secret = found.signing_secret.expose();
    let is_shown = secrets == Secrets::Shown;
    let view = DestinationDetail {
        id: found.id.to_string(),
        name: found.name.clone(),
        is_bin: found.kind == DestinationKind::Bin,
        url: found.url.clone().unwrap_or_default(),
        state: configured::destination_state(&found),
        paused: found.state != DestinationState::Active,
        trouble: trouble(&found),
        facts: facts(&found),
        headers: found.headers.keys().map(|name| Header { name: name.clone(), value: "••••".to_owned() }).collect(),
        secret: SecretPanel {
            masked: vec![format::masked(secret)],
            shown: if is_shown { vec![secret.clone()] } else { Vec::new() },
        },
        connections: configured::connections(&store, &names, (None, Some(found.id))).await?,
        deliveries: if member.may(Permission::DeliveriesRead) {
            configured::last_deliveries(&store, &names, filter).await?
        } else {
            Vec::new()
        },
        queue: destination_queue::panel(app, &store, &found).await?,
        received: if found.kind == DestinationKind::Bin {
            received(&store, tenant, found.id).await?
        } else {
            Vec::new()
        },
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

fn trouble(found: &Destination) -> Option<String> {
    match (found.state, found.failing_since) {
        (DestinationState::Held, _) => {
            let reason = found.state_reason.as_deref().unwrap_or("it said that it is gone");
            Some(format!("Held until somebody resumes it: {reason}."))
        }
        (DestinationState::Active, Some(since)) => {
            Some(format!("Every attempt has failed since {}.", shown(since).shown))
        }
        (DestinationState::Active, None) | (DestinationState::Paused, _) => None,
    }
}

fn facts(found: &Destination) -> Vec<Fact> {
    let mut facts = found.queue.as_ref().map_or_else(|| of_sending(found), destination_queue::facts);
    facts.push(Fact::new("Created", shown(found.created_at).shown));
    facts.push(Fact::new("Changed", shown(found.updated_at).shown));
    facts
}

fn of_sending(found: &Destination) -> Vec<Fact> {
    let limit = found.rate_limit.as_ref();
    let limit = limit.map(|limit| format!("{} a second, {} at one moment", limit.per_s, limit.burst()));
    let mut facts = vec![
        Fact::new("Rate limit", limit.unwrap_or_else(|| "none".to_owned())),
        Fact::new("Requests at once", found.concurrency.to_string()),
        Fact::new("Timeout", format::duration_us(u64::from(found.timeout_ms) * 1_000)),
        Fact::new("Retries after", format::schedule(&found.retry.schedule_s)),
        Fact::new("Jitter", format!("{} %", found.retry.jitter_pct)),
    ];
    if found.fail_next > 0 {
        facts.push(Fact::new("Answers 500 to the next", found.fail_next.to_string()));
    }
    facts
}

async fn received(store: &TenantStore, tenant: &str, id: DestinationId) -> Result<Vec<BinRow>, Halt> {
    let slice = store.list_bin_requests(id, &Window::newest(LAST)).await?.unwrap_or_default();
    let row = |request: BinRequestRead| {
        let event = request.event.to_string();
        BinRow {
            id: request.id.to_string(),
            at: shown(request.at),
            event: Link { href: links::event(tenant, &event), text: event },
            answered: request.answered.to_string(),
            headers: rows::headers(&request.headers),
            body: Payload::of(&request.body, u64::try_from(request.body_bytes).unwrap_or_default()),
        }
    };
    Ok(slice.rows.into_iter().map(row).collect())
}

async fn pause(member: Member<DestinationsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::destination::pause(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::destination(&member.membership.tenant.to_string(), &id.to_string()), "paused"))
}

async fn resume(member: Member<DestinationsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::destination::resume(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::destination(&member.membership.tenant.to_string(), &id.to_string()), "resumed"))
}

async fn confirm(member: Member<DestinationsWrite>, app: Data<App>, id: Id) -> Answer {
    let store = configured::store(&app, &member);
    let found = find(&store, id).await?;
    let connections = store.connections().list(None, configure::MAX_PER_TENANT).await?;
    let count = connections.iter().filter(|row| row.destination == found.id).count();
    let filter = DeliveryFilter { destination: Some(found.id), ..DeliveryFilter::default() };
    let mut consequences: Vec<String> = configured::with_it(count).into_iter().collect();
    consequences.extend(configured::cancelled(configured::waiting(&store, filter).await?));
    if found.kind != DestinationKind::Queue {
        consequences.push("Its signing secret is gone: a new destination has another.".to_owned());
    }
    let here = links::destination(&member.membership.tenant.to_string(), &found.id.to_string());
    let cancel_href = here.clone();
    let asked = Deletion { verb: "Delete destination", thing: found.name, consequences, here, cancel_href };
    configured::confirm(&app, &member, Section::Destinations, asked).await
}

async fn delete(member: Member<DestinationsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    configured::made(configure::destination::delete(&app.engine, &member.by(), id?.0, configured::forget).await?)?;
    Ok(answer::done(&links::destinations(&member.membership.tenant.to_string()), "deleted"))
}
