//! Before something that cannot be taken back: what it is about, what it will do, and a button that says so.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    sample::Taste,
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/confirm.html")]
pub struct Confirm {
    pub shell: Shell,
    /// `Delete source`, also on the button.
    pub verb: String,
    /// What it is done to, by its name.
    pub thing: String,
    /// Counted: `12 waiting deliveries will be cancelled`.
    pub consequences: Vec<String>,
    /// Where the form is sent.
    pub action: String,
    pub cancel_href: String,
    /// When the name must be typed; its error says that it was another.
    pub typed: Option<Field>,
    /// Sent along: name and value.
    pub hidden: Vec<(String, String)>,
}

impl Confirm {
    /// Another name was typed.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.typed.as_ref().is_some_and(|field| field.error.is_some())
    }
}

impl Sample for Confirm {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            verb: taste.name("Delete source"),
            thing: taste.name("stripe"),
            consequences: taste.list(|taste, _| taste.name("2 connections are deleted with it.")),
            action: "/t/x/sources/y/delete".to_owned(),
            cancel_href: "/t/x/sources/y".to_owned(),
            typed: taste
                .some_of(Field::new("confirm", taste.text("strip")).with_error(taste.name("It is called stripe."))),
            hidden: taste.list(|taste, _| (taste.name("next"), taste.name("/t/x/sources"))),
        })
    }
}
