//! How late events come: a histogram of milliseconds in quarters of powers of two, and its percentiles.
//!
//! A bucket is at most a quarter wider than its lower bound, so a percentile is right to an eighth.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    pub p50_ms: u64,
    pub p95_ms: u64,
    pub n: u64,
}

impl Lag {
    /// `None` where nothing was counted.
    #[must_use]
    pub fn of(counts: &[(i16, u64)]) -> Option<Self> {
        let n = counts.iter().map(|(_, count)| count).sum();
        Some(Self { p50_ms: percentile_ms(counts, 50)?, p95_ms: percentile_ms(counts, 95)?, n })
    }
}

/// The bucket of a lag: its power of two by the highest bit, the quarter of it by the two bits below. What came early by a
/// clock that runs ahead, or within a millisecond, is in the first one.
#[must_use]
pub fn bucket(lag_ms: i64) -> i16 {
    let lag = u64::try_from(lag_ms.max(1)).unwrap_or(1);
    let power = lag.ilog2();
    let quarter = ((u128::from(lag) * 4) >> power) & 3;
    i16::try_from(u128::from(power * 4) + quarter).unwrap_or(0)
}

/// The middle of a bucket.
#[must_use]
pub fn bucket_ms(bucket: i16) -> u64 {
    let (power, quarter) = (f64::from(bucket.max(0) / 4), f64::from(bucket.max(0) % 4));
    (power.exp2() * (1.0 + (quarter + 0.5) / 4.0)).round() as u64
}

/// The lag that `percent` of all stay within. The counts may be in any order, and a bucket may be there twice.
#[must_use]
pub fn percentile_ms(counts: &[(i16, u64)], percent: u8) -> Option<u64> {
    let mut counts = counts.to_vec();
    counts.sort_unstable();
    let total: u128 = counts.iter().map(|(_, count)| u128::from(*count)).sum();
    let wanted = (total * u128::from(percent.min(100))).div_ceil(100).max(1);
    let mut passed = 0;
    counts.into_iter().find_map(|(bucket, count)| {
        passed += u128::from(count);
        (passed >= wanted).then(|| bucket_ms(bucket))
    })
}
