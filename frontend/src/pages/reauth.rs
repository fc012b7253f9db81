//! `/reauth`: the password once more, before something that must not happen from a forgotten browser.

use askama::Template;

use crate::{Sample, sample::Taste, shell::Plain};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/reauth.html")]
pub struct Reauth {
    pub plain: Plain,
    pub email: String,
    /// What comes after it: `To show the signing secret of orders`.
    pub reason: String,
    pub next: String,
    pub cancel_href: String,
    pub error: Option<String>,
    /// How long to wait before another try, in words: `30 s`.
    pub wait: Option<String>,
}

impl Sample for Reauth {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            plain: taste.plain(),
            email: taste.name("ops@example.com"),
            reason: taste.name("To show the signing secret of billing"),
            next: taste.name("/t/x/destinations/y"),
            cancel_href: taste.name("/t/x/destinations/y"),
            error: taste.some("That is not your password."),
            wait: taste.some("30 s"),
        })
    }
}
