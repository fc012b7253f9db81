//! How often something may happen: token buckets (GCRA) in memory, for one thing or for each of many.
//!
//! They decide and never wait: a refusal says how long until one is free, and the caller makes of that what it wants.
//! They know nothing of tenants, databases or HTTP; the exact, shared limit of several replicas is not here either, only
//! this replica's share of a rate. Start reading at [`RateLimiter`].

mod keyed;
mod rate;

pub use keyed::KeyedLimiter;
pub use rate::RateLimiter;

use std::{num::NonZeroU32, time::Duration};

use governor::Quota;

/// One replica's part of a rate: a token every `share / per_s` seconds, and its part of the burst, at least one. A rate
/// of 1/s among three replicas is thus one in 3 s for each. Zeros are read as ones: a limit that lets nothing through is
/// for the caller to say otherwise (paused, for instance).
fn quota(per_s: u32, burst: u32, share: u32) -> Quota {
    let (per_s, share) = (per_s.max(1), share.max(1));
    let period = Duration::from_secs_f64(f64::from(share) / f64::from(per_s)).max(Duration::from_nanos(1));
    let burst = NonZeroU32::new(burst / share).unwrap_or(NonZeroU32::MIN);
    // `with_period` refuses a period of zero only, which `period` is not.
    Quota::with_period(period).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}
