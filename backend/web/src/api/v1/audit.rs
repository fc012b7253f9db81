//! `/audit`: who changed what.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::Timestamp;
use postern_store::tenant::{AuditEntry, AuditFilter};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    App,
    auth::{AuditRead, Permit},
    export::{self, AuditExport, Format},
    openapi::{ExportParams, ListParams, Problems},
    page::Page,
    problem::Problem,
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/audit", [(Method::GET, web::get().to(list))]))
        .service(resource("/audit/export", [(Method::GET, web::get().to(export))]));
}

/// What to look for; everything given must fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct AuditParams {
    /// The id of a user or key, or a kind: `api_key`, `user`, `operator`, `engine`.
    actor: Option<String>,
    /// `source.created` and so on.
    action: Option<String>,
    /// The id of what was changed.
    target: Option<String>,
    /// From this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
}

/// Who did what, when, from where.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryView {
    id: String,
    /// Its place in the tenant's chain, from 1, without gaps.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: ActorView,
    /// The caller's address.
    remote: Option<String>,
    action: String,
    /// The id of what was changed.
    target: String,
    /// `before` and `after` without secrets, and the names of what was `changed`.
    #[schema(value_type = Object)]
    data: Value,
}

/// Who it was.
#[derive(Serialize, ToSchema)]
#[schema(as = Actor)]
struct ActorView {
    /// `api_key`, `user`, `operator` or `engine`.
    kind: String,
    /// Null for the operator and the engine.
    id: Option<String>,
}

impl AuditEntryView {
    fn of(entry: AuditEntry) -> Self {
        let unless_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: entry.id.to_string(),
            seq: entry.seq,
            at: entry.at,
            actor: ActorView { kind: entry.actor_kind, id: unless_empty(entry.actor_id) },
            remote: unless_empty(entry.remote),
            action: entry.action,
            target: entry.target,
            data: entry.data,
        }
    }
}

/// List the audit trail, newest first
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "list_audit", tag = "audit", params(AuditParams, ListParams),
    responses((status = 200, description = "A page", body = Page<AuditEntryView>), Problems),
    extensions(("x-permission" = json!("audit:read")))
)]
pub(crate) async fn list(
    caller: Permit<AuditRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<web::Json<Page<AuditEntryView>>, Problem> {
    let filter = wanted(&mut query)?;
    let page = query.page(&app, caller.scope(), "audit")?;
    let after = page.after_bytes().and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
    let entries = app.engine.store.tenant(caller.scope()).audit(&filter, after, page.fetch()).await?;
    let position = |entry: &AuditEntry| entry.seq.to_be_bytes().to_vec();
    Ok(web::Json(page.answer(entries, position, AuditEntryView::of)))
}

/// Take away the audit log
///
/// Newest first, all entries that fit. The columns of CSV and the fields of the objects are the same; moments are RFC
/// 3339 in UTC. In CSV a cell that a spreadsheet would take for a formula begins with an apostrophe. What cannot be sent
/// whole ends without the end of its chunked encoding. Two exports of a tenant may be under way; another is refused with
/// 429. That it was taken away is an entry itself.
#[utoipa::path(
    get, path = "/api/v1/audit/export", operation_id = "export_audit", tag = "audit",
    params(ExportParams, AuditParams),
    responses(
        (status = 200, description = "The entries", content((String = "application/jsonl"), (String = "text/csv"))),
        Problems
    ),
    extensions(("x-permission" = json!("audit:read")))
)]
pub(crate) async fn export(
    caller: Permit<AuditRead>,
    app: Data<App>,
    mut query: Query,
) -> Result<HttpResponse, Problem> {
    let filter = wanted(&mut query)?;
    let said = query.said();
    let format = query.parsed("format", Format::parse)?.unwrap_or(Format::Jsonl);
    query.finish()?;
    let (scope, actor) = (caller.scope(), caller.actor());
    export::begin(&app, export::Asked { scope, actor, format, export: AuditExport(filter), filter: said }).await
}

fn wanted(query: &mut Query) -> Result<AuditFilter, Problem> {
    Ok(AuditFilter {
        actor: query.text("actor"),
        action: query.text("action"),
        target: query.text("target"),
        from: query.moment("from")?,
        to: query.moment("to")?,
    })
}
