//! Deliveries over time, counted from a list of them.

use postern_domain::{Timestamp, delivery::DeliveryState};
use postern_frontend::{
    chart::{Bucket, Chart},
    format, links,
};
use postern_store::read::{Delivery, Slice};

use super::rows;

/// How far back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Range {
    Hour,
    #[default]
    Day,
    Week,
}

impl Range {
    pub(super) const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
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
        }
    }

    /// Seconds in a bar, and bars.
    const fn bars(self) -> (i64, i64) {
        match self {
            Self::Hour => (300, 12),
            Self::Day => (3_600, 24),
            Self::Week => (6 * 3_600, 28),
        }
    }

    /// Where the oldest bar begins, on the clock's round numbers.
    pub(super) fn begin(self, now: Timestamp) -> Timestamp {
        let (step_s, bars) = self.bars();
        let last = now.as_secs() - now.as_secs().rem_euclid(step_s);
        Timestamp::from_secs(last - step_s * (bars - 1))
    }

    /// The same for a link.
    pub(super) fn from(self, now: Timestamp) -> String {
        moment(self.begin(now))
    }

    fn label(self, from: Timestamp) -> String {
        let at = format::input_moment(from.as_micros());
        // 2026-11-22T14:00:00
        let part = if self == Self::Week { at.get(5..10) } else { at.get(11..16) };
        part.unwrap_or_default().to_owned()
    }
}

fn moment(at: Timestamp) -> String {
    format!("{}Z", format::input_moment(at.as_micros()))
}

/// Where there were more deliveries than the list has, the bars begin with the first that is counted in full.
pub(super) fn of(tenant: &str, range: Range, all: &Slice<Delivery>, now: Timestamp) -> Chart {
    let (step_s, bars) = range.bars();
    let begin = range.begin(now);
    let known_since = all.next.and(all.rows.last()).map(Delivery::created_at);
    let mut buckets = Vec::new();
    for place in 0..bars {
        let (from, to) = (begin.plus_secs(step_s * place), begin.plus_secs(step_s * (place + 1)));
        // The newest bar is shown in any case.
        if known_since.is_some_and(|since| from < since) && place + 1 < bars {
            continue;
        }
        let inside = || all.rows.iter().filter(|row| (from..to).contains(&row.created_at()));
        let count = |wanted: fn(&Delivery) -> bool| inside().filter(|row| wanted(row)).count() as u64;
        buckets.push(Bucket {
            from: rows::shown(from),
            label: range.label(from),
            delivered: count(|row| row.state == DeliveryState::Delivered),
            retrying: count(|row| !row.state.is_final() && row.attempts > 0),
            dead: count(|row| row.state == DeliveryState::Dead),
            href: links::with_query(&links::deliveries(tenant), &[("from", &moment(from)), ("to", &moment(to))]),
        });
    }
    let newest = if known_since.is_some() { " (of the newest 1 000)" } else { "" };
    Chart::of(format!("Deliveries, last {}{newest}", range.words()), buckets)
}
