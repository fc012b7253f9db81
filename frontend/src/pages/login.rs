//! `/login`.

use askama::Template;

use crate::{Sample, sample::Taste, shell::Plain};

/// Email and password. One message for all failures.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/login.html")]
pub struct Login {
    pub plain: Plain,
    /// As it was typed.
    pub email: String,
    /// The path to go on to.
    pub next: String,
    pub error: Option<String>,
    /// How long to wait before another try, in words: `30 s`.
    pub wait: Option<String>,
    /// Good to know: `You have been logged out.`
    pub notice: Option<String>,
}

impl Sample for Login {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            plain: taste.plain(),
            email: taste.text("ops@example.com"),
            next: taste.text("/t/x/events?q=a"),
            error: taste.some("Email and password do not fit together."),
            wait: taste.some("30 s"),
            notice: taste.some("You have been logged out."),
        })
    }
}
