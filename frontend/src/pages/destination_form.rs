//! A destination, new or changed.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    links,
    sample::{self, Taste},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/destination_form.html")]
pub struct DestinationEditor {
    pub shell: Shell,
    pub id: Option<String>,
    /// As it is called now; empty for a new one.
    pub title: String,
    pub form: DestinationForm,
}

/// Names as in the API, so that its errors find their fields.
#[derive(Clone, Debug)]
pub struct DestinationForm {
    pub problem: Option<String>,
    pub name: Field,
    /// `http`, `bin` or `queue`; fixed once it exists.
    pub kind: Field,
    pub url: Field,
    /// `Name: value`, one a line.
    pub headers: Field,
    pub rate_per_s: Field,
    pub rate_burst: Field,
    pub concurrency: Field,
    pub timeout_ms: Field,
    /// Waits in seconds, with commas.
    pub schedule_s: Field,
    pub jitter_pct: Field,
    /// Of a queue, as what follows.
    pub visibility_s: Field,
    pub max_receives: Field,
    pub max_in_flight: Field,
    pub retry_delay_s: Field,
}

crate::form_of!(DestinationForm: name, kind, url, headers, rate_per_s, rate_burst, concurrency, timeout_ms, schedule_s,
    jitter_pct, visibility_s, max_receives, max_in_flight, retry_delay_s);

impl Default for DestinationForm {
    /// Empty but for the defaults of the API, with every name and option in place.
    fn default() -> Self {
        let kinds = vec![
            Choice::new("http", "An HTTP address"),
            Choice::new("bin", "A bin inside Postern"),
            Choice::new("queue", "A queue that your programs pull from"),
        ];
        Self {
            problem: None,
            name: Field::new("name", ""),
            kind: Field::select("kind", "http", kinds),
            url: Field::new("url", ""),
            headers: Field::new("headers", ""),
            rate_per_s: Field::new("rate_limit.per_s", ""),
            rate_burst: Field::new("rate_limit.burst", ""),
            concurrency: Field::new("concurrency", "32"),
            timeout_ms: Field::new("timeout_ms", "15000"),
            schedule_s: Field::new(
                "retry.schedule_s",
                "5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 86400",
            ),
            jitter_pct: Field::new("retry.jitter_pct", "10"),
            visibility_s: Field::new("queue.visibility_s", "30"),
            max_receives: Field::new("queue.max_receives", "5"),
            max_in_flight: Field::new("queue.max_in_flight", "1000"),
            retry_delay_s: Field::new("queue.retry_delay_s", "0"),
        }
    }
}

impl DestinationEditor {
    #[must_use]
    pub fn action(&self) -> String {
        match &self.id {
            Some(id) => links::verb(&links::destination(&self.shell.tenant_id, id), "edit"),
            None => self.shell.to("destinations/new"),
        }
    }

    #[must_use]
    pub fn cancel_href(&self) -> String {
        match &self.id {
            Some(id) => links::destination(&self.shell.tenant_id, id),
            None => links::destinations(&self.shell.tenant_id),
        }
    }
}

impl Sample for DestinationEditor {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = DestinationForm::default();
            if taste == Taste::Hostile {
                // Of an address: the fields of a queue are not on its page.
                let shown = |field: &&mut Field| field.name != "kind" && !field.name.starts_with("queue.");
                for field in form.fields_mut().into_iter().filter(shown) {
                    field.value = taste.name("");
                    field.error = taste.some("");
                }
                form.set_error("", &taste.name(""));
            }
            let id = taste.some_of(sample::id("dst", 0));
            Self { shell: taste.shell(Section::Destinations), id, title: taste.text("billing"), form }
        })
    }
}
