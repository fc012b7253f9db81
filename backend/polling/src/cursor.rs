//! How far a source has read.
//!
//! The rule that everything here serves: a cursor never passes a record whose event is not committed. So an ascending
//! list moves it with each page, any other list only when all of it has been read; a record that is not yet settled
//! holds it back; and it stays `settle_s` behind the provider's clock, which also keeps one record dated in the far
//! future from blinding the source.

mod awaited;
mod value;

use std::cmp::Ordering;

use postern_domain::Timestamp;
use serde_json::{Map, Value};

pub use value::CursorValue;
pub(crate) use value::{compare_versions, is_ordered_version};

use awaited::Awaited;

use crate::{
    canonical::Hash,
    settings::{CursorMode, CursorSettings, Emit, Order, PollSettings},
};

/// Where a source stands, and what the run under way has seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CursorState {
    value: Option<CursorValue>,
    /// What becomes the cursor when the run has read all.
    candidate: Option<CursorValue>,
    /// Before the smallest of the records that are not settled: a request may begin with the number after the cursor.
    not_past: Option<CursorValue>,
    /// The largest value of the run: what an ascending list must not fall below.
    reached: Option<CursorValue>,
    disordered: bool,
    /// A record that is not settled has no value to hold the cursor by: it stays where it is.
    frozen: bool,
    /// Somebody put it where it is, and no run since was complete.
    moved: bool,
    awaited: Awaited,
}

/// An item that is unstable or waiting, and must be listed again.
#[derive(Clone, Debug)]
pub struct Held {
    pub record: Hash,
    pub value: Option<CursorValue>,
}

/// What a page says about the cursor.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageCursors<'a> {
    /// Of all its items, in their order; `None` for an item that has none.
    pub items: &'a [Option<CursorValue>],
    pub held: &'a [Held],
    /// All records that it lists, where [`CursorState::seeks`].
    pub listed: &'a [Hash],
    /// Of mode token: what the page itself names.
    pub token: Option<&'a CursorValue>,
    /// Up to where the provider's records have settled: [`CursorState::upper_bound`].
    pub until: Option<&'a CursorValue>,
}

impl CursorState {
    /// From the row's `cursor` and `candidate`. What does not fit the mode is no cursor: the settings changed.
    #[must_use]
    pub fn read(settings: &CursorSettings, cursor: Option<&Value>, candidate: Option<&Value>) -> Self {
        let parse = |value: &Value| CursorValue::parse(settings.mode, value);
        let value = cursor.and_then(parse);
        let Some(Value::Object(saved)) = candidate else {
            return Self { value, candidate: candidate.and_then(parse), ..Self::default() };
        };
        let saved_value = |name: &str| saved.get(name).and_then(parse);
        let is = |name: &str| saved.get(name).and_then(Value::as_bool).unwrap_or(false);
        Self {
            value,
            candidate: saved_value("value"),
            not_past: saved_value("not_past"),
            reached: saved_value("reached"),
            disordered: is("disordered"),
            frozen: is("frozen"),
            moved: is("moved"),
            awaited: Awaited::read(saved),
        }
    }

