//! Making and changing a destination by a form.

use std::collections::BTreeMap;

use actix_web::{http::StatusCode, web::Data};
use postern_domain::{
    DestinationId, Invalid, Secret,
    destination::{DestinationKind, RateLimit},
    queue::QueueSettings,
    retry::RetryPolicy,
};
use postern_frontend::{
    form::Form,
    links,
    pages::destination_form::{DestinationEditor, DestinationForm},
    shell::Section,
};
use postern_pipeline::configure::destination::{self as verbs, DestinationChange, NewDestination};
use postern_store::tenant::Destination;

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer},
    destination::{Secrets, find, page as detail},
    posted::Posted,
};
use crate::{
    App,
    auth::{DestinationsWrite, Member},
    path::PathId,
    problem::Problem,
};

type Id = Result<PathId<DestinationId>, Halt>;
type Headers = BTreeMap<String, Secret<String>>;

/// Stands for a header's value that is kept and not shown.
const KEPT: &str = "••••";

pub(super) async fn new(member: Member<DestinationsWrite>, app: Data<App>) -> Answer {
    page(&app, &member, StatusCode::OK, None, DestinationForm::default()).await
}

pub(super) async fn edit(member: Member<DestinationsWrite>, app: Data<App>, id: Id) -> Answer {
    let destination = find(&rows::store(&app, &member), id).await?;
    let form = filled(&destination);
    page(&app, &member, StatusCode::OK, Some(&destination), form).await
}

/// Its signing secret is in the answer, this once.
pub(super) async fn create(member: Member<DestinationsWrite>, app: Data<App>, posted: Posted) -> Answer {
    let tried = match read_new(&posted) {
        Ok(new) => verbs::create(&app.engine, &member.by(), new, rows::forget).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(done) => detail(&app, &member, rows::made(done)?, Secrets::Shown, Some("created")).await,
        Err(problem) => again(&app, &member, None, &posted, problem).await,
    }
}

