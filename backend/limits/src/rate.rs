//! A limit on one thing, shared among the replicas that are alive.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    NotUntil,
    clock::{Clock, DefaultClock, Reference},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use parking_lot::RwLock;

type Bucket<C> = governor::RateLimiter<NotKeyed, InMemoryState, C, StateInformationMiddleware>;

/// A token bucket: `per_s` tokens a second, at most `burst` of them saved, divided by the live replicas.
pub struct RateLimiter<C: Clock = DefaultClock> {
    per_s: u32,
    burst: u32,
    clock: C,
    current: RwLock<Shared<C>>,
}

/// The bucket for the share it was made for.
struct Shared<C: Clock> {
    share: u32,
    bucket: Bucket<C>,
}

impl RateLimiter {
    /// A full bucket for one of `share` replicas.
    #[must_use]
    pub fn new(per_s: u32, burst: u32, share: u32) -> Self {
        Self::with_clock(per_s, burst, share, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimiter<C> {
    /// The same under a given clock, for tests.
    #[must_use]
    pub fn with_clock(per_s: u32, burst: u32, share: u32, clock: C) -> Self {
        let bucket = bucket(per_s, burst, share, &clock);
        Self { per_s, burst, clock, current: RwLock::new(Shared { share, bucket }) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// When none is left: how long until one is.
    pub fn check(&self) -> Result<(), Duration> {
        self.current.read().bucket.check().map(|_| ()).map_err(|refusal| wait(&refusal, self.clock.now()))
    }

    /// Another number of replicas is alive now. What was saved goes over to the new bucket as far as it fits, so that
    /// replicas that come and go give nobody a fresh burst.
    pub fn set_share(&self, share: u32) {
        if self.current.read().share == share {
            return;
        }
        let mut current = self.current.write();
        // The old bucket is read by taking a last token from it.
        let saved = current.bucket.check().map_or(0, |left| left.remaining_burst_capacity().saturating_add(1));
        let bucket = bucket(self.per_s, self.burst, share, &self.clock);
        let size = crate::quota(self.per_s, self.burst, share).burst_size();
        if let Some(spent) = NonZeroU32::new(size.get().saturating_sub(saved)) {
            // It cannot be refused: the bucket is full, and no more is taken than it holds.
            let _ = bucket.check_n(spent);
        }
        *current = Shared { share, bucket };
    }
}

fn bucket<C: Clock + Clone>(per_s: u32, burst: u32, share: u32, clock: &C) -> Bucket<C> {
    let quota = crate::quota(per_s, burst, share);
    governor::RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware()
}

/// How long until the refused one would pass.
pub(crate) fn wait<P: Reference>(refusal: &NotUntil<P>, now: P) -> Duration {
    refusal.wait_time_from(now)
}

impl<C: Clock> std::fmt::Debug for RateLimiter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
