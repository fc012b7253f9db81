//! The figures of the overview, each with what it is of and what it was before.

use postern_domain::{
    Timestamp,
    activity::{Counts, Within},
};
use postern_frontend::{format, links, pages::overview::Kpi};
use postern_store::activity::{Activity, Waiting};

use super::overview_chart::Range;

/// What the figures are made of.
pub(super) struct Figures<'a> {
    pub(super) tenant: &'a str,
    pub(super) range: Range,
    pub(super) activity: &'a Activity,
    pub(super) waiting: &'a Waiting,
    pub(super) now: Timestamp,
}

impl Figures<'_> {
    pub(super) fn kpis(&self) -> Vec<Kpi> {
        let total = self.activity.total();
        vec![self.throughput(&total), self.success(&total), self.latency(&total), self.backlog()]
    }

    /// What is not in the counts yet.
    pub(super) fn counted(&self) -> String {
        let to = format::moment(self.activity.counted_to.as_micros()).shown;
        format!("Counted to {to}. What waited then and has ended since is added with the next count.")
    }

    fn throughput(&self, total: &Counts) -> Kpi {
        let begin = self.range.bars(self.now).begin;
        let seconds = u64::try_from(self.activity.counted_to.as_secs() - begin.as_secs()).unwrap_or(0);
        let earlier = &self.activity.before;
        let (now, before) = (per_minute(total.events, seconds), per_minute(earlier.events, self.activity.before_s));
        let mut note =
            format!("{} in the last {}", format::counted(total.events, "event", "events"), self.range.words());
        if let (true, Some(now), Some(before)) = (earlier.events > 0, now, before) {
            note += &format!(", {} before", change(now, before));
        }
        for (number, words) in [(total.duplicates, "duplicates"), (total.refused, "refused")] {
            if number > 0 {
                note += &format!("; {} {words}", format::count(number));
            }
        }
        let href = links::with_query(&links::events(self.tenant), &[("from", &self.range.from(self.now))]);
        let value = now.map_or_else(|| "–".to_owned(), hundredths);
        kpi(("Throughput", value, "/min"), note, href)
    }

    fn success(&self, total: &Counts) -> Kpi {
        let ended = total.ended();
        let mut note = format!("of {} that ended", format::counted(ended, "delivery", "deliveries"));
        let before = &self.activity.before;
        if before.ended() > 0 && ended > 0 {
            note += &format!("; {} % before", format::percent(before.delivered, before.ended()));
        }
        let href = links::with_query(&links::deliveries(self.tenant), &[("from", &self.range.from(self.now))]);
        kpi(("Delivered", format::percent(total.delivered, ended), if ended > 0 { "%" } else { "" }), note, href)
    }

    fn latency(&self, total: &Counts) -> Kpi {
        let mut note = match total.within(50) {
            Some(half) => format!("95 of 100 in that time, half {}", words(half)),
            None => "nothing was delivered".to_owned(),
        };
        if let (Some(_), Some(before)) = (total.within(95), self.activity.before.within(95)) {
            note += &format!("; {} before", words(before));
        }
        let href = links::with_query(
            &links::deliveries(self.tenant),
            &[("state", "delivered"), ("from", &self.range.from(self.now))],
        );
        let value = total.within(95).map_or_else(|| "–".to_owned(), bound);
        kpi(("Delivery p95", value, ""), note, href)
    }

    fn backlog(&self) -> Kpi {
        let waiting = self.waiting;
        let note = match waiting.oldest {
            None => "nothing waits".to_owned(),
            Some(oldest) => {
                let age_s = u64::try_from(self.now.ms_since(oldest) / 1_000).unwrap_or(0);
                let held = if waiting.held > 0 {
                    format!(", {}{} held", format::count(waiting.held), if waiting.more { "+" } else { "" })
                } else {
                    String::new()
                };
                format!("oldest {}{held}", format::span_s(age_s))
            }
        };
        let href = links::with_query(&links::deliveries(self.tenant), &[("state", "pending")]);
        kpi(("Backlog", waiting_number(waiting), ""), note, href)
    }
}

/// `5 000+` where counting stopped.
pub(super) fn waiting_number(waiting: &Waiting) -> String {
    let total = waiting.total();
    if waiting.more { format!("{}+", format::count(total - 1)) } else { format::count(total) }
}

fn kpi((label, value, unit): (&str, String, &str), note: String, href: String) -> Kpi {
    Kpi { label: label.to_owned(), value, unit: unit.to_owned(), note, href }
}

/// In hundredths.
fn per_minute(events: u64, seconds: u64) -> Option<u64> {
    events.saturating_mul(6_000).checked_div(seconds)
}

fn hundredths(number: u64) -> String {
    if number >= 10_000 || number.is_multiple_of(100) {
        format::count(number / 100)
    } else {
        format!("{}.{:02}", number / 100, number % 100)
    }
}

/// `6 % more than`.
fn change(now: u64, before: u64) -> String {
    let percent = |part: u64| part.saturating_mul(100) / before.max(1);
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => "as many as".to_owned(),
        std::cmp::Ordering::Greater => format!("{} % more than", format::count(percent(now - before))),
        std::cmp::Ordering::Less => format!("{} % fewer than", format::count(percent(before - now))),
    }
}

fn bound(within: Within) -> String {
    match within {
        Within::Ms(ms) => format!("≤ {}", span_ms(ms)),
        Within::Over(ms) => format!("> {}", span_ms(ms)),
    }
}

fn words(within: Within) -> String {
    match within {
        Within::Ms(ms) => format!("within {}", span_ms(ms)),
        Within::Over(ms) => format!("after more than {}", span_ms(ms)),
    }
}

fn span_ms(ms: u64) -> String {
    format::duration_us(ms.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_changes_are_said_in_words() {
        assert_eq!(per_minute(1, 0), None);
        assert_eq!(per_minute(7, 3_600).map(hundredths), Some("0.11".to_owned()));
        assert_eq!(per_minute(600, 60).map(hundredths), Some("600".to_owned()));
        assert_eq!(
            [change(106, 100), change(94, 100), change(5, 5)],
            ["6 % more than", "6 % fewer than", "as many as"]
        );
        assert_eq!(bound(Within::Ms(300)).replace('\u{202f}', " "), "≤ 300 ms");
    }
}
