//! What the pages of polling share: how a source fares, a run that kept nothing, a row of the runs there were.

use crate::{
    format::Moment,
    parts::{Fact, Link},
    payload::Payload,
    sample::{self, Taste, rows},
    state::State,
};

/// How the polling of a source fares, in words.
#[derive(Clone, Debug)]
pub struct Polling {
    pub health: State,
    /// What that means, and what to do about it.
    pub words: String,
    /// What went wrong last, while it is wrong.
    pub trouble: Option<String>,
    /// Where that can be put right.
    pub fix: Option<Link>,
    /// `GET https://api.example.com/orders, every 5 min`.
    pub request: String,
    pub facts: Vec<Fact>,
    pub upcoming: Vec<Moment>,
    /// Events that wait for a person's word.
    pub held: Option<Held>,
    /// It asks beside a webhook, and brings what that one lost.
    pub beside_webhook: bool,
    /// That somebody should look at that webhook, and why.
    pub alarm: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Held {
    /// `1 204 events`.
    pub counted: String,
}

/// What one run found that kept nothing.
#[derive(Clone, Debug)]
pub struct Tried {
    pub ok: bool,
    /// `3 of 5 items would become events.`
    pub verdict: String,
    /// To the field that has to change.
    pub fix: Option<Link>,
    pub facts: Vec<Fact>,
    pub pages: Vec<TriedPage>,
    pub items: Vec<TriedItem>,
    /// What is not shown: `and 95 more`.
    pub more: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TriedPage {
    pub url: String,
    pub status: String,
    pub items: String,
    pub size: String,
}

#[derive(Clone, Debug)]
pub struct TriedItem {
    pub id: String,
    pub version: String,
    pub event_type: String,
    pub outcome: State,
    pub reason: String,
    pub payload: Payload,
}

/// A run, or several one after the other that found nothing.
#[derive(Clone, Debug)]
pub struct RunRow {
    pub id: String,
    pub started: Moment,
    pub state: State,
    /// `12 runs found nothing`, or what went wrong.
    pub words: String,
    pub trigger: String,
    pub requests: String,
    pub records: String,
    pub emitted: String,
    /// What became of the rest: `3 duplicates, 1 held`.
    pub rest: String,
    pub took: String,
    pub cursor: Option<CursorStep>,
}

/// Where a cursor came from and went to.
#[derive(Clone, Debug)]
pub struct CursorStep {
    pub from: String,
    pub to: String,
}

impl Polling {
    pub(crate) fn sample(taste: Taste) -> Self {
        Self {
            health: if taste == Taste::Hostile { State::LoginRefused } else { State::Healthy },
            words: taste.name("The last run went through."),
            trouble: (taste == Taste::Hostile).then(|| taste.name("401")),
            fix: taste.some_of(Link {
                href: "/t/x/sources/y/poll/edit#poll.request.url".to_owned(),
                text: taste.name("URL"),
            }),
            request: taste.name("GET https://api.example.com/orders, every 5 min"),
            facts: rows::facts(taste),
            upcoming: taste.list(|_, place| sample::moment(place)),
            held: taste.some_of(Held { counted: taste.name("1 204 events") }),
            beside_webhook: taste == Taste::Usual,
            alarm: taste.some("Look at the webhook: of 400 events it did not bring 8 in time (2 %)."),
        }
    }
}

impl Tried {
    pub(crate) fn sample(taste: Taste) -> Self {
        let outcomes = [State::New, State::Duplicate, State::Quarantined];
        Self {
            ok: taste == Taste::Usual,
            verdict: taste.name("1 of 3 items would become an event."),
            fix: (taste == Taste::Hostile).then(|| Link { href: "#name".to_owned(), text: taste.name("Items") }),
            facts: rows::facts(taste),
            pages: taste.list(|taste, _| TriedPage {
                url: taste.name("https://api.example.com/orders?since=2026-11-22"),
                status: "200".to_owned(),
                items: "3".to_owned(),
                size: "1.2 kB".to_owned(),
            }),
            items: taste.list(|taste, place| TriedItem {
                id: taste.name("c_81"),
                version: taste.text("2026-11-21"),
                event_type: taste.name("contact.updated"),
                outcome: outcomes[place],
                reason: taste.text("It came before, as evt_1."),
                payload: rows::payload(taste),
            }),
            more: taste.some("and 95 more"),
        }
    }
}

impl RunRow {
    pub(crate) fn sample(taste: Taste, place: usize) -> Self {
        let state = [State::Succeeded, State::Quiet, State::Failed][place % 3];
        Self {
            id: sample::id("run", place),
            started: sample::moment(place),
            state,
            words: taste.name(["", "12 runs found nothing", "503 from api.example.com"][place % 3]),
            trigger: taste.name("on time"),
            requests: "3".to_owned(),
            records: "250".to_owned(),
            emitted: "10".to_owned(),
            rest: taste.text("240 seen before"),
            took: "318 ms".to_owned(),
            cursor: taste.some_of(CursorStep { from: taste.name("2026-11-21"), to: taste.name("2026-11-22") }),
        }
    }
}
