//! A connection, new or changed.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    links,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/connection_form.html")]
pub struct ConnectionEditor {
    pub shell: Shell,
    /// Of the connection that is changed: then source and destination stay as they are.
    pub id: Option<String>,
    /// `stripe → billing`; empty for a new one.
    pub title: String,
    pub form: ConnectionForm,
}

/// Names as in the API, so that its errors find their fields.
#[derive(Clone, Debug)]
pub struct ConnectionForm {
    pub problem: Option<String>,
    /// A select of the tenant's sources.
    pub source_id: Field,
    /// A select of the tenant's destinations.
    pub destination_id: Field,
    /// One a line; empty passes all.
    pub event_types: Field,
    /// A select of the forms in which events are handed on.
    pub payload: Field,
    /// Seconds.
    pub delay_s: Field,
}

crate::form_of!(ConnectionForm: source_id, destination_id, event_types, payload, delay_s);

impl Default for ConnectionForm {
    fn default() -> Self {
        Self {
            problem: None,
            source_id: Field::new("source_id", ""),
            destination_id: Field::new("destination_id", ""),
            event_types: Field::new("event_types", ""),
            payload: Field::select("payload", "raw", PAYLOADS.map(|(value, label)| Choice::new(value, label)).into()),
            delay_s: Field::new("delay_s", "0"),
        }
    }
}

/// What a connection can send: the API's word, and what people are told.
const PAYLOADS: [(&str, &str); 3] =
    [("raw", "The body as it came"), ("envelope", "The common envelope"), ("cloudevents", "CloudEvents 1.0")];

/// What people are told that a connection sends.
#[must_use]
pub fn payload_label(payload: &str) -> &str {
    PAYLOADS.iter().find(|(known, _)| *known == payload).map_or(payload, |(_, label)| label)
}

impl ConnectionEditor {
    /// There is no source, or no destination, to choose.
    #[must_use]
    pub fn lacks_ends(&self) -> bool {
        self.id.is_none() && (self.form.source_id.options.is_empty() || self.form.destination_id.options.is_empty())
    }

    #[must_use]
    pub fn action(&self) -> String {
        match &self.id {
            Some(id) => links::verb(&links::connection(&self.shell.tenant_id, id), "edit"),
            None => self.shell.to("connections/new"),
        }
    }

    #[must_use]
    pub fn cancel_href(&self) -> String {
        match &self.id {
            Some(id) => links::connection(&self.shell.tenant_id, id),
            None => links::connections(&self.shell.tenant_id),
        }
    }
}

impl Sample for ConnectionEditor {
    fn samples() -> Vec<(&'static str, Self)> {
        let editor = |taste: Taste, id| {
            let mut form = ConnectionForm {
                source_id: rows::select("source_id", taste),
                destination_id: rows::select("destination_id", taste),
                ..ConnectionForm::default()
            };
            if taste == Taste::Hostile {
                form.set_error("event_types[0]", &taste.name(""));
                form.set_error("source_id", &taste.name(""));
            }
            Self { shell: taste.shell(Section::Connections), id, title: taste.text("stripe → billing"), form }
        };
        let mut samples = Taste::each(|taste| editor(taste, None));
        let nothing = Self { form: ConnectionForm::default(), ..editor(Taste::Usual, None) };
        samples.extend([("nothing to connect", nothing), ("edit", editor(Taste::Usual, Some(sample::id("con", 0))))]);
        samples
    }
}
