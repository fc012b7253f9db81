//! What was taken of a declared budget, and whether one request more may be sent.
//!
//! A request counts from the moment it is taken until the span of the budget has passed, and a little longer: requests
//! are counted by short slots, each until its end, and may be on their way for a while. So there is no span, wherever it
//! begins, with more requests than the budget has.

use postern_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::settings::Budget;

/// Of a span so much is one slot, and so much longer a request counts.
const SLOTS: i64 = 50;
const LEAST_SLOT_MS: i64 = 250;
/// Of a budget so much is kept back from the timetable: a tenth, or fifty requests where a tenth is more.
const RESERVE_PART: u64 = 10;
const RESERVE_MOST: u64 = 50;

/// How much of an allowance is left to those who ask by hand.
#[must_use]
pub fn reserve(requests: u64) -> u64 {
    (requests / RESERVE_PART).min(RESERVE_MOST)
}

/// Requests by the ends of their slots, in milliseconds since 1970, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken(Vec<(i64, u32)>);

impl Taken {
    /// Takes one request, if fewer than `most` count at this moment.
    ///
    /// # Errors
    /// In how many milliseconds there is room again.
    pub fn take(&mut self, budget: Budget, most: u64, now: Timestamp) -> Result<(), i64> {
        let now_ms = now.as_micros().div_euclid(1_000);
        let slot_ms = slot_ms(budget);
        let counts_for_ms = counts_for_ms(budget);
        let slot_end = (now_ms.div_euclid(slot_ms) + 1) * slot_ms;
        for (end, _) in &mut self.0 {
            // A clock that was set back must not keep a request for ever.
            *end = (*end).min(slot_end);
        }
        self.0.retain(|(end, _)| end + counts_for_ms > now_ms);
        let mut counted: u64 = self.0.iter().map(|(_, count)| u64::from(*count)).sum();
        if counted < most {
            match self.0.last_mut() {
                Some((end, count)) if *end == slot_end => *count += 1,
                _ => self.0.push((slot_end, 1)),
            }
            return Ok(());
        }
        for (end, count) in &self.0 {
            counted -= u64::from(*count);
            if counted < most {
                return Err(end + counts_for_ms - now_ms);
            }
        }
        Err(counts_for_ms)
    }
}

/// The longest that a request counts: so often all of the budget can be spent.
#[must_use]
pub fn longest_ms(budget: Budget) -> i64 {
    counts_for_ms(budget) + slot_ms(budget)
}

fn slot_ms(budget: Budget) -> i64 {
    (i64::from(budget.per_s) * 1_000 / SLOTS).max(LEAST_SLOT_MS)
}

/// From the end of its slot.
fn counts_for_ms(budget: Budget) -> i64 {
    i64::from(budget.per_s) * 1_000 + slot_ms(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { requests: 20, per_s: 10 };

    fn at_ms(ms: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + ms * 1_000)
    }

    /// Asks at each of these moments; gives those at which it was allowed.
    fn allowed(budget: Budget, moments: impl Iterator<Item = i64>) -> Vec<i64> {
        let mut taken = Taken::default();
        moments.filter(|ms| taken.take(budget, u64::from(budget.requests), at_ms(*ms)).is_ok()).collect()
    }

    #[test]
    fn no_span_has_more_requests_than_the_budget() {
        for (requests, per_s) in [(20, 10), (1, 1), (1, 60), (7, 3), (100, 1), (500, 60)] {
            let budget = Budget { requests, per_s };
            for step_ms in [1, 7, 130, 999, 4_001] {
                let sent = allowed(budget, (0..20_000).map(|turn| turn * step_ms));
                let fits = |window: &[i64]| window[window.len() - 1] - window[0] > i64::from(per_s) * 1_000;
                let one_more = usize::try_from(requests).expect("small") + 1;
                assert!(sent.windows(one_more).all(fits), "{budget:?}, one each {step_ms} ms");
            }
        }
    }

    #[test]
    fn what_the_budget_has_is_given() {
        let sent = allowed(BUDGET, (0..1_000).map(|turn| turn * 100));
        let spans = 100_000 / longest_ms(BUDGET);
        let least = usize::try_from(spans * 20).expect("small");
        assert!(sent.len() >= least, "{} of {least}", sent.len());
        assert_eq!(sent[..20], (0..20).map(|turn| turn * 100).collect::<Vec<_>>(), "at once, as long as there is room");
    }

    #[test]
    fn a_refusal_says_when_there_is_room_again() {
        let mut taken = Taken::default();
        for ms in [0, 0, 5_000] {
            taken.take(BUDGET, 3, at_ms(ms)).expect("room");
        }
        let wait_ms = taken.take(BUDGET, 3, at_ms(6_000)).expect_err("full");
        assert!((4_000..=longest_ms(BUDGET) - 6_000).contains(&wait_ms), "{wait_ms}");
        assert!(taken.take(BUDGET, 3, at_ms(6_000 + wait_ms - 1)).is_err());
        assert_eq!(taken.take(BUDGET, 3, at_ms(6_000 + wait_ms)), Ok(()));
        assert_eq!(taken.take(BUDGET, 3, at_ms(6_000 + wait_ms)), Ok(()), "both of the first slot are free");
        assert!(taken.take(BUDGET, 3, at_ms(6_000 + wait_ms)).is_err());
        assert_eq!(taken.take(BUDGET, 4, at_ms(6_000 + wait_ms)), Ok(()), "somebody who may take more");
    }

    #[test]
    fn the_last_part_is_for_people() {
        for (requests, kept) in [(1, 0), (9, 0), (10, 1), (100, 10), (499, 49), (1_000_000, 50)] {
            assert_eq!(reserve(requests), kept);
        }
    }

    #[test]
    fn another_budget_counts_what_was_taken_before() {
        let mut taken = Taken::default();
        for _ in 0..20 {
            taken.take(BUDGET, 20, at_ms(0)).expect("room");
        }
        let longer = Budget { requests: 20, per_s: 60 };
        assert!(taken.take(longer, 20, at_ms(30_000)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_for_longer_than_a_span() {
        let mut taken = Taken::default();
        for _ in 0..20 {
            taken.take(BUDGET, 20, at_ms(3_600_000)).expect("room");
        }
        let wait_ms = taken.take(BUDGET, 20, at_ms(0)).expect_err("full");
        assert!(wait_ms <= longest_ms(BUDGET), "{wait_ms}");
    }
}
