//! `/account`: one's own password, sessions and theme.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    format::Moment,
    sample::{self, Taste},
    shell::{Section, Shell, Theme},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/account.html")]
pub struct Account {
    pub shell: Shell,
    pub form: PasswordForm,
    pub sessions: Vec<SessionRow>,
}

/// Names: `current`, `password`.
#[derive(Clone, Debug)]
pub struct PasswordForm {
    pub problem: Option<String>,
    pub current: Field,
    pub password: Field,
}

crate::form_of!(PasswordForm: current, password);

impl Default for PasswordForm {
    fn default() -> Self {
        Self { problem: None, current: Field::new("current", ""), password: Field::new("password", "") }
    }
}

#[derive(Clone, Debug)]
pub struct SessionRow {
    pub id: String,
    /// From the browser's own words: `Firefox on Linux`.
    pub device: String,
    pub remote: String,
    pub created: Moment,
    pub last_seen: Moment,
    /// The one that looks at this page.
    pub current: bool,
}

impl Account {
    /// The select named `theme`.
    #[must_use]
    pub fn theme(&self) -> Field {
        let label = |theme: Theme| match theme {
            Theme::System => "As the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        };
        let options = Theme::ALL.map(|theme| Choice::new(theme.as_str(), label(theme)));
        Field::select("theme", self.shell.theme.as_str(), options.into())
    }
}

impl Sample for Account {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = PasswordForm::default();
            if taste == Taste::Hostile {
                form.set_error("current", &taste.name(""));
            }
            Self { shell: taste.shell(Section::Account), form, sessions: taste.list(session) }
        })
    }
}

fn session(taste: Taste, place: usize) -> SessionRow {
    SessionRow {
        id: sample::id("ses", place),
        device: taste.name("Firefox on Linux"),
        remote: "203.0.113.7".to_owned(),
        created: sample::moment(place + 5),
        last_seen: sample::moment(place),
        current: place == 0,
    }
}
