//! What a test of a poll found, for people.

use postern_frontend::{
    format,
    parts::{Fact, Link},
    payload::Payload,
    poll::{Tried, TriedItem, TriedPage},
    state::State,
};
use postern_pipeline::polling::{TestItem, TestPage, TestResult};

use super::poll_words as words;

/// So many are shown.
const SHOWN: usize = 100;

/// `in_form`: whether the fields stand on the same page.
pub(super) fn shown(found: TestResult, in_form: InForm) -> Tried {
    let fix = found.error.as_ref().and_then(|error| error.field.as_deref()).filter(|_| in_form == InForm::Yes);
    Tried {
        ok: found.error.is_none(),
        verdict: verdict(&found),
        fix: fix.map(|field| Link { href: format!("#{}", words::input_of(field)), text: words::label(field) }),
        facts: facts(&found),
        more: more(&found),
        pages: found.pages.into_iter().map(page).collect(),
        items: found.items.into_iter().take(SHOWN).map(item).collect(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InForm {
    Yes,
    No,
}

fn verdict(found: &TestResult) -> String {
    if let Some(error) = &found.error {
        let end = if error.message.ends_with('.') { "" } else { "." };
        return format!("A run with these settings would fail: {}{end}", error.message);
    }
    let events = found.items.iter().filter(|item| ["new", "changed"].contains(&item.outcome)).count();
    let events = u64::try_from(events).unwrap_or(u64::MAX);
    let items = u64::try_from(found.items.len()).unwrap_or(u64::MAX).saturating_add(found.more_items);
    let of = format::counted(items, "item", "items");
    match (items, events) {
        (0, _) => "It works, and there was no item.".to_owned(),
        (_, 0) => format!("It works. None of {of} is new."),
        (_, 1) => format!("It works. 1 of {of} is new."),
        (_, events) => format!("It works. {} of {of} are new.", format::count(events)),
    }
}

fn more(found: &TestResult) -> Option<String> {
    let hidden = u64::try_from(found.items.len().saturating_sub(SHOWN)).unwrap_or(u64::MAX);
    let items = hidden.saturating_add(found.more_items);
    let items = (items > 0).then(|| format!("{} are not shown.", format::counted(items, "more item", "more items")));
    let pages = found.more_pages.then(|| "There are more pages; a test reads the first ones.".to_owned());
    let all: Vec<String> = items.into_iter().chain(pages).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn facts(found: &TestResult) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(status) = found.status {
        facts.push(Fact::new("Answered", status.to_string()));
    }
    facts.push(Fact::new("Took", format::duration_us(found.duration_ms.saturating_mul(1_000))));
    if found.next_cursor.is_some() {
        facts.push(Fact::new("Cursor afterwards", words::cursor_text(found.next_cursor.as_ref())));
    }
    facts.extend(found.rate_limit.iter().map(|(name, value)| Fact::new(name.as_str(), value.as_str())));
    facts
}

fn page(page: TestPage) -> TriedPage {
    TriedPage {
        url: page.url,
        status: page.status.to_string(),
        items: format::counted(u64::try_from(page.items).unwrap_or(u64::MAX), "item", "items"),
        size: format::bytes(u64::try_from(page.bytes).unwrap_or(u64::MAX)),
    }
}

fn item(item: TestItem) -> TriedItem {
    let bytes = &item.payload;
    TriedItem {
        id: item.id.unwrap_or_else(|| "none".to_owned()),
        version: item.version.unwrap_or_else(|| "–".to_owned()),
        event_type: item.event_type.unwrap_or_else(|| "–".to_owned()),
        outcome: match item.outcome {
            "new" => State::New,
            "changed" => State::Changed,
            "duplicate" => State::Duplicate,
            "quarantined" => State::Quarantined,
            "skipped" => State::Remembered,
            "waiting" => State::Pending,
            _ => State::Unchanged,
        },
        reason: item.reason.unwrap_or_default(),
        payload: Payload::of(bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
    }
}
