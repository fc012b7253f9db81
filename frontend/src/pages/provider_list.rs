//! The first step to a new source: who sends? Every provider that is known, by what it is for, and what to take for a
//! sender that is none of them.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    provider::Trust,
    sample::Taste,
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/provider_list.html")]
pub struct ProviderList {
    pub shell: Shell,
    pub q: Field,
    /// Those that fit the search.
    pub groups: Vec<ProviderGroup>,
    /// `73 providers`, or how many of them fit.
    pub counted: String,
    /// For senders that are not on the list; always there.
    pub generic: Vec<ProviderLink>,
}

#[derive(Clone, Debug)]
pub struct ProviderGroup {
    /// `payments`: also the end of an id.
    pub id: String,
    pub title: String,
    pub providers: Vec<ProviderLink>,
}

#[derive(Clone, Debug)]
pub struct ProviderLink {
    pub href: String,
    pub name: String,
    /// How it proves itself, in a few words.
    pub text: String,
    /// None where there is nothing to be believed: one's own programs.
    pub trust: Option<Trust>,
}

impl Sample for ProviderList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            q: Field::new("q", taste.text("tele")),
            groups: taste.list(|taste, place| ProviderGroup {
                id: ["messages", "payments", "code"][place].to_owned(),
                title: taste.name(["Messages", "Payments", "Code"][place]),
                providers: taste.list(link),
            }),
            counted: taste.name("9 of 73 providers"),
            generic: taste.list(link),
        })
    }
}

fn link(taste: Taste, place: usize) -> ProviderLink {
    ProviderLink {
        href: "/t/x/sources/new?provider=telegram".to_owned(),
        name: taste.name("Telegram"),
        text: taste.text("a token in a header"),
        trust: (place > 0).then(|| Trust::sample(taste)),
    }
}
