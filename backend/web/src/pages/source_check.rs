//! "Check a request" of a source: what is pasted is held against it, step by step, and nothing is kept.

use actix_web::{http::StatusCode, web::Data};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use postern_domain::{Invalid, RequestId, permission::Permission, source::SourceKind};
use postern_frontend::{
    form::Form,
    pages::check::{BASE64, CheckForm, CheckPage, CheckResult, TEXT_CRLF},
    parts::{Fact, Header, Mark, Step},
    shell::Section,
};
use postern_pipeline::check;
use postern_store::{
    TenantStore,
    read::{RequestFilter, RequestRead, Window},
    tenant::Source,
};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as configured, Answer},
    list,
    posted::Posted,
    rows,
    source::find,
};
use crate::{
    App,
    auth::{Member, SourcesWrite},
    path::PathId,
    problem::Problem,
    query::Query,
    trial::{self, Asked, Found},
};

type Id = Result<PathId<postern_domain::SourceId>, Halt>;

/// Empty, or with what is on record of a request that was refused.
pub(super) async fn form(member: Member<SourcesWrite>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let request: Option<RequestId> = query.id("request")?;
    query.finish()?;
    let store = configured::store(&app, &member);
    let source = webhook(&store, id).await?;
    let may_read = member.may(Permission::RequestsRead);
    let recorded = match request.filter(|_| may_read) {
        Some(request) => Some(recorded(&store, &source, request).await?),
        None => None,
    };
    let form = recorded.as_ref().map(filled).unwrap_or_default();
    let note = recorded.map(|request| note(&request));
    page(&app, &member, StatusCode::OK, Shown { source, form, note, result: None }).await
}

pub(super) async fn check(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let source = webhook(&configured::store(&app, &member), id).await?;
    let mut form = CheckForm::default();
    for field in form.fields_mut() {
        posted.text(&field.name).clone_into(&mut field.value);
    }
    let tried = match read(&posted) {
        Ok(asked) => trial::run(&app, member.scope(), source.id, asked).await,
        Err(invalid) => Err(invalid.into()),
    };
    let (status, result) = match tried {
        Ok(found) => (StatusCode::OK, Some(result(found))),
        Err(problem) if answer::explain(&mut form, &problem) => (problem.code().status(), None),
        Err(problem) => return Err(problem.into()),
    };
    page(&app, &member, status, Shown { source, form, note: None, result }).await
}

struct Shown {
    source: Source,
    form: CheckForm,
    note: Option<String>,
    result: Option<CheckResult>,
}

async fn page(app: &Data<App>, member: &Member<SourcesWrite>, status: StatusCode, shown: Shown) -> Answer {
    let nonce = Nonce::fresh();
    let view = CheckPage {
        shell: answer::shell(app, member, Section::Sources, None, &nonce).await?,
        id: shown.source.id.to_string(),
        name: shown.source.name,
        form: shown.form,
        note: shown.note,
        result: shown.result,
    };
    Ok(answer::html(status, &view, &nonce))
}

/// Nobody sends to a publish source.
async fn webhook(store: &TenantStore, id: Id) -> Result<Source, Halt> {
    let source = find(store, id).await?;
    if source.kind == SourceKind::Webhook { Ok(source) } else { Err(Problem::not_found().into()) }
}

/// Of this source; any other is answered like one that nobody has.
async fn recorded(store: &TenantStore, source: &Source, id: RequestId) -> Result<RequestRead, Halt> {
    let filter = RequestFilter { source: Some(source.id), ..RequestFilter::default() };
    let next = uuid::Uuid::from_u128(id.uuid().as_u128().saturating_add(1));
    let slice = rows::whole(store.list_requests(filter, &Window { after: Some(next), ..Window::newest(1) }).await)?;
    let found = slice.rows.into_iter().next().filter(|request| request.id == id);
    Ok(found.ok_or_else(Problem::not_found)?)
}

fn filled(request: &RequestRead) -> CheckForm {
    let mut form = CheckForm::default();
    form.method.value.clone_from(&request.method);
    let lines: Vec<String> =
        rows::headers(&request.headers).iter().map(|header| format!("{}: {}", header.name, header.value)).collect();
    form.headers.value = lines.join("\n");
    // To the second, as the input takes it.
    form.received_at.value = rows::shown(request.at).iso.chars().take(19).collect();
    form
}

