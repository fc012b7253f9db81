//! A delivery as the API shows it.

use postern_domain::{Timestamp, delivery::DeliveryState};
use postern_store::read::{Delivery, DeliveryDetail};
use serde::Serialize;
use utoipa::ToSchema;

use super::attempt::AttemptView;
use crate::api::v1::schema;

/// One event on its way to one destination.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    id: String,
    event_id: String,
    source_id: String,
    connection_id: String,
    destination_id: String,
    #[schema(value_type = schema::DeliveryState)]
    state: DeliveryState,
    /// Why it is dead.
    reason: Option<String>,
    /// How many tries there were.
    attempt_count: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the next try is due, if it waits for one.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl DeliveryView {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            event_id: delivery.event.to_string(),
            source_id: delivery.source.to_string(),
            connection_id: delivery.connection.to_string(),
            destination_id: delivery.destination.to_string(),
            state: delivery.state,
            reason: delivery.reason.clone(),
            attempt_count: delivery.attempts,
            created_at: delivery.created_at(),
            next_attempt_at: delivery.due_at,
            finished_at: delivery.finished_at,
        }
    }
}

/// The same with its attempts, first to last; the newest 1000 of them at most.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryWithAttempts)]
pub(crate) struct DeliveryDetailView {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempts: Vec<AttemptView>,
}

impl DeliveryDetailView {
    pub(crate) fn of(detail: DeliveryDetail) -> Self {
        let DeliveryDetail { delivery, body_sha256, attempts } = detail;
        let attempt = |attempt| AttemptView::of(attempt, body_sha256.as_deref(), delivery.body_bytes);
        Self { delivery: DeliveryView::of(&delivery), attempts: attempts.into_iter().map(attempt).collect() }
    }
}
