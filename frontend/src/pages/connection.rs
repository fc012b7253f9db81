//! One connection: which events of a source go to a destination.

use askama::Template;

use crate::{
    Sample, links,
    parts::{DeliveryRow, Fact},
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/connection.html")]
pub struct ConnectionDetail {
    pub shell: Shell,
    pub id: String,
    pub source: String,
    pub source_href: String,
    pub destination: String,
    pub destination_href: String,
    pub state: State,
    pub paused: bool,
    /// None: all types pass.
    pub event_types: Vec<String>,
    pub facts: Vec<Fact>,
    /// The last few.
    pub deliveries: Vec<DeliveryRow>,
}

impl ConnectionDetail {
    /// The path of a verb: `edit`, `delete`, `pause`, `resume`.
    #[must_use]
    pub fn verb(&self, verb: &str) -> String {
        links::verb(&links::connection(&self.shell.tenant_id, &self.id), verb)
    }

    #[must_use]
    pub fn deliveries_href(&self) -> String {
        links::with_query(&links::deliveries(&self.shell.tenant_id), &[("connection", &self.id)])
    }
}

impl Sample for ConnectionDetail {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Connections),
            id: sample::id("con", 0),
            source: taste.name("stripe"),
            source_href: "/t/x/sources/y".to_owned(),
            destination: taste.name("billing"),
            destination_href: "/t/x/destinations/z".to_owned(),
            state: State::Active,
            paused: taste == Taste::Hostile,
            event_types: taste.list(|taste, _| taste.name("payment.*")),
            facts: rows::facts(taste),
            deliveries: taste.list(rows::delivery),
        })
    }
}
