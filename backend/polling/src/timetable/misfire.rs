//! What becomes of instants that went by while nobody looked: a stop of the server, a pause, a database that was away.

use postern_domain::Timestamp;

use super::{Spread, Timetable};
use crate::settings::Schedule;

/// An instant that is late by no more than this is not missed.
pub const GRACE_MS: i64 = 60_000;
/// So many missed instants are made up for, the latest ones.
pub const MAX_CATCH_UP: usize = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misfire {
    /// They are left out.
    #[default]
    Skip,
    /// One of them is made up for, the latest.
    Once,
    /// All of them, at most [`MAX_CATCH_UP`].
    All,
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The instants to fire for, rising; the late but not missed ones too.
    pub instants: Vec<Timestamp>,
    /// Whether some that went by are left out.
    pub left_out: bool,
    /// The first one in the future.
    pub next: Option<Timestamp>,
}

/// `due_at` is the first instant that has not fired.
#[must_use]
pub fn due(schedule: &Schedule, due_at: Timestamp, now: Timestamp, spread: Spread, misfire: Misfire) -> Due {
    let Ok(table) = Timetable::new(schedule, spread) else { return Due::default() };
    let passed = passed(&table, due_at, now);
    let missed_until = now.plus_ms(-GRACE_MS);
    let missed = passed.instants.iter().filter(|at| **at < missed_until).count();
    let made_up = match misfire {
        Misfire::Skip => 0,
        Misfire::Once => missed.min(1),
        Misfire::All => missed,
    };
    let on_time = passed.instants.len() - missed;
    let wanted = (made_up + on_time).min(MAX_CATCH_UP);
    let first = passed.instants.len() - wanted;
    Due {
        left_out: passed.has_more || first > 0,
        instants: passed.instants.into_iter().skip(first).collect(),
        next: table.next_after(now),
    }
}

struct Passed {
    /// The latest up to now, more than are ever wanted.
    instants: Vec<Timestamp>,
    has_more: bool,
}

/// Looks back over a stretch that doubles until it has enough, so that a year of minutes is not walked for the last
/// hundred of them.
fn passed(table: &Timetable, due_at: Timestamp, now: Timestamp) -> Passed {
    let before_due = Timestamp::from_micros(due_at.as_micros().saturating_sub(1));
    let mut back_ms = GRACE_MS * 2;
    loop {
        let from = now.plus_ms(-back_ms).max(before_due);
        let instants: Vec<Timestamp> = std::iter::successors(table.next_after(from), |last| table.next_after(*last))
            .take_while(|at| *at <= now)
            .collect();
        let is_all = from == before_due;
        if is_all || instants.len() > MAX_CATCH_UP {
            return Passed { instants, has_more: !is_all };
        }
        back_ms = back_ms.saturating_mul(2);
    }
}
