//! How long a source waits after a run that failed. Chance is passed in, uniform in 0.0..1.0.

/// The longest wait after an error that may go away by itself.
pub const CEILING_MS: i64 = 30 * 60 * 1_000;
const BASE_MS: i64 = 5_000;
/// The longest wait while a page is not what the settings describe.
const DRIFT_CEILING_MS: i64 = 3_600 * 1_000;

/// After the `errors`-th transient error in a row: 5 s, doubled with each, up to half an hour, a fifth more or less by
/// chance; but not sooner than the interval.
#[must_use]
pub fn wait_ms(errors: u32, interval_ms: i64, chance: f64) -> i64 {
    let doubled = BASE_MS.saturating_mul(1_i64.checked_shl(errors.clamp(1, 20) - 1).unwrap_or(i64::MAX));
    spread(doubled.min(CEILING_MS), chance).max(interval_ms)
}

/// After an error that the settings must be changed for: 403, 404, a request that the API does not understand.
#[must_use]
pub fn ceiling_ms(interval_ms: i64, chance: f64) -> i64 {
    spread(CEILING_MS, chance).max(interval_ms)
}

/// After a page that is not what the settings describe: four intervals, an hour at most, an interval at least.
#[must_use]
pub fn drift_ms(interval_ms: i64) -> i64 {
    interval_ms.saturating_mul(4).min(DRIFT_CEILING_MS).max(interval_ms)
}

/// 0.8 to 1.2 of it, in whole thousandths; of "not a number" the middle.
fn spread(ms: i64, chance: f64) -> i64 {
    let thousandths = if chance.is_nan() { 500 } else { (chance.clamp(0.0, 1.0) * 1_000.0).round() as i64 };
    ms * (800 + thousandths * 4 / 10) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn waits_double_up_to_half_an_hour() {
        let waits: Vec<i64> = (1..=12).map(|errors| wait_ms(errors, 0, 0.5) / 1_000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800, 1_800]);
        assert_eq!(wait_ms(0, 0, 0.5), 5_000, "no error counts as the first");
        assert_eq!(wait_ms(u32::MAX, 0, 0.5), CEILING_MS);
    }

    #[test]
    fn chance_moves_a_wait_by_a_fifth() {
        assert_eq!((wait_ms(2, 0, 0.0), wait_ms(2, 0, 1.0)), (8_000, 12_000));
        assert_eq!((ceiling_ms(0, 0.0), ceiling_ms(0, 1.0)), (24 * MINUTE_MS, 36 * MINUTE_MS));
        for odd in [f64::NAN, -1.0, 7.0, f64::INFINITY] {
            assert!((8_000..=12_000).contains(&wait_ms(2, 0, odd)), "{odd}");
        }
    }

    #[test]
    fn no_wait_is_shorter_than_the_interval() {
        assert_eq!(wait_ms(1, 10 * MINUTE_MS, 0.0), 10 * MINUTE_MS);
        assert_eq!(ceiling_ms(120 * MINUTE_MS, 1.0), 120 * MINUTE_MS);
        let drift = [1, 10, 15, 30, 90].map(|minutes| drift_ms(minutes * MINUTE_MS) / MINUTE_MS);
        assert_eq!(drift, [4, 40, 60, 60, 90]);
    }
}
