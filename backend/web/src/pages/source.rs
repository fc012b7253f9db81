//! The sources of a tenant: the list, one of them, and what can be done to it.

use actix_web::{
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{SourceId, Timestamp, permission::Permission, source::SourceKind};
use postern_frontend::{
    format, links,
    pages::{
        source::{Handover, SourceDetail},
        sources::{SourceFilter, SourceList, SourceRow},
    },
    parts::{EventRow, Fact, RequestRow, SecretPanel},
    shell::Section,
    state::State,
};
use postern_pipeline::{
    configure::{self, front_door},
    polling::{self, Overview},
    providers::{self, Presets},
};
use postern_store::{
    TenantStore,
    read::{DeliveryFilter, EventFilter, RequestFilter, RequestOutcome, Window},
    tenant::{RunState, Sought, Source},
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer, Deletion, LAST},
    destination::Secrets,
    list::{self, Asked, Names},
    poll_words,
    posted::Posted,
    rows::{self, shown},
    sender::{self, Chosen},
    source_check, source_form, source_schedule, step_up,
};
use crate::{
    App,
    auth::{KeysWrite, Member, Need, SourcesRead, SourcesWrite},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

type Id = Result<PathId<SourceId>, Halt>;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/sources", [(Method::GET, web::get().to(list))]))
        .service(resource(
            "/t/{tenant}/sources/new",
            [(Method::GET, web::get().to(source_form::new)), (Method::POST, web::post().to(source_form::create))],
        ))
        .service(resource("/t/{tenant}/sources/{id}", [(Method::GET, web::get().to(show))]))
        .service(resource(
            "/t/{tenant}/sources/{id}/edit",
            [(Method::GET, web::get().to(source_form::edit)), (Method::POST, web::post().to(source_form::save))],
        ))
        .service(resource("/t/{tenant}/sources/{id}/rotate-url", [(Method::POST, web::post().to(rotate_url))]))
        .service(resource(
            "/t/{tenant}/sources/{id}/await-handshake",
            [(Method::POST, web::post().to(await_handshake))],
        ))
        .service(resource(
            "/t/{tenant}/sources/{id}/check",
            [(Method::GET, web::get().to(source_check::form)), (Method::POST, web::post().to(source_check::check))],
        ))
        .service(resource("/t/{tenant}/sources/{id}/reveal", [(Method::POST, web::post().to(reveal))]))
        .service(resource("/t/{tenant}/sources/{id}/pause", [(Method::POST, web::post().to(pause))]))
        .service(resource("/t/{tenant}/sources/{id}/resume", [(Method::POST, web::post().to(resume))]))
        .service(resource(
            "/t/{tenant}/sources/{id}/delete",
            [(Method::GET, web::get().to(confirm)), (Method::POST, web::post().to(delete))],
        ));
}

pub(super) async fn find(store: &TenantStore, id: Id) -> Result<Source, Halt> {
    Ok(store.sources().find(id?.0).await?.ok_or_else(Problem::not_found)?)
}

async fn list(member: Member<SourcesRead>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut asked = Asked::of(query?);
    let sought =
        Sought { text: asked.text("q"), state: asked.parsed("state", "There is no such state.", RunState::parse) };
    if let Some(problem) = asked.problem.take() {
        return Err(Problem::new(Code::InvalidQuery, problem).into());
    }
    let filter = SourceFilter {
        q: asked.field("q"),
        state: asked.select("state", list::choices([RunState::Active, RunState::Paused].map(RunState::as_str))),
    };
    let (store, tenant) = (configured::store(&app, &member), member.membership.tenant.to_string());
    let (here, filtered) = (asked.here(&links::sources(&tenant)), asked.is_filtered());
    let done = asked.done.take();
    let page = asked.page(&app, member.scope(), "page:sources")?;
    let found = store.sources().search(&sought, configured::part(&page, SourceId::from_uuid)).await?;
    let ids: Vec<SourceId> = found.iter().map(|source| source.id).collect();
    let connections = store.connections().count_from(&ids).await?;
    let presets = providers::known(&app.engine);
    let run_themselves = found.iter().filter(|source| source.poll.is_some() || source.schedule.is_some());
    let run_themselves: Vec<SourceId> = run_themselves.map(|source| source.id).collect();
    let now = polling::overviews(&app.engine, member.scope(), &run_themselves).await?;
    let row = |source: Source| {
        let health = now.get(&source.id).map(|now| poll_words::health(now.health));
        let connections = connections.get(&source.id).copied().unwrap_or_default();
        let row = row(presets, &tenant, &source, connections);
        SourceRow { state: health.filter(|_| row.state == State::Active).unwrap_or(row.state), ..row }
    };
    let found = page.answer(found, |source| source.id.uuid().as_bytes().to_vec(), row);
    let nonce = Nonce::fresh();
    let view = SourceList {
        shell: answer::shell(&app, &member, Section::Sources, done.as_deref(), &nonce).await?,
        filter,
        filtered,
        rows: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
    };
    Ok(answer::show(&view, &nonce))
}

