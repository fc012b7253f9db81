//! A call as the API shows it.

use postern_domain::{
    Timestamp,
    attempt::{ResultKind, Timings},
    call::{CallError, CallState},
};
use postern_store::calls::{Call, CallAttempt, CallStep};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::schema as shapes;
use crate::api::v1::schema;

/// A request that Postern makes for you.
#[derive(Serialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct CallView {
    id: String,
    #[schema(value_type = shapes::CallState)]
    state: CallState,
    /// Nothing will change any more.
    done: bool,
    source_id: String,
    request: AskedView,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    not_before: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    deadline_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// How many tries have ended.
    attempt_count: i32,
    /// While it waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// Of the last try, once the call has ended.
    response: Option<AnsweredView>,
    #[schema(value_type = Option<shapes::CallError>)]
    error: Option<CallError>,
    /// The event that its end is: deliveries of it are the callbacks.
    event_id: Option<String>,
    /// When the result is deleted.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The call of which this is a repetition.
    redrive_of: Option<String>,
    /// As it was given.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// What is asked, without what may be secret.
#[derive(Serialize, ToSchema)]
#[schema(as = CallRequest)]
struct AskedView {
    method: String,
    /// Values in its query are hidden.
    url: String,
    header_names: Vec<String>,
    body_bytes: i32,
}

/// What came back.
#[derive(Serialize, ToSchema)]
#[schema(as = CallResponse)]
struct AnsweredView {
    status: u16,
    #[schema(value_type = Object)]
    headers: Value,
    content_type: Option<String>,
    /// As many as are kept, 1 MiB at most.
    body_bytes: u64,
    /// There was more, or it broke off.
    truncated: bool,
    /// Where the body is, until `expires_at`.
    result_url: String,
}

/// The same with its tries and its steps, first to last.
#[derive(Serialize, ToSchema)]
#[schema(as = CallWithAttempts)]
pub(crate) struct CallDetailView {
    #[serde(flatten)]
    call: CallView,
    attempts: Vec<TryView>,
    steps: Vec<StepView>,
}

/// One try of a call.
#[derive(Serialize, ToSchema)]
#[schema(as = CallAttempt)]
struct TryView {
    id: String,
    /// From 1.
    number: i32,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    duration_ms: i64,
    #[schema(value_type = schema::Timings)]
    timings: Timings,
    #[schema(value_type = schema::ResultKind)]
    kind: ResultKind,
    status: Option<u16>,
    /// It is not known whether the request was carried out.
    unknown: bool,
    response_bytes: i64,
    detail: Option<String>,
}

/// A step of its life: who had it go where, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = CallStep)]
struct StepView {
    #[schema(value_type = Option<shapes::CallState>)]
    from: Option<CallState>,
    #[schema(value_type = shapes::CallState)]
    to: CallState,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `engine`, `user` or `api_key`.
    actor_kind: String,
    actor_id: Option<String>,
    why: String,
}

impl CallView {
    pub(crate) fn of(call: Call) -> Self {
        let result_url = format!("/api/v1/calls/{}/result", call.id);
        let response = call.response.map(|response| AnsweredView {
            status: response.status,
            headers: response.headers,
            content_type: response.content_type,
            body_bytes: response.body_bytes,
            truncated: response.truncated,
            result_url,
        });
        Self {
            id: call.id.to_string(),
            state: call.state,
            done: call.state.is_final(),
            source_id: call.source.to_string(),
            request: AskedView {
                method: call.method,
                url: call.url,
                header_names: call.header_names,
                body_bytes: call.body_bytes,
            },
            created_at: call.created_at,
            not_before: call.not_before,
            deadline_at: call.deadline_at,
            started_at: call.started_at,
            completed_at: call.completed_at,
            attempt_count: call.attempts,
            next_attempt_at: call.due_at,
            response,
            error: call.error,
            event_id: call.event.map(|id| id.to_string()),
            expires_at: call.expires_at,
            redrive_of: call.redrive_of.map(|id| id.to_string()),
            metadata: call.metadata,
        }
    }
}

impl CallDetailView {
    pub(crate) fn of(call: Call, attempts: Vec<CallAttempt>, steps: Vec<CallStep>) -> Self {
        Self {
            call: CallView::of(call),
            attempts: attempts.into_iter().map(TryView::of).collect(),
            steps: steps.into_iter().map(StepView::of).collect(),
        }
    }
}

impl TryView {
    fn of(attempt: CallAttempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.ended_at.ms_since(attempt.started_at).max(0),
            timings: attempt.timings,
            kind: attempt.kind,
            status: attempt.status,
            unknown: attempt.unknown,
            response_bytes: attempt.response_bytes,
            detail: attempt.detail,
        }
    }
}

impl StepView {
    fn of(step: CallStep) -> Self {
        Self {
            from: step.from,
            to: step.to,
            at: step.at,
            actor_kind: step.actor.kind.as_str().to_owned(),
            actor_id: Some(step.actor.id).filter(|id| !id.is_empty()),
            why: step.why,
        }
    }
}
