//! How much webhooks lost, and how sure that is.

use serde::Serialize;

/// Of the normal distribution, for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The share of events that webhooks did not bring in time, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    pub rate: f64,
    pub low: f64,
    pub high: f64,
    pub n: u64,
    /// Of those that were counted as lost, how many came by webhook after all.
    pub late: u64,
    /// The share that never came.
    pub rate_without_late: f64,
}

impl Loss {
    /// `None` where nothing was compared.
    #[must_use]
    pub fn of(lost: u64, confirmed: u64) -> Option<Self> {
        let n = lost.saturating_add(confirmed);
        let (low, high) = wilson(lost, n);
        let rate = lost as f64 / n as f64;
        (n > 0).then_some(Self { rate, low, high, n, late: 0, rate_without_late: rate })
    }

    /// With what is known of the lost ones since.
    #[must_use]
    pub fn with_late(self, lost: u64, late: u64) -> Self {
        let late = late.min(lost);
        Self { late, rate_without_late: (lost - late) as f64 / self.n.max(1) as f64, ..self }
    }
}

/// The Wilson score interval, 95 %, of a share counted as `lost` of `n`.
#[must_use]
pub fn wilson(lost: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (n as f64, lost.min(n) as f64 / n as f64);
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}
