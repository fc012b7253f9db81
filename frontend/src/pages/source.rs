//! One source: its address, its secrets, what is connected, what was refused.

use askama::Template;

use crate::{
    Sample, links,
    parts::{ConnectionRow, EventRow, Fact, RequestRow, SecretPanel},
    provider::About,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/source.html")]
pub struct SourceDetail {
    pub shell: Shell,
    pub id: String,
    pub name: String,
    pub state: State,
    pub paused: bool,
    /// Where its sender posts to; none for a publish source.
    pub ingest_url: Option<String>,
    /// Who sends, and how far that can be believed; none for a publish source.
    pub about: Option<About>,
    pub secrets: SecretPanel,
    pub facts: Vec<Fact>,
    pub connections: Vec<ConnectionRow>,
    /// The last few.
    pub events: Vec<EventRow>,
    /// The last few that were refused.
    pub refused: Vec<RequestRow>,
}

impl SourceDetail {
    /// The path of a verb: `edit`, `delete`, `pause`, `resume`, `reveal`, `check`.
    #[must_use]
    pub fn verb(&self, verb: &str) -> String {
        links::verb(&links::source(&self.shell.tenant_id, &self.id), verb)
    }

    /// To a new connection from here.
    #[must_use]
    pub fn connect_href(&self) -> String {
        links::with_query(&self.shell.to("connections/new"), &[("source_id", &self.id)])
    }

    /// A list with this source as its filter.
    #[must_use]
    pub fn listed_in(&self, list: &str) -> String {
        links::with_query(&self.shell.to(list), &[("source", &self.id)])
    }
}

impl Sample for SourceDetail {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            id: sample::id("src", 0),
            name: taste.name("stripe"),
            state: State::Active,
            paused: taste == Taste::Hostile,
            ingest_url: taste.some("http://127.0.0.1:8080/in/abc"),
            about: taste.some_of(About::sample(taste)),
            secrets: SecretPanel {
                masked: taste.list(|taste, _| taste.name("whsec_••••c41d")),
                shown: if taste == Taste::Hostile { taste.list(|taste, _| taste.name("")) } else { Vec::new() },
            },
            facts: rows::facts(taste),
            connections: taste.list(rows::connection),
            events: taste.list(rows::event),
            refused: taste.list(rows::request),
        })
    }
}
