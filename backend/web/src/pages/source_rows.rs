//! What came to a source, as rows of its page.

use postern_frontend::{
    format, links,
    parts::{EventRow, Link, RequestRow},
    state::State,
};
use postern_store::read::{Event, RequestOutcome, RequestRead};

use super::{config_rows::moment, rows::headers};

pub(super) fn event(tenant: &str, source: &str, event: Event) -> EventRow {
    let id = event.id.to_string();
    EventRow {
        href: links::event(tenant, &id),
        id,
        event_type: if event.event_type.is_empty() { "(no type)".to_owned() } else { event.event_type },
        source: source.to_owned(),
        outcome: State::parse(event.outcome.as_str()).unwrap_or(State::Queued),
        outcome_note: String::new(),
        attempts: "–".to_owned(),
        size: format::bytes(u64::try_from(event.body_bytes).unwrap_or_default()),
        received: moment(event.received_at),
    }
}

pub(super) fn request(tenant: &str, source: &str, request: RequestRead) -> RequestRow {
    RequestRow {
        id: request.id.to_string(),
        at: moment(request.at),
        source: source.to_owned(),
        source_href: links::source(tenant, &request.source.to_string()),
        outcome: match request.outcome {
            RequestOutcome::Refused => State::Refused,
            RequestOutcome::Duplicate => State::Duplicate,
        },
        cause: request.cause.replace('_', " "),
        expected: request.expected,
        remote: request.remote,
        method: request.method,
        size: format::bytes(u64::try_from(request.body_bytes).unwrap_or_default()),
        dedup_key: request.dedup_key,
        first_event: request.event.map(|event| {
            let id = event.to_string();
            Link { href: links::event(tenant, &id), text: id }
        }),
        headers: headers(&request.headers),
    }
}
