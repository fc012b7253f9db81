//! Whether a source would take a request. Its secrets are used to tell, so it takes the permission to change it.

use std::collections::BTreeMap;

use actix_web::web::{self, Data};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use postern_domain::SourceId;
use postern_pipeline::check::Step;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    App,
    auth::{Permit, SourcesWrite},
    body::Json,
    openapi::Problems,
    path::PathId,
    problem::Problem,
    trial::{self, Asked, Found, Shown},
};

/// Room for the largest body that a source may take, in base64, and its headers.
const REQUEST_BYTES: usize = 15 * 1024 * 1024;

/// A request as it was or would be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckRequest)]
pub(crate) struct CheckRequest {
    method: String,
    /// The full URL with its query, as the provider knows it; otherwise the source's own.
    #[serde(default)]
    url: Option<String>,
    /// By name: a value, or a list of them where a header came several times.
    #[serde(default)]
    #[schema(value_type = Object)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    body: Option<String>,
    /// Instead of `body`, for what is not text, byte for byte.
    #[serde(default)]
    body_base64: Option<String>,
    /// When it came, in Unix seconds; otherwise now. Sets the clock against which signed times are held.
    #[serde(default)]
    received_at: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// What would become of the request. Nothing was stored.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckResult)]
pub(crate) struct CheckView {
    /// Whether every step passed: it would become an event, or be answered as the provider's greeting.
    accepted: bool,
    /// In the order of the front door.
    steps: Vec<StepView>,
    /// What the sender calls the event.
    event_id: Option<String>,
    event_type: Option<String>,
    answer: AnswerView,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CheckStep)]
pub(crate) struct StepView {
    step: &'static str,
    ok: bool,
    /// What was found, or what was expected; never a secret and never the signature that would have matched.
    detail: String,
}

/// What the sender would be answered. The id of an event is all zeros: none was made.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckAnswer)]
pub(crate) struct AnswerView {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Check whether a source would take a request
///
/// Nothing is stored: no event, no refused request. Where the provider's key is needed and not known, it is fetched.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/check", operation_id = "check_source", tag = "sources",
    params(("id" = String, Path)), request_body = CheckRequest,
    responses((status = 200, description = "What would become of it", body = CheckView), Problems),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn check(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    body: Json<CheckRequest, REQUEST_BYTES>,
) -> Result<web::Json<CheckView>, Problem> {
    let found = trial::run(&app, caller.scope(), id.0, body.value.read()?).await?;
    Ok(web::Json(CheckView::from(found)))
}

impl CheckRequest {
    fn read(self) -> Result<Asked, Problem> {
        let body = match (self.body, self.body_base64) {
            (Some(_), Some(_)) => return Err(Problem::invalid("body_base64", "cannot stand beside `body`")),
            (Some(text), None) => Bytes::from(text),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| Problem::invalid("body_base64", "is not base64"))?;
                Bytes::from(bytes)
            }
            (None, None) => Bytes::new(),
        };
        let headers = self.headers.into_iter().flat_map(|(name, values)| {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Several(values) => values,
            };
            values.into_iter().map(move |value| (name.clone(), value))
        });
        let headers = headers.collect();
        Ok(Asked { method: self.method, url: self.url, headers, body, received_at: self.received_at })
    }
}

impl From<Found> for CheckView {
    fn from(found: Found) -> Self {
        let Shown { status, headers, body } = found.answer;
        let steps = found.steps.into_iter().map(|Step { name, ok, detail }| StepView { step: name, ok, detail });
        Self {
            accepted: found.accepted,
            steps: steps.collect(),
            event_id: found.event_id,
            event_type: found.event_type,
            answer: AnswerView { status, headers, body },
        }
    }
}