    /// The cursor as the provider wrote it.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref().map(CursorValue::written)
    }

    /// What the next run must know besides; goes into the row's `candidate`. Of a run that is cut short that is what it has
    /// seen, of one that was complete what it left waiting.
    #[must_use]
    pub fn candidate(&self) -> Option<Value> {
        let mut saved = Map::new();
        let mut put = |name: &str, value: Value| drop(saved.insert(name.to_owned(), value));
        self.not_past.iter().for_each(|not_past| put("not_past", not_past.written().clone()));
        // Elsewhere it is what the cursor is, or becomes.
        let reached = self.reached.as_ref().filter(|_| self.candidate.is_none() && self.reached != self.value);
        reached.iter().for_each(|reached| put("reached", reached.written().clone()));
        for (name, _) in [("disordered", self.disordered), ("frozen", self.frozen), ("moved", self.moved)]
            .iter()
            .filter(|(_, is)| *is)
        {
            put(name, true.into());
        }
        self.awaited.write(&mut saved);
        match self.candidate.as_ref().map(|candidate| candidate.written().clone()) {
            Some(value) if saved.is_empty() => return Some(value),
            Some(value) => drop(saved.insert("value".to_owned(), value)),
            None => {}
        }
        (!saved.is_empty()).then_some(Value::Object(saved))
    }

    /// The list is read from its beginning, and not from where a run before was cut short.
    pub fn restart(&mut self) {
        self.reached = None;
        (self.disordered, self.frozen) = (false, false);
        self.awaited.restart();
    }

    /// It is read on from where a run before was cut short.
    pub fn resume(&mut self) {
        if self.reached.is_none() {
            self.reached.clone_from(&self.value);
        }
    }

    /// Where the next run begins: the cursor less the lookback, in the form the provider wrote it. Asked for inclusively;
    /// what is read twice is known by its dedup key.
    #[must_use]
    pub fn lower_bound(&self, settings: &CursorSettings) -> Option<Value> {
        let value = self.value.as_ref()?;
        match settings.mode {
            CursorMode::Timestamp if settings.lookback_s > 0 => value.earlier_by_s(settings.lookback_s),
            _ => Some(value.written().clone()),
        }
    }

    /// Up to where records have settled, by the provider's clock (its `Date` on the first page, or ours without one).
    #[must_use]
    pub fn upper_bound(&self, settings: &CursorSettings, date: Timestamp) -> Option<CursorValue> {
        if settings.mode != CursorMode::Timestamp {
            return None;
        }
        let until = date.plus_secs(-i64::from(settings.settle_s));
        Some(CursorValue::at(until, self.value.as_ref().or(self.candidate.as_ref())))
    }

    /// Takes in a page that is about to be committed.
    pub fn after_page(&mut self, settings: &CursorSettings, page: PageCursors<'_>) {
        self.awaited.meet(page.listed);
        for held in page.held {
            if settings.mode == CursorMode::None || held.value.is_none() {
                self.awaited.hold(&held.record);
            }
            match held.value.as_ref().map(CursorValue::number_below).or_else(|| self.value.clone()) {
                Some(held) => lower(&mut self.not_past, &held),
                None => self.frozen = true,
            }
        }
        match settings.mode {
            CursorMode::None => {}
            CursorMode::Token => self.take_token(page),
            // Of a page that was cut off nobody knows what is missing.
            _ if settings.result_cap.is_some() => self.take_values(Order::Unknown, page),
            CursorMode::Timestamp | CursorMode::Integer => self.take_values(settings.order, page),
        }
    }

    /// The list has been read to its end: the candidate becomes the cursor.
    pub fn at_end(&mut self, until: Option<&CursorValue>) {
        if let Some(candidate) = self.candidate.take() {
            self.advance(candidate, until);
        }
        self.not_past = None;
        self.reached = None;
        (self.disordered, self.frozen, self.moved) = (false, false, false);
        self.awaited.at_end();
    }

    /// All windows up to here have been read to their ends; newer ones have not, though some of their records were seen.
    pub fn at_window(&mut self, end: &CursorValue, until: Option<&CursorValue>) {
        let settled = until.is_none_or(|until| until.compare(end) != Some(Ordering::Less));
        if let Some(candidate) = self.candidate.clone() {
            self.advance(candidate, if settled { Some(end) } else { until });
        }
    }

    /// Whether a descending list has been read far enough: all of the page is older than where the run begins. Without a
    /// cursor, when a page had nothing new. Never where the list also says what is gone.
    #[must_use]
    pub fn stops_descending(&self, settings: &PollSettings, items: &[Option<CursorValue>], new: usize) -> bool {
        if settings.emit == Emit::AllChanges || settings.cursor.order != Order::Desc || items.is_empty() {
            return false;
        }
        let settings = &settings.cursor;
        if settings.mode == CursorMode::None {
            return new == 0;
        }
        let bound = self.lower_bound(settings).and_then(|bound| CursorValue::parse(settings.mode, &bound));
        let is_older = |item: &Option<CursorValue>, bound: &CursorValue| {
            item.as_ref().and_then(|item| item.compare(bound)) == Some(Ordering::Less)
        };
        bound.is_some_and(|bound| items.iter().all(|item| is_older(item, &bound)))
    }

    /// Whether the run begins, or goes on, where a person or a provider that refused the cursor has put it.
    #[must_use]
    pub const fn is_moved(&self) -> bool {
        self.moved
    }

    /// Whether the listing before left something waiting that this one has not met.
    #[must_use]
    pub fn seeks(&self) -> bool {
        self.awaited.seeks()
    }

    /// The list need not be read further but for what [`Self::seeks`]. Answers whether there is such a thing.
    pub fn go_beyond(&mut self) -> bool {
        self.awaited.go_beyond()
    }

    /// Whether all that is listed now was passed over by earlier runs, but for what waits.
    #[must_use]
    pub const fn is_beyond(&self) -> bool {
        self.awaited.is_beyond()
    }

    /// Whether the provider may have dropped records that the cursor has not reached.
    #[must_use]
    pub fn is_beyond_retention(&self, settings: &CursorSettings, now: Timestamp) -> bool {
        let cursor = self.value.as_ref().and_then(CursorValue::instant);
        match (cursor, settings.retention_s) {
            (Some(cursor), Some(retention_s)) => cursor.plus_secs(i64::from(retention_s)) < now,
            _ => false,
        }
    }

    /// A token cannot be compared, so one unsettled record keeps the old one: the page is then read again.
    fn take_token(&mut self, page: PageCursors<'_>) {
        self.disordered |= !page.held.is_empty();
        if let Some(token) = page.token.filter(|_| !self.disordered) {
            self.value = Some(token.clone());
        }
    }

    fn take_values(&mut self, order: Order, page: PageCursors<'_>) {
        self.disordered |= order == Order::Asc && !rises(self.reached.as_ref(), page.items);
        for item in page.items.iter().flatten() {
            raise(&mut self.reached, item);
        }
        let Some(reached) = self.reached.clone() else { return };
        // A list that says it ascends and does not is read like one of unknown order.
        if order == Order::Asc && !self.disordered {
            self.advance(reached, page.until);
        } else {
            raise(&mut self.candidate, &reached);
        }
    }

    fn advance(&mut self, mut to: CursorValue, until: Option<&CursorValue>) {
        if self.frozen {
            return;
        }
        for bound in [until, self.not_past.as_ref()].into_iter().flatten() {
            if bound.compare(&to) == Some(Ordering::Less) {
                // It goes back to the provider, which may read no other form than its own.
                to = bound.in_form_of(&to);
            }
        }
        raise(&mut self.value, &to);
    }
}

fn rises(start: Option<&CursorValue>, items: &[Option<CursorValue>]) -> bool {
    let mut last = start;
    items.iter().flatten().all(|item| {
        let rises = last.is_none_or(|last| item.compare(last) != Some(Ordering::Less));
        last = Some(item);
        rises
    })
}

fn raise(slot: &mut Option<CursorValue>, value: &CursorValue) {
    if slot.as_ref().is_none_or(|known| value.compare(known) == Some(Ordering::Greater)) {
        *slot = Some(value.clone());
    }
}

fn lower(slot: &mut Option<CursorValue>, value: &CursorValue) {
    if slot.as_ref().is_none_or(|known| value.compare(known) == Some(Ordering::Less)) {
        *slot = Some(value.clone());
    }
}

#[cfg(test)]
mod tests;
