//! Deliveries over time, and the ranges of time one may look at.

use postern_domain::Timestamp;
use postern_frontend::{
    chart::{Bucket, Chart},
    format, links,
};
use postern_store::activity::{Activity, Bars};

use super::rows;

/// How far back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Range {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl Range {
    pub(super) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == text)
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    /// Length of a bar in seconds, and how many bars.
    const fn steps(self) -> (i64, usize) {
        match self {
            Self::Hour => (300, 12),
            Self::Day => (3_600, 24),
            Self::Week => (6 * 3_600, 28),
            Self::Month => (24 * 3_600, 30),
        }
    }

    /// On the clock's round numbers; the newest bar is not over.
    pub(super) fn bars(self, now: Timestamp) -> Bars {
        let (step_s, count) = self.steps();
        let last = now.as_secs() - now.as_secs().rem_euclid(step_s);
        let back = i64::try_from(count).unwrap_or(1) - 1;
        Bars { begin: Timestamp::from_secs(last - step_s * back), step_s, count }
    }

    /// Where the oldest bar begins, for a link.
    pub(super) fn from(self, now: Timestamp) -> String {
        moment(self.bars(now).begin)
    }

    fn label(self, from: Timestamp) -> String {
        let at = format::input_moment(from.as_micros());
        // 2026-11-22T14:00:00
        let part = if matches!(self, Self::Week | Self::Month) { at.get(5..10) } else { at.get(11..16) };
        part.unwrap_or_default().to_owned()
    }
}

fn moment(at: Timestamp) -> String {
    format!("{}Z", format::input_moment(at.as_micros()))
}

pub(super) fn of(tenant: &str, range: Range, activity: &Activity, now: Timestamp) -> Chart {
    let bars = range.bars(now);
    let starts = std::iter::successors(Some(bars.begin), |start| Some(start.plus_secs(bars.step_s)));
    let bucket = |(from, counts): (Timestamp, &postern_domain::activity::Counts)| {
        let to = from.plus_secs(bars.step_s);
        Bucket {
            from: rows::shown(from),
            label: range.label(from),
            delivered: counts.delivered.saturating_sub(counts.retried),
            retried: counts.retried,
            dead: counts.dead,
            href: links::with_query(&links::deliveries(tenant), &[("from", &moment(from)), ("to", &moment(to))]),
        }
    };
    Chart::of(format!("Deliveries, last {}", range.words()), starts.zip(&activity.bars).map(bucket).collect())
}
