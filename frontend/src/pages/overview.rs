//! The overview of a tenant: how it goes, what needs a look, what came last.

use askama::Template;

use crate::{
    Sample,
    chart::{Bucket, Chart},
    parts::EventRow,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/overview.html", blocks = ["live"])]
pub struct Overview {
    pub shell: Shell,
    /// Nothing is set up: the page leads to the first event instead.
    pub first_run: bool,
    pub ranges: Vec<RangeLink>,
    pub kpis: Vec<Kpi>,
    /// How far the figures go.
    pub counted: String,
    pub chart: Chart,
    pub attention: Vec<Attention>,
    /// The last ten.
    pub events: Vec<EventRow>,
}

/// `24 h` and its like.
#[derive(Clone, Debug)]
pub struct RangeLink {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Kpi {
    pub label: String,
    /// `99.62`, or `–` where there is nothing to count.
    pub value: String,
    /// `%`, `ms`, `/min`; may be empty.
    pub unit: String,
    /// What it is of: `of 1 204 deliveries`.
    pub note: String,
    pub href: String,
}

/// Something that somebody should look at.
#[derive(Clone, Debug)]
pub struct Attention {
    pub state: State,
    /// `billing`.
    pub thing: String,
    /// `44 × 503 since 15:02`.
    pub text: String,
    pub href: String,
}

impl Sample for Overview {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Overview),
            first_run: !taste.is_full(),
            ranges: taste.list(range),
            kpis: taste.list(kpi),
            counted: taste.name("Counted to 22 Nov 2026 12:04:11 UTC."),
            chart: Chart::of(taste.name("Deliveries, last 24 hours"), taste.list(bucket)),
            attention: taste.list(attention),
            events: taste.list(rows::event),
        })
    }
}

fn range(taste: Taste, place: usize) -> RangeLink {
    RangeLink { label: taste.name("24 h"), href: format!("?range={place}"), current: place == 1 }
}

fn kpi(taste: Taste, _: usize) -> Kpi {
    Kpi {
        label: taste.name("Success rate"),
        value: "99.62".to_owned(),
        unit: "%".to_owned(),
        note: taste.name("of 1 204 deliveries"),
        href: "/t/x/deliveries".to_owned(),
    }
}

fn bucket(taste: Taste, place: usize) -> Bucket {
    let number = place as u64;
    Bucket {
        from: sample::moment(place),
        label: taste.name("14:00"),
        delivered: number * 1_000,
        retried: number,
        dead: number * 3,
        href: taste.name("/t/x/deliveries?from=a&to=b"),
    }
}

fn attention(taste: Taste, place: usize) -> Attention {
    Attention {
        state: [State::Failing, State::Held, State::Unverified][place],
        thing: taste.name("billing"),
        text: taste.name("44 × 503 since 15:02"),
        href: "/t/x/destinations/y".to_owned(),
    }
}
