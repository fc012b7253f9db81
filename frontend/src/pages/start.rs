//! The first event: an address to send to, a button that sends, and what arrived.

use askama::Template;

use crate::{
    Sample,
    parts::{EventRow, Step},
    sample::{Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/start.html", blocks = ["live"])]
pub struct Start {
    pub shell: Shell,
    pub ingest_url: String,
    /// One command line, quoted for a shell.
    pub curl: String,
    /// `POST` sends a test event through the front door.
    pub send_action: String,
    pub source_href: String,
    pub destination_href: String,
    /// What came, once it did.
    pub arrived: Option<Arrived>,
}

/// The first event.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub event: EventRow,
    pub steps: Vec<Step>,
}

impl Sample for Start {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Overview),
            ingest_url: taste.name("http://127.0.0.1:8080/in/abc"),
            curl: taste.name("curl -d '{\"type\":\"test\"}' http://127.0.0.1:8080/in/abc"),
            send_action: "/t/x/start/send".to_owned(),
            source_href: "/t/x/sources/y".to_owned(),
            destination_href: "/t/x/destinations/z".to_owned(),
            arrived: taste.some_of(Arrived { event: rows::event(taste, 0), steps: rows::steps(taste) }),
        })
    }
}
