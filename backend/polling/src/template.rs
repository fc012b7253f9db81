//! Texts with places for what a run knows.
//!
//! | place | is filled with |
//! |---|---|
//! | `{{cursor}}` | where the run begins, as the provider wrote it; the instant of `first_run.since` on a first run |
//! | `{{cursor.next}}` | a whole number one above it |
//! | `{{run.id}}` | the id of the run |
//! | `{{run.now}}` | the present |
//! | `{{run.until}}` | up to where the run reads: the present less `cursor.settle_s`, or the end of a window |
//!
//! An instant can be asked for in another form: `.iso` (RFC 3339 in UTC), `.unix`, `.unix_ms`, `.date`, as in
//! `{{cursor.unix}}`. `{{cursor|default:0}}` says what stands there while there is no cursor. That is all: a text that
//! computes would be a program, and this is a request.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use postern_domain::{Invalid, Timestamp};
use serde_json::Value;

use crate::moment;

const NAMES: &str = "cursor, cursor.next, run.id, run.now, run.until; instants also with .iso, .unix, .unix_ms, .date";
/// More than anybody needs, and few enough that what they are filled with stays small.
const MAX_SLOTS: usize = 20;
/// A cursor's or a default's text.
const MAX_VALUE_BYTES: usize = 4_096;

/// What the templates of a run can name.
#[derive(Clone, Debug, PartialEq)]
pub struct Vars {
    /// Where the run begins, lookback taken off; none on the first one.
    pub cursor: Option<Value>,
    /// Stands for the cursor while there is none: the instant of `first_run.since`.
    pub since: Option<Timestamp>,
    pub until: Until,
    pub now: Timestamp,
    pub run_id: String,
}

/// Up to where a run reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// The present less `settle_s`, or the end of a window.
    At(Timestamp),
    /// The end of a window of whole numbers.
    Value(Value),
    /// Of such windows the newest: it has all that is above.
    Open,
}

impl From<Timestamp> for Until {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

/// A text and its places. May hold a credential, so its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Slot(Slot),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    name: Name,
    form: Form,
    default: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Cursor,
    RunId,
    Now,
    Until,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Next,
    Iso,
    Unix,
    UnixMs,
    Date,
}

impl Vars {
    /// Some run's, to try templates with.
    pub(crate) fn sample(cursor: Option<Value>) -> Self {
        let now = Timestamp::from_secs(1_772_366_400);
        Self { cursor, since: None, until: now.into(), now, run_id: "run_00000000000000000000000000".to_owned() }
    }
}

