//! What providers last said of their limits, for the advice.
//!
//! In memory of one replica, as budgets are. An answer says how many requests its window permits and when it ends, and
//! not how long it is: that is taken to be the shortest usual window that covers the longest wait seen. It is too short
//! only until a window was seen from its beginning.

use std::collections::HashMap;

use parking_lot::Mutex;
use postern_domain::Timestamp;

use super::budget::{Allowance, BudgetKey};

const HOUR_S: u64 = 3_600;
const USUAL_WINDOWS_S: [u64; 7] = [1, 10, 60, 300, 900, HOUR_S, 24 * HOUR_S];
/// Clocks differ, and answers take a while.
const TOLERANCE_MS: i64 = 2_000;
/// What was not said again for so long may no longer hold.
const KEPT_MS: i64 = 24 * 3_600 * 1_000;
/// Providers remembered at once; beyond them nothing is learned until some are forgotten.
const MOST: usize = 20_000;

#[derive(Debug, Default)]
pub(crate) struct Stated {
    known: Mutex<HashMap<BudgetKey, Limit>>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    requests: u64,
    /// Until the end of a window.
    longest_ms: i64,
    said_at: Timestamp,
}

impl Stated {
    pub(crate) fn learn(&self, key: &BudgetKey, allowance: &Allowance, now: Timestamp) {
        let Some((requests, reset_at)) = allowance.limit.zip(allowance.reset_at) else { return };
        let wait_ms = reset_at.ms_since(now);
        let mut known = self.known.lock();
        let has_room = known.len() < MOST;
        match known.get_mut(key) {
            Some(limit) if limit.requests == requests => {
                (limit.longest_ms, limit.said_at) = (limit.longest_ms.max(wait_ms), now);
            }
            Some(limit) => *limit = Limit { requests, longest_ms: wait_ms, said_at: now },
            None if has_room => {
                known.insert(key.clone(), Limit { requests, longest_ms: wait_ms, said_at: now });
            }
            None => {}
        }
    }

    /// Requests for each hour; `None` where nothing was said, or of a window that is longer than a day.
    pub(crate) fn per_hour(&self, key: &BudgetKey) -> Option<u64> {
        let limit = *self.known.lock().get(key)?;
        let longest_s = u64::try_from((limit.longest_ms - TOLERANCE_MS).max(0)).ok()?.div_ceil(1_000);
        let window_s = USUAL_WINDOWS_S.into_iter().find(|window_s| *window_s >= longest_s)?;
        Some(limit.requests.saturating_mul(HOUR_S) / window_s)
    }

    pub(crate) fn tidy(&self, now: Timestamp) {
        self.known.lock().retain(|_, limit| now.ms_since(limit.said_at) < KEPT_MS);
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::TenantId;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn said(limit: u64, wait_s: i64, stated: &Stated) -> Option<u64> {
        let key = BudgetKey { tenant: TenantId::from_uuid(uuid::Uuid::nil()), name: "a".to_owned() };
        let allowance = Allowance { limit: Some(limit), remaining: Some(1), reset_at: Some(NOW.plus_secs(wait_s)) };
        stated.learn(&key, &allowance, NOW);
        stated.per_hour(&key)
    }

    #[test]
    fn the_longest_wait_tells_the_window() {
        let stated = Stated::default();
        assert_eq!(said(5_000, 1_200, &stated), Some(5_000), "covered by an hour");
        assert_eq!(said(5_000, 30, &stated), Some(5_000), "the end of the same window");
        assert_eq!(said(5_000, 3_601, &stated), Some(5_000), "a clock that is a second off");
        assert_eq!(said(60, 59, &stated), Some(3_600), "another limit is another window");
        assert_eq!(said(60, 40_000, &stated), Some(2));
        assert_eq!(said(60, 1_000_000, &stated), None, "longer than a day");
        stated.tidy(NOW.plus_ms(KEPT_MS));
        assert!(stated.known.lock().is_empty());
    }
}
