//! Which of a page's items are news.
//!
//! A record is what one id stands for; its row remembers what was emitted last. Everything here is a function of the
//! settings, the item, the row and the instant; the caller writes rows and events in one transaction.

mod deletion;
mod key;
mod newest;

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use postern_domain::Timestamp;

pub use deletion::{Census, DELETED_AFTER, DeletionSkipped, deletions};
pub use newest::Newest;

use crate::{
    canonical::{self, Hash},
    cursor::compare_versions,
    item::Item,
    settings::{Emit, FirstRun, PollSettings},
};

/// In `stable`: what the row says has been emitted, or need not be.
pub const SETTLED: i32 = 1_000;

/// What is known of a record, and what its row shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub hash: Hash,
    pub id: String,
    pub version: Option<String>,
    pub content_hash: Hash,
    /// How many states of it were emitted or settled; part of the key where a version cannot be.
    pub rev: i32,
    /// In how many polls in a row it was as it is, while a change must hold; [`SETTLED`] when nothing is awaited.
    pub stable: i32,
    /// How many complete listings in a row missed it; from [`DELETED_AFTER`] on it is deleted.
    pub missed: i32,
    /// Since when a webhook is waited for.
    pub waiting_since: Option<Timestamp>,
}

/// What an item is, measured by its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// To be emitted: never seen, or back after it was deleted.
    New,
    /// To be emitted.
    Changed,
    /// To be emitted: the whole list lacked it twice.
    Deleted,
    /// To be emitted with origin `reconciled`: no webhook brought it within the grace.
    Lost,
    /// A webhook brought it.
    Confirmed,
    /// It may still come by webhook.
    Waiting,
    /// A change without a version, which no webhook's key can match: neither lost nor confirmed.
    Unmatched,
    /// As it was, or a change that is not asked for.
    Unchanged,
    /// Older than what is known.
    Stale,
    /// A change that has yet to hold.
    Unstable,
    /// There before the first run.
    Skipped,
    /// Missing from one whole list.
    Missed,
}

impl Outcome {
    #[must_use]
    pub const fn is_emitted(self) -> bool {
        matches!(self, Self::New | Self::Changed | Self::Deleted | Self::Lost)
    }

    /// The record must be listed again, so the cursor may not pass it.
    #[must_use]
    pub const fn holds_cursor(self) -> bool {
        matches!(self, Self::Waiting | Self::Unstable)
    }
}

/// One item and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Its position in the items; none for a deletion.
    pub item: Option<usize>,
    pub outcome: Outcome,
    /// By what the event is known; there when it is emitted, confirmed or waited for.
    pub key: Option<String>,
    /// What the row shall say; `None` leaves it as it is.
    pub record: Option<Record>,
}

/// How far a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not yet completed a run.
    First,
    /// The same, and these are the last few, which are to be emitted as they are.
    Newest,
    Later,
}

impl Stage {
    #[must_use]
    pub const fn of(primed: bool) -> Self {
        if primed { Self::Later } else { Self::First }
    }
}

/// What kind of run looks at the items.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'k> {
    pub now: Timestamp,
    pub stage: Stage,
    /// For a poll beside a webhook: the keys, of those in [`possible_keys`], that the source's events have taken.
    pub webhook_keys: Option<&'k HashSet<String>>,
}

/// What a record's row is found by.
#[must_use]
pub fn record_hash(id: &str) -> Hash {
    canonical::hash(id)
}

/// What each item is, in their order. `known` holds the rows of those that have one.
#[must_use]
pub fn classify(
    settings: &PollSettings,
    items: &[Item<'_>],
    known: &HashMap<Hash, Record>,
    pass: &Pass<'_>,
) -> Vec<Classified> {
    let judge = |(position, item): (usize, &Item<'_>)| {
        let hash = record_hash(&item.id);
        let one = One { settings, item, hash, pass };
        Classified { item: Some(position), ..one.classify(known.get(&hash)) }
    };
    items.iter().enumerate().map(judge).collect()
}

/// The keys under which a webhook could have brought these items: what to look up before a reconciling [`classify`].
#[must_use]
pub fn possible_keys(settings: &PollSettings, items: &[Item<'_>], known: &HashMap<Hash, Record>) -> Vec<String> {
    let key = |item: &Item<'_>| {
        let rev = known.get(&record_hash(&item.id)).map_or(0, |record| record.rev) + 1;
        key::of(settings.emit, item, rev, key::Return::Never)
    };
    items.iter().map(key).collect()
}

struct One<'a> {
    settings: &'a PollSettings,
    item: &'a Item<'a>,
    hash: Hash,
    pass: &'a Pass<'a>,
}