pub(super) async fn save(member: Member<DestinationsWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let before = find(&rows::store(&app, &member), id).await?;
    let tried = match read_change(&posted, &before) {
        Ok(change) => {
            let change = (before.id, change);
            verbs::update(&app.engine, &member.by(), change, rows::forget).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(done) => {
            let after = rows::made(done)?;
            let word = if after.updated_at == before.updated_at { "unchanged" } else { "saved" };
            Ok(answer::done(&links::destination(&member.membership.tenant.to_string(), &after.id.to_string()), word))
        }
        Err(problem) => again(&app, &member, Some(&before), &posted, problem).await,
    }
}

/// The form as it was typed, without the values of its headers, and with what is wrong beside its fields.
async fn again(
    app: &Data<App>,
    member: &Member<DestinationsWrite>,
    before: Option<&Destination>,
    posted: &Posted,
    problem: Problem,
) -> Answer {
    let mut form = before.map(filled).unwrap_or_default();
    for field in form.fields_mut() {
        let is_fixed = field.name == "kind" && before.is_some();
        if is_fixed || posted.all(&field.name).is_empty() {
            continue;
        }
        field.value = match &*field.name {
            "headers" => posted.lines("headers").iter().map(|line| without_value(line)).collect::<Vec<_>>().join("\n"),
            name => posted.text(name).to_owned(),
        };
    }
    if !answer::explain(&mut form, &problem) {
        return Err(problem.into());
    }
    page(app, member, problem.code().status(), before, form).await
}

/// A line with a name only is refused when it is sent, so that no value is lost unnoticed.
fn without_value(line: &str) -> String {
    match line.split_once(':') {
        Some((_, value)) if value.trim() == KEPT => line.to_owned(),
        Some((name, _)) => format!("{name}: "),
        None => String::new(),
    }
}

async fn page(
    app: &Data<App>,
    member: &Member<DestinationsWrite>,
    status: StatusCode,
    before: Option<&Destination>,
    form: DestinationForm,
) -> Answer {
    let nonce = Nonce::fresh();
    let view = DestinationEditor {
        shell: answer::shell(app, member, Section::Destinations, None, &nonce).await?,
        id: before.map(|before| before.id.to_string()),
        title: before.map(|before| before.name.clone()).unwrap_or_default(),
        form,
    };
    Ok(answer::html(status, &view, &nonce))
}

fn filled(destination: &Destination) -> DestinationForm {
    let mut form = DestinationForm::default();
    form.name.value.clone_from(&destination.name);
    destination.kind.as_str().clone_into(&mut form.kind.value);
    form.url.value = destination.url.clone().unwrap_or_default();
    let headers = destination.headers.keys().map(|name| format!("{name}: {KEPT}"));
    form.headers.value = headers.collect::<Vec<_>>().join("\n");
    if let Some(limit) = &destination.rate_limit {
        form.rate_per_s.value = limit.per_s.to_string();
        form.rate_burst.value = limit.burst.map(|burst| burst.to_string()).unwrap_or_default();
    }
    form.concurrency.value = destination.concurrency.to_string();
    form.timeout_ms.value = destination.timeout_ms.to_string();
    let waits = destination.retry.schedule_s.iter().map(u32::to_string);
    form.schedule_s.value = waits.collect::<Vec<_>>().join(", ");
    form.jitter_pct.value = destination.retry.jitter_pct.to_string();
    if let Some(queue) = &destination.queue {
        form.visibility_s.value = queue.visibility_s.to_string();
        form.max_receives.value = queue.max_receives.to_string();
        form.max_in_flight.value = queue.max_in_flight.to_string();
        form.retry_delay_s.value = queue.retry_delay_s.to_string();
    }
    form
}

fn read_new(posted: &Posted) -> Result<NewDestination, Problem> {
    let kind = DestinationKind::parse(posted.text("kind"));
    let kind = kind.ok_or_else(|| Problem::invalid("kind", "must be `http`, `bin` or `queue`"))?;
    if kind == DestinationKind::Queue {
        return read_new_queue(posted);
    }
    Ok(NewDestination {
        name: posted.text("name").to_owned(),
        kind,
        url: posted.optional("url"),
        headers: headers(posted, &Headers::new())?,
        rate_limit: rate_limit(posted)?,
        concurrency: posted.number("concurrency")?,
        timeout_ms: posted.number("timeout_ms")?,
        retry: Some(retry(posted)?),
        fail_next: None,
        queue: None,
    })
}

/// What stands in the other fields from the beginning is not meant; what somebody typed there is refused.
fn read_new_queue(posted: &Posted) -> Result<NewDestination, Problem> {
    Ok(NewDestination {
        name: posted.text("name").to_owned(),
        kind: DestinationKind::Queue,
        url: posted.optional("url"),
        headers: headers(posted, &Headers::new())?,
        rate_limit: rate_limit(posted)?,
        concurrency: None,
        timeout_ms: None,
        retry: None,
        fail_next: None,
        queue: Some(queue(posted)?),
    })
}

/// The form of a bin asks for its name only.
fn read_change(posted: &Posted, before: &Destination) -> Result<DestinationChange, Problem> {
    let name = Some(posted.text("name").to_owned());
    if before.kind == DestinationKind::Bin {
        return Ok(DestinationChange { name, ..DestinationChange::default() });
    }
    if before.kind == DestinationKind::Queue {
        let queue = Some(queue(posted)?);
        return Ok(DestinationChange { name, queue, ..DestinationChange::default() });
    }
    let url = posted.optional("url").ok_or_else(|| Problem::invalid("url", "is required"))?;
    Ok(DestinationChange {
        name,
        // One that did not change is not looked at again.
        url: Some(url).filter(|url| before.url.as_ref() != Some(url)),
        headers: Some(headers(posted, &before.headers)?),
        rate_limit: Some(rate_limit(posted)?),
        concurrency: posted.number("concurrency")?,
        timeout_ms: posted.number("timeout_ms")?,
        retry: Some(retry(posted)?),
        fail_next: None,
        queue: None,
    })
}

fn queue(posted: &Posted) -> Result<QueueSettings, Invalid> {
    let usual = QueueSettings::default();
    Ok(QueueSettings {
        visibility_s: posted.number("queue.visibility_s")?.unwrap_or(usual.visibility_s),
        max_receives: posted.number("queue.max_receives")?.unwrap_or(usual.max_receives),
        max_in_flight: posted.number("queue.max_in_flight")?.unwrap_or(usual.max_in_flight),
        retry_delay_s: posted.number("queue.retry_delay_s")?.unwrap_or(usual.retry_delay_s),
    })
}

/// `Name: value` on each line; a value that is hidden stays as it is.
fn headers(posted: &Posted, before: &Headers) -> Result<Headers, Invalid> {
    let mut headers = Headers::new();
    for line in posted.lines("headers") {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        let value = match before.get(&name) {
            Some(kept) if value == KEPT => kept.clone(),
            _ if value.is_empty() || value == KEPT => {
                return Err(Invalid::new("headers", format!("`{name}` needs a value, as in `x-name: value`")));
            }
            _ => Secret::new(value.to_owned()),
        };
        if headers.insert(name.clone(), value).is_some() {
            return Err(Invalid::new("headers", format!("`{name}` stands twice")));
        }
    }
    Ok(headers)
}

fn rate_limit(posted: &Posted) -> Result<Option<RateLimit>, Invalid> {
    let burst = posted.number("rate_limit.burst")?;
    match posted.number("rate_limit.per_s")? {
        Some(per_s) => Ok(Some(RateLimit { per_s, burst })),
        None if burst.is_some() => Err(Invalid::new("rate_limit.per_s", "is needed for a burst")),
        None => Ok(None),
    }
}

fn retry(posted: &Posted) -> Result<RetryPolicy, Invalid> {
    let waits = posted.text("retry.schedule_s").split(',').map(str::trim).filter(|wait| !wait.is_empty());
    let waits: Result<Vec<u32>, _> = waits.map(str::parse).collect();
    Ok(RetryPolicy {
        schedule_s: waits.map_err(|_| Invalid::new("retry.schedule_s", "must be whole numbers with commas between"))?,
        jitter_pct: posted.number("retry.jitter_pct")?.unwrap_or(RetryPolicy::default().jitter_pct),
    })
}
