//! When a record that is not listed any more counts as deleted.

use super::{Classified, Outcome, Record, SETTLED, key};

/// So many whole lists in a row must miss a record.
pub const DELETED_AFTER: i32 = 2;

/// What a run knows of the list it read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All pages were read, to the end of the list, each answered with 200.
    pub is_complete: bool,
    /// The requests asked for a part of the list only: a cursor or a window stood in them.
    pub is_filtered: bool,
    pub quarantined: u64,
    /// Different records that the run listed.
    pub listed: u64,
    /// Records that were there before the run, without the deleted ones.
    pub before: u64,
}

/// Why a run says nothing about deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionSkipped {
    #[error("not all pages were read")]
    Incomplete,
    #[error("the requests asked for a part of the list only")]
    Filtered,
    #[error("some records had no id")]
    Quarantined,
    #[error("the list had less than half of the records known before")]
    TooFew,
}

impl Census {
    /// # Errors
    /// Why what was not listed may be there all the same.
    pub const fn check(&self) -> Result<(), DeletionSkipped> {
        if !self.is_complete {
            return Err(DeletionSkipped::Incomplete);
        }
        if self.is_filtered {
            return Err(DeletionSkipped::Filtered);
        }
        if self.quarantined > 0 {
            return Err(DeletionSkipped::Quarantined);
        }
        if self.listed.saturating_mul(2) < self.before {
            return Err(DeletionSkipped::TooFew);
        }
        Ok(())
    }
}

/// What becomes of the records that a whole list did not have; only after [`Census::check`]. The deleted ones keep their
/// rows, so that a record that comes back is news.
#[must_use]
pub fn deletions(unlisted: impl IntoIterator<Item = Record>) -> Vec<Classified> {
    unlisted.into_iter().filter(|record| record.missed < DELETED_AFTER).map(missed).collect()
}

fn missed(record: Record) -> Classified {
    let missed = record.missed + 1;
    if missed < DELETED_AFTER {
        let record = Some(Record { missed, ..record });
        return Classified { item: None, outcome: Outcome::Missed, key: None, record };
    }
    // What was never emitted is not taken back either.
    let was_emitted = record.rev > 0;
    let rev = record.rev + 1;
    let key = was_emitted.then(|| key::of_deletion(&record.id, rev));
    let outcome = if was_emitted { Outcome::Deleted } else { Outcome::Missed };
    let record = Record { missed, rev, stable: SETTLED, waiting_since: None, ..record };
    Classified { item: None, outcome, key, record: Some(record) }
}
