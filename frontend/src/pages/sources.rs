//! The sources of a tenant.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    format::Moment,
    parts::Paging,
    provider::Trust,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/sources.html")]
pub struct SourceList {
    pub shell: Shell,
    pub filter: SourceFilter,
    /// A filter is set: an empty list then means "no match", not "none yet".
    pub filtered: bool,
    pub rows: Vec<SourceRow>,
    pub paging: Paging,
}

/// Names: `q`, `state`.
#[derive(Clone, Debug, Default)]
pub struct SourceFilter {
    pub q: Field,
    pub state: Field,
}

#[derive(Clone, Debug)]
pub struct SourceRow {
    pub href: String,
    pub id: String,
    pub name: String,
    /// `webhook` or `publish`.
    pub kind: String,
    /// `Stripe`, `HMAC`, `none`.
    pub verification: String,
    /// None for one's own programs, which show an API key.
    pub trust: Option<Trust>,
    pub state: State,
    pub connections: String,
    pub created: Moment,
}

impl Sample for SourceList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            filter: SourceFilter { q: rows::typed("q", taste), state: rows::select("state", taste) },
            filtered: taste == Taste::Hostile,
            rows: taste.list(row),
            paging: rows::paging(taste),
        })
    }
}

fn row(taste: Taste, place: usize) -> SourceRow {
    SourceRow {
        href: format!("/t/x/sources/{place}"),
        id: sample::id("src", place),
        name: taste.name("stripe"),
        kind: "webhook".to_owned(),
        verification: taste.name("Stripe"),
        trust: (place > 0).then(|| Trust::sample(taste)),
        state: [State::Active, State::Paused, State::Unverified][place],
        connections: "2".to_owned(),
        created: sample::moment(place),
    }
}
