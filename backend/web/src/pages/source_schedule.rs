//! The timetable of a source that makes events by itself, on its form and on its page.

use postern_domain::Invalid;
use postern_frontend::{
    form::{Choice, Field},
    format,
    pages::source_form::{
        Input, InputGroup,
        InputKind::{Lines, Number, Select, Text},
        SourceForm,
    },
    parts::Fact,
};
use postern_pipeline::polling::Overview;
use postern_polling::Schedule;
use postern_store::tenant::Source;
use serde_json::{Map, Value, json};

use super::{
    posted::Posted,
    rows::{planned, shown},
};

const CRON: &str = "schedule.cron";
const TIMEZONE: &str = "schedule.timezone";
const INTERVAL: &str = "schedule.interval_s";
const TYPE: &str = "schedule.type";
const DATA: &str = "schedule.data";
const MISFIRE: &str = "schedule.misfire";
const OVERLAP: &str = "schedule.overlap";

const MISFIRES: [(&str, &str); 3] =
    [("skip", "are left out"), ("once", "count as one, the last"), ("all", "are all made up for, the last 100")];
const OVERLAPS: [(&str, &str); 2] = [("allow", "comes all the same"), ("skip", "is left out")];

/// What the form asks.
pub(super) fn inputs() -> Vec<InputGroup> {
    let text = |name, label, hint| Input::new(Text, Field::new(name, "").labelled(label), hint);
    vec![
        InputGroup::new(
            "When",
            vec![
                text(CRON, "Cron", "minute hour day month weekday: 0 9 * * 1-5 is nine o'clock from Monday to Friday."),
                Input::new(
                    Text,
                    Field::new(TIMEZONE, "UTC").labelled("Time zone of the cron expression"),
                    "Europe/Berlin, say. A time that the clocks skip comes at the next one there is.",
                ),
                Input::new(
                    Number,
                    Field::new(INTERVAL, "").labelled("Or every so many seconds"),
                    "In place of cron. 300 are five minutes.",
                ),
                chosen(MISFIRE, "Instants that went by while nothing ran", &MISFIRES),
                chosen(OVERLAP, "An instant while the last event is not delivered yet", &OVERLAPS),
            ],
        ),
        InputGroup::new(
            "The event",
            vec![
                text(TYPE, "Event type", "Empty: schedule.tick."),
                Input::new(
                    Lines,
                    Field::new(DATA, "").labelled("Data"),
                    "JSON that each event carries, beside the instant it was made for. May be left empty.",
                ),
            ],
        ),
    ]
}

fn chosen(name: &'static str, label: &str, words: &[(&str, &str)]) -> Input {
    let options = words.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
    let usual = words.first().map(|(value, _)| *value).unwrap_or_default();
    Input::new(Select, Field::select(name, usual, options).labelled(label), "")
}

/// As the API takes it.
///
/// # Errors
/// When a number or the data is none.
pub(super) fn read(posted: &Posted) -> Result<Value, Invalid> {
    let mut schedule = Map::new();
    if let Some(cron) = posted.optional(CRON) {
        schedule.insert("cron".to_owned(), cron.into());
        // An interval has no zone, so the one that stands in the form says nothing there.
        schedule.extend(posted.optional(TIMEZONE).map(|zone| ("timezone".to_owned(), zone.into())));
    }
    schedule.extend(posted.number::<u32>(INTERVAL)?.map(|seconds| ("interval_s".to_owned(), seconds.into())));
    for (field, name) in [(TYPE, "type"), (MISFIRE, "misfire"), (OVERLAP, "overlap")] {
        schedule.extend(posted.optional(field).map(|text| (name.to_owned(), text.into())));
    }
    if let Some(data) = posted.optional(DATA) {
        let data = serde_json::from_str(&data).map_err(|cause| Invalid::new(DATA, format!("must be JSON: {cause}")))?;
        schedule.insert("data".to_owned(), data);
    }
    Ok(Value::Object(schedule))
}

pub(super) fn fill(form: &mut SourceForm, schedule: &Value) {
    for (field, name) in
        [(CRON, "cron"), (TIMEZONE, "timezone"), (TYPE, "type"), (MISFIRE, "misfire"), (OVERLAP, "overlap")]
    {
        if let Some(text) = text(schedule, name) {
            form.fill(field, text);
        }
    }
    if let Some(seconds) = schedule.get("interval_s").and_then(Value::as_u64) {
        form.fill(INTERVAL, seconds.to_string());
    }
    if let Some(data) = schedule.get("data").filter(|data| !data.is_null()) {
        form.fill(DATA, format!("{data:#}"));
    }
}

pub(super) fn facts(source: &Source, overview: Option<&Overview>) -> Vec<Fact> {
    let Some(schedule) = &source.schedule else { return Vec::new() };
    let when = match (text(schedule, "cron"), schedule.get("interval_s").and_then(Value::as_u64)) {
        (Some(cron), _) => format!("{cron}, {}", text(schedule, "timezone").unwrap_or("UTC")),
        (None, Some(seconds)) => format!("every {}", format::span_s(seconds)),
        (None, None) => String::new(),
    };
    let word = |name, words: &[(&str, &str)]| {
        let value = text(schedule, name).unwrap_or_default();
        words.iter().find(|(known, _)| *known == value).map_or(value, |(_, label)| label).to_owned()
    };
    let mut facts = vec![
        Fact::new("Kind", source.kind.as_str()),
        Fact::new("When", when),
        Fact::new("Event type", text(schedule, "type").unwrap_or_default()),
        Fact::new("Instants that went by", word("misfire", &MISFIRES)),
        Fact::new("While the last is not delivered, one", word("overlap", &OVERLAPS)),
    ];
    let timetable = text(schedule, "cron").and_then(|cron| {
        let timetable = json!({ "cron": cron, "timezone": text(schedule, "timezone").unwrap_or("UTC") });
        Schedule::parse("schedule", &timetable, 1).ok()
    });
    let upcoming = overview.map(|overview| overview.upcoming.as_slice()).unwrap_or_default();
    facts.extend(upcoming.iter().enumerate().map(|(place, at)| {
        let label = if place == 0 { "Next" } else { "Then" };
        Fact::new(label, timetable.as_ref().map_or_else(|| shown(*at), |timetable| planned(timetable, *at)).shown)
    }));
    facts
}

fn text<'a>(schedule: &'a Value, name: &str) -> Option<&'a str> {
    schedule.get(name).and_then(Value::as_str)
}
