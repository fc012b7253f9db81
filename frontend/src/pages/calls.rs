//! The requests that Postern makes for a tenant, newest first.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    format::Moment,
    links,
    parts::Paging,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/calls.html")]
pub struct CallList {
    pub shell: Shell,
    pub filter: CallFilter,
    pub filtered: bool,
    pub rows: Vec<CallRow>,
    pub paging: Paging,
    /// A filter that could not be read, in words.
    pub problem: Option<String>,
    /// How to hand one over, for a shell.
    pub curl: String,
}

/// Names: `state` and `source` (selects), `from`, `to`.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    pub state: Field,
    pub source: Field,
    pub from: Field,
    pub to: Field,
}

/// A call in a list.
#[derive(Clone, Debug)]
pub struct CallRow {
    pub href: String,
    pub id: String,
    /// `POST https://…`, without what may be secret.
    pub target: String,
    pub source: String,
    pub state: State,
    /// Why, in a few words. May be empty.
    pub note: String,
    pub attempts: String,
    pub next: Option<Moment>,
    pub created: Moment,
}

impl Sample for CallList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Calls),
            filter: CallFilter {
                state: rows::select("state", taste),
                source: rows::select("source", taste),
                from: rows::at("from", taste),
                to: rows::at("to", taste),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(row),
            paging: rows::paging(taste),
            problem: taste.some("From is no moment."),
            curl: taste.name("curl https://hooks.example.com/api/v1/calls -d '{}'"),
        })
    }
}

fn row(taste: Taste, place: usize) -> CallRow {
    CallRow {
        href: links::call(&sample::id("ten", 0), &sample::id("call", place)),
        id: sample::id("call", place),
        target: taste.name("POST https://api.example.com/reports?key=***"),
        source: taste.name("ours"),
        state: [State::Succeeded, State::Retrying, State::Failed][place],
        note: taste.name("the upstream answered 503"),
        attempts: "2".to_owned(),
        next: (place == 1).then(|| sample::moment(0)),
        created: sample::moment(place),
    }
}
