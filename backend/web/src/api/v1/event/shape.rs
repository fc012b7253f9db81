//! An event as the API shows it.

use postern_domain::{Timestamp, delivery::EventOutcome};
use postern_store::read::{Event, EventDetail};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::v1::{delivery::shape::DeliveryDetailView, kept, schema};

/// One accepted input.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Also the `webhook-id` of every attempt to deliver it.
    id: String,
    source_id: String,
    #[serde(rename = "type")]
    event_type: String,
    #[schema(value_type = schema::EventOutcome)]
    outcome: EventOutcome,
    dedup_key: Option<String>,
    content_type: Option<String>,
    body_bytes: i32,
    /// The address it came from.
    remote: String,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// How many connections from its source did not want its type.
    filtered_count: u32,
    /// The kind of its source; `reconciled` where a poll found what a webhook should have brought.
    origin: String,
}

impl EventView {
    pub(crate) fn of(event: Event) -> Self {
        Self {
            id: event.id.to_string(),
            source_id: event.source.to_string(),
            event_type: event.event_type,
            outcome: event.outcome,
            dedup_key: event.dedup_key,
            content_type: event.content_type,
            body_bytes: event.body_bytes,
            remote: event.remote,
            received_at: event.received_at,
            filtered_count: event.filtered,
            origin: event.origin,
        }
    }
}

/// The same with what was kept of its headers, and with its deliveries in the order in which they were made.
#[derive(Serialize, ToSchema)]
#[schema(as = EventWithDeliveries)]
pub(crate) struct EventDetailView {
    #[serde(flatten)]
    event: EventView,
    #[schema(value_type = Object)]
    headers: Option<Box<RawValue>>,
    body_sha256: String,
    /// Of a `reconciled` one: so long after the poll found it the webhook came after all.
    late_by_ms: Option<i64>,
    deliveries: Vec<DeliveryDetailView>,
}

impl EventDetailView {
    pub(crate) fn of(detail: EventDetail) -> Self {
        Self {
            late_by_ms: detail.late_by_ms(),
            event: EventView::of(detail.event),
            headers: kept::headers(detail.headers),
            body_sha256: kept::hex(&detail.body_sha256),
            deliveries: detail.deliveries.into_iter().map(DeliveryDetailView::of).collect(),
        }
    }
}
