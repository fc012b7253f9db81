//! When a source is polled: at an interval, or by a cron expression in a time zone.

use chrono::DateTime;
use chrono_tz::Tz;
use postern_domain::{Invalid, Timestamp};
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::timetable;

/// The shortest interval, unless the operator says otherwise.
pub const DEFAULT_FLOOR_S: u32 = 5;
pub const MAX_INTERVAL_S: u32 = 31 * 24 * 3_600;
const DEFAULT_JITTER_PCT: u8 = 10;
const MAX_JITTER_PCT: u32 = 50;
const MAX_CRON_BYTES: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Interval {
        interval_s: u32,
        /// Each run is up to this share of the interval late, by chance, so that sources do not march in step.
        jitter_pct: u8,
    },
    /// The text is carried as it was written; the timetable reads it.
    Cron { cron: String, timezone: Tz },
}

impl Schedule {
    /// Reads `{interval_s, jitter_pct?}` or `{cron, timezone?}`; `path` is where it stands.
    ///
    /// # Errors
    /// When it is neither, or the interval is below the operator's floor.
    pub fn parse(path: &str, value: &Value, floor_s: u32) -> Result<Self, Invalid> {
        let mut fields = Fields::new(path, Some(value))?;
        let schedule = Self::read(&mut fields, floor_s)?;
        fields.finish()?;
        Ok(schedule)
    }

    /// As [`Self::parse`], where other fields stand beside.
    pub(super) fn read(fields: &mut Fields<'_>, floor_s: u32) -> Result<Self, Invalid> {
        let is_cron = fields.value("cron").is_some();
        let is_interval = fields.value("interval_s").is_some();
        match (is_interval, is_cron) {
            (true, false) => Self::read_interval(fields, floor_s.max(1)),
            (false, true) => Self::read_cron(fields, floor_s),
            (true, true) => Err(fields.invalid("cron", "cannot stand beside `interval_s`; take one of them out")),
            (false, false) => Err(fields.invalid("interval_s", "is required, or `cron` with a `timezone`")),
        }
    }

    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        match self {
            Self::Interval { interval_s, jitter_pct } => {
                object.insert("interval_s".to_owned(), (*interval_s).into());
                object.insert("jitter_pct".to_owned(), (*jitter_pct).into());
            }
            Self::Cron { cron, timezone } => {
                object.insert("cron".to_owned(), cron.clone().into());
                object.insert("timezone".to_owned(), timezone.name().into());
            }
        }
        Value::Object(object)
    }

    /// What clocks show where the cron expression is meant, unless that is UTC.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> Option<String> {
        let Self::Cron { timezone, .. } = self else { return None };
        let there = DateTime::from_timestamp_micros(at.as_micros())?.with_timezone(timezone);
        (*timezone != Tz::UTC).then(|| there.format("%a %H:%M:%S %Z").to_string())
    }

    fn read_interval(fields: &mut Fields<'_>, floor_s: u32) -> Result<Self, Invalid> {
        fields.refuse("timezone", "has no meaning for an interval; it belongs to `cron`")?;
        let interval_s = fields.integer("interval_s", 0..=MAX_INTERVAL_S)?.unwrap_or(0);
        if interval_s < floor_s {
            return Err(fields.invalid("interval_s", format!("must be at least {floor_s}")));
        }
        let jitter_pct = fields.integer("jitter_pct", 0..=MAX_JITTER_PCT)?;
        let jitter_pct = jitter_pct.and_then(|pct| u8::try_from(pct).ok()).unwrap_or(DEFAULT_JITTER_PCT);
        Ok(Self::Interval { interval_s, jitter_pct })
    }

    fn read_cron(fields: &mut Fields<'_>, floor_s: u32) -> Result<Self, Invalid> {
        fields.refuse("jitter_pct", "has no meaning beside `cron`, which names its moments")?;
        let Some(cron) = fields.bounded("cron", MAX_CRON_BYTES)? else {
            return Err(fields.invalid("cron", "is required"));
        };
        let cron = cron.trim().to_owned();
        let name = fields.text("timezone")?.unwrap_or("UTC");
        let timezone = name.parse::<Tz>().map_err(|_| {
            fields.invalid("timezone", "is not a time zone of the IANA list; write it like `Europe/Berlin`")
        })?;
        let schedule = Self::Cron { cron, timezone };
        timetable::validate(&fields.at("cron"), &schedule, floor_s)?;
        Ok(schedule)
    }
}
