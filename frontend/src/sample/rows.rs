//! Samples of what several pages show.

use super::{Taste, id, moment};
use crate::{
    form::{Choice, Field},
    links,
    parts::{BinRow, ConnectionRow, DeliveryRow, EventRow, Fact, Header, Link, Mark, Paging, RequestRow, Step},
    payload::Payload,
    state::State,
};

fn tenant() -> String {
    id("ten", 0)
}

pub(crate) fn paging(taste: Taste) -> Paging {
    Paging { older: taste.some("?cursor=abc"), newest: taste.some("?") }
}

pub(crate) fn facts(taste: Taste) -> Vec<Fact> {
    taste.list(|taste, place| Fact::new(["Kind", "Timeout", "Schedule"][place], taste.name("15 s")))
}

pub(crate) fn headers(taste: Taste) -> Vec<Header> {
    taste.list(|taste, _| Header { name: taste.name("content-type"), value: taste.name("application/json") })
}

pub(crate) fn payload(taste: Taste) -> Payload {
    match taste {
        Taste::Empty => Payload::absent("Kept for 30 days; deleted on 2 November."),
        Taste::Usual => Payload::of(br#"{"id":"in_1QK","amount":4900,"lines":[{"n":1}]}"#, 47),
        Taste::Hostile => Payload::of(taste.name("").as_bytes(), 9_000_000),
    }
}

/// A select of what there is.
pub(crate) fn select(name: &'static str, taste: Taste) -> Field {
    let option = |taste: Taste, place| Choice::new(id("src", place), taste.name("stripe"));
    let mut options = vec![Choice::new("", "any")];
    options.extend(taste.list(option));
    Field::select(name, taste.text(&id("src", 1)), options)
}

pub(crate) fn typed(name: &'static str, taste: Taste) -> Field {
    Field::new(name, taste.text("payment.*"))
}

/// A moment to filter by.
pub(crate) fn at(name: &'static str, taste: Taste) -> Field {
    Field::new(name, taste.text("2026-11-22T12:04:11"))
}

pub(crate) fn event(taste: Taste, place: usize) -> EventRow {
    EventRow {
        href: links::event(&tenant(), &id("evt", place)),
        id: id("evt", place),
        event_type: taste.name("invoice.paid"),
        source: taste.name("stripe"),
        outcome: [State::Delivered, State::Partly, State::Retrying][place % 3],
        outcome_note: taste.name("1 of 2"),
        attempts: "3".to_owned(),
        size: "1.2 kB".to_owned(),
        received: moment(place),
    }
}

pub(crate) fn request(taste: Taste, place: usize) -> RequestRow {
    let is_duplicate = place == 1;
    RequestRow {
        id: id("req", place),
        at: moment(place),
        source: taste.name("stripe"),
        source_href: links::source(&tenant(), &id("src", 0)),
        outcome: if is_duplicate { State::Duplicate } else { State::Refused },
        cause: taste.name("signature does not match"),
        expected: taste.name("an HMAC in header `x-signature` made with the secret of this source"),
        remote: "203.0.113.7".to_owned(),
        method: "POST".to_owned(),
        size: "812 B".to_owned(),
        check_href: (!is_duplicate).then(|| "/t/x/sources/y/check?request=z".to_owned()),
        dedup_key: is_duplicate.then(|| taste.name("evt_1QK")),
        first_event: is_duplicate.then(|| Link { href: links::event(&tenant(), &id("evt", 0)), text: id("evt", 0) }),
        headers: headers(taste),
    }
}

pub(crate) fn connection(taste: Taste, place: usize) -> ConnectionRow {
    ConnectionRow {
        href: links::connection(&tenant(), &id("con", place)),
        source: taste.name("stripe"),
        source_href: links::source(&tenant(), &id("src", 0)),
        destination: taste.name("billing"),
        destination_href: links::destination(&tenant(), &id("dst", place)),
        event_types: taste.name("payment.*, invoice.paid"),
        state: [State::Active, State::Paused, State::Held][place % 3],
    }
}

pub(crate) fn delivery(taste: Taste, place: usize) -> DeliveryRow {
    let (event, delivery) = (id("evt", place), id("dlv", place));
    let state = [State::Dead, State::Retrying, State::Delivered][place % 3];
    DeliveryRow {
        href: links::delivery(&tenant(), &event, &delivery),
        id: delivery,
        event_id: event,
        event_type: taste.name("invoice.paid"),
        destination: taste.name("billing"),
        destination_href: links::destination(&tenant(), &id("dst", 0)),
        state,
        reason: taste.name("after 12 tries"),
        attempts: "12".to_owned(),
        created: moment(place),
        next: (state == State::Retrying).then(|| moment(0)),
        can_retry: state != State::Delivered,
        can_cancel: state == State::Retrying,
    }
}

pub(crate) fn received(taste: Taste, place: usize) -> BinRow {
    BinRow {
        id: id("req", place),
        at: moment(place),
        event: Link { href: links::event(&tenant(), &id("evt", place)), text: id("evt", place) },
        answered: "200".to_owned(),
        headers: headers(taste),
        body: payload(taste),
    }
}

pub(crate) fn steps(taste: Taste) -> Vec<Step> {
    let step = |place: usize, mark, title: &str, note: &str, delta: &str| Step {
        mark,
        title: taste.name(title),
        notes: vec![taste.name(note)],
        at: Some(moment(place)),
        delta: delta.to_owned(),
        href: (place == 3).then(|| links::connection(&tenant(), &id("con", 0))),
    };
    vec![
        step(0, Mark::Done, "Received", "POST from 203.0.113.7, answered 200", ""),
        step(1, Mark::Done, "Signature verified", "Stripe, the first of 2 secrets", "+1 ms"),
        step(2, Mark::Done, "New, not a duplicate", "Key evt_1QK, for 7 d", "+2 ms"),
        step(3, Mark::Ended, "crm filtered", "It takes customer.*, this is invoice.paid", "+3 ms"),
        step(4, Mark::Failed, "billing answered 503", "Try 1 of 12, 1 204 ms", "+1.2 s"),
        step(5, Mark::Waiting, "billing is tried again", "Try 2 of 12, in 2 min", ""),
    ]
}
