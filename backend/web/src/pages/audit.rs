//! The audit log: looked at with filters, and taken away whole.

use actix_web::{
    HttpResponse,
    http::{Method, header},
    web::{self, Bytes, Data, ServiceConfig},
};
use postern_domain::TenantScope;
use postern_frontend::{
    format, links,
    pages::audit::{AuditFilter as Shown, AuditList, AuditRow, FieldChange},
    shell::Section,
};
use postern_store::tenant::{AuditEntry, AuditFilter};
use serde_json::{Value, json};

use super::{
    Halt, answer,
    answer::Nonce,
    list::{self, Asked},
};
use crate::{
    App,
    auth::{AuditRead, Member},
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

/// Entries that are read at once for an export: each read is a short transaction of its own.
const BATCH: u64 = 500;
const SHOWN_LEN: usize = 300;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/audit", [(Method::GET, web::get().to(list))]))
        .service(resource("/t/{tenant}/audit/export", [(Method::GET, web::get().to(export))]));
}

fn wanted(asked: &mut Asked) -> AuditFilter {
    AuditFilter {
        actor: asked.text("actor"),
        action: asked.text("action"),
        target: asked.text("target"),
        from: asked.moment("from"),
        to: asked.moment("to"),
    }
}

async fn list(member: Member<AuditRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut asked = Asked::of(query?);
    let filter = wanted(&mut asked);
    let tenant = member.membership.tenant.to_string();
    let export = asked.here(&links::verb(&links::audit(&tenant), "export"));
    let as_format = |format: &str| links::with_query(&export, &[("format", format)]);
    let (here, filtered, problem) = (asked.here(&links::audit(&tenant)), asked.is_filtered(), asked.problem.take());
    let shown = Shown {
        actor: asked.field("actor"),
        action: asked.field("action"),
        target: asked.field("target"),
        from: asked.field("from"),
        to: asked.field("to"),
    };
    let page = asked.page(&app, member.scope(), "page:audit")?;
    let after = page.after_bytes().and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
    let entries = match problem {
        Some(_) => Vec::new(),
        None => app.engine.store.tenant(member.scope()).audit(&filter, after, page.fetch()).await?,
    };
    let slice = page.answer(entries, |entry: &AuditEntry| entry.seq.to_be_bytes().to_vec(), |entry| row(&entry));
    let nonce = Nonce::fresh();
    let page = AuditList {
        shell: answer::shell(&app, &member, Section::Audit, None, &nonce).await?,
        filter: shown,
        filtered,
        rows: slice.data,
        paging: list::paging(&here, &page, slice.next_cursor.as_deref()),
        csv_href: as_format("csv"),
        jsonl_href: as_format("jsonl"),
        problem,
    };
    Ok(answer::show(&page, &nonce))
}

fn actor(entry: &AuditEntry) -> String {
    match entry.actor_kind.as_str() {
        "engine" => "Postern".to_owned(),
        "operator" => "operator".to_owned(),
        _ => entry.actor_id.clone(),
    }
}

fn row(entry: &AuditEntry) -> AuditRow {
    AuditRow {
        seq: format::count(u64::try_from(entry.seq).unwrap_or(0)),
        at: format::moment_ms(entry.at.as_micros()),
        actor: actor(entry),
        remote: entry.remote.clone(),
        action: entry.action.clone(),
        target: entry.target.clone(),
        target_href: None,
        changes: changes(&entry.data),
    }
}

/// What differs between before and after; of what is new or gone, all that says something.
fn changes(data: &Value) -> Vec<FieldChange> {
    let part = |name: &str| data.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (part("before"), part("after"));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut all: Vec<FieldChange> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange { field: name.clone(), before: text(before.get(name)), after: text(after.get(name)) })
        .filter(|change| !(change.before.is_empty() && change.after.is_empty()))
        .collect();
    // Secrets are in neither; that they changed stands in the list.
    let changed = data.get("changed").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in changed.iter().filter_map(Value::as_str) {
        if !all.iter().any(|change| change.field == name) {
            all.push(FieldChange { field: name.to_owned(), before: "secret".to_owned(), after: "changed".to_owned() });
        }
    }
    all
}

fn text(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    text.chars().take(SHOWN_LEN).collect()
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Jsonl,
}

