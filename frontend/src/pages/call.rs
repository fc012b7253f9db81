//! One call: what was asked, every try and every step of it, what came back, and the event that tells of it.

use askama::Template;

use crate::{
    Sample,
    format::Moment,
    links,
    parts::{Fact, Header, Link, Step},
    payload::Payload,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/call.html")]
pub struct CallDetail {
    pub shell: Shell,
    pub id: String,
    /// `POST https://…`, without what may be secret.
    pub target: String,
    pub source: String,
    pub source_href: String,
    pub state: State,
    /// What comes next, in words. May be empty.
    pub next_step: String,
    pub created: Moment,
    /// Why it did not succeed: the title, and what was seen.
    pub error: Option<Fact>,
    pub steps: Vec<Step>,
    pub attempts: Vec<CallTry>,
    /// Limits, headers by name, times.
    pub facts: Vec<Fact>,
    pub metadata: Option<Payload>,
    pub answer: Option<CallAnswer>,
    /// The event that its end is.
    pub event: Option<Link>,
    /// The call of which this is a repetition.
    pub redrive_of: Option<Link>,
    pub can_cancel: bool,
    pub can_redrive: bool,
}

/// One try.
#[derive(Clone, Debug)]
pub struct CallTry {
    pub number: String,
    pub state: State,
    /// `503`, `no answer within 60 000 ms`.
    pub result: String,
    pub unknown_outcome: bool,
    pub started: Moment,
    pub duration: String,
    pub size: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct CallAnswer {
    pub status: String,
    pub headers: Vec<Header>,
    pub body: Payload,
}

impl CallDetail {
    #[must_use]
    pub fn here(&self) -> String {
        links::call(&self.shell.tenant_id, &self.id)
    }

    #[must_use]
    pub fn cancel_href(&self) -> String {
        links::verb(&self.here(), "cancel")
    }

    #[must_use]
    pub fn redrive_href(&self) -> String {
        links::verb(&self.here(), "redrive")
    }

    /// The bytes as they came back.
    #[must_use]
    pub fn raw_href(&self) -> String {
        links::verb(&self.here(), "raw")
    }
}

impl Sample for CallDetail {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Calls),
            id: sample::id("call", 0),
            target: taste.name("POST https://api.example.com/reports?key=***"),
            source: taste.name("ours"),
            source_href: "/t/x/sources/y".to_owned(),
            state: State::Retrying,
            next_step: taste.text("The next try is in 2 min."),
            created: sample::moment(0),
            error: taste
                .some_of(Fact::new("The upstream answered with an error", taste.name("the upstream answered 503"))),
            steps: rows::steps(taste),
            attempts: taste.list(attempt),
            facts: rows::facts(taste),
            metadata: taste.some_of(rows::payload(taste)),
            answer: taste.some_of(CallAnswer {
                status: "503".to_owned(),
                headers: rows::headers(taste),
                body: rows::payload(taste),
            }),
            event: taste.some_of(Link { href: "/t/x/events/y".to_owned(), text: sample::id("evt", 0) }),
            redrive_of: taste.some_of(Link { href: "/t/x/calls/y".to_owned(), text: sample::id("call", 1) }),
            can_cancel: taste.is_full(),
            can_redrive: taste.is_full(),
        })
    }
}

fn attempt(taste: Taste, place: usize) -> CallTry {
    CallTry {
        number: (place + 1).to_string(),
        state: [State::Failed, State::Interrupted, State::Succeeded][place],
        result: taste.name("503"),
        unknown_outcome: place == 1,
        started: sample::moment(place),
        duration: "1 204 ms".to_owned(),
        size: "1.2 kB".to_owned(),
    }
}
