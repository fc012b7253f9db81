//! What one tenant may read of what happened: events, deliveries, attempts, refused requests.
//!
//! Everything hangs on [`TenantStore`](crate::TenantStore), which holds the scope, and filters by its tenant in each
//! statement. Nothing here writes, and no call reads without a bound: lists go by key ([`Window`], [`Slice`]), a filter
//! that no index serves looks at [`SCAN`] rows and then says where to go on. On PostgreSQL the tables are partitioned by
//! day on their UUIDv7 keys, so every statement says between which ids it looks. Start at [`event_list`].

mod attempt;
mod attempt_list;
mod bin_request;
mod by_delivery;
mod delivery;
mod delivery_list;
mod event;
mod event_filter;
mod event_list;
mod gathering;
mod outcome;
mod owned;
mod payload;
pub(crate) mod query;
mod request;

use postern_domain::{Timestamp, id::first_uuid_at};
use uuid::Uuid;

pub use attempt::Attempt;
pub use attempt_list::{AttemptFilter, ListedAttempt, Span, Way};
pub use bin_request::BinRequestRead;
pub use delivery::{Delivery, DeliveryDetail};
pub(crate) use delivery::{QUEUE_JOINS, STATE_IN_QUEUE};
pub use delivery_list::DeliveryFilter;
pub use event::{Event, EventDetail, Tally};
pub use event_filter::{EventFilter, Search};
pub use payload::Payload;
pub use request::{RequestFilter, RequestOutcome, RequestRead};

use crate::StoreError;

/// So many rows are looked at by one call, however few of them the filter lets through.
pub const SCAN: usize = 1_000;
/// So many are read by one statement on the way.
const CHUNK: usize = 500;
/// No list gives more rows at once, whatever is asked.
const MAX_LIMIT: usize = 1_000;

/// Which part of a list is wanted, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Rows at most, up to 1 000.
    pub limit: usize,
    /// Where the part before this one ended: its [`Slice::next`], from the same list with the same filters.
    pub after: Option<Uuid>,
    /// From this moment on, to the millisecond.
    pub from: Option<Timestamp>,
    /// Before this moment, to the millisecond.
    pub to: Option<Timestamp>,
}

impl Window {
    /// The newest `limit` rows.
    #[must_use]
    pub const fn newest(limit: usize) -> Self {
        Self { limit, after: None, from: None, to: None }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.clamp(1, MAX_LIMIT)
    }

    /// Ids from this one on, if bounded.
    pub(crate) fn lowest(&self) -> Option<Uuid> {
        self.from.map(first_uuid_at)
    }

    /// Ids below this one, if bounded.
    pub(crate) fn below(&self) -> Option<Uuid> {
        match (self.after, self.to.map(first_uuid_at)) {
            (Some(after), Some(to)) => Some(after.min(to)),
            (after, to) => after.or(to),
        }
    }

    /// Whether an id is between the two moments.
    pub(crate) fn spans(&self, id: Uuid) -> bool {
        self.lowest().is_none_or(|lowest| id >= lowest) && self.to.is_none_or(|to| id < first_uuid_at(to))
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// May be fewer than asked for, even none, though the list goes on.
    pub rows: Vec<T>,
    /// Where to go on, for [`Window::after`]; `None` at the end of the list.
    pub next: Option<Uuid>,
}

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: None }
    }
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The tenant has no such source.
    #[error("there is no such source")]
    UnknownSource,
    /// The tenant has no such destination.
    #[error("there is no such destination")]
    UnknownDestination,
    /// The tenant has no such connection.
    #[error("there is no such connection")]
    UnknownConnection,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
