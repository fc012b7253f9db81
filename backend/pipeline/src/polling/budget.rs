//! What the provider lets all who share a credential ask: nobody asks while it said no, and the last part of an allowance
//! is left to those who were asked for by hand.
//!
//! What answers said is in memory of one replica: what another one learned is learned again by the first answer. What
//! sources declare holds for all replicas together: each request is first taken from one row, under the row's lock.

use std::collections::HashMap;

use parking_lot::Mutex;
use postern_domain::{SourceId, TenantId, Timestamp};
use postern_polling::{
    Budget as Declaration,
    taken::{Taken, reserve},
};
use postern_store::{Store, StoreError};

use crate::SourceEntry;

/// Of these windows one is taken to be the provider's: answers say when a window ends, and not how long it is.
const USUAL_WINDOWS_S: [u32; 7] = [1, 10, 60, 300, 900, 3_600, 24 * 3_600];
/// Clocks differ, and answers take a while.
const TOLERANCE_MS: i64 = 2_000;
/// What was not said again for so long may no longer hold.
const SAID_FOR_MS: i64 = 24 * 3_600 * 1_000;
/// Budgets remembered at once; above it the one that ends first is forgotten.
const MAX_BUDGETS: usize = 20_000;

/// Who shares: a name the tenant gave, or a host and a credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BudgetKey {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
}

/// What an answer said of the allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) limit: Option<u64>,
    pub(crate) remaining: Option<u64>,
    pub(crate) reset_at: Option<Timestamp>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Timetable,
    Person,
}

#[derive(Debug, Default)]
pub(crate) struct Budgets {
    known: Mutex<HashMap<BudgetKey, Budget>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    blocked_until: Option<Timestamp>,
    allowance: Allowance,
    said_at: Option<Timestamp>,
    /// The longest wait for the allowance to be filled again.
    longest_ms: i64,
}

impl Budgets {
    /// Takes one request out of the budget, as far as it is known.
    ///
    /// # Errors
    /// Until when nobody with this budget should ask.
    pub(crate) fn take(&self, key: &BudgetKey, asker: Asker, now: Timestamp) -> Result<(), Timestamp> {
        let mut known = self.known.lock();
        let Some(budget) = known.get_mut(key) else { return Ok(()) };
        if let Some(until) = budget.blocked_until.filter(|until| *until > now) {
            return Err(until);
        }
        // However far off the provider says it is: by then it was said too long ago to be believed.
        let believed_until = budget.said_at.map(|at| at.plus_ms(SAID_FOR_MS));
        let reset_at = budget.allowance.reset_at.map(|at| believed_until.map_or(at, |until| at.min(until)));
        let Some(reset_at) = reset_at.filter(|at| *at > now) else { return Ok(()) };
        let Some(remaining) = budget.allowance.remaining else { return Ok(()) };
        let reserve = match asker {
            Asker::Timetable => budget.allowance.limit.map_or(0, reserve),
            Asker::Person => 0,
        };
        if remaining <= reserve {
            return Err(reset_at);
        }
        budget.allowance.remaining = Some(remaining - 1);
        Ok(())
    }

    /// Remembers what an answer said.
    pub(crate) fn learn(&self, key: &BudgetKey, allowance: Allowance, now: Timestamp) {
        if allowance == Allowance::default() {
            return;
        }
        let mut known = self.known.lock();
        make_room(&mut known, now);
        let budget = known.entry(key.clone()).or_default();
        // Another limit is one of another window.
        let longest_ms = if budget.allowance.limit == allowance.limit { budget.longest_ms } else { 0 };
        let wait_ms = allowance.reset_at.map_or(0, |at| at.ms_since(now));
        (budget.allowance, budget.said_at, budget.longest_ms) = (allowance, Some(now), longest_ms.max(wait_ms));
    }

    /// The provider wants no more before `until`.
    pub(crate) fn block(&self, key: &BudgetKey, until: Timestamp, now: Timestamp) {
        let mut known = self.known.lock();
        make_room(&mut known, now);
        let budget = known.entry(key.clone()).or_default();
        budget.blocked_until = budget.blocked_until.max(Some(until));
    }

    /// What answers have said of the budget. Its window is the shortest usual one that covers the longest wait seen: too
    /// short only until a window was seen from its beginning.
    pub(crate) fn learned(&self, key: &BudgetKey) -> Option<Declaration> {
        let budget = *self.known.lock().get(key)?;
        let requests = u32::try_from(budget.allowance.limit?.max(1)).unwrap_or(u32::MAX);
        budget.allowance.reset_at?;
        let longest_s = u32::try_from((budget.longest_ms - TOLERANCE_MS).max(0)).ok()?.div_ceil(1_000);
        let usual_s = USUAL_WINDOWS_S.into_iter().find(|window_s| *window_s >= longest_s);
        Some(Declaration { requests, per_s: usual_s.unwrap_or(longest_s) })
    }

    /// Forgets what holds nobody back, and was said long ago.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.known.lock().retain(|_, budget| budget.ends_at() > now);
    }
}

/// What sources declare of the budgets they share.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    by_key: HashMap<BudgetKey, HashMap<SourceId, Declaration>>,
}

impl Declarations {
    pub(crate) fn note(&mut self, entry: &SourceEntry) {
        if let Some((key, declared)) = declared_by(entry) {
            self.by_key.entry(key).or_default().insert(entry.id, declared);
        }
    }

