//! The way of an event, step by step, from the front door on.

use postern_domain::{Timestamp, delivery::DeliveryState, source::SourceKind};
use postern_frontend::{
    format, links,
    parts::{Mark, Step},
};
use postern_store::{
    read::{Attempt, DeliveryDetail, Event},
    tenant::Source,
};

use super::{event::Found, event_words as words, rows};

/// Of each delivery; the others are on its panel.
const MAX_TRIES: usize = 12;
/// The method of an attempt that somebody leased.
const PULL: &str = "PULL";

pub(super) fn of(found: &Found) -> Vec<Step> {
    let event = &found.detail.event;
    let mut steps = vec![received(event), verified(found.source.as_ref(), event), deduplicated(event)];
    steps.extend(late(found));
    steps.extend(declined(event));
    if found.detail.deliveries.is_empty() && event.filtered == 0 {
        steps.push(Step {
            mark: Mark::Ended,
            notes: vec!["Its source had no connection. Make one, and the next event goes there.".to_owned()],
            href: Some(links::connections(&found.tenant)),
            ..step("Unrouted")
        });
    }
    for delivery in &found.detail.deliveries {
        steps.extend(delivered(found, delivery));
    }
    steps
}

fn step(title: impl Into<String>) -> Step {
    Step { mark: Mark::Done, title: title.into(), notes: Vec::new(), at: None, delta: String::new(), href: None }
}

fn received(event: &Event) -> Step {
    Step {
        notes: vec![format!("{} from {}.", rows::size(event.body_bytes.into()), event.remote)],
        at: Some(format::moment_ms(event.received_at.as_micros())),
        ..step("Received")
    }
}

/// By the source as it is: how it was when the event came is not kept.
fn verified(source: Option<&Source>, event: &Event) -> Step {
    if let Some(step) = by_its_origin(&event.origin) {
        return step;
    }
    let mut step = by_its_source(source);
    if source.is_some_and(|source| source.updated_at > event.received_at) {
        step.notes.push("The source was changed since; this is how it is set up now.".to_owned());
    }
    step
}

/// Of what nobody has sent.
fn by_its_origin(origin: &str) -> Option<Step> {
    let (title, note) = match origin {
        "poll" => ("Found", "A poll of the source found it."),
        "reconciled" => ("Reconciled", "A poll found it; the webhook should have brought it, and had not by then."),
        "schedule" => ("Made", "The source makes it, at the times that are set."),
        _ => return None,
    };
    Some(Step { notes: vec![note.to_owned()], ..step(title) })
}

fn by_its_source(source: Option<&Source>) -> Step {
    let Some(source) = source else {
        return Step { notes: vec!["Its source was deleted since.".to_owned()], ..step("Accepted") };
    };
    if source.kind == SourceKind::Publish {
        return Step { notes: vec!["Published with an API key.".to_owned()], ..step("Verified") };
    }
    match source.scheme.as_deref() {
        None | Some("none") => Step {
            mark: Mark::Ended,
            notes: vec!["The source takes what comes, whoever sends it.".to_owned()],
            ..step("Not verified")
        },
        Some(scheme @ ("token" | "bearer" | "basic")) => {
            Step { notes: vec![format!("The sender knew the secret ({scheme}).")], ..step("Verified") }
        }
        Some(scheme) => Step { notes: vec![format!("The signature held ({scheme}).")], ..step("Verified") },
    }
}

fn deduplicated(event: &Event) -> Step {
    let (title, mark, note) = match &event.dedup_key {
        Some(key) => ("New", Mark::Done, format!("The first with the dedup key {key}.")),
        None => {
            let note = "It carries no dedup key: had it come twice, it would be here twice.".to_owned();
            ("Not deduplicated", Mark::Ended, note)
        }
    };
    Step { mark, notes: vec![note], ..step(title) }
}

/// The webhook that should have brought it, when it came after all.
fn late(found: &Found) -> Option<Step> {
    let at = found.detail.late_webhook_at?;
    let late_us = u64::try_from(found.detail.late_by_ms()?).ok()?.saturating_mul(1_000);
    let note = format!("Its webhook came {} after the poll had found it: a duplicate.", format::duration_us(late_us));
    Some(Step { at: Some(format::moment_ms(at.as_micros())), notes: vec![note], ..step("Webhook late") })
}

fn declined(event: &Event) -> Option<Step> {
    let count = u64::from(event.filtered);
    let note = format!("{} did not want {}.", format::counted(count, "connection", "connections"), event.event_type);
    (count > 0).then(|| Step { mark: Mark::Ended, notes: vec![note], ..step("Filtered") })
}

fn delivered(found: &Found, detail: &DeliveryDetail) -> Vec<Step> {
    let (delivery, since) = (&detail.delivery, found.detail.event.received_at);
    let name = found.destination_name(delivery.destination);
    let mut steps = vec![Step {
        at: Some(format::moment_ms(delivery.created_at().as_micros())),
        href: Some(links::connection(&found.tenant, &delivery.connection.to_string())),
        ..step(format!("Matched: to {name}"))
    }];
    let skipped = detail.attempts.len().saturating_sub(MAX_TRIES);
    if skipped > 0 {
        let count = format::counted(skipped as u64, "earlier try", "earlier tries");
        steps.push(step(format!("{count} to {name}")));
    }
    steps.extend(detail.attempts.iter().skip(skipped).map(|attempt| tried(attempt, &name, since)));
    let next = words::next_step(delivery, &found.around(delivery));
    if !next.is_empty() {
        let mark = match delivery.state {
            DeliveryState::Dead => Mark::Failed,
            DeliveryState::Cancelled => Mark::Ended,
            _ => Mark::Waiting,
        };
        steps.push(Step { mark, notes: vec![sentence(&next)], ..step(format!("Next for {name}")) });
    }
    steps
}

fn tried(attempt: &Attempt, name: &str, since: Timestamp) -> Step {
    let took = format::duration_us(attempt.duration_us());
    let mut notes = vec![match attempt.method.as_str() {
        PULL => format!("Leased for {took} by {}.", words::actor(attempt)),
        _ => format!("Took {took}."),
    }];
    notes.extend(Some(words::explanation(attempt).to_owned()).filter(|text| !text.is_empty()));
    Step {
        mark: if words::is_success(attempt) { Mark::Done } else { Mark::Failed },
        notes,
        at: Some(format::moment_ms(attempt.started_at.as_micros())),
        delta: format::delta(attempt.started_at.as_micros(), since.as_micros()),
        ..step(match attempt.method.as_str() {
            PULL => format!("Received from {name}, {}: {}", ordinal(attempt.number), words::result(attempt)),
            _ => format!("Try {} to {name}: {}", attempt.number, words::result(attempt)),
        })
    }
}

fn ordinal(number: i32) -> String {
    if number == 1 { "the first time".to_owned() } else { format!("time {number}") }
}

/// With a capital and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
