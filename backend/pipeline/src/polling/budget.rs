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
    /// From one filling of the allowance to the next: the longest wait for one that was seen.
    span_ms: i64,
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
        let Some(reset_at) = budget.allowance.reset_at.filter(|at| *at > now) else { return Ok(()) };
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
        budget.allowance = allowance;
        budget.span_ms = budget.span_ms.max(allowance.reset_at.map_or(0, |at| at.ms_since(now)));
    }

    /// The provider wants no more before `until`.
    pub(crate) fn block(&self, key: &BudgetKey, until: Timestamp, now: Timestamp) {
        let mut known = self.known.lock();
        make_room(&mut known, now);
        let budget = known.entry(key.clone()).or_default();
        budget.blocked_until = budget.blocked_until.max(Some(until));
    }

    /// What answers have said of the budget, as far as a span of it was seen.
    pub(crate) fn learned(&self, key: &BudgetKey) -> Option<Declaration> {
        let budget = *self.known.lock().get(key)?;
        let requests = u32::try_from(budget.allowance.limit?.max(1)).unwrap_or(u32::MAX);
        let per_s = u32::try_from(budget.span_ms.checked_add(999)? / 1_000).ok().filter(|per_s| *per_s > 0)?;
        Some(Declaration { requests, per_s })
    }

    /// Forgets what no longer holds anybody back.
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
    /// What was learned of its span is of use for another one.
    fn ends_at(&self) -> Timestamp {
        self.blocked_until.max(self.allowance.reset_at.map(|at| at.plus_ms(self.span_ms))).unwrap_or_default()
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
    fn what_a_budget_has_in_which_span_is_learned_from_the_longest_wait() {
        let budgets = Budgets::default();
        let left =
            |seconds: i64| Allowance { limit: Some(100), remaining: Some(50), reset_at: Some(NOW.plus_secs(seconds)) };
        assert_eq!(budgets.learned(&key("a")), None);
        budgets.learn(&key("a"), left(20), NOW);
        budgets.learn(&key("a"), left(70), NOW.plus_secs(10));
        budgets.learn(&key("a"), left(70), NOW.plus_secs(40));
        assert_eq!(budgets.learned(&key("a")), Some(Declaration { requests: 100, per_s: 60 }));
        budgets.tidy(NOW.plus_secs(100));
        assert!(budgets.learned(&key("a")).is_some(), "the next answer comes in a new span");
        budgets.tidy(NOW.plus_secs(131));
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