/// The whole log that fits the filter, newest first, batch by batch: however long it is, little of it is in memory. That
/// it was taken away is itself an entry.
async fn export(member: Member<AuditRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut asked = Asked::of(query?);
    let filter = wanted(&mut asked);
    let said = asked.said();
    let form = asked.parsed("format", "The format must be csv or jsonl.", |text| match text {
        "csv" => Some(Format::Csv),
        "jsonl" => Some(Format::Jsonl),
        _ => None,
    });
    let form = match (asked.problem.take(), form) {
        (None, Some(form)) => form,
        (problem, _) => {
            let problem = problem.unwrap_or_else(|| "Say which format: csv or jsonl.".to_owned());
            return Err(Problem::new(Code::InvalidQuery, problem).into());
        }
    };
    asked.finish()?;
    let store = app.engine.store.tenant(member.scope());
    let mut tx = store.begin(&member.actor()).await?;
    tx.note("audit.exported", "audit", json!({ "filter": said })).await?;
    tx.commit().await?;
    let (media_type, ending) = match form {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Jsonl => ("application/jsonl", "jsonl"),
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, media_type))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"audit.{ending}\"")))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    Ok(response.streaming(batches(app, member.scope(), filter, form)))
}

fn batches(
    app: Data<App>,
    scope: TenantScope,
    filter: AuditFilter,
    form: Format,
) -> impl futures_util::Stream<Item = Result<Bytes, actix_web::Error>> {
    let begin = match form {
        Format::Csv => "seq,at,actor_kind,actor_id,remote,action,target,data\r\n",
        Format::Jsonl => "",
    };
    // `None` once the last batch is out.
    let state = Some((None::<i64>, begin.to_owned()));
    futures_util::stream::try_unfold(state, move |state| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some((after, mut text)) = state else { return Ok(None) };
            let entries = app.engine.store.tenant(scope).audit(&filter, after, BATCH).await.map_err(Problem::from)?;
            for entry in &entries {
                line(&mut text, entry, form);
            }
            let goes_on = entries.len() as u64 == BATCH;
            let next = entries.last().filter(|_| goes_on).map(|last| (Some(last.seq), String::new()));
            Ok(Some((Bytes::from(text), next)))
        }
    })
}

fn line(text: &mut String, entry: &AuditEntry, form: Format) {
    let at = entry.at.to_string();
    match form {
        Format::Jsonl => {
            let entry = json!({
                "id": entry.id.to_string(), "seq": entry.seq, "at": at, "actor_kind": entry.actor_kind,
                "actor_id": entry.actor_id, "remote": entry.remote, "action": entry.action, "target": entry.target,
                "data": entry.data,
            });
            text.push_str(&entry.to_string());
            text.push('\n');
        }
        Format::Csv => {
            let data = entry.data.to_string();
            let seq = entry.seq.to_string();
            let cells =
                [&seq, &at, &entry.actor_kind, &entry.actor_id, &entry.remote, &entry.action, &entry.target, &data];
            for (place, value) in cells.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                cell(text, value);
            }
            text.push_str("\r\n");
        }
    }
}

/// RFC 4180; a cell that a spreadsheet would run as a formula begins with an apostrophe.
fn cell(text: &mut String, value: &str) {
    text.push('"');
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text.push('\'');
    }
    text.push_str(&value.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_quotes_are_doubled() {
        let written = |value: &str| {
            let mut text = String::new();
            cell(&mut text, value);
            text
        };
        assert_eq!(written("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(written("a,\nb"), "\"a,\nb\"");
        for formula in ["+1", "-1", "@x", "\tx", "\rx"] {
            assert!(written(formula).starts_with("\"'"), "{formula:?}");
        }
    }

    #[test]
    fn changes_name_what_differs_and_secrets_only_by_name() {
        let data = json!({ "before": { "name": "a", "url": "x" }, "after": { "name": "b", "url": "x" }, "changed": ["name", "secrets"] });
        let changes = changes(&data);
        let shown: Vec<(&str, &str, &str)> = changes
            .iter()
            .map(|change| (change.field.as_str(), change.before.as_str(), change.after.as_str()))
            .collect();
        assert_eq!(shown, [("name", "a", "b"), ("secrets", "secret", "changed")]);
    }
}
