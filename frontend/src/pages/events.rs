//! The events of a tenant, newest first.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    parts::{EventRow, Paging},
    sample::{Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/events.html", blocks = ["live"])]
pub struct EventList {
    pub shell: Shell,
    pub filter: EventFilter,
    pub filtered: bool,
    pub rows: Vec<EventRow>,
    pub paging: Paging,
    /// A filter that could not be read, in words.
    pub problem: Option<String>,
}

/// Names: `source` and `outcome` (selects), `type`, `from`, `to`, `q`.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub source: Field,
    pub event_type: Field,
    pub outcome: Field,
    pub from: Field,
    pub to: Field,
    pub q: Field,
}

impl Sample for EventList {
    fn samples() -> Vec<(&'static str, Self)> {
        let list = |taste: Taste| Self {
            shell: taste.shell(Section::Events),
            filter: EventFilter {
                source: rows::select("source", taste),
                event_type: rows::typed("type", taste),
                outcome: rows::select("outcome", taste),
                from: rows::at("from", taste),
                to: rows::at("to", taste),
                q: rows::typed("q", taste),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(rows::event),
            paging: rows::paging(taste),
            problem: taste.some("From is no moment: write it as 2026-11-22T12:00:00."),
        };
        let mut samples = Taste::each(list);
        let mut live = Self { problem: None, paging: Paging::default(), ..list(Taste::Usual) };
        live.shell.live_href = Some("/live".to_owned());
        samples.push(("live", live));
        samples
    }
}
