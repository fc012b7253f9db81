//! `/t/{tenant}/calls/{id}`: one call with its tries, its steps and its answer, and what a person may do about it.

use actix_web::{
    HttpResponse,
    http::{Method, header},
    web::{self, Data, ServiceConfig},
};
use postern_domain::{CallId, actor::ActorKind, attempt::ResultKind, call::CallState};
use postern_frontend::{
    format, links,
    pages::call::{CallAnswer, CallDetail, CallTry},
    parts::{Fact, Link, Mark, Step},
    payload::Payload,
    shell::Section,
    state::State,
};
use postern_pipeline::{calls, configure::Done};
use postern_store::{
    TenantStore,
    calls::{Call, CallAttempt, CallStep},
};

use super::{
    Halt,
    answer::{self, Nonce},
    audit::Called,
    call_list,
    event_words::status_text,
    posted::Posted,
    rows::{self, shown, size},
};
use crate::{
    App,
    api::v1::event::payload::harmless,
    auth::{CallsRead, CallsWrite, Member},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

type Id = Result<PathId<CallId>, Halt>;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/calls", [(Method::GET, web::get().to(call_list::show))]))
        .service(resource("/t/{tenant}/calls/{id}", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/calls/{id}/raw", [(Method::GET, web::get().to(raw))]))
        .service(resource("/t/{tenant}/calls/{id}/cancel", [(Method::POST, web::post().to(cancel))]))
        .service(resource("/t/{tenant}/calls/{id}/redrive", [(Method::POST, web::post().to(redrive))]));
}

async fn show(
    member: Member<CallsRead>,
    app: Data<App>,
    id: Id,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let (id, mut query) = (id?.0, query?);
    let done = query.aside("done");
    query.finish()?;
    let nonce = Nonce::fresh();
    let store = app.engine.store.tenant(member.scope());
    let call = store.find_call(id).await?.ok_or_else(Problem::not_found)?;
    let tenant = member.membership.tenant.to_string();
    let (steps, attempts) = (store.call_steps(id).await?, store.call_attempts(id).await?);
    let source = store.sources().find(call.source).await?;
    let called = Called::read(&store, member.scope()).await?;
    let link = |href: String, text: String| Link { href, text };
    let view = CallDetail {
        shell: answer::shell(&app, &member, Section::Calls, done.as_deref(), &nonce).await?,
        id: id.to_string(),
        target: format!("{} {}", call.method, call.url),
        source: source.map_or_else(|| "a deleted source".to_owned(), |source| source.name),
        source_href: links::source(&tenant, &call.source.to_string()),
        state: state(call.state),
        next_step: next_step(&call, app.engine.clock.now().as_micros()),
        created: shown(call.created_at),
        error: call.error.as_ref().map(|error| Fact::new(error.title.clone(), error.detail.clone())),
        steps: steps.iter().map(|step| shown_step(step, &call, &called)).collect(),
        attempts: attempts.into_iter().map(shown_try).collect(),
        facts: facts(&call),
        metadata: call.metadata.as_ref().map(|metadata| whole(metadata.to_string().as_bytes())),
        answer: answered(&store, &call).await?,
        event: call.event.map(|event| link(links::event(&tenant, &event.to_string()), event.to_string())),
        redrive_of: call.redrive_of.map(|first| link(links::call(&tenant, &first.to_string()), first.to_string())),
        can_cancel: !call.state.is_final() && call.state != CallState::Cancelling,
        can_redrive: matches!(call.state, CallState::Failed | CallState::Expired | CallState::Cancelled),
    };
    Ok(answer::show(&view, &nonce))
}

/// The bytes. The upstream chose them, so a browser may save them and do nothing else with them.
async fn raw(member: Member<CallsRead>, app: Data<App>, id: Id) -> Result<HttpResponse, Halt> {
    let id = id?.0;
    let store = app.engine.store.tenant(member.scope());
    let result = store.call_result(id).await?.ok_or_else(Problem::not_found)?;
    let expired =
        || Problem::new(Code::ResultExpired, "The time of the result is over; the call itself is still here.");
    let body = result.body.ok_or_else(expired)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, harmless(result.content_type.as_deref())))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}\"")))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

