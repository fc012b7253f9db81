//! How far a source has read, and which records are news.

use postern_domain::{Invalid, Timestamp};
use serde_json::{Map, Value, json};

use super::{expr::Expr, fields::Fields};

const DEFAULT_LOOKBACK_S: u32 = 300;
const MAX_LOOKBACK_S: u32 = 30 * 24 * 3_600;
const DEFAULT_SETTLE_S: u32 = 30;
const MAX_SETTLE_S: u32 = 24 * 3_600;
/// Below the least of them a window of two values could be full without being cut off.
const LEAST_RESULT_CAP: u32 = 10;
const MAX_RESULT_CAP: u32 = 1_000_000;
const MAX_RETENTION_S: u32 = 10 * 366 * 24 * 3_600;
/// The last of them that a first run may emit.
pub const MAX_LAST_N: u8 = 50;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorMode {
    #[default]
    None,
    /// An instant: RFC 3339, or seconds or milliseconds since 1970.
    Timestamp,
    Integer,
    /// A text that only the provider understands.
    Token,
}

/// In which order an API lists its records, by the cursor's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    Asc,
    Desc,
    #[default]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CursorSettings {
    pub mode: CursorMode,
    /// Looked up in the item; of a token in the page. There unless the mode is none.
    pub value: Option<Expr>,
    pub order: Order,
    /// So far before the cursor a run begins, for records that come late; of timestamps only.
    pub lookback_s: u32,
    /// So far behind the provider's clock a cursor stays; of timestamps only.
    pub settle_s: u32,
    /// How long the provider keeps its records; of timestamps only. An older cursor leads to a new start, and a notice.
    pub retention_s: Option<u32>,
    /// The API gives no more records than these for one request, however many there are; of timestamps and integers.
    pub result_cap: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emit {
    #[default]
    New,
    NewAndUpdated,
    /// Deletions too.
    AllChanges,
}

/// What becomes of the records that the first run finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRun {
    /// They are remembered and not emitted.
    #[default]
    SkipExisting,
    /// The last of them are emitted, at most [`MAX_LAST_N`].
    LastN(u8),
    /// Those from this instant on are emitted.
    Since(Timestamp),
    /// All are emitted.
    Backfill,
}

const MODES: [(&str, CursorMode); 4] = [
    ("none", CursorMode::None),
    ("timestamp", CursorMode::Timestamp),
    ("integer", CursorMode::Integer),
    ("token", CursorMode::Token),
];
const ORDERS: [(&str, Order); 3] = [("asc", Order::Asc), ("desc", Order::Desc), ("unknown", Order::Unknown)];
const EMITS: [(&str, Emit); 3] =
    [("new", Emit::New), ("new_and_updated", Emit::NewAndUpdated), ("all_changes", Emit::AllChanges)];

impl CursorMode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        word(&MODES, self)
    }
}

impl Order {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        word(&ORDERS, self)
    }
}

impl Emit {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        word(&EMITS, self)
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        Ok(fields.choice("emit", &EMITS)?.unwrap_or_default())
    }
}

impl CursorSettings {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, Invalid> {
        let mode = fields.choice("mode", &MODES)?.unwrap_or_default();
        let order = fields.choice("order", &ORDERS)?.unwrap_or_default();
        let value = Expr::read(&mut fields, "value")?;
        match (mode, &value) {
            (CursorMode::None, Some(_)) => {
                return Err(fields.invalid("value", "has no meaning while `mode` is `none`"));
            }
            (CursorMode::None, None) | (_, Some(_)) => {}
            (_, None) => {
                return Err(
                    fields.invalid("value", "is required: where the cursor's value stands, like `$.updated_at`")
                );
            }
        }
        if !matches!(mode, CursorMode::Timestamp | CursorMode::Integer) {
            fields.refuse("result_cap", "needs a cursor of mode `timestamp` or `integer`, which has halves")?;
        }
        let result_cap = fields.integer("result_cap", LEAST_RESULT_CAP..=MAX_RESULT_CAP)?;
        let settings = if mode == CursorMode::Timestamp {
            Self {
                result_cap,
                mode,
                value,
                order,
                lookback_s: fields.integer("lookback_s", 0..=MAX_LOOKBACK_S)?.unwrap_or(DEFAULT_LOOKBACK_S),
                settle_s: fields.integer("settle_s", 0..=MAX_SETTLE_S)?.unwrap_or(DEFAULT_SETTLE_S),
                retention_s: fields.integer("retention_s", 1..=MAX_RETENTION_S)?,
            }
        } else {
            for name in ["lookback_s", "settle_s", "retention_s"] {
                fields.refuse(name, "needs a cursor of mode `timestamp`")?;
            }
            Self { result_cap, mode, value, order, ..Self::default() }
        };
        fields.finish()?;
        Ok(settings)
    }

    pub(super) fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("mode".to_owned(), self.mode.as_str().into());
        object.insert("order".to_owned(), self.order.as_str().into());
        if let Some(value) = &self.value {
            object.insert("value".to_owned(), value.to_value());
        }
        if self.mode == CursorMode::Timestamp {
            object.insert("lookback_s".to_owned(), self.lookback_s.into());
            object.insert("settle_s".to_owned(), self.settle_s.into());
        }
        if let Some(retention_s) = self.retention_s {
            object.insert("retention_s".to_owned(), retention_s.into());
        }
        if let Some(result_cap) = self.result_cap {
            object.insert("result_cap".to_owned(), result_cap.into());
        }
        Value::Object(object)
    }
}

impl FirstRun {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let name = "first_run";
        match fields.value(name) {
            None => Ok(Self::default()),
            Some(Value::Object(_)) => Self::read_object(fields.object(name)?),
            Some(Value::String(word)) if word == "skip_existing" => Ok(Self::SkipExisting),
            Some(Value::String(word)) if word == "backfill" => Ok(Self::Backfill),
            Some(_) => Err(fields.invalid(
                name,
                "must be `skip_existing`, `backfill`, {\"last_n\": 10} or {\"since\": \"2026-03-01T00:00:00Z\"}",
            )),
        }
    }

    pub(super) fn to_value(self) -> Value {
        match self {
            Self::SkipExisting => "skip_existing".into(),
            Self::Backfill => "backfill".into(),
            Self::LastN(most) => json!({"last_n": most}),
            Self::Since(at) => json!({"since": at}),
        }
    }

    fn read_object(mut fields: Fields<'_>) -> Result<Self, Invalid> {
        let last_n = fields.integer("last_n", 1..=u32::from(MAX_LAST_N))?;
        let since = fields.text("since")?;
        let first_run = match (last_n, since) {
            (Some(most), None) => Self::LastN(u8::try_from(most).unwrap_or(MAX_LAST_N)),
            (None, Some(text)) => Timestamp::parse_rfc3339(text).map(Self::Since).map_err(|_| {
                fields.invalid("since", "is not a date and time of RFC 3339; write it like `2026-03-01T00:00:00Z`")
            })?,
            _ => return Err(fields.invalid("last_n", "is required, or `since`, and one of them only")),
        };
        fields.finish()?;
        Ok(first_run)
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}
