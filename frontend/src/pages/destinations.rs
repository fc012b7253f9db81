//! The destinations of a tenant.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    format::Moment,
    parts::Paging,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/destinations.html")]
pub struct DestinationList {
    pub shell: Shell,
    pub filter: DestinationFilter,
    pub filtered: bool,
    pub rows: Vec<DestinationRow>,
    pub paging: Paging,
}

/// Names: `q`, `state`.
#[derive(Clone, Debug, Default)]
pub struct DestinationFilter {
    pub q: Field,
    pub state: Field,
}

#[derive(Clone, Debug)]
pub struct DestinationRow {
    pub href: String,
    pub id: String,
    pub name: String,
    /// The URL, or `bin`.
    pub target: String,
    pub state: State,
    pub connections: String,
    pub created: Moment,
}

impl Sample for DestinationList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Destinations),
            filter: DestinationFilter { q: rows::typed("q", taste), state: rows::select("state", taste) },
            filtered: taste == Taste::Hostile,
            rows: taste.list(row),
            paging: rows::paging(taste),
        })
    }
}

fn row(taste: Taste, place: usize) -> DestinationRow {
    DestinationRow {
        href: format!("/t/x/destinations/{place}"),
        id: sample::id("dst", place),
        name: taste.name("billing"),
        target: taste.name("https://billing.example/hooks"),
        state: [State::Healthy, State::Failing, State::Paused][place],
        connections: "2".to_owned(),
        created: sample::moment(place),
    }
}
