//! When a source of kind `schedule` makes an event, and which.

use postern_domain::{Invalid, event_type};
use serde_json::{Map, Value};

use super::{fields::Fields, schedule::Schedule};
use crate::timetable::Misfire;

const PATH: &str = "schedule";
const USUAL_TYPE: &str = "schedule.tick";
const MAX_DATA_BYTES: usize = 64 * 1024;

/// What is done at an instant while the event of the one before is not delivered yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Another event is made.
    #[default]
    Allow,
    /// The instant is left out.
    Skip,
}

/// The settings of a source that makes an event at each instant of a timetable.
#[derive(Clone, Debug, PartialEq)]
pub struct TickSettings {
    pub schedule: Schedule,
    pub event_type: String,
    /// Handed on with each event.
    pub data: Value,
    pub misfire: Misfire,
    pub overlap: Overlap,
}

const MISFIRES: [(&str, Misfire); 3] = [("skip", Misfire::Skip), ("once", Misfire::Once), ("all", Misfire::All)];
const OVERLAPS: [(&str, Overlap); 2] = [("allow", Overlap::Allow), ("skip", Overlap::Skip)];

impl TickSettings {
    /// Reads `{interval_s | cron, timezone?, type?, data?, misfire?, overlap?}`.
    ///
    /// # Errors
    /// Names the field at fault, as `schedule.cron`.
    pub fn parse(value: &Value, floor_s: u32) -> Result<Self, Invalid> {
        let mut fields = Fields::new(PATH, Some(value))?;
        fields.refuse("jitter_pct", "is for polls: what a schedule names is kept to the second")?;
        let schedule = Schedule::read(&mut fields, floor_s)?;
        let event_type = fields.text("type")?.unwrap_or(USUAL_TYPE).to_owned();
        if event_type.is_empty() || event_type.len() > event_type::MAX_LEN {
            return Err(fields.invalid("type", format!("must have 1 to {} bytes", event_type::MAX_LEN)));
        }
        let data = fields.value("data").cloned().unwrap_or(Value::Null);
        if data.to_string().len() > MAX_DATA_BYTES {
            return Err(fields.invalid("data", format!("may have at most {MAX_DATA_BYTES} bytes")));
        }
        let misfire = fields.choice("misfire", &MISFIRES)?.unwrap_or_default();
        let overlap = fields.choice("overlap", &OVERLAPS)?.unwrap_or_default();
        fields.finish()?;
        Ok(Self { schedule, event_type, data, misfire, overlap })
    }

    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = match self.schedule.to_value() {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        object.remove("jitter_pct");
        object.insert("type".to_owned(), self.event_type.clone().into());
        object.insert("data".to_owned(), self.data.clone());
        object.insert("misfire".to_owned(), word(&MISFIRES, self.misfire).into());
        object.insert("overlap".to_owned(), word(&OVERLAPS, self.overlap).into());
        Value::Object(object)
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], of: T) -> &'static str {
    words.iter().find(|(_, known)| *known == of).map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_down_is_read_again() {
        for given in [
            json!({ "interval_s": 60 }),
            json!({ "cron": "0 9 * * 1", "timezone": "Europe/Berlin", "type": "report.due", "data": { "of": "week" },
                    "misfire": "all", "overlap": "skip" }),
        ] {
            let settings = TickSettings::parse(&given, 5).expect("valid");
            assert_eq!(TickSettings::parse(&settings.to_value(), 5).expect("valid"), settings);
        }
        let usual = TickSettings::parse(&json!({ "interval_s": 60 }), 5).expect("valid");
        assert_eq!(
            (usual.event_type.as_str(), usual.misfire, usual.overlap),
            (USUAL_TYPE, Misfire::Skip, Overlap::Allow)
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_field() {
        for (given, field) in [
            (json!("daily"), "schedule"),
            (json!({}), "schedule.interval_s"),
            (json!({ "interval_s": 4 }), "schedule.interval_s"),
            (json!({ "interval_s": 60, "jitter_pct": 10 }), "schedule.jitter_pct"),
            (json!({ "cron": "0 0 30 2 *" }), "schedule.cron"),
            (json!({ "cron": "0 0 * * *", "timezone": "Mars/Olympus" }), "schedule.timezone"),
            (json!({ "interval_s": 60, "type": "" }), "schedule.type"),
            (json!({ "interval_s": 60, "misfire": "twice" }), "schedule.misfire"),
            (json!({ "interval_s": 60, "overlap": "queue" }), "schedule.overlap"),
            (json!({ "interval_s": 60, "data": "x".repeat(MAX_DATA_BYTES) }), "schedule.data"),
            (json!({ "interval_s": 60, "every": 1 }), "schedule.every"),
        ] {
            assert_eq!(TickSettings::parse(&given, 5).expect_err("cannot be").field, field, "{given}");
        }
    }
}
