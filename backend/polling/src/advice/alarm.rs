//! When somebody should hear of webhooks that lose too much or have stopped, how long the poll beside them hurries, and
//! when it is over.

use postern_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::Loss;

/// A loss above this is worth a word, once it is counted over so many.
const ALARM_RATE: f64 = 0.01;
const ALARM_N: u64 = 100;
/// Losses are counted over so long, and not from before the last alarm's end.
pub const LOSS_WINDOW_S: i64 = 7 * 24 * 3_600;
/// A silence so many usual gaps long, and of this length at least.
const SILENT_GAPS: i64 = 6;
const SILENT_MS: i64 = 30 * 60 * 1_000;
/// After so many gaps what was measured counts half.
const HALF_LIFE_GAPS: f64 = 10.0;
/// So many runs in a row that found nothing lost, and the poll need not hurry any more.
const CLEAN_RUNS: u8 = 3;
/// Where nothing was lost for so long there is nothing to be alarmed about, whether or not there were webhooks.
const FORGOTTEN_AFTER_MS: i64 = 24 * 3_600 * 1_000;

/// What a poll sees of webhooks that may have stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub last_webhook_at: Timestamp,
    /// Between two webhooks, the latest ones counting most.
    pub usual_gap_ms: i64,
    /// Since the last webhook the poll found records that none brought.
    pub poll_sees_changes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Webhooks lose too much.
    Loss,
    /// Webhooks have stopped while there are changes.
    Silent,
}

impl Alarm {
    /// As shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Silent => "silent",
        }
    }
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

/// Between two webhooks, the latest counting most, from when they came, the oldest first. Of less than two there is none.
#[must_use]
pub fn usual_gap_ms(received_at: &[Timestamp]) -> Option<i64> {
    let kept = 0.5_f64.powf(1.0 / HALF_LIFE_GAPS);
    let mut gaps = received_at.iter().zip(received_at.iter().skip(1)).map(|(before, after)| after.ms_since(*before));
    let first = gaps.next()? as f64;
    Some(gaps.fold(first, |mean, gap| mean * kept + gap as f64 * (1.0 - kept)).max(0.0) as i64)
}

/// An alarm from its beginning to its end, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub kind: Alarm,
    pub since: Timestamp,
    /// As it was counted at the beginning: records that no webhook brought in time, of so many.
    pub lost: u64,
    pub n: u64,
    /// Of a silence.
    pub last_webhook_at: Option<Timestamp>,
    pub last_lost_at: Timestamp,
    /// In a row.
    pub clean_runs: u8,
    /// Since the last loss the poll found something that a webhook had brought.
    pub heard: bool,
}

/// What a run found when it compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    pub lost: u64,
    pub confirmed: u64,
    /// It came to its end, and nothing it saw still waits for its webhook.
    pub is_conclusive: bool,
}

impl Standing {
    /// The share that was lost, as it was counted at the beginning.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.lost as f64 / self.n.max(1) as f64
    }

    /// After one more run. One that failed, or left something waiting, proves nothing.
    #[must_use]
    pub fn after(self, run: Compared, now: Timestamp) -> Self {
        if run.lost > 0 {
            return Self { clean_runs: 0, heard: false, last_lost_at: now, ..self };
        }
        let clean_runs =
            if run.is_conclusive { self.clean_runs.saturating_add(1).min(CLEAN_RUNS) } else { self.clean_runs };
        Self { clean_runs, heard: self.heard || run.confirmed > 0, ..self }
    }

    /// Whether the poll runs at its shortest interval.
    #[must_use]
    pub const fn hurries(&self) -> bool {
        self.clean_runs < CLEAN_RUNS
    }

    /// Runs that find nothing lost do not show that webhooks work: one must have come too, unless nothing was lost for
    /// so long that there is nothing to show it by.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        !self.hurries() && (self.heard || now.ms_since(self.last_lost_at) > FORGOTTEN_AFTER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);
    const CLEAN: Compared = Compared { lost: 0, confirmed: 0, is_conclusive: true };

    fn begun() -> Standing {
        Standing {
            kind: Alarm::Loss,
            since: NOW,
            lost: 2,
            n: 100,
            last_webhook_at: None,
            last_lost_at: NOW,
            clean_runs: 0,
            heard: false,
        }
    }

    fn after(runs: &[Compared]) -> Standing {
        runs.iter().fold(begun(), |standing, run| standing.after(*run, NOW.plus_secs(60)))
    }

    #[test]
    fn three_clean_runs_in_a_row_end_the_hurry() {
        assert!(after(&[CLEAN, CLEAN]).hurries());
        assert!(!after(&[CLEAN, CLEAN, CLEAN]).hurries());
        let lossy = Compared { lost: 1, confirmed: 9, is_conclusive: true };
        assert!(after(&[CLEAN, CLEAN, lossy, CLEAN, CLEAN]).hurries(), "in a row");
        assert!(after(&[CLEAN, CLEAN, CLEAN, lossy]).hurries(), "and it hurries again");
        let open = Compared { is_conclusive: false, ..CLEAN };
        assert_eq!(after(&[CLEAN, open, CLEAN]).clean_runs, 2, "what waits proves nothing, and spoils nothing");
    }

    #[test]
    fn an_alarm_ends_when_webhooks_are_seen_to_work() {
        let now = NOW.plus_secs(60);
        let heard = Compared { confirmed: 1, ..CLEAN };
        assert!(!after(&[CLEAN, CLEAN, CLEAN]).is_over(now), "nothing came at all");
        assert!(after(&[CLEAN, heard, CLEAN]).is_over(now));
        assert!(!after(&[heard, heard]).is_over(now), "two are not three");
        let lossy = Compared { lost: 1, ..heard };
        assert!(!after(&[heard, lossy, CLEAN, CLEAN, CLEAN]).is_over(now), "that was before the last loss");
        assert!(after(&[CLEAN, CLEAN, CLEAN]).is_over(NOW.plus_secs(24 * 3_600 + 1)), "nothing was lost for a day");
    }

    #[test]
    fn the_usual_gap_follows_the_latest() {
        let at = |minutes: &[i64]| minutes.iter().map(|minute| NOW.plus_secs(minute * 60)).collect::<Vec<_>>();
        assert_eq!(usual_gap_ms(&at(&[0])), None);
        assert_eq!(usual_gap_ms(&at(&[0, 5, 10, 15])), Some(300_000));
        let slower: Vec<i64> = (0..100).chain((100..200).map(|place| 100 + (place - 100) * 10)).collect();
        let gap_ms = usual_gap_ms(&at(&slower)).expect("many");
        assert!((590_000..=600_000).contains(&gap_ms), "{gap_ms} ms");
    }

    #[test]
    fn what_is_kept_reads_back() {
        let kept = serde_json::to_value(begun()).expect("JSON");
        assert_eq!(kept["kind"], "loss");
        assert_eq!(serde_json::from_value::<Standing>(kept).expect("reads"), begun());
    }
}
