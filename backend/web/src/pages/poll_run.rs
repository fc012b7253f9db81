//! The runs of a source by pages, one more now, and what a flood held back.

use actix_web::web::Data;
use postern_domain::SourceId;
use postern_frontend::{
    form::Choice,
    links,
    pages::poll_runs::{RunList, SetAside},
    payload::Payload,
    shell::Section,
};
use postern_pipeline::configure::poll::{self, HeldAction};
use postern_store::{
    TenantStore,
    polling::{QuarantineRead, RunStatus},
    read::Window,
    tenant::Source,
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer, LAST},
    list::{self, Asked},
    poll_words as words,
    posted::Posted,
    rows::{self, shown},
    source::find,
};
use crate::{
    App,
    auth::{Member, SourcesRead, SourcesWrite},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
};

type Id = Result<PathId<SourceId>, Halt>;

const STATES: [RunStatus; 9] = [
    RunStatus::Running,
    RunStatus::Succeeded,
    RunStatus::NotModified,
    RunStatus::Quiet,
    RunStatus::Partial,
    RunStatus::Throttled,
    RunStatus::Failed,
    RunStatus::TimedOut,
    RunStatus::LostLease,
];

pub(super) async fn list(member: Member<SourcesRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut asked = Asked::of(query?);
    let state = asked.parsed("state", "There is no such state.", RunStatus::parse);
    if let Some(problem) = asked.problem.take() {
        return Err(Problem::new(Code::InvalidQuery, problem).into());
    }
    let store = configured::store(&app, &member);
    let source = polling_source(&store, id).await?;
    let (id, tenant) = (source.id.to_string(), member.membership.tenant.to_string());
    let here = asked.here(&links::verb(&links::source(&tenant, &id), "runs"));
    let (field, filtered) = (asked.select("state", states()), asked.is_filtered());
    let done = asked.done.take();
    let page = asked.page(&app, member.scope(), &format!("page:runs:{id}"))?;
    let mut slice = rows::whole(store.runs(source.id, &page.window(None, None)).await)?;
    slice.rows.retain(|run| state.is_none_or(|state| run.status == state));
    let found = page.answer_slice(slice, words::run);
    let nonce = Nonce::fresh();
    let view = RunList {
        shell: answer::shell(&app, &member, Section::Sources, done.as_deref(), &nonce).await?,
        id,
        name: source.name,
        state: field,
        filtered,
        rows: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
        set_aside: set_aside(&store, source.id).await?,
        problem: None,
    };
    Ok(answer::show(&view, &nonce))
}

/// By the words that stand in the list.
fn states() -> Vec<Choice> {
    let choice = |status: RunStatus| Choice::new(status.as_str(), words::run_state(status).word());
    std::iter::once(Choice::new("", "any")).chain(STATES.map(choice)).collect()
}

/// One that polls; any other is answered like one that nobody has.
pub(super) async fn polling_source(store: &TenantStore, id: Id) -> Result<Source, Halt> {
    let source = find(store, id).await?;
    if source.poll.is_some() { Ok(source) } else { Err(Problem::not_found().into()) }
}

async fn set_aside(store: &TenantStore, source: SourceId) -> Result<Vec<SetAside>, Halt> {
    let slice = rows::whole(store.quarantine(source, &Window::newest(LAST)).await)?;
    let row = |found: QuarantineRead| SetAside {
        id: format!("aside-{}", found.id.simple()),
        at: shown(found.at),
        reason: found.reason,
        sample: Payload::of(&found.sample, u64::try_from(found.sample.len()).unwrap_or(u64::MAX)),
    };
    Ok(slice.rows.into_iter().map(row).collect())
}

pub(super) async fn run(member: Member<SourcesWrite>, app: Data<App>, id: Id, _posted: Posted) -> Answer {
    let id = id?.0;
    configured::made(poll::run_now(&app.engine, &member.by(), id, configured::forget).await?)?;
    let here = links::source(&member.membership.tenant.to_string(), &id.to_string());
    Ok(answer::done(&links::verb(&here, "runs"), "asked"))
}

pub(super) async fn settle_held(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let id = id?.0;
    let (action, word) = match posted.text("action") {
        "release" => (HeldAction::Release, "released"),
        "discard" => (HeldAction::Discard, "discarded"),
        _ => return Err(Problem::invalid("action", "must be release or discard").into()),
    };
    configured::made(poll::settle_held(&app.engine, &member.by(), (id, action), configured::forget).await?)?;
    Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id.to_string()), word))
}
