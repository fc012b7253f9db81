//! What came to the front door and became no event: refused, or a duplicate.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    parts::{Paging, RequestRow},
    sample::{Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/requests.html")]
pub struct RequestList {
    pub shell: Shell,
    pub filter: RequestFilter,
    pub filtered: bool,
    pub rows: Vec<RequestRow>,
    pub paging: Paging,
    /// A filter that could not be read, in words.
    pub problem: Option<String>,
}

/// Names: `outcome` and `source` (selects), `from`, `to`.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    pub outcome: Field,
    pub source: Field,
    pub from: Field,
    pub to: Field,
}

impl Sample for RequestList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Requests),
            filter: RequestFilter {
                outcome: rows::select("outcome", taste),
                source: rows::select("source", taste),
                from: rows::at("from", taste),
                to: rows::at("to", taste),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(rows::request),
            paging: rows::paging(taste),
            problem: taste.some("From is no moment."),
        })
    }
}
