//! Handing a call over.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use postern_domain::{SourceId, Timestamp};
use postern_pipeline::{
    calls::{self, CallRefusal, CallWish, RetryWish, Waited},
    configure::Done,
};
use postern_store::calls::Call;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

use super::{
    read::{awaited, detail},
    schema::PreferHeader,
    shape::CallDetailView,
};
use crate::{
    App,
    answer::{accepted, current, made_id, remembered},
    auth::{CallsWrite, Permit},
    body::Json,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    prefer::{self, Prefer},
    problem::Problem,
};

/// The largest body with its escapes, and what stands around it.
const CALL_BYTES: usize = 3 * 1024 * 1024;
/// When to look for the first time.
const RETRY_AFTER: &str = "2";

/// A request to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCall {
    request: CreateCallRequest,
    /// A source of kind `publish`, whose event the end of the call is; the tenant's first when absent.
    source_id: Option<String>,
    /// So long nothing is sent.
    #[schema(minimum = 0, maximum = 31_536_000)]
    delay_s: Option<u32>,
    /// RFC 3339; instead of `delay_s`.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// From when it may start; after that it is not tried any more.
    #[schema(default = 86_400, minimum = 1, maximum = 31_536_000)]
    deadline_s: Option<u32>,
    /// Of one try.
    #[schema(default = 60, minimum = 1, maximum = 3_600)]
    timeout_s: Option<u32>,
    #[serde(default)]
    retry: CreateCallRetry,
    /// So long the result is kept once it is there.
    #[schema(default = 604_800, minimum = 60, maximum = 2_592_000)]
    result_ttl_s: Option<u32>,
    /// An object of at most 4 KiB that is given back with the call and its event.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// What to ask.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateCallRequest {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE` or `HEAD`
    method: String,
    #[schema(max_length = 2048)]
    url: String,
    headers: Option<BTreeMap<String, String>>,
    /// Any JSON, sent as it stands here. With a content type that is not JSON, a string, sent as it is. 1 MiB at most.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

/// When it is tried again: after 408, 425, 429, 5xx, and where no connection was made or no answer came.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateCallRetry {
    /// After the first try.
    #[schema(default = 3, minimum = 0, maximum = 20)]
    max: Option<u32>,
    /// Before the second try; doubled for each one after that.
    #[schema(default = 10, minimum = 1, maximum = 86_400)]
    base_s: Option<u32>,
    /// No wait is longer, whatever `Retry-After` says.
    #[schema(default = 3_600, minimum = 1, maximum = 86_400)]
    cap_s: Option<u32>,
    /// Also when it is not known whether the request was carried out. True for GET, HEAD, PUT and DELETE, and with a header
    /// `idempotency-key`; else false.
    on_unknown: Option<bool>,
}

/// Hand over a slow request
///
/// It is on disk when this answers, and is made, retried and remembered from then on. Its end is an event of its source:
/// `call.succeeded`, `call.failed`, `call.expired` or `call.cancelled`.
#[utoipa::path(
    post, path = "/api/v1/calls", operation_id = "create_call", tag = "calls", params(OnceHeader, PreferHeader),
    request_body = CreateCall,
    responses(
        (status = 202, description = "It is taken in; `Location` is its status URL", body = CallDetailView),
        (status = 200, description = "It was done while the caller waited", body = CallDetailView), Problems
    ),
    extensions(("x-permission" = json!("calls:write")))
)]
pub(crate) async fn create(
    caller: Permit<CallsWrite>,
    app: Data<App>,
    once: Idempotency,
    prefer: Prefer,
    body: Json<CreateCall, CALL_BYTES>,
) -> Result<HttpResponse, Problem> {
    let by = caller.by(once.with_body(&body.bytes));
    let wish = wish(body.value)?;
    let names_source = wish.source.is_some();
    let done = calls::create(&app.engine, &by, wish, remember).await.map_err(|cause| match cause {
        CallRefusal::NoSource if !names_source => {
            Problem::invalid("source_id", "is needed: there is no source of kind `publish` yet")
        }
        other => Problem::from(other),
    })?;
    let id = match &done {
        Done::Now(call) => Some(call.id),
        Done::Before { body, .. } => made_id(body).and_then(|id| id.parse().ok()),
    };
    let mut waited = Waited::No;
    if let (Some(id), Some(_)) = (id, prefer.wait()) {
        let (call, has_waited) = awaited(&app, (caller.scope(), id), prefer).await?;
        waited = has_waited;
        if call.state.is_final() {
            let view = detail(&app.engine.store.tenant(caller.scope()), call).await?;
            let response = current(StatusCode::OK, &done, &view);
            return Ok(with_head(response, id.to_string(), prefer.applied(waited, StatusCode::OK)));
        }
    }
    let response = accepted(done, new_view);
    Ok(with_head(
        response,
        id.map(|id| id.to_string()).unwrap_or_default(),
        prefer.applied(waited, StatusCode::ACCEPTED),
    ))
}

pub(super) fn remember(call: &Call) -> (u16, String) {
    remembered(StatusCode::ACCEPTED, &new_view(call))
}

/// Of one that has just been made: nothing was tried yet.
pub(super) fn new_view(call: &Call) -> CallDetailView {
    CallDetailView::of(call.clone(), Vec::new(), Vec::new())
}

pub(super) fn with_head(mut response: HttpResponse, id: String, applied: Option<header::HeaderValue>) -> HttpResponse {
    let is_accepted = response.status() == StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    if let Ok(location) = header::HeaderValue::try_from(format!("/api/v1/calls/{id}")) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if is_accepted {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER));
    }
    if let Some(applied) = applied {
        headers.insert(prefer::APPLIED, applied);
    }
    response
}

fn wish(given: CreateCall) -> Result<CallWish, Problem> {
    let source = given.source_id.map(|text| text.parse::<SourceId>()).transpose();
    Ok(CallWish {
        method: given.request.method,
        url: given.request.url,
        headers: given.request.headers.unwrap_or_default(),
        body: given.request.body.map(|body| body.get().to_owned()),
        source: source.map_err(|_| Problem::unknown_reference("source_id"))?,
        delay_s: given.delay_s,
        not_before: given.not_before,
        deadline_s: given.deadline_s,
        timeout_s: given.timeout_s,
        retry: RetryWish {
            max: given.retry.max,
            base_s: given.retry.base_s,
            cap_s: given.retry.cap_s,
            on_unknown: given.retry.on_unknown,
        },
        result_ttl_s: given.result_ttl_s,
        metadata: given.metadata,
    })
}
