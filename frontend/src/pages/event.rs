//! One event, inspected: every step from the front door to its destinations, and why it did not arrive.

use askama::Template;

use crate::{
    Sample,
    format::Moment,
    links,
    parts::{Fact, Header, Step},
    payload::Payload,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/event.html", blocks = ["live"])]
pub struct EventDetail {
    pub shell: Shell,
    pub id: String,
    pub event_type: String,
    pub source: String,
    pub source_href: String,
    pub outcome: State,
    /// What comes next, in words: `next try in 2 min, 8 left`. May be empty.
    pub next_step: String,
    pub received: Moment,
    /// Size, content type, dedup key, address, hash.
    pub facts: Vec<Fact>,
    pub steps: Vec<Step>,
    pub deliveries: Vec<DeliveryPanel>,
    /// As they came in, as far as they are kept.
    pub headers: Vec<Header>,
    pub payload: Payload,
    /// The same request once more as a command line, quoted for a shell; none when the payload is gone.
    pub curl: Option<String>,
    /// Back to the list it was opened from.
    pub back_href: String,
}

/// The event on its way to one destination.
#[derive(Clone, Debug)]
pub struct DeliveryPanel {
    pub id: String,
    pub destination: String,
    pub destination_href: String,
    pub connection_href: String,
    pub state: State,
    /// What comes next, in words, or why nothing does.
    pub next_step: String,
    /// `3 of 12 tries`.
    pub tries: String,
    pub can_retry: bool,
    pub can_cancel: bool,
    /// First to last.
    pub attempts: Vec<AttemptView>,
    /// `988 earlier attempts are not shown`.
    pub note: Option<String>,
}

/// One try.
#[derive(Clone, Debug)]
pub struct AttemptView {
    pub number: String,
    pub state: State,
    /// `503 Service Unavailable`, `connection refused`.
    pub result: String,
    /// What that means, in a sentence. May be empty.
    pub explanation: String,
    /// It may have been processed though no answer came.
    pub unknown_outcome: bool,
    pub started: Moment,
    pub duration: String,
    /// Who asked for it: `Postern`, `ops@example.com`, `key ci`.
    pub actor: String,
    /// DNS, connect, first byte.
    pub timings: Vec<Fact>,
    /// `POST https://…`.
    pub request_line: String,
    pub request_headers: Vec<Header>,
    pub response_headers: Vec<Header>,
    pub response: Option<Payload>,
    /// Shown unfolded.
    pub open: bool,
}

impl EventDetail {
    /// Where a retry comes back to.
    #[must_use]
    pub fn path(&self) -> String {
        links::event(&self.shell.tenant_id, &self.id)
    }

    /// The bytes as they came.
    #[must_use]
    pub fn raw_href(&self) -> String {
        links::event_raw(&self.shell.tenant_id, &self.id)
    }
}

impl Sample for EventDetail {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Events),
            id: sample::id("evt", 0),
            event_type: taste.name("invoice.paid"),
            source: taste.name("stripe"),
            source_href: "/t/x/sources/y".to_owned(),
            outcome: State::Retrying,
            next_step: taste.text("next try in 2 min, 8 left"),
            received: sample::moment(0),
            facts: rows::facts(taste),
            steps: rows::steps(taste),
            deliveries: taste.list(panel),
            headers: rows::headers(taste),
            payload: rows::payload(taste),
            curl: taste.some("curl -d '{}' http://127.0.0.1:8080/in/abc"),
            back_href: "/t/x/events?source=y".to_owned(),
        })
    }
}

fn panel(taste: Taste, place: usize) -> DeliveryPanel {
    DeliveryPanel {
        id: sample::id("dlv", place),
        destination: taste.name("billing"),
        destination_href: "/t/x/destinations/y".to_owned(),
        connection_href: "/t/x/connections/z".to_owned(),
        state: [State::Delivered, State::Retrying, State::Dead][place],
        next_step: taste.name("The next try is in 2 min, 8 are left."),
        tries: "3 of 12 tries".to_owned(),
        can_retry: place > 0,
        can_cancel: place == 1,
        attempts: taste.list(attempt),
        note: (place == 2).then(|| taste.name("988 earlier tries are not shown.")),
    }
}

fn attempt(taste: Taste, place: usize) -> AttemptView {
    AttemptView {
        number: (place + 1).to_string(),
        state: [State::Failed, State::Failed, State::Delivered][place],
        result: taste.name("503 Service Unavailable"),
        explanation: taste.name("The destination is up, and says that it cannot take requests now."),
        unknown_outcome: place == 1,
        started: sample::moment(place),
        duration: "1 204 ms".to_owned(),
        actor: taste.name("Postern"),
        timings: rows::facts(taste),
        request_line: taste.name("POST https://billing.example/hooks"),
        request_headers: rows::headers(taste),
        response_headers: rows::headers(taste),
        response: (place != 1).then(|| rows::payload(taste)),
        open: place == 2,
    }
}