impl Template {
    /// # Errors
    /// When a place names nothing that there is, or is not closed.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let Some((inside, behind)) = after.split_once("}}") else {
                return Err(Invalid::new(field, "has a `{{` without `}}`"));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Slot(Slot::parse(field, inside)?));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        if parts.iter().filter(|part| matches!(part, Part::Slot(_))).count() > MAX_SLOTS {
            return Err(Invalid::new(field, format!("may have at most {MAX_SLOTS} places")));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the first place; all of it when there is none.
    pub(crate) fn literal_start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    pub(crate) fn has_places(&self) -> bool {
        self.slots().next().is_some()
    }

    pub(crate) fn uses_cursor(&self) -> bool {
        self.slots().any(|slot| slot.name == Name::Cursor)
    }

    pub(crate) fn uses_until(&self) -> bool {
        self.slots().any(|slot| slot.name == Name::Until)
    }

    /// Whether it writes a cursor or an end as a day: all of its instants look the same then.
    pub(crate) fn names_days(&self) -> bool {
        self.slots().any(|slot| matches!(slot.name, Name::Cursor | Name::Until) && slot.form == Form::Date)
    }

    /// What stands for the cursor while there is none.
    pub(crate) fn cursor_default(&self) -> Option<&str> {
        self.slots().find(|slot| slot.name == Name::Cursor)?.default.as_deref()
    }

    /// Whether it is a text even while there is no cursor.
    pub(crate) fn always_has_a_value(&self) -> bool {
        self.slots().all(|slot| slot.name != Name::Cursor || slot.default.is_some())
    }

    /// The text, each value made fit for its place by `escape`; none when a place has no value yet.
    pub(crate) fn fill(&self, vars: &Vars, escape: fn(&str) -> String) -> Result<Option<String>, String> {
        let mut text = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Slot(slot) => match slot.value(vars)? {
                    Some(Value::String(value)) => text.push_str(&escape(&value)),
                    Some(value) => text.push_str(&escape(&value.to_string())),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(text))
    }

    /// As [`Self::fill`], but a text that is one place and nothing else keeps the value's kind: a number stays a number.
    pub(crate) fn fill_value(&self, vars: &Vars) -> Result<Option<Value>, String> {
        match self.parts.as_slice() {
            [Part::Slot(slot)] => slot.value(vars),
            _ => Ok(self.fill(vars, str::to_owned)?.map(Value::String)),
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Literal(_) => None,
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(..)")
    }
}

impl Slot {
    fn parse(field: &str, inside: &str) -> Result<Self, Invalid> {
        let (name, default) = match inside.split_once('|') {
            None => (inside.trim(), None),
            Some((name, filter)) => {
                let default = filter.trim().strip_prefix("default:").map(str::trim);
                let unknown =
                    || Invalid::new(field, "after `|` only `default:` is known, as in `{{cursor|default:0}}`");
                let default = default.ok_or_else(unknown)?;
                (name.trim(), Some(default.to_owned()))
            }
        };
        let (name, form) = Self::named(name).ok_or_else(|| {
            let shown: String = name.chars().filter(|letter| !letter.is_control()).take(40).collect();
            Invalid::new(field, format!("`{{{{{shown}}}}}` is not known; there are: {NAMES}"))
        })?;
        if default.is_some() && name != Name::Cursor {
            return Err(Invalid::new(field, "`default:` has a meaning for the cursor only"));
        }
        Ok(Self { name, form, default })
    }

    fn named(text: &str) -> Option<(Name, Form)> {
        let known = |name: &str| match name {
            "cursor" => Some((Name::Cursor, Form::Plain)),
            "cursor.next" => Some((Name::Cursor, Form::Next)),
            "run.id" => Some((Name::RunId, Form::Plain)),
            "run.now" => Some((Name::Now, Form::Iso)),
            "run.until" => Some((Name::Until, Form::Iso)),
            _ => None,
        };
        if let Some(found) = known(text) {
            return Some(found);
        }
        let (name, form) = text.rsplit_once('.')?;
        let form = match form {
            "iso" => Form::Iso,
            "unix" => Form::Unix,
            "unix_ms" => Form::UnixMs,
            "date" => Form::Date,
            _ => return None,
        };
        let (name, _) = known(name).filter(|(name, before)| *before != Form::Next && *name != Name::RunId)?;
        Some((name, form))
    }

    fn value(&self, vars: &Vars) -> Result<Option<Value>, String> {
        match self.name {
            Name::RunId => Ok(Some(vars.run_id.clone().into())),
            Name::Now => Ok(Some(written(Timestamp::from_secs(vars.now.as_secs()), self.form))),
            Name::Until => Ok(match &vars.until {
                Until::At(at) => Some(written(Timestamp::from_secs(at.as_secs()), self.form)),
                Until::Value(value) => Some(value.clone()),
                Until::Open => None,
            }),
            Name::Cursor => self.cursor(vars),
        }
    }

    fn cursor(&self, vars: &Vars) -> Result<Option<Value>, String> {
        let since = || vars.since.map(|at| written(at, Form::Iso));
        let Some(cursor) = vars.cursor.clone().filter(|value| !value.is_null()).or_else(since) else {
            return Ok(self.default.clone().map(Value::String));
        };
        match (self.form, &cursor) {
            (Form::Plain, Value::String(text)) if text.len() > MAX_VALUE_BYTES => {
                Err(format!("the cursor has more than {MAX_VALUE_BYTES} bytes"))
            }
            (Form::Plain, Value::String(_) | Value::Number(_)) => Ok(Some(cursor)),
            (Form::Plain, _) => Err("the cursor is neither a text nor a number".to_owned()),
            (Form::Next, _) => {
                let number = cursor.as_i64().or_else(|| cursor.as_str()?.parse().ok());
                let next = number.and_then(|number: i64| number.checked_add(1));
                next.map(|next| Some(next.into())).ok_or_else(|| "the cursor is not a whole number".to_owned())
            }
            (form, _) => {
                let at = moment::read(&cursor).ok_or_else(|| "the cursor is not an instant".to_owned())?;
                Ok(Some(written(at, form)))
            }
        }
    }
}

fn written(at: Timestamp, form: Form) -> Value {
    match form {
        Form::Unix => at.as_secs().into(),
        Form::UnixMs => at.as_millis().into(),
        Form::Plain | Form::Next | Form::Iso => dated(at).to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        Form::Date => dated(at).format("%Y-%m-%d").to_string().into(),
    }
}

fn dated(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
