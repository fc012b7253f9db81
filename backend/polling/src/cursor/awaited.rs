//! Records that must be looked at again, and that no cursor leads back to.
//!
//! A list that is read newest first is left at a page without news. What waits behind that page would never be listed
//! again, so a run goes on until it has met all that the one before left waiting, and takes nothing else from there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::canonical::Hash;

/// When there are more, all that waits is gone on for, which is to the end of the list.
const MOST: usize = 500;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Awaited {
    /// Left waiting by the listing before, and not met yet.
    sought: Marks,
    /// Found waiting by this one.
    held: Marks,
    is_beyond: bool,
}

/// Some records.
#[derive(Clone, Debug, PartialEq)]
enum Marks {
    /// By the beginnings of their hashes: no cursor is kept for two records to be taken for one.
    Some(BTreeSet<u32>),
    Many,
}

impl Awaited {
    pub(super) fn read(saved: &Map<String, Value>) -> Self {
        let marks = |name: &str| saved.get(name).map(Marks::read).unwrap_or_default();
        let is_beyond = saved.get("beyond").and_then(Value::as_bool).unwrap_or(false);
        Self { sought: marks("sought"), held: marks("held"), is_beyond }
    }

    pub(super) fn write(&self, saved: &mut Map<String, Value>) {
        for (name, marks) in [("sought", &self.sought), ("held", &self.held)] {
            if !marks.is_empty() {
                saved.insert(name.to_owned(), marks.written());
            }
        }
        if self.is_beyond {
            saved.insert("beyond".to_owned(), true.into());
        }
    }

    pub(super) fn hold(&mut self, record: &Hash) {
        self.held.insert(mark(record));
    }

    pub(super) fn meet(&mut self, records: &[Hash]) {
        if let Marks::Some(sought) = &mut self.sought {
            for record in records {
                sought.remove(&mark(record));
            }
        }
    }

    pub(super) const fn is_beyond(&self) -> bool {
        self.is_beyond
    }

    pub(super) fn seeks(&self) -> bool {
        !self.sought.is_empty()
    }

    pub(super) fn go_beyond(&mut self) -> bool {
        self.is_beyond = self.seeks();
        self.is_beyond
    }

    /// The list is read from its beginning again: what was met may be there again too.
    pub(super) fn restart(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.sought.add(held);
        self.is_beyond = false;
    }

    pub(super) fn at_end(&mut self) {
        *self = Self { sought: std::mem::take(&mut self.held), ..Self::default() };
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Marks {
    fn read(saved: &Value) -> Self {
        let mark = |value: &Value| value.as_u64().and_then(|mark| u32::try_from(mark).ok());
        let marks = saved.as_array().and_then(|marks| marks.iter().map(mark).collect());
        marks.map_or(Self::Many, Self::Some)
    }

    fn written(&self) -> Value {
        match self {
            Self::Some(marks) => json!(marks),
            Self::Many => "many".into(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Some(marks) => marks.is_empty(),
            Self::Many => false,
        }
    }

    fn insert(&mut self, mark: u32) {
        let Self::Some(marks) = self else { return };
        marks.insert(mark);
        if marks.len() > MOST {
            *self = Self::Many;
        }
    }

    fn add(&mut self, others: Self) {
        match others {
            Self::Some(marks) => marks.into_iter().for_each(|mark| self.insert(mark)),
            Self::Many => *self = Self::Many,
        }
    }
}

fn mark(record: &Hash) -> u32 {
    let [first, second, third, fourth, ..] = *record;
    u32::from_be_bytes([first, second, third, fourth])
}
