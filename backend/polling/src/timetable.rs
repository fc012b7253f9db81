//! When a source is due: a pure function of its schedule, its id and the last instant. Each instant comes once, and they
//! rise strictly, whatever clocks do in the zone.
//!
//! Start reading at [`next_after`]. What to do about instants that went by is in [`misfire`]; how local times become
//! instants, and what daylight saving does to them, in [`cron`].

mod cron;
mod misfire;

use postern_domain::{Invalid, SourceId, Timestamp};
use postern_seal::token::sha256;

pub use cron::Cron;
pub use misfire::{Due, GRACE_MS, MAX_CATCH_UP, Misfire, due};

use crate::settings::Schedule;

/// The phase moves a source by up to this, and by less than its interval.
const MAX_PHASE_MS: i64 = 60_000;
/// So many instants of a cron expression are looked at to find how close they come.
const COMPARED: usize = 400;

/// How sources with the same interval are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Not at all: the instants are whole multiples of the interval since 1970.
    None,
    /// By phase and jitter, both from this number: [`seed`].
    By(u64),
}

/// The number that spreads a source; the same on every replica and in every run.
#[must_use]
pub fn seed(source: SourceId) -> u64 {
    first_bytes(source.uuid().as_bytes())
}

/// The first instant after this one; `None` when there is none before the year 5000.
#[must_use]
pub fn next_after(schedule: &Schedule, after: Timestamp, spread: Spread) -> Option<Timestamp> {
    Timetable::new(schedule, spread).ok()?.next_after(after)
}

/// The next instants, as the scheduler itself will take them.
#[must_use]
pub fn upcoming(schedule: &Schedule, from: Timestamp, spread: Spread, count: usize) -> Vec<Timestamp> {
    let Ok(table) = Timetable::new(schedule, spread) else { return Vec::new() };
    std::iter::successors(table.next_after(from), |last| table.next_after(*last)).take(count).collect()
}

/// # Errors
/// When the cron expression is none, never comes, or comes more often than every `floor_s` seconds. `field` is where the
/// expression stands: `poll.schedule.cron`.
pub fn validate(field: &str, schedule: &Schedule, floor_s: u32) -> Result<(), Invalid> {
    let Schedule::Cron { cron, timezone } = schedule else { return Ok(()) };
    let cron = Cron::parse(field, cron, *timezone)?;
    let floor_ms = i64::from(floor_s) * 1_000;
    // Any year will do, but for the hours in which clocks are set; there instants are never closer than elsewhere.
    let start = Timestamp::from_secs(1_767_225_600);
    let instants: Vec<Timestamp> =
        std::iter::successors(cron.next_after(start), |last| cron.next_after(*last)).take(COMPARED).collect();
    if instants.is_empty() {
        return Err(Invalid::new(field, "never comes: there is no such day"));
    }
    let closest = instants.windows(2).filter_map(|pair| Some(pair.last()?.ms_since(*pair.first()?))).min();
    match closest {
        Some(gap_ms) if gap_ms < floor_ms => Err(Invalid::new(
            field,
            format!("comes after {} s already; the shortest permitted interval is {floor_s} s", gap_ms / 1_000),
        )),
        _ => Ok(()),
    }
}

/// A schedule that has been read.
enum Timetable {
    Interval(Interval),
    Cron(Box<Cron>),
}

struct Interval {
    interval_ms: i64,
    jitter_pct: i64,
    spread: Spread,
}

impl Timetable {
    fn new(schedule: &Schedule, spread: Spread) -> Result<Self, Invalid> {
        match schedule {
            Schedule::Interval { interval_s, jitter_pct } => Ok(Self::Interval(Interval {
                interval_ms: i64::from(*interval_s).max(1) * 1_000,
                jitter_pct: i64::from(*jitter_pct).min(100),
                spread,
            })),
            Schedule::Cron { cron, timezone } => {
                Ok(Self::Cron(Box::new(Cron::parse("schedule.cron", cron, *timezone)?)))
            }
        }
    }

    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Interval(interval) => interval.next_after(after),
            Self::Cron(cron) => cron.next_after(after),
        }
    }
}

impl Interval {
    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // An instant is later than its step by less than two intervals: phase and jitter.
        let first = (after.as_micros() / 1_000).div_euclid(self.interval_ms).saturating_sub(2);
        let found = (first..first.saturating_add(5)).map(|step| self.instant(step)).find(|at| *at > after)?;
        (found < Timestamp::MAX).then_some(found)
    }

    fn instant(&self, step: i64) -> Timestamp {
        let (phase_ms, jitter_ms) = match self.spread {
            Spread::None => (0, 0),
            Spread::By(seed) => (below(seed, self.interval_ms.min(MAX_PHASE_MS)), self.jitter_ms(seed, step)),
        };
        Timestamp::from_micros(0).plus_ms(step.saturating_mul(self.interval_ms).saturating_add(phase_ms + jitter_ms))
    }

    /// Less than the share, so that even with 100 % an instant is before the next one.
    fn jitter_ms(&self, seed: u64, step: i64) -> i64 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        bytes[8..].copy_from_slice(&step.to_be_bytes());
        below(first_bytes(&bytes), self.interval_ms * self.jitter_pct / 100)
    }
}

fn below(number: u64, bound: i64) -> i64 {
    match u64::try_from(bound) {
        Ok(bound @ 1..) => i64::try_from(number % bound).unwrap_or(0),
        _ => 0,
    }
}

fn first_bytes(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&sha256(bytes)[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
