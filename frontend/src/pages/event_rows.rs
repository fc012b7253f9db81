//! New events as rows, for a list that is already open: what a stream sends into it.

use askama::Template;

use crate::parts::EventRow;

/// Not a page: rows that go on top of the list of events.
#[derive(Clone, Debug, Template)]
#[template(path = "partials/event_rows.html")]
pub struct EventRows {
    /// Newest first.
    pub events: Vec<EventRow>,
}
