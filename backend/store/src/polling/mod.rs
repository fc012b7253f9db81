//! Sources that run by themselves: they are claimed when due, commit what they found page by page, and end.
//!
//! A claim takes a lease with a token of its own; every later write carries it, and the number of the page before, so
//! that who comes late writes nothing. A page's records, keys, events, deliveries and cursor are one transaction
//! ([`page`]). Runs that found nothing end many at a time ([`end`]) and are remembered as one. Nothing here understands
//! settings, asks anybody or decides when a source is due. Start at [`claim`].

mod advice;
mod alarm;
mod budget;
pub mod claim;
pub mod end;
mod expire;
pub(crate) mod given;
mod held;
pub mod page;
mod plan;
mod read;
mod record;
mod recover;
mod run;
mod settings;
mod state;
mod token;
mod waiting;
mod words;
pub(crate) mod writing;

pub use advice::{AdviceInputs, Lags, MOST_EVENTS, RunSums};
pub use alarm::{AlarmRaised, WebhookCounts};
pub use claim::{ClaimTerms, ClaimedRun};
pub use end::{RunEnd, StateAfter};
pub use held::HELD_UNTIL;
pub use page::{PageCommit, PageCommitted};
pub use plan::{Asked, CursorMove, Keys, Patience, Plan, Restart};
pub use read::{MoveRead, QuarantineRead};
pub use record::{KnownKey, LagCount, MoveRow, QuarantineRow, RecordRow};
pub use run::{DECLARED_BUDGET, DELETION_SKIPPED, RunCounts, RunError, RunRow, RunTimes, Streak};
pub use settings::SealedSettings;
pub use state::{PollState, Progress, Running, Validators};
pub use token::{SharedCredential, SharedToken, TokenTurn};
pub use words::{Channel, Health, RunKind, RunStatus, Trigger};

/// Days since 1970, by UTC.
#[must_use]
pub fn day_of(at: postern_domain::Timestamp) -> i32 {
    i32::try_from(at.as_secs().div_euclid(86_400)).unwrap_or(i32::MAX)
}
