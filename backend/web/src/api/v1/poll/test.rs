//! One run with settings that need not be saved, of which nothing is kept.

use std::collections::BTreeMap;

use actix_web::web::{self, Data};
use postern_domain::SourceId;
use postern_pipeline::polling::{TestItem, TestPage, TestResult};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

use super::schema;
use crate::{
    App,
    api::v1::patch::nullable,
    auth::{Permit, SourcesWrite},
    body::Json,
    openapi::Problems,
    poll_trial::{self, Asked},
    problem::Problem,
};

/// What to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestPoll {
    #[schema(value_type = schema::PollSettings)]
    poll: Value,
    /// A source that polls already: where `***` stands its secrets are taken, and its items are held against what it has
    /// seen.
    #[serde(default)]
    source_id: Option<String>,
    /// Where to begin; otherwise where the source is, and null at the beginning.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Object>)]
    cursor: Option<Option<Value>>,
}

/// What the run found.
#[derive(Serialize, ToSchema)]
#[schema(as = TestedPoll)]
pub(crate) struct TestView {
    /// Whether a run with these settings would go through.
    ok: bool,
    /// That the last request was answered with.
    status: Option<u16>,
    duration_ms: u64,
    /// The headers that say how many requests are left.
    rate_limit: BTreeMap<String, String>,
    pages: Vec<TestedPageView>,
    /// The first of them, at most 500.
    items: Vec<TestedItemView>,
    /// Items that are not among them.
    more_items: u64,
    /// Whether there are pages behind those that were read.
    more_pages: bool,
    /// Where the cursor would be afterwards.
    #[schema(value_type = Option<Object>)]
    next_cursor: Option<Value>,
    error: Option<TestErrorView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TestedPage)]
pub(crate) struct TestedPageView {
    /// Without what may be secret in it.
    url: String,
    status: u16,
    items: usize,
    bytes: usize,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TestedItem)]
pub(crate) struct TestedItemView {
    /// None where it has none; it would be quarantined.
    id: Option<String>,
    version: Option<String>,
    r#type: Option<String>,
    /// `new`, `changed`, `duplicate`, `unchanged`, `skipped` by a first run, `waiting` to be stable, or `quarantined`.
    outcome: &'static str,
    reason: Option<String>,
    /// Byte for byte as it stood in the answer; a text with its beginning where it is longer than 16 kB.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
}

/// What to put right.
#[derive(Serialize, ToSchema)]
#[schema(as = TestError)]
pub(crate) struct TestErrorView {
    /// Such as `poll.request.url`.
    field: Option<String>,
    message: String,
}

/// Try a poll
///
/// Asks for at most five pages, and thirty seconds, with settings that need not be saved. Nothing is stored, and no event
/// is made; but a refresh token that the provider replaces meanwhile is written into the saved settings that name it.
#[utoipa::path(
    post, path = "/api/v1/sources/poll/test", operation_id = "test_poll", tag = "polling",
    request_body = TestPoll,
    responses((status = 200, description = "What a run would find", body = TestView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn test(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    body: Json<TestPoll>,
) -> Result<web::Json<TestView>, Problem> {
    let TestPoll { poll, source_id, cursor } = body.value;
    let source = source_id.map(|id| id.parse::<SourceId>()).transpose();
    let source = source.map_err(|_| Problem::unknown_reference("source_id"))?;
    let asked = Asked::unsaved(poll, source).from(cursor);
    Ok(web::Json(TestView::of(poll_trial::run(&app, caller.scope(), asked).await?)))
}

impl TestView {
    pub(crate) fn of(found: TestResult) -> Self {
        let page = |page: TestPage| TestedPageView {
            url: page.url,
            status: page.status,
            items: page.items,
            bytes: page.bytes,
        };
        Self {
            ok: found.error.is_none(),
            status: found.status,
            duration_ms: found.duration_ms,
            rate_limit: found.rate_limit,
            pages: found.pages.into_iter().map(page).collect(),
            items: found.items.into_iter().map(item).collect(),
            more_items: found.more_items,
            more_pages: found.more_pages,
            next_cursor: found.next_cursor,
            error: found.error.map(|error| TestErrorView { field: error.field, message: error.message }),
        }
    }
}

fn item(item: TestItem) -> TestedItemView {
    TestedItemView {
        id: item.id,
        version: item.version,
        r#type: item.event_type,
        outcome: item.outcome,
        reason: item.reason,
        payload: payload(&item.payload),
    }
}

/// What was cut out of JSON is JSON, unless it was cut off: then it is told as a text.
fn payload(bytes: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    RawValue::from_string(text.clone()).unwrap_or_else(|_| {
        let quoted = serde_json::to_string(&text).unwrap_or_default();
        RawValue::from_string(quoted).unwrap_or_else(|_| RawValue::NULL.to_owned())
    })
}
