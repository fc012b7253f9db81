//! The raw bytes of an event. Whoever sent them chose them, so a browser may save them and do nothing else with them.

use actix_web::{HttpResponse, http::header, web::Data};
use postern_domain::EventId;

use crate::{
    App,
    auth::{EventsRead, Permit},
    openapi::Problems,
    path::PathId,
    problem::{Code, Problem},
};

const BYTES: &str = "application/octet-stream";

/// The payload of an event, byte for byte as it came in
#[utoipa::path(
    get, path = "/api/v1/events/{id}/payload", operation_id = "get_event_payload", tag = "events",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 410, description = "Their retention is over"), Problems
    ),
    extensions(("x-permission" = json!("events:read")))
)]
pub(crate) async fn find(
    caller: Permit<EventsRead>,
    app: Data<App>,
    id: PathId<EventId>,
) -> Result<HttpResponse, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let payload = store.find_payload(id.0).await?.ok_or_else(Problem::not_found)?;
    let expired =
        || Problem::new(Code::PayloadExpired, "The payload is past its retention; its metadata is still here.");
    let body = payload.body.ok_or_else(expired)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, harmless(payload.content_type.as_deref())))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body))
}

/// The type as it came in if it names data; any other could be a page or a program.
pub(crate) fn harmless(content_type: Option<&str>) -> &str {
    let Some(content_type) = content_type else { return BYTES };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let plain =
        ["application/json", "application/xml", "text/csv", "text/plain", "text/xml"].contains(&essence.as_str());
    let derived = essence
        .strip_prefix("application/")
        .is_some_and(|subtype| (subtype.ends_with("+json") || subtype.ends_with("+xml")) && subtype != "xhtml+xml");
    let sendable = header::HeaderValue::from_str(content_type).is_ok_and(|value| value.to_str().is_ok());
    if (plain || derived) && sendable { content_type } else { BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_keeps_its_type() {
        for kept in ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json", "text/xml"]
        {
            assert_eq!(harmless(Some(kept)), kept);
        }
        for other in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/javascript",
            "",
            "text/plain\r\na: b",
            "text/plain; é",
        ] {
            assert_eq!(harmless(Some(other)), BYTES, "{other}");
        }
        assert_eq!(harmless(None), BYTES);
    }
}
