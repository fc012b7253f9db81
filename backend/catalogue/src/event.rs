//! What a body says: one event, or several where providers send batches.

use postern_domain::Timestamp;
use serde_json::{Map, Value};

/// A body with more than this passes through unmapped.
pub const MAX_EVENTS: usize = 5_000;

/// One event of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where it stands in the body: a JSON Pointer, empty for the whole.
    pub at: String,
    /// What the provider calls it; empty when it does not say.
    pub provider_type: String,
    /// The provider's id of the event, where there is one.
    pub provider_id: Option<String>,
    /// `None`: the provider does not say.
    pub occurred_at: Option<Timestamp>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An event of the vocabulary; `data` fits its schema.
    Common { event_type: String, data: Map<String, Value> },
    /// Not mapped, and why.
    PassedOn { reason: String },
}

impl Event {
    /// The whole body as one event that is not mapped.
    pub(crate) fn whole(provider_type: &str, reason: String) -> Self {
        Self {
            at: String::new(),
            provider_type: provider_type.to_owned(),
            provider_id: None,
            occurred_at: None,
            outcome: Outcome::PassedOn { reason },
        }
    }

    /// The common type, or the provider's.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match &self.outcome {
            Outcome::Common { event_type, .. } => event_type,
            Outcome::PassedOn { .. } => &self.provider_type,
        }
    }

    /// How much of the body stands in its fields.
    pub(crate) fn text_bytes(&self) -> usize {
        let data = match &self.outcome {
            Outcome::Common { data, .. } => data.values().map(bytes).sum(),
            Outcome::PassedOn { reason } => reason.len(),
        };
        data + self.provider_type.len() + self.provider_id.as_deref().map_or(0, str::len)
    }
}

fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(all) => all.iter().map(bytes).sum(),
        _ => 8,
    }
}
