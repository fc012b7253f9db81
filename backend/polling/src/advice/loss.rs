//! How much webhooks lost, how sure that is, and when somebody should hear of it.

use postern_domain::Timestamp;
use serde::Serialize;

/// Of the normal distribution, for 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// A loss above this is worth a word, once it is counted over so many.
const ALARM_RATE: f64 = 0.01;
const ALARM_N: u64 = 100;
/// A silence so many usual gaps long, and of this length at least.
const SILENT_GAPS: i64 = 6;
const SILENT_MS: i64 = 30 * 60 * 1_000;

/// The share of events that webhooks did not bring, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    pub rate: f64,
    pub low: f64,
    pub high: f64,
    pub n: u64,
}

impl Loss {
    /// `None` where nothing was compared.
    #[must_use]
    pub fn of(lost: u64, confirmed: u64) -> Option<Self> {
        let n = lost.saturating_add(confirmed);
        let (low, high) = wilson(lost, n);
        (n > 0).then(|| Self { rate: lost as f64 / n as f64, low, high, n })
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

/// What a poll sees of webhooks that may have stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub last_webhook_at: Timestamp,
    /// Between two webhooks, the latest ones counting most.
    pub usual_gap_ms: i64,
    /// Since the last webhook the poll found records that none brought.
    pub poll_sees_changes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Webhooks lose too much.
    Loss,
    /// Webhooks have stopped while there are changes.
    Silent,
}

/// Whether somebody should look. Silence alone says nothing: there may be no news.
#[must_use]
pub fn alarm(loss: Option<&Loss>, silence: Option<&Silence>, now: Timestamp) -> Option<Alarm> {
    let is_silent = |silence: &Silence| {
        let bound_ms = silence.usual_gap_ms.saturating_mul(SILENT_GAPS).max(SILENT_MS);
        silence.poll_sees_changes && now.ms_since(silence.last_webhook_at) > bound_ms
    };
    if silence.is_some_and(is_silent) {
        return Some(Alarm::Silent);
    }
    loss.filter(|loss| loss.n >= ALARM_N && loss.rate > ALARM_RATE).map(|_| Alarm::Loss)
}
