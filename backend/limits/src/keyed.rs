//! A limit on each of many things: addresses, users, tenants.

use std::{hash::Hash, time::Duration};

use governor::{
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

use crate::rate::wait;

/// A token bucket for each key, all of the same size. Someone has to call [`KeyedLimiter::retain_recent`] now and then,
/// or it remembers every key it has ever seen.
pub struct KeyedLimiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    buckets: governor::RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// `per_s` tokens a second for each key, at most `burst` of them saved.
    #[must_use]
    pub fn new(per_s: u32, burst: u32) -> Self {
        Self::with_clock(per_s, burst, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> KeyedLimiter<K, C> {
    /// The same under a given clock, for tests.
    #[must_use]
    pub fn with_clock(per_s: u32, burst: u32, clock: C) -> Self {
        Self { buckets: governor::RateLimiter::hashmap_with_clock(crate::quota(per_s, burst, 1), clock) }
    }

    /// Takes a token of this key.
    ///
    /// # Errors
    /// When none is left: how long until one is.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.buckets.check_key(key).map_err(|refusal| wait(&refusal, self.buckets.clock().now()))
    }

    /// Forgets the keys whose bucket is full again: they are as good as new.
    pub fn retain_recent(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.buckets.len()
    }
}

impl<K: Hash + Eq + Clone, C: Clock> std::fmt::Debug for KeyedLimiter<K, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyedLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn one_key_does_not_slow_down_another() {
        let clock = FakeRelativeClock::default();
        let limiter = KeyedLimiter::with_clock(2, 1, clock.clone());
        assert_eq!(limiter.check(&"a"), Ok(()));
        assert_eq!(limiter.check(&"a"), Err(Duration::from_millis(500)));
        assert_eq!(limiter.check(&"b"), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(limiter.check(&"a"), Ok(()));
    }

    #[test]
    fn keys_at_rest_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limiter = KeyedLimiter::with_clock(1, 1, clock.clone());
        for key in 0..1_000 {
            assert_eq!(limiter.check(&key), Ok(()));
        }
        clock.advance(Duration::from_secs(10));
        assert_eq!(limiter.check(&7), Ok(()));
        limiter.retain_recent();
        assert_eq!(limiter.remembered(), 1);
        assert!(limiter.check(&7).is_err(), "what is still in use is kept");
    }
}
