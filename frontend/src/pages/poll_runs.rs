//! The runs of a source that polls, newest first, and what they set aside.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    format::Moment,
    links,
    parts::Paging,
    payload::Payload,
    poll::RunRow,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/poll_runs.html")]
pub struct RunList {
    pub shell: Shell,
    /// Of the source.
    pub id: String,
    pub name: String,
    pub state: Field,
    pub filtered: bool,
    pub rows: Vec<RunRow>,
    pub paging: Paging,
    /// The last records that could not become events.
    pub set_aside: Vec<SetAside>,
    pub problem: Option<String>,
}

/// A record without what names it, or an answer that could not be read.
#[derive(Clone, Debug)]
pub struct SetAside {
    pub id: String,
    pub at: Moment,
    pub reason: String,
    pub sample: Payload,
}

impl RunList {
    #[must_use]
    pub fn source_href(&self) -> String {
        links::source(&self.shell.tenant_id, &self.id)
    }

    #[must_use]
    pub fn here(&self) -> String {
        links::verb(&self.source_href(), "runs")
    }

    #[must_use]
    pub fn run_href(&self) -> String {
        links::verb(&self.source_href(), "poll/run")
    }
}

impl Sample for RunList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            id: sample::id("src", 0),
            name: taste.name("orders"),
            state: rows::select("state", taste),
            filtered: taste == Taste::Hostile,
            rows: taste.list(RunRow::sample),
            paging: rows::paging(taste),
            set_aside: taste.list(|taste, place| SetAside {
                id: format!("aside-{place}"),
                at: sample::moment(place),
                reason: taste.name("It has nothing at $.id."),
                sample: rows::payload(taste),
            }),
            problem: taste.some("There is no such state."),
        })
    }
}