impl One<'_> {
    fn classify(&self, known: Option<&Record>) -> Classified {
        match known {
            None => self.unseen(),
            Some(known) if known.stable != SETTLED => self.unsettled(known),
            Some(known) if known.missed >= DELETED_AFTER => self.returned(known),
            Some(known) => self.settled(known),
        }
    }

    fn unseen(&self) -> Classified {
        if self.is_skipped() {
            return quiet(Outcome::Skipped, Some(self.record(1, SETTLED)));
        }
        if self.stable_polls() > 0 {
            return quiet(Outcome::Unstable, Some(self.record(0, 0)));
        }
        self.ready(0, None)
    }

    /// Whether the first run remembers it without emitting it.
    fn is_skipped(&self) -> bool {
        let cursor = self.item.cursor.as_ref().and_then(crate::cursor::CursorValue::instant);
        self.pass.stage == Stage::First
            && match self.settings.first_run {
                // Which are the last ones, `Newest` finds out.
                FirstRun::SkipExisting | FirstRun::LastN(_) => true,
                FirstRun::Since(since) => cursor.is_some_and(|at| at < since),
                FirstRun::Backfill => false,
            }
    }

    /// A state of it awaits its polls or its webhook.
    fn unsettled(&self, known: &Record) -> Classified {
        let same = self.is_same(known);
        if !same && self.is_older(known) {
            return quiet(Outcome::Stale, None);
        }
        let stable = if same { known.stable + 1 } else { 0 };
        if stable < self.stable_polls() {
            let record = Record { waiting_since: None, ..self.record(known.rev, stable) };
            return quiet(Outcome::Unstable, Some(record));
        }
        let keeps_key = same || self.settings.emit == Emit::New;
        self.ready(known.rev, known.waiting_since.filter(|_| keeps_key))
    }

    fn settled(&self, known: &Record) -> Classified {
        let seen_again = (known.missed > 0).then(|| Record { missed: 0, ..known.clone() });
        if self.is_same(known) || self.settings.emit == Emit::New {
            return quiet(Outcome::Unchanged, seen_again);
        }
        if self.is_older(known) {
            return quiet(Outcome::Stale, seen_again);
        }
        if self.stable_polls() > 0 {
            return quiet(Outcome::Unstable, Some(self.record(known.rev, 0)));
        }
        self.ready(known.rev, None)
    }

    fn returned(&self, known: &Record) -> Classified {
        let record = self.record(known.rev + 1, SETTLED);
        let key = key::of(self.settings.emit, self.item, record.rev, key::Return::AfterDeletion);
        Classified { item: None, outcome: Outcome::New, key: Some(key), record: Some(record) }
    }

    /// The state is there to stay: it is emitted, unless a webhook has brought it or still may.
    fn ready(&self, rev: i32, waiting_since: Option<Timestamp>) -> Classified {
        let record = self.record(rev + 1, SETTLED);
        let key = key::of(self.settings.emit, self.item, record.rev, key::Return::Never);
        let outcome = match self.pass.webhook_keys {
            None if rev == 0 => Outcome::New,
            None => Outcome::Changed,
            Some(taken) if taken.contains(&key) => Outcome::Confirmed,
            Some(_) if rev > 0 && !key::is_matchable(self.settings.emit, self.item) => Outcome::Unmatched,
            Some(_) => {
                let since = waiting_since.unwrap_or_else(|| self.happened_at());
                let grace_ms = i64::from(self.settings.reconcile.grace_s) * 1_000;
                // What a first run is to emit was there before; its webhooks are not waited for.
                if self.pass.stage == Stage::Later && self.pass.now.ms_since(since) < grace_ms {
                    let record = Record { waiting_since: Some(since), ..self.record(rev, self.stable_polls()) };
                    return Classified { item: None, outcome: Outcome::Waiting, key: Some(key), record: Some(record) };
                }
                Outcome::Lost
            }
        };
        Classified { item: None, outcome, key: Some(key), record: Some(record) }
    }

    /// For how many polls a change must hold. The last few of a first run were there before, and no run comes back to them.
    fn stable_polls(&self) -> i32 {
        if self.pass.stage == Stage::Newest { 0 } else { self.settings.stable_polls.into() }
    }

    /// A webhook could have come since then: where the record says no instant, since it was first seen.
    fn happened_at(&self) -> Timestamp {
        let said = self.item.cursor.as_ref().and_then(crate::cursor::CursorValue::instant);
        said.map_or(self.pass.now, |at| at.min(self.pass.now))
    }

    fn record(&self, rev: i32, stable: i32) -> Record {
        Record {
            hash: self.hash,
            id: self.item.id.clone(),
            version: self.item.version.clone(),
            content_hash: self.item.content_hash,
            rev,
            stable,
            missed: 0,
            waiting_since: None,
        }
    }

    /// By version where both have one, else by content.
    fn is_same(&self, known: &Record) -> bool {
        match (&self.item.version, &known.version) {
            (Some(now), Some(before)) => compare_versions(now, before) == Some(Ordering::Equal),
            _ => self.item.content_hash == known.content_hash,
        }
    }

    fn is_older(&self, known: &Record) -> bool {
        match (&self.item.version, &known.version) {
            (Some(now), Some(before)) => compare_versions(now, before) == Some(Ordering::Less),
            _ => false,
        }
    }
}

const fn quiet(outcome: Outcome, record: Option<Record>) -> Classified {
    Classified { item: None, outcome, key: None, record }
}

#[cfg(test)]
mod tests;