    pub(crate) fn forget(&mut self, entry: &SourceEntry) {
        let Some((key, _)) = declared_by(entry) else { return };
        if let Some(of_key) = self.by_key.get_mut(&key) {
            of_key.remove(&entry.id);
            if of_key.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }

    /// Where several declare it, the tightest.
    pub(crate) fn tightest(&self, key: &BudgetKey) -> Option<Declaration> {
        self.by_key.get(key)?.values().copied().reduce(Declaration::tightest)
    }
}

fn declared_by(entry: &SourceEntry) -> Option<(BudgetKey, Declaration)> {
    let declared = entry.poll.as_ref()?.limits.budget?;
    Some((BudgetKey { tenant: entry.tenant, name: entry.poll_budget.to_string() }, declared))
}

/// Takes one request out of a declared budget, which all replicas share.
///
/// # Errors
/// When the database does not answer; the request must not be sent then. Within: in how many milliseconds there is room.
pub(super) async fn take(
    store: &Store,
    key: &BudgetKey,
    declared: Declaration,
    asker: Asker,
) -> Result<Result<(), i64>, StoreError> {
    let requests = u64::from(declared.requests);
    let most = match asker {
        Asker::Timetable => requests - reserve(requests),
        Asker::Person => requests,
    };
    let decide = |row: Option<serde_json::Value>, now| {
        // What cannot be read was written by another release: then all of it counts as new.
        let mut taken: Taken = row.and_then(|row| serde_json::from_value(row).ok()).unwrap_or_default();
        let answer = taken.take(declared, most, now);
        (answer.is_ok().then(|| serde_json::json!(taken)), answer)
    };
    store.take_of_budget((key.tenant, &key.name), decide).await
}

impl Budget {
    fn ends_at(&self) -> Timestamp {
        self.blocked_until.max(self.said_at.map(|at| at.plus_ms(SAID_FOR_MS))).unwrap_or_default()
    }
}

fn make_room(known: &mut HashMap<BudgetKey, Budget>, now: Timestamp) {
    if known.len() < MAX_BUDGETS {
        return;
    }
    known.retain(|_, budget| budget.ends_at() > now);
    if known.len() >= MAX_BUDGETS
        && let Some(first) = known.iter().min_by_key(|(_, budget)| budget.ends_at()).map(|(key, _)| key.clone())
    {
        known.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> BudgetKey {
        BudgetKey { tenant: TenantId::from_uuid(uuid::Uuid::nil()), name: name.to_owned() }
    }

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn what_one_was_told_holds_for_all_of_the_budget_and_for_nobody_else() {
        let budgets = Budgets::default();
        budgets.block(&key("a"), NOW.plus_secs(30), NOW);
        budgets.block(&key("a"), NOW.plus_secs(10), NOW);
        for asker in [Asker::Timetable, Asker::Person] {
            assert_eq!(budgets.take(&key("a"), asker, NOW), Err(NOW.plus_secs(30)));
        }
        assert_eq!(budgets.take(&key("b"), Asker::Timetable, NOW), Ok(()));
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW.plus_secs(30)), Ok(()));
        budgets.tidy(NOW.plus_secs(31));
        assert!(budgets.known.lock().is_empty());
    }

    #[test]
    fn the_last_part_of_an_allowance_is_for_people() {
        let budgets = Budgets::default();
        let reset_at = Some(NOW.plus_secs(60));
        budgets.learn(&key("a"), Allowance { limit: Some(100), remaining: Some(11), reset_at }, NOW);
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW), Ok(()));
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW), Err(NOW.plus_secs(60)));
        for _ in 0..10 {
            assert_eq!(budgets.take(&key("a"), Asker::Person, NOW), Ok(()));
        }
        assert_eq!(budgets.take(&key("a"), Asker::Person, NOW), Err(NOW.plus_secs(60)));
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW.plus_secs(61)), Ok(()), "the allowance is new");
    }

    #[test]
    fn an_allowance_that_is_new_in_a_hundred_years_is_asked_about_each_day() {
        let budgets = Budgets::default();
        let reset_at = Some(NOW.plus_secs(100 * 365 * 86_400));
        budgets.learn(&key("a"), Allowance { limit: Some(100), remaining: Some(5), reset_at }, NOW);
        let until = NOW.plus_ms(SAID_FOR_MS);
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW), Err(until));
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, until), Ok(()));
    }

    #[test]
    fn the_longest_wait_tells_the_window() {
        let budgets = Budgets::default();
        let said = |limit: u64, wait_s: i64| {
            let reset_at = Some(NOW.plus_secs(wait_s));
            budgets.learn(&key("a"), Allowance { limit: Some(limit), remaining: Some(1), reset_at }, NOW);
            budgets.learned(&key("a")).map(|learned| (learned.requests, learned.per_s))
        };
        assert_eq!(said(5_000, 1_200), Some((5_000, 3_600)), "covered by an hour");
        assert_eq!(said(5_000, 30), Some((5_000, 3_600)), "the end of the same window");
        assert_eq!(said(5_000, 3_601), Some((5_000, 3_600)), "a clock that is a second off");
        assert_eq!(said(60, 59), Some((60, 60)), "another limit is another window");
        assert_eq!(said(60, 40_000), Some((60, 86_400)));
        assert_eq!(said(60, 1_000_002), Some((60, 1_000_000)), "longer than any usual one");
        budgets.tidy(NOW.plus_ms(SAID_FOR_MS - 1));
        assert!(budgets.learned(&key("a")).is_some(), "the next answer comes in a new window");
        budgets.tidy(NOW.plus_ms(SAID_FOR_MS));
        assert_eq!(budgets.learned(&key("a")), None);
    }

    #[test]
    fn an_allowance_of_zero_without_a_limit_stops_all() {
        let budgets = Budgets::default();
        let reset_at = Some(NOW.plus_secs(60));
        budgets.learn(&key("a"), Allowance { limit: None, remaining: Some(0), reset_at }, NOW);
        assert_eq!(budgets.take(&key("a"), Asker::Timetable, NOW), Err(NOW.plus_secs(60)));
    }
}
