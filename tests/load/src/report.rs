//! What is printed: a JSON line for each figure on stdout, what is going on on stderr.

use std::cell::{Cell, RefCell};

use serde_json::json;

use crate::{options::Kind, tally::Outcome};

/// What a figure must be to be good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// It is there to be read.
    None,
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeast(least) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::AtLeast(least) => Some(format!(">= {least}")),
            Self::AtMost(most) => Some(format!("<= {most}")),
        }
    }
}

/// The figures of one database.
#[derive(Debug)]
pub(crate) struct Report {
    database: Kind,
    failed: Cell<u32>,
    sum: RefCell<Outcome>,
}

impl Report {
    pub(crate) fn new(database: Kind) -> Self {
        Self { database, failed: Cell::new(0), sum: RefCell::default() }
    }

    #[expect(clippy::print_stdout, reason = "this is where figures are printed")]
    pub(crate) fn figure(&self, name: &str, (value, unit): (f64, &str), bar: Bar) {
        let value = (value * 1_000.0).round() / 1_000.0;
        let holds = bar.holds(value);
        if holds == Some(false) {
            self.failed.set(self.failed.get() + 1);
        }
        let database = self.database.as_str();
        println!(
            "{}",
            json!({ "figure": name, "database": database, "value": value, "unit": unit, "bar": bar.text(), "holds": holds })
        );
    }

    /// Says how a run went, and adds up what must never happen.
    pub(crate) fn ran(&self, what: &str, outcome: &Outcome) {
        let mut sum = self.sum.borrow_mut();
        sum.accepted += outcome.accepted;
        sum.refused += outcome.refused;
        sum.lost += outcome.lost;
        sum.duplicates += outcome.duplicates;
        note(&format!(
            "{} {what}: {:.0}/s, accepted {}, refused {}, lost {}, duplicates {}, accept p50 {:.1} p99 {:.1} ms, \
             end to end p50 {:.1} p99 {:.1} ms {}",
            self.database.as_str(),
            outcome.deliveries_per_s,
            outcome.accepted,
            outcome.refused,
            outcome.lost,
            outcome.duplicates,
            outcome.accept_p50_ms,
            outcome.accept_p99_ms,
            outcome.end_to_end_p50_ms,
            outcome.end_to_end_p99_ms,
            outcome.first_refusal.as_deref().unwrap_or_default(),
        ));
    }

    /// Over all runs. Answers how many bars did not hold.
    pub(crate) fn close(&self) -> u32 {
        let sum = self.sum.borrow().clone();
        self.figure("events_accepted", (sum.accepted as f64, "events"), Bar::None);
        self.figure("events_refused", (sum.refused as f64, "events"), Bar::AtMost(0.0));
        self.figure("deliveries_lost", (sum.lost as f64, "deliveries"), Bar::AtMost(0.0));
        self.figure("deliveries_doubled", (sum.duplicates as f64, "deliveries"), Bar::AtMost(0.0));
        self.failed.get()
    }
}

#[expect(clippy::print_stderr, reason = "stdout is for the figures")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}
