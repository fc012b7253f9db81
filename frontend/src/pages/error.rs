//! What is shown when a page cannot be: what happened, and what to do.

use askama::Template;

use crate::{Sample, parts::Link, sample::Taste, shell::Plain};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/error.html")]
pub struct ErrorPage {
    pub plain: Plain,
    pub status: u16,
    pub title: String,
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// Where to go on.
    pub links: Vec<Link>,
    /// For whoever reads the log.
    pub trace_id: Option<String>,
}

impl Sample for ErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            plain: taste.plain(),
            status: 404,
            title: taste.name("Not here"),
            text: taste.name("There is no such event, or it was kept for its 90 days."),
            advice: taste.text("Look for it by its dedup key."),
            links: taste.list(|taste, place| Link { href: format!("/{place}"), text: taste.name("Events") }),
            trace_id: taste.some("01jd9k7w"),
        })
    }
}
