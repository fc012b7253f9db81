//! A connection as the API takes and shows it.

use postern_domain::{Timestamp, payload::PayloadFormat};
use postern_pipeline::configure::connection::{ConnectionChange, NewConnection};
use postern_store::tenant::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::v1::{patch::present, schema},
    problem::Problem,
};

/// A connection to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConnection)]
pub(crate) struct CreateConnection {
    pub(crate) source_id: String,
    pub(crate) destination_id: String,
    /// `payment.received`, `payment.*`; empty for all.
    #[serde(default)]
    pub(crate) event_types: Vec<String>,
    /// In which form events are handed on; `raw` unless said otherwise.
    #[serde(default)]
    #[schema(value_type = Option<schema::PayloadFormat>, nullable = false)]
    pub(crate) payload: PayloadFormat,
    /// Seconds that each delivery waits before its first try; 0 unless said otherwise, at most two days less than payloads
    /// are kept.
    #[serde(default)]
    pub(crate) delay_s: u32,
}

/// What is to be different of a connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectionChange)]
pub(crate) struct PatchConnection {
    /// All of them; empty for all types.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) event_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PayloadFormat>, nullable = false)]
    pub(crate) payload: Option<PayloadFormat>,
    /// For what comes from now on; deliveries that wait keep their time.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) delay_s: Option<u32>,
}

/// From a source to a destination.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct ConnectionView {
    id: String,
    source_id: String,
    destination_id: String,
    event_types: Vec<String>,
    #[schema(value_type = schema::PayloadFormat)]
    payload: PayloadFormat,
    /// Seconds that each delivery waits before its first try.
    delay_s: u32,
    #[schema(value_type = schema::RunState)]
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl ConnectionView {
    pub(crate) fn of(connection: &Connection) -> Self {
        Self {
            id: connection.id.to_string(),
            source_id: connection.source.to_string(),
            destination_id: connection.destination.to_string(),
            event_types: connection.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            payload: connection.payload,
            delay_s: connection.delay_s,
            state: connection.state.as_str(),
            created_at: connection.created_at,
            updated_at: connection.updated_at,
        }
    }
}

impl TryFrom<CreateConnection> for NewConnection {
    type Error = Problem;

    /// An id of the wrong kind is answered like one that nobody has.
    fn try_from(body: CreateConnection) -> Result<Self, Problem> {
        Ok(Self {
            source: body.source_id.parse().map_err(|_| Problem::unknown_reference("source_id"))?,
            destination: body.destination_id.parse().map_err(|_| Problem::unknown_reference("destination_id"))?,
            event_types: body.event_types,
            payload: body.payload,
            delay_s: body.delay_s,
        })
    }
}

impl From<PatchConnection> for ConnectionChange {
    fn from(body: PatchConnection) -> Self {
        Self { event_types: body.event_types, payload: body.payload, delay_s: body.delay_s }
    }
}