fn row(presets: &Presets, tenant: &str, source: &Source, connections: u64) -> SourceRow {
    let sender = Chosen::of(presets, source);
    SourceRow {
        href: links::source(tenant, &source.id.to_string()),
        id: source.id.to_string(),
        name: source.name.clone(),
        kind: source.kind.as_str().to_owned(),
        verification: sender.verification(),
        trust: providers::trust(presets, source).map(|level| sender::trust(level, sender.name())),
        state: state(source),
        connections: format::count(connections),
        created: shown(source.created_at),
    }
}

fn state(source: &Source) -> State {
    match (source.state, source.scheme.as_deref()) {
        (RunState::Paused, _) => State::Paused,
        (RunState::Active, Some("none")) => State::Unverified,
        (RunState::Active, _) => State::Active,
    }
}

async fn show(member: Member<SourcesRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.text("done");
    query.finish()?;
    let store = configured::store(&app, &member);
    let source = find(&store, id).await?;
    page(&app, &member, source, Secrets::Masked, done.as_deref()).await
}

/// Admins only, after the password, and on record.
async fn reveal(member: Member<KeysWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let store = configured::store(&app, &member);
    let source = find(&store, id).await?;
    let id = source.id.to_string();
    step_up::require(&app, &member, &links::source(&member.membership.tenant.to_string(), &id))?;
    let mut tx = store.begin(&member.actor()).await?;
    tx.note("source.revealed", &id, serde_json::json!({ "name": source.name })).await?;
    tx.commit().await?;
    page(&app, &member, source, Secrets::Shown, None).await
}

async fn page<N: Need>(
    app: &Data<App>,
    member: &Member<N>,
    source: Source,
    secrets: Secrets,
    done: Option<&str>,
) -> Answer {
    let store = configured::store(app, member);
    let names = Names::read(&store, member.scope()).await?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Sources, done, &nonce).await?;
    let (presets, now) = (providers::known(&app.engine), app.engine.clock.now());
    let sender = Chosen::of(presets, &source);
    let overview = polling::overview(&app.engine, member.scope(), source.id).await?;
    let facts = facts(&source, &sender, overview.as_ref());
    let plain = || source.secrets.iter().map(|secret| secret.expose().clone());
    let view = SourceDetail {
        id: source.id.to_string(),
        name: source.name.clone(),
        state: state(&source),
        paused: source.state == RunState::Paused,
        polling: overview.and_then(|overview| poll_words::polling(&shell.tenant_id, &source, &overview)),
        edit_verb: if source.kind == SourceKind::Poll { "poll/edit" } else { "edit" },
        ingest_url: source.token.as_ref().map(|token| app.settings.ingest_url(token.expose())),
        secrets: SecretPanel {
            masked: source.secrets.iter().map(|secret| format::masked(secret.expose())).collect(),
            shown: if secrets == Secrets::Shown { plain().collect() } else { Vec::new() },
        },
        overlap: SourceDetail::overlaps(),
        retired_until: source.retired_token.as_ref().filter(|old| now < old.until).map(|old| shown(old.until)),
        handover: handover(&source, now),
        about: sender.about(providers::trust(presets, &source)),
        without_secrets: without_secrets(&source).to_owned(),
        facts,
        connections: configured::connections(&store, &names, (Some(source.id), None)).await?,
        events: if member.may(Permission::EventsRead) { events(&store, &names, source.id).await? } else { Vec::new() },
        refused: if member.may(Permission::RequestsRead) {
            refused(&store, &names, source.id).await?
        } else {
            Vec::new()
        },
        shell,
    };
    Ok(answer::show(&view, &nonce))
}

const fn without_secrets(source: &Source) -> &'static str {
    match (source.handshake_until, source.public_keys.is_empty()) {
        (_, false) => "None: the sender signs with a key of its own, of which the public half is known here.",
        (Some(_), true) => "None yet: the sender hands it over.",
        (None, true) => "None: nothing proves who sends.",
    }
}

fn handover(source: &Source, now: Timestamp) -> Option<Handover> {
    let until = source.handshake_until.filter(|_| source.secrets.is_empty())?;
    Some(if now < until { Handover::Awaited } else { Handover::Over })
}

