//! Publishing: the tenant's own programs are a source too.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use bytes::Bytes;
use postern_domain::{SourceId, Timestamp, event_type::MAX_LEN};
use postern_pipeline::accept::{self, Publication, Receipt};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    App,
    auth::{EventsWrite, Permit, client_address},
    body::Envelope,
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    problem::Problem,
};

/// As large as the largest body a source may take, with its envelope.
const PUBLISH_BYTES: usize = 11 * 1024 * 1024;
const MAX_KEY_LEN: usize = 200;

/// An event to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishEvent {
    /// 1 to 200 bytes: `payment.received`
    r#type: String,
    /// Any JSON. It is delivered byte for byte as it stands here.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// A source of kind `publish`; the tenant's first when absent.
    source_id: Option<String>,
    /// Within the source's window, the same key is the same event.
    dedup_key: Option<String>,
    /// RFC 3339. Nothing is delivered before; until then `POST /events/{id}/cancel` calls it off. An instant in the past is
    /// at once; the latest is two days before the payload's retention ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    deliver_at: Option<Timestamp>,
}

#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct Published {
    /// Of the event; of the first one for a duplicate.
    id: String,
    duplicate: bool,
}

/// Publish an event
#[utoipa::path(
    post, path = "/api/v1/events", operation_id = "publish_event", tag = "events", params(OnceHeader),
    request_body = PublishEvent,
    responses((status = 202, description = "On disk, with all its deliveries", body = Published), Problems),
    extensions(("x-permission" = json!("events:write")))
)]
pub(crate) async fn publish(
    caller: Permit<EventsWrite>,
    app: Data<App>,
    request: HttpRequest,
    once: Idempotency,
    body: Envelope<PublishEvent, PUBLISH_BYTES>,
) -> Result<HttpResponse, Problem> {
    let event = body.0;
    let source = event.source_id.map(|text| text.parse::<SourceId>()).transpose();
    let publication = Publication {
        source: source.map_err(|_| Problem::unknown_reference("source_id"))?,
        event_type: checked("type", event.r#type, MAX_LEN)?,
        data: Bytes::copy_from_slice(event.data.get().as_bytes()),
        dedup_key: event.dedup_key.map(|key| checked("dedup_key", key, MAX_KEY_LEN)).transpose()?,
        idempotency_key: once.into_key(),
        deliver_at: event.deliver_at,
        remote: client_address(&request, &app.settings),
    };
    let names_source = publication.source.is_some();
    let receipt = accept::publish(&app.engine, caller.scope(), publication).await.map_err(|cause| match cause {
        accept::AcceptError::NoSource if names_source => Problem::unknown_reference("source_id"),
        accept::AcceptError::NoSource => {
            Problem::invalid("source_id", "is needed: there is no source of kind `publish` yet")
        }
        other => Problem::from(other),
    })?;
    let (id, duplicate) = match receipt {
        Receipt::Accepted(id) => (id.to_string(), false),
        Receipt::Duplicate(id) => (id.to_string(), true),
    };
    Ok(HttpResponse::Accepted().json(Published { id, duplicate }))
}

fn checked(field: &str, text: String, longest: usize) -> Result<String, Problem> {
    if text.is_empty() || text.len() > longest || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, &format!("must have 1 to {longest} bytes and no control characters")));
    }
    Ok(text)
}
