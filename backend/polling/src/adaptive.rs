//! An interval that follows what the runs find: shorter while there is news, longer while there is none.

use serde::{Deserialize, Serialize};

use crate::settings::Adaptive;

/// After so many runs what was measured counts half.
const HALF_LIFE_RUNS: f64 = 10.0;

/// What the runs so far have shown; kept as JSON in the row's `rate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    pub interval_ms: i64,
    /// Changes for each second, the latest runs counting most.
    pub changes_per_s: f64,
}

/// What a run found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Events emitted.
    pub changes: u64,
    /// Since the run before this one.
    pub elapsed_ms: i64,
}

/// The pace after a run. Half a change is to be expected between two runs; news halves the interval at least, none
/// lengthens it by half.
#[must_use]
pub fn next(bounds: Adaptive, pace: Option<Pace>, found: Found) -> Pace {
    let (min_ms, max_ms) = (i64::from(bounds.min_s) * 1_000, i64::from(bounds.max_s.max(bounds.min_s)) * 1_000);
    let before = pace.unwrap_or(Pace { interval_ms: min_ms, changes_per_s: 0.0 });
    let elapsed_s = found.elapsed_ms.max(1_000) as f64 / 1_000.0;
    let kept = 0.5_f64.powf(1.0 / HALF_LIFE_RUNS);
    let measured = found.changes as f64 / elapsed_s;
    let changes_per_s = finite(before.changes_per_s) * kept + measured * (1.0 - kept);
    let interval_ms = before.interval_ms.clamp(min_ms, max_ms);
    let interval_ms = if found.changes > 0 {
        (interval_ms / 2).min(target_ms(changes_per_s))
    } else {
        interval_ms.saturating_add(interval_ms / 2)
    };
    Pace { interval_ms: interval_ms.clamp(min_ms, max_ms), changes_per_s }
}

/// In which half a change is to be expected.
fn target_ms(changes_per_s: f64) -> i64 {
    let target = 500.0 / changes_per_s;
    // A float too large for the type becomes its largest value.
    if target.is_finite() { target as i64 } else { i64::MAX }
}

fn finite(number: f64) -> f64 {
    if number.is_finite() && number >= 0.0 { number } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Adaptive = Adaptive { min_s: 10, max_s: 600 };

    fn run(pace: Pace, changes: u64) -> Pace {
        next(BOUNDS, Some(pace), Found { changes, elapsed_ms: pace.interval_ms })
    }

    #[test]
    fn silence_lengthens_the_interval_to_its_bound() {
        let mut pace = next(BOUNDS, None, Found { changes: 0, elapsed_ms: 0 });
        let mut intervals = vec![pace.interval_ms];
        for _ in 0..20 {
            pace = run(pace, 0);
            intervals.push(pace.interval_ms);
        }
        assert_eq!(intervals[..4], [15_000, 22_500, 33_750, 50_625]);
        assert!(intervals.is_sorted() && pace.interval_ms == 600_000, "{intervals:?}");
    }

    #[test]
    fn news_shortens_it_at_once() {
        let slow = Pace { interval_ms: 600_000, changes_per_s: 0.0 };
        let after_one = run(slow, 1);
        assert_eq!(after_one.interval_ms, 300_000);
        let after_flood = run(slow, 10_000);
        assert_eq!(after_flood.interval_ms, 10_000, "half a change is expected sooner than the shortest interval");
    }

    #[test]
    fn the_rate_is_forgotten_by_half_in_ten_runs() {
        let mut pace = Pace { interval_ms: 60_000, changes_per_s: 1.0 };
        for _ in 0..10 {
            pace = run(pace, 0);
        }
        assert!((pace.changes_per_s - 0.5).abs() < 1e-9, "{pace:?}");
    }

    #[test]
    fn the_interval_never_leaves_its_bounds() {
        let odd = [f64::NAN, f64::INFINITY, -1.0, f64::MAX];
        for changes_per_s in odd {
            for interval_ms in [i64::MIN, 0, 1, i64::MAX] {
                for changes in [0, 1, u64::MAX] {
                    for elapsed_ms in [i64::MIN, 0, i64::MAX] {
                        let pace =
                            next(BOUNDS, Some(Pace { interval_ms, changes_per_s }), Found { changes, elapsed_ms });
                        assert!((10_000..=600_000).contains(&pace.interval_ms), "{pace:?}");
                        assert!(pace.changes_per_s.is_finite() || changes == u64::MAX, "{pace:?}");
                    }
                }
            }
        }
    }
}
