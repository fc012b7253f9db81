//! Records of an upstream that change while they are read, and the usual ways to page through them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::upstream::{Asked, Said};

/// Clones are the same records, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed(Arc<Mutex<Vec<Value>>>);

impl Feed {
    /// So many records, one each second, with ids from 1.
    pub(super) fn of(count: u32) -> Self {
        let feed = Self::default();
        feed.grow(count);
        feed
    }

    /// So many more, each a second later than the one before.
    pub(super) fn grow(&self, count: u32) {
        for _ in 0..count {
            let id = u32::try_from(self.len()).expect("few") + 1;
            self.push(id, &moment(id));
        }
    }

    pub(super) fn push(&self, id: u32, updated_at: &str) {
        self.put(json!({ "id": id, "updated_at": updated_at, "state": "new" }));
    }

    /// Replaces the record with this id, or adds it. What is new comes last.
    pub(super) fn put(&self, record: Value) {
        let mut records = self.0.lock().expect("not poisoned");
        records.retain(|known| known["id"] != record["id"]);
        records.push(record);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }

    /// Those from the parameter `since` on, oldest first.
    pub(super) fn since(&self, asked: &Asked) -> Vec<Value> {
        let since = asked.param("since").unwrap_or_default();
        let mut records = self.all();
        records.retain(|record| record["updated_at"].as_str().is_some_and(|at| at >= since.as_str()));
        records
    }

    pub(super) fn all(&self) -> Vec<Value> {
        self.0.lock().expect("not poisoned").clone()
    }

    pub(super) fn newest_first(&self) -> Vec<Value> {
        let mut records = self.all();
        records.reverse();
        records
    }
}

/// The instant of record `number`, in a past that has settled.
pub(super) fn moment(number: u32) -> String {
    format!("2026-03-01T{:02}:{:02}:{:02}Z", number / 3_600, number / 60 % 60, number % 60)
}

/// The records as one page.
pub(super) fn page(records: &[Value]) -> Said {
    Said::json(&json!({ "data": records }))
}

/// Page `page`, from 1, of `size` records; an empty one behind the last.
pub(super) fn numbered(asked: &Asked, records: &[Value], size: usize) -> Said {
    page(slice(records, (asked.number("page", 1) - 1) * size, size))
}

/// Page `page` with a `Link` to the next one.
pub(super) fn linked(asked: &Asked, records: &[Value], size: usize) -> Said {
    let number = asked.number("page", 1);
    let said = numbered(asked, records, size);
    if number * size >= records.len() {
        return said;
    }
    let since = asked.param("since").map_or_else(String::new, |since| format!("&since={since}"));
    said.header("link", format!("<{}?page={}{since}>; rel=\"next\"", asked.path(), number + 1))
}

pub(super) fn slice(records: &[Value], from: usize, size: usize) -> &[Value] {
    records.get(from..records.len().min(from + size)).unwrap_or_default()
}