fn note(request: &RequestRead) -> String {
    format!(
        "Filled in from a request that was refused: {}. On record are its headers, as many as fit, and of those that carry \
         a secret only the name ([hidden]). The body ({}) and the query were not kept: paste them from the sender's side.",
        request.cause.replace('_', " "),
        rows::size(request.body_bytes)
    )
}

fn read(posted: &Posted) -> Result<Asked, Invalid> {
    Ok(Asked {
        method: posted.optional("method").unwrap_or_else(|| "POST".to_owned()),
        url: posted.optional("url"),
        headers: headers(posted.text("headers"))?,
        body: body(posted)?,
        received_at: received_at(posted)?,
    })
}

/// `Name: value`, one a line. A request line that was copied along is passed over.
fn headers(text: &str) -> Result<Vec<(String, String)>, Invalid> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let lines = lines.filter(|(at, line)| *at > 0 || !line.contains(" HTTP/"));
    let pair = |(at, line): (usize, &str)| {
        let wrong = || Invalid::new("headers", format!("are written as Name: value, which line {} is not", at + 1));
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        Ok((name.to_owned(), value.to_owned()))
    };
    lines.map(pair).collect()
}

/// A browser sends every line break of a text as CR LF, whatever was pasted.
fn body(posted: &Posted) -> Result<Bytes, Invalid> {
    let text = posted.text("body");
    match posted.text("body_as") {
        BASE64 => {
            let bare: String = text.split_whitespace().collect();
            let bytes = STANDARD.decode(bare).map_err(|_| Invalid::new("body", "is not base64"))?;
            Ok(bytes.into())
        }
        TEXT_CRLF => Ok(text.to_owned().into()),
        _ => Ok(text.replace("\r\n", "\n").into()),
    }
}

/// In seconds, as the API takes it.
fn received_at(posted: &Posted) -> Result<Option<i64>, Invalid> {
    let Some(text) = posted.optional("received_at") else { return Ok(None) };
    let moment =
        list::moment(&text).ok_or_else(|| Invalid::new("received_at", "must be a moment like 2026-11-22T12:00:00"))?;
    Ok(Some(moment.as_micros().div_euclid(1_000_000)))
}

fn result(found: Found) -> CheckResult {
    let failed = found.steps.iter().filter(|step| !step.ok);
    let failed: Vec<String> = failed.map(|step| format!("{}: {}", title(step.name), step.detail)).collect();
    // Only what would become an event has a dedup key.
    let is_event = found.steps.iter().any(|step| step.name == "dedup");
    let verdict = match (failed.as_slice(), is_event) {
        ([], true) => "It would be taken in.".to_owned(),
        ([], false) => "It would be answered as the sender wants it, and become no event.".to_owned(),
        (failed, _) => format!("It would be refused. {}.", failed.join(". ")),
    };
    let named = [("Event id", found.event_id), ("Event type", found.event_type)];
    let headers = found.answer.headers.into_iter();
    CheckResult {
        accepted: failed.is_empty(),
        verdict,
        steps: found.steps.iter().map(step).collect(),
        facts: named.into_iter().filter_map(|(label, value)| Some(Fact::new(label, value?))).collect(),
        answer_status: found.answer.status.to_string(),
        answer_headers: headers.map(|(name, value)| Header { name, value }).collect(),
        answer_body: found.answer.body,
    }
}

fn step(step: &check::Step) -> Step {
    Step {
        mark: if step.ok { Mark::Done } else { Mark::Failed },
        title: title(step.name),
        notes: vec![step.detail.clone()],
        at: None,
        delta: String::new(),
        href: None,
    }
}

/// What was looked at, for people.
fn title(step: &str) -> String {
    let title = match step {
        "paused" => "Open",
        "content_encoding" => "Encoding",
        "timestamp" => "Time of signing",
        "dedup" => "Dedup key",
        other => {
            let words = other.replace('_', " ");
            let (first, rest) = words.split_at_checked(1).unwrap_or_default();
            return format!("{}{rest}", first.to_ascii_uppercase());
        }
    };
    title.to_owned()
}
