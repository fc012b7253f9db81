//! What several pages show: facts, headers, rows, secrets, the way to older rows.

use crate::{format::Moment, payload::Payload, state::State};

/// A name and a value, for lists of both.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

impl Fact {
    #[must_use]
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into() }
    }
}

/// A header of a request or an answer. Secret values come masked.
#[derive(Clone, Debug, Default)]
pub struct Header {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Default)]
pub struct Link {
    pub href: String,
    pub text: String,
}

/// Lists go from new to old; a cursor leads on, and one link leads back to the newest.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    pub older: Option<String>,
    /// On every page but the first.
    pub newest: Option<String>,
}

/// Secrets of a source or a destination.
#[derive(Clone, Debug, Default)]
pub struct SecretPanel {
    /// As they are shown at any time: `whsec_••••c41d`.
    pub masked: Vec<String>,
    /// As they are, only on the answer that reveals them.
    pub shown: Vec<String>,
}

/// An event in a list.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub href: String,
    pub id: String,
    pub event_type: String,
    pub source: String,
    pub outcome: State,
    /// `2 of 3 delivered`; may be empty.
    pub outcome_note: String,
    pub attempts: String,
    pub size: String,
    pub received: Moment,
}

/// A request that became no event.
#[derive(Clone, Debug)]
pub struct RequestRow {
    pub id: String,
    pub at: Moment,
    pub source: String,
    pub source_href: String,
    /// Refused or duplicate.
    pub outcome: State,
    /// In words: `signature does not match`.
    pub cause: String,
    /// What would have been accepted.
    pub expected: String,
    pub remote: String,
    pub method: String,
    pub size: String,
    pub dedup_key: Option<String>,
    /// Of a duplicate, the event that came first.
    pub first_event: Option<Link>,
    pub headers: Vec<Header>,
    /// To the page that says which step failed; of what was refused for what it carried.
    pub check_href: Option<String>,
}

/// A connection in a list.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    pub href: String,
    pub source: String,
    pub source_href: String,
    pub destination: String,
    pub destination_href: String,
    /// `all` or `payment.*, invoice.paid`.
    pub event_types: String,
    pub state: State,
}

/// A delivery in a list.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub id: String,
    /// To the event, at this delivery.
    pub href: String,
    pub event_id: String,
    pub event_type: String,
    pub destination: String,
    pub destination_href: String,
    pub state: State,
    /// Why: `paused`, `after 12 tries`, `503`. May be empty.
    pub reason: String,
    pub attempts: String,
    pub created: Moment,
    pub next: Option<Moment>,
    pub can_retry: bool,
    pub can_cancel: bool,
}

/// What a bin received.
#[derive(Clone, Debug)]
pub struct BinRow {
    pub id: String,
    pub at: Moment,
    pub event: Link,
    /// The status the bin answered.
    pub answered: String,
    pub headers: Vec<Header>,
    pub body: Payload,
}

/// One step of an event's way, in the order in which things happened.
#[derive(Clone, Debug)]
pub struct Step {
    pub mark: Mark,
    pub title: String,
    /// Sentences below the title.
    pub notes: Vec<String>,
    pub at: Option<Moment>,
    /// Since the event was received: `+3 ms`.
    pub delta: String,
    pub href: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    Done,
    Failed,
    /// Not yet: it waits for something.
    Waiting,
    /// It ends here, as configured: filtered, a duplicate, cancelled.
    Ended,
}

impl Mark {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }

    /// For those who do not see the colour.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Failed => "✕",
            Self::Waiting => "…",
            Self::Ended => "–",
        }
    }
}
