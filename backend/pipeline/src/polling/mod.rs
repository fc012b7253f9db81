//! Polls: an API, or a feed, asked again and again for what is new, which then is an event like any other.
//!
//! A source that is due is leased ([`claim`](Engine::claim_polls)) and has one [`run`]: pages are fetched, read and
//! classified, and each that says something new is one transaction ([`commit`]). What a run came to decides when the next
//! one is ([`finish`]), and its end is written with others ([`end`]). What a poll *is* stands in `postern_polling`, the
//! rows in the store (ADR 0013). Beside a webhook it also watches that one ([`mod@alarm`]). Start at [`run`].

mod advice;
mod alarm;
mod auth;
mod budget;
mod claim;
mod commit;
mod deletions;
mod end;
mod failure;
mod fetch;
pub(crate) mod figures;
mod finish;
mod notes;
mod overview;
mod page;
mod rehearse;
mod rooms;
mod run;
mod sample;
mod seen;
mod shares;
mod tick;
mod walk;
mod watch;
mod windows;

use tokio::sync::mpsc;

pub use advice::{Advised, advice};
pub use overview::{Overview, overview, overviews};
pub use rehearse::{Rehearsal, TestError, TestItem, TestPage, TestResult, test};

pub(crate) use budget::Declarations;
pub(crate) use commit::hand_over;
pub(crate) use end::{Ended, run as write_ends};
pub(crate) use walk::budget_name;

/// What is stored was allowed when it was saved. An operator who raises the floor later does not make it unreadable.
pub(crate) const STORED_FLOOR_S: u32 = 1;

/// What the runs of this process share.
#[derive(Debug)]
pub(crate) struct Polls {
    pub(crate) rooms: rooms::Rooms,
    pub(crate) budgets: budget::Budgets,
    pub(crate) shares: shares::Shares,
    pub(crate) tokens: auth::Tokens,
    pub(crate) ended: mpsc::UnboundedSender<Ended>,
}

impl Polls {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Ended>) {
        // Bounded by the rooms: whoever is in it has one.
        let (ended, queue) = mpsc::unbounded_channel();
        let polls = Self {
            rooms: rooms::Rooms::default(),
            budgets: budget::Budgets::default(),
            shares: shares::Shares::default(),
            tokens: auth::Tokens::default(),
            ended,
        };
        (polls, queue)
    }
}
