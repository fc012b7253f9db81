//! One source: its address, its secrets, what is connected, what was refused.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field},
    format::Moment,
    links,
    parts::{ConnectionRow, EventRow, Fact, RequestRow, SecretPanel},
    poll::Polling,
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
    /// Of a source that polls, alone or beside its webhook.
    pub polling: Option<Polling>,
    /// Its form: of the source, or of its polling.
    pub edit_verb: &'static str,
    /// Where its sender posts to; only of a webhook source.
    pub ingest_url: Option<String>,
    /// How long the URL of now goes on working when another takes its place.
    pub overlap: Field,
    /// The URL before this one works until then.
    pub retired_until: Option<Moment>,
    /// Its sender hands over the secret itself, which it has not done yet.
    pub handover: Option<Handover>,
    /// Who sends, and how far that can be believed; none for a publish source.
    pub about: Option<About>,
    pub secrets: SecretPanel,
    /// What is said where there are no secrets.
    pub without_secrets: String,
    pub facts: Vec<Fact>,
    pub connections: Vec<ConnectionRow>,
    /// The last few.
    pub events: Vec<EventRow>,
    /// The last few that were refused.
    pub refused: Vec<RequestRow>,
}

/// A secret that comes with the sender's first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    Awaited,
    /// It came too late, or not at all.
    Over,
}

impl SourceDetail {
    /// Choices of [`Self::overlap`], in seconds.
    #[must_use]
    pub fn overlaps() -> Field {
        let choices = [
            ("86400", "works for a day more"),
            ("3600", "works for an hour more"),
            ("604800", "works for a week more"),
            ("0", "stops at once"),
        ];
        let choices = choices.map(|(seconds, label)| Choice::new(seconds, label));
        Field::select("overlap_s", "86400", choices.into())
    }

    /// The path of a verb: `edit`, `delete`, `pause`, `resume`, `reveal`, `check`, `rotate-url`, `await-handshake`.
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
            polling: taste.some_of(Polling::sample(taste)),
            edit_verb: "edit",
            ingest_url: taste.some("http://127.0.0.1:8080/in/abc"),
            overlap: Self::overlaps(),
            retired_until: taste.some_of(sample::moment(0)),
            handover: match taste {
                Taste::Empty => None,
                Taste::Usual => Some(Handover::Awaited),
                Taste::Hostile => Some(Handover::Over),
            },
            about: taste.some_of(About::sample(taste)),
            secrets: SecretPanel {
                masked: taste.list(|taste, _| taste.name("whsec_••••c41d")),
                shown: if taste == Taste::Hostile { taste.list(|taste, _| taste.name("")) } else { Vec::new() },
            },
            without_secrets: taste.name("None: nothing proves who sends."),
            facts: rows::facts(taste),
            connections: taste.list(rows::connection),
            events: taste.list(rows::event),
            refused: taste.list(rows::request),
        })
    }
}
