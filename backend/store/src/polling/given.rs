//! Rows as one JSON value that the database reads as a table: one statement of a fixed text, and one value to send,
//! however many rows there are and on either database.

use postern_domain::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::open::Backend;

/// A column of such a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Uuid(&'static str),
    Bytes(&'static str),
    Text(&'static str),
    Int(&'static str),
    Long(&'static str),
    Bool(&'static str),
}

/// `given AS (…)`: the rows of parameter `$1`, to stand behind WITH.
pub(crate) fn given(backend: Backend, columns: &[Column]) -> String {
    let read: Vec<String> = columns.iter().map(|column| column.read(backend)).collect();
    let read = read.join(", ");
    match backend {
        Backend::Sqlite => format!("given AS (SELECT {read} FROM json_each($1))"),
        Backend::Postgres => {
            let shape: Vec<String> = columns.iter().map(Column::shape).collect();
            format!("given AS (SELECT {read} FROM json_to_recordset($1::json) AS row ({}))", shape.join(", "))
        }
    }
}

/// For a statement that changes the rows that `given` names as `of_source`: PostgreSQL may otherwise go through all of
/// them, believing that they are few.
pub(crate) const fn by_index(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => " AND source_id = ANY (ARRAY(SELECT of_source FROM given))",
    }
}

/// The names of the columns, with commas.
pub(crate) fn names(columns: &[Column]) -> String {
    columns.iter().map(Column::name).collect::<Vec<_>>().join(", ")
}

/// `column = given.column` for each.
pub(crate) fn assignments(columns: &[Column]) -> String {
    let each = columns.iter().map(|column| format!("{0} = given.{0}", column.name()));
    each.collect::<Vec<_>>().join(", ")
}

/// `column = excluded.column` for each, for a row that is there already.
pub(crate) fn overwrites(columns: &[Column]) -> String {
    let each = columns.iter().map(|column| format!("{0} = excluded.{0}", column.name()));
    each.collect::<Vec<_>>().join(", ")
}

impl Column {
    const fn name(&self) -> &'static str {
        match self {
            Self::Uuid(name)
            | Self::Bytes(name)
            | Self::Text(name)
            | Self::Int(name)
            | Self::Long(name)
            | Self::Bool(name) => name,
        }
    }

    fn read(&self, backend: Backend) -> String {
        let name = self.name();
        match (backend, self) {
            (Backend::Postgres, Self::Bytes(_)) => format!("decode({name}, 'hex') AS {name}"),
            (Backend::Postgres, _) => name.to_owned(),
            (Backend::Sqlite, Self::Uuid(_) | Self::Bytes(_)) => format!("unhex(value ->> '{name}') AS {name}"),
            (Backend::Sqlite, _) => format!("value ->> '{name}' AS {name}"),
        }
    }

    fn shape(&self) -> String {
        let kind = match self {
            Self::Uuid(_) => "uuid",
            Self::Bytes(_) | Self::Text(_) => "text",
            Self::Int(_) => "int",
            Self::Long(_) => "bigint",
            Self::Bool(_) => "boolean",
        };
        format!("{} {kind}", self.name())
    }
}

/// One row, its values by the names of their columns.
#[derive(Debug, Default)]
pub(crate) struct Row(Map<String, Value>);

impl Row {
    pub(crate) fn uuid(self, name: &str, id: Uuid) -> Self {
        self.set(name, json!(id.simple().to_string()))
    }

    pub(crate) fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.set(name, json!(hex(bytes)))
    }

    /// What comes from outside may hold a NUL, which PostgreSQL cannot keep.
    pub(crate) fn text(self, name: &str, text: Option<&str>) -> Self {
        self.set(name, json!(text.map(without_nul)))
    }

    /// A JSON value, kept as its text.
    pub(crate) fn json(self, name: &str, value: Option<&Value>) -> Self {
        self.set(name, json!(value.map(Value::to_string)))
    }

    pub(crate) fn int(self, name: &str, number: impl Into<Value>) -> Self {
        self.set(name, number.into())
    }

    pub(crate) fn at(self, name: &str, at: Option<Timestamp>) -> Self {
        self.set(name, json!(at.map(Timestamp::as_micros)))
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

/// The value to bind.
pub(crate) fn bound(rows: impl IntoIterator<Item = Row>) -> String {
    Value::Array(rows.into_iter().map(|row| Value::Object(row.0)).collect()).to_string()
}

/// The same for a list of ids or hashes: see [`listed`].
pub(crate) fn bound_list<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> String {
    Value::Array(values.into_iter().map(|bytes| Value::String(hex(bytes))).collect()).to_string()
}

/// The right side of `= ANY`, or of `IN` on SQLite: the byte strings of parameter `$number`.
pub(crate) fn listed(backend: Backend, number: usize) -> String {
    match backend {
        Backend::Sqlite => format!("IN (SELECT unhex(value) FROM json_each(${number}))"),
        Backend::Postgres => {
            format!("= ANY (ARRAY(SELECT decode(value, 'hex') FROM json_array_elements_text(${number}::json)))")
        }
    }
}

/// The same for ids.
pub(crate) fn listed_ids(backend: Backend, number: usize) -> String {
    match backend {
        Backend::Sqlite => listed(backend, number),
        Backend::Postgres => {
            format!("= ANY (ARRAY(SELECT value::uuid FROM json_array_elements_text(${number}::json)))")
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