fn facts(source: &Source, sender: &Chosen<'_>, overview: Option<&Overview>) -> Vec<Fact> {
    let dates = [("Created", source.created_at), ("Changed", source.updated_at)];
    let dates = dates.map(|(label, at)| Fact::new(label, shown(at).shown));
    match source.kind {
        SourceKind::Poll => return poll_words::settings(source).into_iter().chain(dates).collect(),
        SourceKind::Schedule => return source_schedule::facts(source, overview).into_iter().chain(dates).collect(),
        SourceKind::Webhook | SourceKind::Publish => {}
    }
    let mut facts = vec![Fact::new("Kind", source.kind.as_str()), Fact::new("Verified by", sender.verification())];
    if let Some(config) = source.config.as_object().filter(|config| !config.is_empty()) {
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts.extend(config.iter().map(|(name, value)| Fact::new(name.replace('_', " "), text(value))));
    }
    if !source.public_keys.is_empty() {
        facts.push(Fact::new("Public keys", source.public_keys.len().to_string()));
    }
    facts.push(Fact::new("Dedup key", source.dedup.key.as_str()));
    facts.push(Fact::new("Dedup window", format::span_s(u64::from(source.dedup.window_s))));
    if source.kind == SourceKind::Webhook {
        let addresses = source.allowed_ips.to_strings();
        let addresses = if addresses.is_empty() { "everybody".to_owned() } else { addresses.join(", ") };
        facts.push(Fact::new("Allowed addresses", addresses));
        facts.push(Fact::new("Largest body", format::bytes(u64::from(source.max_body_bytes))));
    }
    if let Some(limit) = &source.rate_limit {
        facts.push(Fact::new("Rate limit", format!("{} a second, {} at one moment", limit.per_s, limit.burst())));
    }
    if let Some(url) = &source.public_url {
        facts.push(Fact::new("URL as it is signed", url.as_str()));
    }
    facts.extend(dates);
    facts
}

async fn events(store: &TenantStore, names: &Names, source: SourceId) -> Result<Vec<EventRow>, Halt> {
    let filter = EventFilter { source: Some(source), ..EventFilter::default() };
    let slice = rows::whole(store.list_events(&filter, &Window::newest(LAST)).await)?;
    Ok(rows::events(names, slice.rows))
}

async fn refused(store: &TenantStore, names: &Names, source: SourceId) -> Result<Vec<RequestRow>, Halt> {
    let filter = RequestFilter { source: Some(source), outcome: Some(RequestOutcome::Refused) };
    let slice = rows::whole(store.list_requests(filter, &Window::newest(LAST)).await)?;
    Ok(rows::requests(names, slice.rows))
}

async fn pause(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::source::pause(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id.to_string()), "paused"))
}

async fn resume(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(configure::source::resume(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id.to_string()), "resumed"))
}

/// The URL there is goes on working for as long as was chosen.
async fn rotate_url(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let id = id?.0;
    let overlap_s = posted.number("overlap_s").map_err(Problem::from)?.unwrap_or(front_door::DEFAULT_OVERLAP_S);
    let change = (id, overlap_s);
    configured::made(front_door::rotate_url(&app.engine, &member.by(), change, configured::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id.to_string()), "rotated"))
}

async fn await_handshake(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(front_door::await_handshake(&app.engine, &member.by(), id, configured::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id.to_string()), "awaiting"))
}

async fn confirm(member: Member<SourcesWrite>, app: Data<App>, id: Id) -> Answer {
    let store = configured::store(&app, &member);
    let source = find(&store, id).await?;
    let connections = store.connections().list(None, configure::MAX_PER_TENANT).await?;
    let count = connections.iter().filter(|row| row.source == source.id).count();
    let filter = DeliveryFilter { source: Some(source.id), ..DeliveryFilter::default() };
    let mut consequences = Vec::new();
    if source.poll.is_some() {
        consequences.push("Its cursor, its runs and what it remembers of records are deleted.".to_owned());
    }
    if source.kind == SourceKind::Webhook {
        consequences.push("Its URL stops working at once, and cannot be had again.".to_owned());
    }
    consequences.extend(configured::with_it(count));
    consequences.extend(configured::cancelled(configured::waiting(&store, filter).await?));
    let here = links::source(&member.membership.tenant.to_string(), &source.id.to_string());
    let cancel_href = here.clone();
    let asked = Deletion { verb: "Delete source", thing: source.name, consequences, here, cancel_href };
    configured::confirm(&app, &member, Section::Sources, asked).await
}

async fn delete(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    configured::made(configure::source::delete(&app.engine, &member.by(), id?.0, configured::forget).await?)?;
    Ok(answer::done(&links::sources(&member.membership.tenant.to_string()), "deleted"))
}
