//! What happened, counted by stretches of time: five minutes each, on the clock's round numbers.
//!
//! Something belongs to the stretch in which its id was made, as in the lists, so that a count and the list it leads to
//! agree. When a stretch is counted, and when again, is [`Stretch::recount_at`].

use crate::time::Timestamp;

const STRETCH_MS: i64 = STRETCH_S * 1_000;
/// Length of a stretch in seconds.
pub const STRETCH_S: i64 = 300;
/// An id is made before its row is committed: a stretch is counted so long after its end.
const COMMITTED_MS: i64 = 60_000;
/// Up to so long after its end a stretch is counted again, whatever it held, for what was committed later still.
const LATE_MS: i64 = 3_600_000;
const MOST_OFTEN_MS: i64 = 60_000;
const LEAST_OFTEN_MS: i64 = 6 * 3_600_000;

/// The upper bounds, in milliseconds, by which times to delivery are counted; above the last there is one count more.
pub const LATENCY_MS: [i64; 26] = [
    1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000,
    30_000, 60_000, 300_000, 1_800_000, 14_400_000,
];
/// How many counts there are for them.
pub const LATENCIES: usize = LATENCY_MS.len() + 1;

/// Five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stretch(Timestamp);

impl Stretch {
    /// The one that this moment is in.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(Timestamp::from_micros(at.as_millis().div_euclid(STRETCH_MS) * STRETCH_MS * 1_000))
    }

    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.0
    }

    /// Not included.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.0.plus_ms(STRETCH_MS)
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.end())
    }

    /// When it is counted for the first time.
    #[must_use]
    pub fn count_at(self) -> Timestamp {
        self.end().plus_ms(COMMITTED_MS)
    }

    /// When it is counted again after a count at `now`, the more seldom the older it is. `None`: by itself it changes
    /// no more.
    #[must_use]
    pub fn recount_at(self, now: Timestamp, rest: Rest) -> Option<Timestamp> {
        let age_ms = now.ms_since(self.end());
        if rest == Rest::Settled && age_ms >= LATE_MS {
            return None;
        }
        Some(now.plus_ms((age_ms / 8).clamp(MOST_OFTEN_MS, LEAST_OFTEN_MS)))
    }
}

/// Whether deliveries of a stretch still wait for their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Settled,
    Unsettled,
}

/// What happened to one tenant in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub events: u64,
    pub duplicates: u64,
    pub refused: u64,
    /// Deliveries made in that time that are delivered by now.
    pub delivered: u64,
    /// Those of them that took more than one try.
    pub retried: u64,
    pub dead: u64,
    pub cancelled: u64,
    /// How long the delivered took from the event to the answer, by [`LATENCY_MS`].
    pub latencies: [u64; LATENCIES],
}

/// An upper bound of a time to delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    Ms(u64),
    /// More than so many milliseconds.
    Over(u64),
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.events, other.events),
            (&mut self.duplicates, other.duplicates),
            (&mut self.refused, other.refused),
            (&mut self.delivered, other.delivered),
            (&mut self.retried, other.retried),
            (&mut self.dead, other.dead),
            (&mut self.cancelled, other.cancelled),
        ];
        for (mine, more) in pairs.into_iter().chain(self.latencies.iter_mut().zip(other.latencies)) {
            *mine = mine.saturating_add(more);
        }
    }

    /// Deliveries that came to an end: delivered, or given up.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.delivered.saturating_add(self.dead)
    }

    /// The time within which `percent` of the delivered arrived; `None` when nothing did.
    #[must_use]
    pub fn within(&self, percent: u64) -> Option<Within> {
        let all: u64 = self.latencies.iter().sum();
        let wanted = all.saturating_mul(percent).div_ceil(100);
        let mut sum = 0;
        for (count, bound_ms) in self.latencies.iter().zip(LATENCY_MS) {
            sum += count;
            if all > 0 && sum >= wanted {
                return Some(Within::Ms(bound_ms.unsigned_abs()));
            }
        }
        LATENCY_MS.last().filter(|_| all > 0).map(|last_ms| Within::Over(last_ms.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);

    #[test]
    fn stretches_follow_each_other_without_a_gap() {
        let stretch = Stretch::of(NOON.plus_ms(299_999));
        assert_eq!(stretch.start(), NOON);
        assert_eq!(Stretch::of(stretch.end()), stretch.next());
        assert_eq!(stretch.count_at(), NOON.plus_secs(360));
    }

    #[test]
    fn a_stretch_is_counted_until_nothing_of_it_can_change() {
        let stretch = Stretch::of(NOON);
        let after = |s: i64| stretch.end().plus_secs(s);
        assert_eq!(stretch.recount_at(after(60), Rest::Settled), Some(after(120)), "a late commit may come");
        assert_eq!(stretch.recount_at(after(3_600), Rest::Settled), None);
        assert_eq!(stretch.recount_at(after(3_600), Rest::Unsettled), Some(after(3_600 + 450)));
        assert_eq!(stretch.recount_at(after(9_000_000), Rest::Unsettled), Some(after(9_000_000 + 21_600)));
    }

    #[test]
    fn a_bound_is_never_below_what_it_bounds() {
        let mut counts = Counts::default();
        assert_eq!(counts.within(95), None);
        counts.latencies[4] = 94;
        counts.latencies[10] = 6;
        assert_eq!((counts.within(50), counts.within(95)), (Some(Within::Ms(20)), Some(Within::Ms(200))));
        counts.latencies[26] = 1_000;
        assert_eq!(counts.within(95), Some(Within::Over(14_400_000)));
    }

    #[test]
    fn sums_hold_everything() {
        let mut sum = Counts { events: 1, ..Counts::default() };
        let mut more = Counts { events: 2, duplicates: 3, refused: 4, delivered: 5, retried: 6, dead: 7, ..sum };
        (more.cancelled, more.latencies[26]) = (8, 9);
        sum.add(&more);
        assert_eq!((sum.events, sum.ended(), sum.cancelled, sum.latencies[26]), (3, 12, 8, 9));
    }
}
