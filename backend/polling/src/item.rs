//! What a page holds: its items as they stand in it, and what identifies, dates and types each of them.
//!
//! A page is taken whole or not at all. What has no id cannot be told apart from what was read before, so it is set aside;
//! where that is more than every tenth, the page is not what the settings describe.

mod list;

use std::{borrow::Cow, cmp::Ordering, collections::HashMap};

use postern_domain::event_type;
use serde_json::Value;
use serde_json_path::PathElement;

use crate::{
    canonical::{self, Hash},
    cursor::{CursorValue, compare_versions},
    fault::PageFault,
    feed, raw,
    settings::{CursorMode, Expr, Format, PollSettings, TypeRule},
};

/// More items than these on one page are refused: each becomes an event in one transaction.
pub const MAX_ITEMS: usize = 10_000;
/// Longer ids and versions are none: they are kept in a column, and shown.
pub const MAX_ID_BYTES: usize = 500;

/// One record as a page lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'p> {
    /// The event's payload: the bytes as they stand in the page; of a feed's entry its canonical JSON.
    pub raw: Cow<'p, [u8]>,
    pub id: String,
    pub version: Option<String>,
    pub cursor: Option<CursorValue>,
    pub event_type: Option<String>,
    pub content_hash: Hash,
}

/// What cannot become an event, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined<'p> {
    pub raw: Cow<'p, [u8]>,
    pub reason: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page<'p> {
    /// In the page's order, each id once.
    pub items: Vec<Item<'p>>,
    pub quarantined: Vec<Quarantined<'p>>,
    /// Earlier states of an item that stands in the page again.
    pub superseded: usize,
    /// The cursor's value of all that the page lists, in its order, whatever became of it.
    pub cursors: Vec<Option<CursorValue>>,
    /// Of mode token: what the page names as the next cursor.
    pub token: Option<CursorValue>,
}

impl Page<'_> {
    /// How many items the page lists.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.cursors.len()
    }

    /// More than every tenth has no id: nothing of the page is to be taken in.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.quarantined.len() * 10 > self.listed()
    }
}

impl Item<'_> {
    /// For what outlives its page.
    #[must_use]
    pub fn into_owned(self) -> Item<'static> {
        Item { raw: Cow::Owned(self.raw.into_owned()), ..self }
    }
}

/// Reads a page.
///
/// # Errors
/// When it is no JSON (or no feed), the path to the items leads nowhere, or it has more than [`MAX_ITEMS`]. An empty list
/// is a page without items.
pub fn read_page<'p>(settings: &PollSettings, body: &'p [u8]) -> Result<Page<'p>, PageFault> {
    match settings.format {
        Format::Json => read_json(settings, body),
        Format::Feed => read_feed(settings, body),
    }
}

fn read_json<'p>(settings: &PollSettings, body: &'p [u8]) -> Result<Page<'p>, PageFault> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = str::from_utf8(body).map_err(|cause| PageFault::NotJson { detail: format!("not UTF-8: {cause}") })?;
    let value: Value = serde_json::from_str(text).map_err(|cause| PageFault::NotJson { detail: cause.to_string() })?;
    let found = list::find(&settings.items, &value)?;
    if found.len() > MAX_ITEMS {
        return Err(PageFault::TooManyItems { most: MAX_ITEMS });
    }
    let (places, values): (Vec<_>, Vec<&Value>) = found.into_iter().unzip();
    let texts = raw::cut(text, &places);
    let mut reader = Reader::new(settings, &value);
    for (value, text) in values.into_iter().zip(texts) {
        // What JSONPath found in the value stands in the text too.
        reader.take(value, Cow::Borrowed(text.unwrap_or("null").as_bytes()));
    }
    Ok(reader.page)
}

fn read_feed<'p>(settings: &PollSettings, body: &[u8]) -> Result<Page<'p>, PageFault> {
    let entries = feed::entries(body)?;
    if entries.len() > MAX_ITEMS {
        return Err(PageFault::TooManyItems { most: MAX_ITEMS });
    }
    let mut reader = Reader::new(settings, &Value::Null);
    for entry in &entries {
        reader.take(entry, Cow::Owned(canonical::canonical(entry).into_bytes()));
    }
    Ok(reader.page)
}