async fn cancel(member: Member<CallsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Result<HttpResponse, Halt> {
    let id = id?.0;
    calls::cancel(&app.engine, &member.by(), id).await.map_err(Problem::from)?;
    Ok(answer::done(&links::call(&member.membership.tenant.to_string(), &id.to_string()), "cancelled"))
}

async fn redrive(member: Member<CallsWrite>, app: Data<App>, id: Id, _posted: Posted) -> Result<HttpResponse, Halt> {
    let done =
        calls::redrive(&app.engine, &member.by(), id?.0, |_| (202, String::new())).await.map_err(Problem::from)?;
    let tenant = member.membership.tenant.to_string();
    let path = match done {
        Done::Now(made) => links::call(&tenant, &made.id.to_string()),
        // A form carries no key to find one by.
        Done::Before { .. } => links::calls(&tenant),
    };
    Ok(answer::done(&path, "redriven"))
}

pub(super) const fn state(state: CallState) -> State {
    match state {
        CallState::Scheduled => State::Scheduled,
        CallState::Queued => State::Queued,
        CallState::Running => State::Running,
        CallState::RetryWait => State::Retrying,
        CallState::Cancelling => State::Cancelling,
        CallState::Succeeded => State::Succeeded,
        CallState::Failed => State::Failed,
        CallState::Expired => State::Expired,
        CallState::Cancelled => State::Cancelled,
    }
}

fn next_step(call: &Call, now_micros: i64) -> String {
    let due = call.due_at.map(|at| format::distance(at.as_micros(), now_micros));
    match (call.state, due) {
        (CallState::Scheduled, Some(due)) => format!("It begins {due}."),
        (CallState::RetryWait, Some(due)) => format!("The next try is {due}."),
        (CallState::Running, _) => "A request is under way.".to_owned(),
        (CallState::Cancelling, _) => "The request under way is broken off.".to_owned(),
        _ => String::new(),
    }
}

fn shown_step(step: &CallStep, call: &Call, called: &Called) -> Step {
    let by = match step.actor.kind {
        ActorKind::Engine => None,
        kind => Some(format!("By {}", called.actor(kind.as_str(), &step.actor.id))),
    };
    Step {
        mark: match step.to {
            CallState::Failed | CallState::Expired => Mark::Failed,
            CallState::Cancelled | CallState::Cancelling => Mark::Ended,
            // What it waited for has come.
            _ if step.version < call.version => Mark::Done,
            CallState::Succeeded => Mark::Done,
            CallState::Scheduled | CallState::Queued | CallState::Running | CallState::RetryWait => Mark::Waiting,
        },
        title: title(step.to).to_owned(),
        notes: std::iter::once(step.why.clone()).chain(by).collect(),
        at: Some(shown(step.at)),
        delta: format::delta(step.at.as_micros(), call.created_at.as_micros()),
        href: None,
    }
}

const fn title(state: CallState) -> &'static str {
    match state {
        CallState::Scheduled => "Scheduled",
        CallState::Queued => "Queued",
        CallState::Running => "A request is under way",
        CallState::RetryWait => "Waits for the next try",
        CallState::Cancelling => "Called off while a request is under way",
        CallState::Succeeded => "Succeeded",
        CallState::Failed => "Failed",
        CallState::Expired => "Expired",
        CallState::Cancelled => "Cancelled",
    }
}

fn shown_try(attempt: CallAttempt) -> CallTry {
    let took_us = attempt.ended_at.as_micros() - attempt.started_at.as_micros();
    let is_good = attempt.status.is_some_and(|status| (200..300).contains(&status));
    CallTry {
        number: attempt.number.to_string(),
        state: match attempt.kind {
            _ if is_good => State::Succeeded,
            ResultKind::Interrupted => State::Interrupted,
            ResultKind::Timeout => State::TimedOut,
            _ => State::Failed,
        },
        result: match (attempt.status, attempt.detail) {
            (Some(status), _) => status_text(status),
            (None, Some(detail)) => detail,
            (None, None) => attempt.kind.as_str().replace('_', " "),
        },
        unknown_outcome: attempt.unknown,
        started: shown(attempt.started_at),
        duration: format::duration_us(u64::try_from(took_us).unwrap_or(0)),
        size: size(attempt.response_bytes),
    }
}

fn facts(call: &Call) -> Vec<Fact> {
    let span = |seconds: u32| format::span_s(u64::from(seconds));
    let retry = &call.policy.retry;
    let mut facts = vec![
        Fact::new("Request body", size(call.body_bytes.into())),
        Fact::new("Request headers", call.header_names.join(", ")),
        Fact::new("Timeout of a try", span(call.policy.timeout_s)),
        Fact::new("Retries", format!("{} of {}", call.retries, retry.max)),
        Fact::new("Waits", format!("from {} up to {}", span(retry.base_s), span(retry.cap_s))),
        Fact::new("After an unknown outcome", if retry.on_unknown { "tried again" } else { "given up" }),
        Fact::new("Deadline", shown(call.deadline_at).shown),
    ];
    facts.extend(call.completed_at.map(|at| Fact::new("Ended", shown(at).shown)));
    facts.extend(call.expires_at.map(|at| Fact::new("Result kept until", shown(at).shown)));
    facts
}

async fn answered(store: &TenantStore, call: &Call) -> Result<Option<CallAnswer>, Halt> {
    let Some(response) = &call.response else { return Ok(None) };
    let body = store.call_result(call.id).await?.and_then(|result| result.body);
    Ok(Some(CallAnswer {
        status: response.status.to_string(),
        headers: rows::headers(&response.headers.to_string()),
        body: match body {
            Some(body) => whole(&body),
            None => Payload::absent("Its time is over, and it was deleted."),
        },
    }))
}

fn whole(bytes: &[u8]) -> Payload {
    Payload::of(bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}
