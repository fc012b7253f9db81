//! The connections of a tenant.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    parts::{ConnectionRow, Paging},
    sample::{Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/connections.html")]
pub struct ConnectionList {
    pub shell: Shell,
    pub filter: ConnectionFilter,
    pub filtered: bool,
    pub rows: Vec<ConnectionRow>,
    pub paging: Paging,
}

/// Names: `source`, `destination`.
#[derive(Clone, Debug, Default)]
pub struct ConnectionFilter {
    pub source: Field,
    pub destination: Field,
}

impl Sample for ConnectionList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Connections),
            filter: ConnectionFilter {
                source: rows::select("source", taste),
                destination: rows::select("destination", taste),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(rows::connection),
            paging: rows::paging(taste),
        })
    }
}
