//! The first step to a source that polls: what to begin with.

use askama::Template;

use super::provider_list::ProviderLink;
use crate::{
    Sample, links,
    sample::Taste,
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/poll_templates.html")]
pub struct PollTemplates {
    pub shell: Shell,
    /// The webhook source that is to be polled beside, and its name; none for a new source.
    pub beside: Option<(String, String)>,
    pub templates: Vec<ProviderLink>,
    /// To the form with nothing filled in.
    pub blank_href: String,
}

impl PollTemplates {
    #[must_use]
    pub fn source_href(&self, id: &str) -> String {
        links::source(&self.shell.tenant_id, id)
    }

    #[must_use]
    pub fn advice_href(&self) -> String {
        links::poll_or_webhook(&self.shell.tenant_id)
    }
}

impl Sample for PollTemplates {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Sources),
            beside: taste.some_of((crate::sample::id("src", 0), taste.name("stripe"))),
            templates: taste.list(|taste, _| ProviderLink {
                href: "/t/x/sources/new?provider=poll&template=rest".to_owned(),
                name: taste.name("A list with a date"),
                text: taste.name("Any API that lists what changed since a moment."),
                trust: None,
            }),
            blank_href: "/t/x/sources/new?provider=poll&template=none".to_owned(),
        })
    }
}
