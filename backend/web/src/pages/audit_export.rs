//! The audit log, taken away whole.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use postern_domain::TenantScope;
use postern_store::tenant::{AuditEntry, AuditFilter};
use serde_json::json;

use super::{
    Halt,
    audit::{Called, wanted},
    list::Asked,
};
use crate::{
    App,
    auth::{AuditRead, Member},
    problem::{Code, Problem},
    query::Query,
};

/// Entries that are read at once: each read is a short transaction of its own.
const BATCH: u64 = 500;

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Jsonl,
}

/// The whole log that fits the filter, newest first, batch by batch: however long it is, little of it is in memory. That
/// it was taken away is itself an entry.
pub(super) async fn export(
    member: Member<AuditRead>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let mut asked = Asked::of(query?);
    let store = app.engine.store.tenant(member.scope());
    let filter = wanted(&mut asked, &Called::read(&store, member.scope()).await?);
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
}
