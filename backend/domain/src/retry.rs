//! When a delivery is tried again, and when it is given up. Pure: policy, what happened, now and chance come in.

use serde::{Deserialize, Serialize};

use crate::{attempt::ResultKind, delivery::DeadReason, invalid::Invalid, time::Timestamp};

/// Retry-After may delay a retry by this much, and no entry of a schedule may be longer than [`MAX_WAIT_S`].
pub const MAX_RETRY_AFTER_S: u64 = 24 * 3600;
pub const MAX_WAIT_S: u32 = 7 * 24 * 3600;
pub const MAX_RETRIES: usize = 50;

/// The waits between tries in seconds; the first try is at once, so `n` entries make `n + 1` tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    pub schedule_s: Vec<u32>,
    /// Each wait is stretched or shortened at random by up to this share, so that a recovering receiver is not hit at
    /// one moment by all that waited for it.
    #[serde(default = "default_jitter_pct")]
    pub jitter_pct: u8,
}

const fn default_jitter_pct() -> u8 {
    10
}

impl Default for RetryPolicy {
    /// 12 tries over some three days: 5 s, 30 s, 2 m, 10 m, 30 m, 1 h, 3 h, 6 h, 12 h, 24 h, 24 h.
    fn default() -> Self {
        Self {
            schedule_s: vec![5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400],
            jitter_pct: default_jitter_pct(),
        }
    }
}

impl RetryPolicy {
    /// # Errors
    /// When the schedule has more than [`MAX_RETRIES`] entries, an entry is not 1 second to 7 days, or the jitter is
    /// above 50 %.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.schedule_s.len() > MAX_RETRIES {
            return Err(Invalid::new("retry.schedule_s", format!("may have at most {MAX_RETRIES} entries")));
        }
        if self.schedule_s.iter().any(|wait_s| *wait_s == 0 || *wait_s > MAX_WAIT_S) {
            return Err(Invalid::new("retry.schedule_s", format!("each wait must be 1 to {MAX_WAIT_S} seconds")));
        }
        if self.jitter_pct > 50 {
            return Err(Invalid::new("retry.jitter_pct", "must be 0 to 50"));
        }
        Ok(())
    }
}

/// What an attempt came to, as far as the next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub kind: ResultKind,
    pub status: Option<u16>,
    /// From the answer's Retry-After, in seconds from now; of any size.
    pub retry_after_s: Option<u64>,
}

impl Outcome {
    /// The status decides success, whatever became of the body.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.kind == ResultKind::Answered && self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again(Timestamp),
    /// Tried again too, but only once somebody resumes the destination, which said that it is gone (410).
    HoldDestination(Timestamp),
    Dead(DeadReason),
}

/// What follows on the try that has just ended, `retries` having gone before it. `chance` is uniform in 0.0..1.0.
#[must_use]
pub fn next(policy: &RetryPolicy, retries: u32, outcome: &Outcome, now: Timestamp, chance: f64) -> Next {
    if outcome.is_success() {
        return Next::Delivered;
    }
    if outcome.status == Some(410) {
        return Next::HoldDestination(now);
    }
    let position = usize::try_from(retries).unwrap_or(usize::MAX);
    let Some(wait_s) = policy.schedule_s.get(position) else {
        return Next::Dead(DeadReason::Exhausted);
    };
    let wait_ms = jittered_ms(*wait_s, policy.jitter_pct, chance);
    let asked_ms = outcome.retry_after_s.unwrap_or(0).min(MAX_RETRY_AFTER_S).saturating_mul(1_000);
    let delay_ms = i64::try_from(wait_ms.max(asked_ms)).unwrap_or(i64::MAX);
    Next::Again(now.plus_ms(delay_ms))
}

/// Whole numbers only: no wait, chance or share that a person or a receiver chose can overflow or be "not a number".
fn jittered_ms(wait_s: u32, jitter_pct: u8, chance: f64) -> u64 {
    let wait_ms = u64::from(wait_s) * 1_000;
    let reach_ms = wait_ms * u64::from(jitter_pct.min(50)) / 100;
    // NaN falls through both comparisons of a clamp; the middle is then as good as any.
    let thousandths = if chance.is_nan() { 500 } else { (chance.clamp(0.0, 1.0) * 1_000.0).round() as u64 };
    wait_ms - reach_ms + 2 * reach_ms * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn answered(status: u16, retry_after_s: Option<u64>) -> Outcome {
        Outcome { kind: ResultKind::Answered, status: Some(status), retry_after_s }
    }

    #[test]
    fn the_schedule_is_walked_to_its_end() {
        let policy = RetryPolicy { schedule_s: vec![5, 30], jitter_pct: 0 };
        let timeout = Outcome { kind: ResultKind::Timeout, status: None, retry_after_s: None };
        assert_eq!(next(&policy, 0, &timeout, NOW, 0.5), Next::Again(NOW.plus_secs(5)));
        assert_eq!(next(&policy, 1, &timeout, NOW, 0.5), Next::Again(NOW.plus_secs(30)));
        assert_eq!(next(&policy, 2, &timeout, NOW, 0.5), Next::Dead(DeadReason::Exhausted));
        assert_eq!(next(&policy, u32::MAX, &timeout, NOW, 0.5), Next::Dead(DeadReason::Exhausted));
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let policy = RetryPolicy { schedule_s: vec![100], jitter_pct: 10 };
        for (chance, expected_s) in
            [(0.0, 90), (0.5, 100), (1.0, 110), (-7.0, 90), (f64::NAN, 100), (f64::INFINITY, 110)]
        {
            let Next::Again(at) = next(&policy, 0, &answered(500, None), NOW, chance) else { panic!("again") };
            assert_eq!(at.ms_since(NOW), expected_s * 1_000, "{chance}");
        }
    }

    #[test]
    fn retry_after_only_ever_delays_and_never_beyond_a_day() {
        let policy = RetryPolicy { schedule_s: vec![60], jitter_pct: 0 };
        for (asked_s, expected_s) in
            [(None, 60), (Some(0), 60), (Some(59), 60), (Some(61), 61), (Some(u64::MAX), 86_400)]
        {
            assert_eq!(next(&policy, 0, &answered(429, asked_s), NOW, 0.5), Next::Again(NOW.plus_secs(expected_s)));
        }
    }

    #[test]
    fn only_a_2xx_is_success_and_410_holds() {
        let policy = RetryPolicy::default();
        assert_eq!(next(&policy, 0, &answered(204, None), NOW, 0.5), Next::Delivered);
        assert_eq!(next(&policy, 99, &answered(299, None), NOW, 0.5), Next::Delivered);
        assert_eq!(next(&policy, 99, &answered(410, None), NOW, 0.5), Next::HoldDestination(NOW));
        for status in [100, 199, 300, 302, 400, 500] {
            assert!(matches!(next(&policy, 0, &answered(status, None), NOW, 0.5), Next::Again(_)), "{status}");
        }
        let cut = Outcome { kind: ResultKind::Interrupted, status: Some(200), retry_after_s: None };
        assert!(!cut.is_success());
    }

    #[test]
    fn a_policy_that_cannot_work_is_refused() {
        let policy = |schedule_s: Vec<u32>, jitter_pct| RetryPolicy { schedule_s, jitter_pct }.check().is_ok();
        assert!(policy(vec![], 0) && policy(vec![1; 50], 50) && RetryPolicy::default().check().is_ok());
        assert!(
            !policy(vec![0], 0) && !policy(vec![MAX_WAIT_S + 1], 0) && !policy(vec![1; 51], 0) && !policy(vec![1], 51)
        );
    }
}