struct Reader<'s, 'p> {
    settings: &'s PollSettings,
    page: Page<'p>,
    /// Where in the page's items an id stands.
    positions: HashMap<String, usize>,
}

impl<'s, 'p> Reader<'s, 'p> {
    fn new(settings: &'s PollSettings, root: &Value) -> Self {
        let cursor = &settings.cursor;
        let token = match (cursor.mode, &cursor.value) {
            (CursorMode::Token, Some(place)) => {
                place.find(root).and_then(|value| CursorValue::parse(CursorMode::Token, value))
            }
            _ => None,
        };
        Self { settings, page: Page { token, ..Page::default() }, positions: HashMap::new() }
    }

    fn take(&mut self, value: &Value, raw: Cow<'p, [u8]>) {
        let text = str::from_utf8(&raw).unwrap_or_default();
        let cursor = self.cursor(value);
        self.page.cursors.push(cursor.clone());
        let version = self.settings.version.as_ref().and_then(|place| first(place, value, text));
        let event_type = self.event_type(value, text);
        let exclude = self.settings.hash_exclude.iter().map(|path| path.json_path());
        match joined(&self.settings.id, value, text) {
            Err(reason) => self.page.quarantined.push(Quarantined { raw, reason }),
            Ok(id) => {
                let content_hash = canonical::content_hash(value, exclude);
                self.keep(Item { raw, id, version, cursor, event_type, content_hash });
            }
        }
    }

    /// Of several states of one record the last one counts: by version, else by its place in the page.
    fn keep(&mut self, item: Item<'p>) {
        let Some(position) = self.positions.get(&item.id).copied() else {
            self.positions.insert(item.id.clone(), self.page.items.len());
            self.page.items.push(item);
            return;
        };
        self.page.superseded += 1;
        let known = &mut self.page.items[position];
        let order = match (&item.version, &known.version) {
            (Some(new), Some(old)) => compare_versions(new, old),
            _ => None,
        };
        if order != Some(Ordering::Less) {
            *known = item;
        }
    }

    fn cursor(&self, value: &Value) -> Option<CursorValue> {
        let cursor = &self.settings.cursor;
        match cursor.mode {
            CursorMode::None | CursorMode::Token => None,
            mode => CursorValue::parse(mode, cursor.value.as_ref()?.find(value)?),
        }
    }

    fn event_type(&self, value: &Value, text: &str) -> Option<String> {
        match self.settings.event_type.as_ref()? {
            TypeRule::Literal(name) => Some(name.clone()),
            TypeRule::Found(place) => first(place, value, text).map(|name| event_type::clean(&name)),
        }
    }
}

/// All of the paths joined by colons; colons within a part are escaped, so that two records never share an id.
fn joined(places: &Expr, value: &Value, text: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for path in places.paths() {
        let place = path.as_str();
        let part =
            scalar(path.json_path(), value, text).ok_or_else(|| format!("`{place}` leads to no text or number"))?;
        parts.push(part);
    }
    let id = match parts.as_slice() {
        [only] => only.clone(),
        _ => parts.iter().map(|part| part.replace('\\', "\\\\").replace(':', "\\:")).collect::<Vec<_>>().join(":"),
    };
    if id.len() > MAX_ID_BYTES { Err(format!("its id has more than {MAX_ID_BYTES} bytes")) } else { Ok(id) }
}

/// The first of the paths that leads to something.
fn first(places: &Expr, value: &Value, text: &str) -> Option<String> {
    let found = places.paths().iter().find_map(|path| scalar(path.json_path(), value, text))?;
    (found.len() <= MAX_ID_BYTES).then_some(found)
}

/// A text that is not empty, a number with the digits it was written with, or `true` and `false`.
fn scalar(path: &serde_json_path::JsonPath, value: &Value, text: &str) -> Option<String> {
    let found = path.query_located(value);
    let node = found.first()?;
    match node.node() {
        Value::String(found) if !found.is_empty() => Some(found.clone()),
        Value::Bool(found) => Some(found.to_string()),
        // As a float it has lost digits: an id of thirty digits is not the one beside it.
        Value::Number(number) if number.is_f64() => {
            let place: Vec<PathElement<'_>> = node.location().iter().cloned().collect();
            raw::cut(text, &[place]).into_iter().next().flatten().map(str::to_owned)
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
