//! How often somebody may be wrong about a password.
//!
//! Each failure counts; above a number of free ones, the next try has to wait, longer each time. Failures are forgiven
//! one by one, so that nobody is shut out for good.

use crate::time::Timestamp;

/// More are not told apart. All of them are forgiven within [`FORGOTTEN_MS`].
const MAX_FAILURES: u32 = 64;
/// A counter that was not touched for so long says nothing any more.
pub const FORGOTTEN_MS: i64 = 24 * 3_600_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThrottleKind {
    /// Tries from one network, whoever they claim to be.
    Address,
    /// Tries at one account, from anywhere it is not known from.
    Account,
    /// Tries at one account by somebody who is known there: from a network where its owner logged in before, with a
    /// browser that its owner logged in with, or within a session of its owner. It is what keeps strangers from shutting the owner out.
    AddressAndAccount,
}

/// Failures of one kind, as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub failures: u32,
    /// Up to this moment, forgiveness has been taken into account.
    pub since: Timestamp,
    pub blocked_until: Timestamp,
}

struct Rule {
    free: u32,
    first_wait_s: i64,
    longest_wait_s: i64,
    forgiven_each_s: i64,
}

impl ThrottleKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Account => "account",
            Self::AddressAndAccount => "address+account",
        }
    }

    /// One more failure.
    #[must_use]
    pub fn charge(self, before: Counter, now: Timestamp) -> Counter {
        let rule = self.rule();
        let left = before.forgiven(rule.forgiven_each_s, now);
        let failures = left.failures.saturating_add(1).min(MAX_FAILURES);
        let blocked_until = rule.wait_s(failures).map_or(left.blocked_until, |wait_s| now.plus_secs(wait_s));
        Counter { failures, blocked_until, since: left.since }
    }

    const fn rule(self) -> Rule {
        match self {
            Self::Address => Rule { free: 10, first_wait_s: 10, longest_wait_s: 900, forgiven_each_s: 300 },
            Self::Account => Rule { free: 5, first_wait_s: 5, longest_wait_s: 900, forgiven_each_s: 900 },
            Self::AddressAndAccount => Rule { free: 5, first_wait_s: 5, longest_wait_s: 300, forgiven_each_s: 300 },
        }
    }
}

impl Counter {
    /// Whole seconds until one more try is allowed; none when it is.
    #[must_use]
    pub fn wait_s(&self, now: Timestamp) -> Option<u64> {
        let wait_ms = self.blocked_until.ms_since(now);
        let wait_s = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000);
        (self.blocked_until > now).then_some(wait_s.max(1))
    }

    fn forgiven(self, each_s: i64, now: Timestamp) -> Self {
        let steps = (now.ms_since(self.since) / (each_s * 1_000)).max(0);
        let failures = self.failures.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
        let since = if failures == 0 { now } else { self.since.plus_secs(steps * each_s) };
        Self { failures, since, ..self }
    }
}

impl Rule {
    /// Doubles with each failure from the last free one on.
    fn wait_s(&self, failures: u32) -> Option<i64> {
        let beyond = failures.checked_sub(self.free)?;
        let factor = 1_i64.checked_shl(beyond.min(20)).unwrap_or(1);
        Some(self.first_wait_s.saturating_mul(factor).min(self.longest_wait_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);

    fn charged(kind: ThrottleKind, times: u32) -> Counter {
        (0..times).fold(Counter::default(), |counter, _| kind.charge(counter, NOW))
    }

    #[test]
    fn free_failures_cost_nothing_and_then_each_costs_more() {
        let waits: Vec<_> = (9..13).map(|times| charged(ThrottleKind::Address, times).wait_s(NOW)).collect();
        assert_eq!(waits, [None, Some(10), Some(20), Some(40)]);
        assert_eq!(charged(ThrottleKind::Account, 4).wait_s(NOW), None);
        assert_eq!(charged(ThrottleKind::Account, 5).wait_s(NOW), Some(5));
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        for (kind, longest) in
            [(ThrottleKind::Address, 900), (ThrottleKind::Account, 900), (ThrottleKind::AddressAndAccount, 300)]
        {
            assert_eq!(charged(kind, 1_000).wait_s(NOW), Some(longest));
        }
    }

    #[test]
    fn failures_are_forgiven_one_by_one() {
        let before = charged(ThrottleKind::Account, 6);
        let later = NOW.plus_secs(2 * 900 + 899);
        let after = ThrottleKind::Account.charge(before, later);
        assert_eq!((after.failures, after.since), (5, NOW.plus_secs(2 * 900)));
        assert_eq!(after.wait_s(later), Some(5));
        let all = ThrottleKind::Account.charge(before, NOW.plus_secs(6 * 900));
        assert_eq!((all.failures, all.since), (1, NOW.plus_secs(6 * 900)));
    }

    #[test]
    fn what_is_forgotten_was_forgiven_before() {
        let each_s = [ThrottleKind::Address, ThrottleKind::Account, ThrottleKind::AddressAndAccount]
            .map(|kind| kind.rule().forgiven_each_s);
        let slowest_s = each_s.into_iter().max().unwrap_or(0);
        assert!(i64::from(MAX_FAILURES + 1) * slowest_s * 1_000 <= FORGOTTEN_MS);
    }

    #[test]
    fn a_clock_that_goes_back_forgives_nothing() {
        let before = charged(ThrottleKind::Account, 5);
        assert_eq!(ThrottleKind::Account.charge(before, NOW.plus_secs(-9_000)).failures, 6);
    }
}
