//! What a list of the dashboard shows, taken away whole with the filter of the page.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use postern_frontend::links;
use postern_store::read::{AttemptFilter, Span};

use super::{
    Halt,
    audit::{self, Called},
    delivery::Wanted,
    list::Asked,
    posted,
};
use crate::{
    App,
    auth::{AuditRead, DeliveriesRead, Member},
    export::{self, AttemptExport, AuditExport, Format},
    problem::{Code, Problem},
    query::Query,
};

/// `path`: the export with the filter of the page.
pub(super) fn href(path: &str, format: Format) -> String {
    links::with_query(path, &[("format", format.as_str())])
}

/// The audit log that fits the filter.
pub(super) async fn audit(
    request: HttpRequest,
    member: Member<AuditRead>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    posted::refuse_strangers(&request)?;
    let mut asked = Asked::of(query?);
    let store = app.engine.store.tenant(member.scope());
    let filter = audit::wanted(&mut asked, &Called::read(&store, member.scope()).await?);
    let (said, format) = finish(asked)?;
    let (scope, actor) = (member.scope(), member.actor());
    Ok(export::begin(&app, export::Asked { scope, actor, format, export: AuditExport(filter), filter: said }).await?)
}

/// The attempts of the deliveries that fit the filter.
pub(super) async fn attempts(
    request: HttpRequest,
    member: Member<DeliveriesRead>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    posted::refuse_strangers(&request)?;
    let mut asked = Asked::of(query?);
    let Wanted { state, destination, connection, from, to } = Wanted::read(&mut asked)?;
    let made = Span { from, to };
    let filter = AttemptFilter { state, destination, connection, made, ..AttemptFilter::default() };
    let (said, format) = finish(asked)?;
    app.engine.store.tenant(member.scope()).check_attempt_filter(&filter).await.map_err(Problem::from)?;
    let (scope, actor) = (member.scope(), member.actor());
    let export = AttemptExport::of(filter);
    Ok(export::begin(&app, export::Asked { scope, actor, format, export, filter: said }).await?)
}

/// What the filter said, and the format, when all of it could be read.
fn finish(mut asked: Asked) -> Result<(serde_json::Value, Format), Halt> {
    let said = asked.said();
    let format = asked.parsed("format", "The format must be csv or jsonl.", Format::parse);
    if let Some(problem) = asked.problem.take() {
        return Err(Problem::new(Code::InvalidQuery, problem).into());
    }
    asked.finish()?;
    Ok((said, format.unwrap_or(Format::Jsonl)))
}
