//! What a poll is, without I/O: its settings, the requests of a run, what an answer means, what a page holds, which
//! records are news, and when the next run is.
//!
//! Settings come in as JSON and are checked once, by [`PollSettings::parse`]. A run is then a walk of a [`Pager`]: it
//! gives a request, whoever asked gives back the answer, [`judge`] says what the answer means. Nothing here awaits, reads
//! a clock or keeps a secret longer than the settings do.

pub mod adaptive;
pub mod advice;
mod answer;
pub mod backoff;
mod canonical;
mod conditional;
mod cursor;
mod fault;
mod feed;
mod item;
mod link;
pub mod moment;
mod pager;
mod raw;
mod record;
mod redact;
mod redirect;
mod request;
#[cfg(test)]
mod sample;
mod settings;
pub mod share;
pub mod taken;
mod template;
pub mod templates;
pub mod timetable;
mod waits;
mod window;

pub use answer::{Asked, Meaning, PageAnswer, Transient, judge};
pub use canonical::{Hash, canonical};
pub use conditional::{Validators, page_key};
pub use cursor::{CursorState, CursorValue, Held, PageCursors};
pub use fault::PageFault;
pub use item::{Item, MAX_ID_BYTES, MAX_ITEMS, Page, Quarantined, read_page};
pub use pager::{NextPage, Pager};
pub use record::{
    Census, Classified, DELETED_AFTER, DeletionSkipped, Newest, Outcome, Pass, Record, SETTLED, Stage, classify,
    deletions, possible_keys, record_hash,
};
pub use redact::Redactor;
pub use redirect::{MAX_REDIRECTS, follow};
pub use request::{PageRequest, SignedRequest};
pub use settings::{
    Adaptive, ApiKeyPlace, Auth, Body, Budget, ClientAuth, CursorMode, CursorSettings, DEFAULT_FLOOR_S, Emit, Expr,
    FirstRun, Format, HIDDEN, HeaderSetting, MAX_INTERVAL_S, MAX_LAST_N, Order, Overlap, PageKind, PageSize, Paginate,
    Path, PollSettings, QuerySetting, Reconcile, RequestSettings, RunLimits, Schedule, TickSettings, TypeRule,
};
pub use template::{Template, Until, Vars};
pub use waits::{Hints, Rate, hints};
pub use window::{NextWindow, TooDense, Windows};

#[cfg(test)]
mod random_tests;
