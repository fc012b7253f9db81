//! The settings of a poll, as their form shows them and as the API takes them.

use postern_domain::{Invalid, SourceId, Timestamp};
use postern_frontend::{
    form::Form,
    format::Moment,
    pages::{
        poll_form::PollForm,
        source_form::{Input, Only},
    },
};
use postern_polling::{
    Schedule,
    timetable::{self, Spread},
};
use serde_json::{Map, Value, json};

use super::{
    poll_inputs::{ADAPTIVE_AS, FIRST_RUN_AS, SCHEDULE_AS},
    posted::Posted,
    rows::planned,
};

const PREFIX: &str = "poll.";
/// So many times are shown.
const SHOWN: usize = 5;

/// How a field is written.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Flag,
    /// A path, or in JSON a list of which the first that finds something counts.
    Paths,
    /// One a line.
    Lines,
    /// A name and a value on each line, with this between them.
    Pairs(&'static str),
    /// JSON where it looks like it, otherwise text.
    Body,
}

fn kind(key: &str) -> Kind {
    match key {
        "request.headers" => Kind::Pairs(":"),
        "request.query" => Kind::Pairs("="),
        "request.body" => Kind::Body,
        "request.conditional" | "schedule.respect_max_age" => Kind::Flag,
        "request.auth.scopes" | "hash_exclude" => Kind::Lines,
        "id" | "version" | "cursor.value" => Kind::Paths,
        "paginate.size"
        | "paginate.max_pages"
        | "paginate.start"
        | "stable_polls"
        | "first_run.last_n"
        | "limits.max_bytes"
        | "limits.flood_hold"
        | "limits.budget.requests"
        | "limits.remember_days"
        | "cursor.result_cap" => Kind::Number,
        other if other.ends_with("_s") || other.ends_with("_pct") => Kind::Number,
        _ => Kind::Text,
    }
}

/// Shows settings, with their secrets masked. What they leave out stands as usual.
pub(super) fn fill(form: &mut PollForm, settings: &Value) {
    for field in form.fields_mut() {
        let Some(key) = field.name.strip_prefix(PREFIX) else { continue };
        if let Some(value) = find(settings, key) {
            field.value = shown(value, kind(key));
        }
    }
    let is_there = |pointer: &str| settings.pointer(pointer).is_some_and(|value| !value.is_null());
    form.fill(SCHEDULE_AS, if is_there("/schedule/cron") { "cron" } else { "interval" });
    form.fill(ADAPTIVE_AS, if is_there("/adaptive") { "on" } else { "off" });
    let first_run = match settings.get("first_run") {
        Some(Value::String(word)) => Some(word.as_str()),
        Some(Value::Object(told)) => told.keys().next().map(String::as_str),
        _ => None,
    };
    if let Some(word) = first_run {
        form.fill(FIRST_RUN_AS, word);
    }
}

/// What was typed, without what was left empty and what the choices leave out.
///
/// # Errors
/// Names the field at fault.
pub(super) fn read(posted: &Posted, form: &PollForm) -> Result<Value, Invalid> {
    let mut settings = Map::new();
    for input in form.groups.iter().chain(&form.more).flat_map(|group| &group.inputs) {
        let Some(key) = input.field.name.strip_prefix(PREFIX) else { continue };
        if !is_asked(posted, form, input) {
            continue;
        }
        if let Some(place) = place_in(posted.text(&input.field.name)).filter(|_| key.starts_with("request.")) {
            let detail = format!("still has {place}, which stands for something of yours: replace it");
            return Err(Invalid::new(input.field.name.to_string(), detail));
        }
        if let Some(value) = value(posted, &input.field.name, kind(key))? {
            put(&mut settings, key, value);
        }
    }
    if let word @ ("skip_existing" | "backfill") = posted.text(FIRST_RUN_AS) {
        put(&mut settings, "first_run", word.into());
    }
    Ok(Value::Object(settings))
}

/// A template without what stands for something of the customer's alone: those inputs are empty. Where it is a part of a
/// text it stays, and has to be replaced.
pub(super) fn without_places(mut settings: Value) -> Value {
    match &mut settings {
        Value::String(text) if text.starts_with("[[") && text.ends_with("]]") => text.clear(),
        Value::Array(list) => list.iter_mut().for_each(|value| *value = without_places(value.take())),
        Value::Object(members) => members.values_mut().for_each(|value| *value = without_places(value.take())),
        _ => {}
    }
    settings
}

/// The schedule as it stands in the form, if it is one.
pub(super) fn schedule(form: &PollForm) -> Option<Schedule> {
    let fields = form.fields();
    let text = |name: &str| fields.iter().find(|field| field.name == name).map_or("", |field| field.value.trim());
    let zone = Some(text("poll.schedule.timezone")).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
    let schedule = match text(SCHEDULE_AS) {
        "cron" => json!({ "cron": text("poll.schedule.cron"), "timezone": zone }),
        _ => json!({ "interval_s": text("poll.schedule.interval_s").parse::<u32>().ok()? }),
    };
    Schedule::parse("poll.schedule", &schedule, 1).ok()
}

/// The next times of a schedule, as the scheduler would have them; of a source that is yet to be without its spread.
pub(super) fn upcoming(schedule: &Schedule, source: Option<SourceId>, now: Timestamp) -> Vec<Moment> {
    let spread = source.map_or(Spread::None, |source| Spread::By(timetable::seed(source)));
    timetable::upcoming(schedule, now, spread, SHOWN).into_iter().map(|at| planned(schedule, at)).collect()
}

/// `[[owner]]`, as templates have it.
fn place_in(text: &str) -> Option<&str> {
    let begin = text.find("[[")?;
    let end = text[begin..].find("]]")? + begin + 2;
    text.get(begin..end)
        .filter(|place| place[2..place.len() - 2].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

/// An input that a choice leaves out was hidden, or should have been. A choice that was not sent stands as usual.
fn is_asked(posted: &Posted, form: &PollForm, input: &Input) -> bool {
    let Some(Only { of, values }) = input.only else { return true };
    let fields = form.fields();
    let usual = || fields.iter().find(|field| field.name == of).map_or("", |field| field.value.as_str());
    let chosen = if posted.all(of).is_empty() { usual() } else { posted.text(of) };
    values.split(' ').any(|value| value == chosen)
}

fn find<'v>(settings: &'v Value, key: &str) -> Option<&'v Value> {
    let found = key.split('.').try_fold(settings, |value, part| value.get(part))?;
    (!found.is_null()).then_some(found)
}

fn put(settings: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            settings.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let within = settings.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(within) = within {
                put(within, rest, value);
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(value: &Value, kind: Kind) -> String {
    match (kind, value) {
        (Kind::Pairs(between), Value::Object(pairs)) => {
            let space = if between == ":" { " " } else { "" };
            let line = |name: &str, value: &Value| format!("{name}{between}{space}{}", plain(value));
            let lines = pairs.iter().flat_map(|(name, value)| match value {
                Value::Array(values) => values.iter().map(|value| line(name, value)).collect(),
                value => vec![line(name, value)],
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        (Kind::Lines, Value::Array(lines)) => lines.iter().map(plain).collect::<Vec<_>>().join("\n"),
        (Kind::Body, Value::Object(_) | Value::Array(_)) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (_, value) => plain(value),
    }
}

/// None when nothing was typed.
fn value(posted: &Posted, name: &str, kind: Kind) -> Result<Option<Value>, Invalid> {
    Ok(match kind {
        Kind::Text => posted.optional(name).map(Value::String),
        Kind::Number => posted.number::<u64>(name)?.map(Value::from),
        Kind::Flag => posted.optional(name).map(|text| Value::Bool(text == "true")),
        Kind::Lines => Some(posted.lines(name)).filter(|lines| !lines.is_empty()).map(Value::from),
        Kind::Pairs(between) => pairs(posted, name, between)?,
        Kind::Paths => posted.optional(name).map(|text| json_or_text('[', text)),
        Kind::Body => match posted.optional(name) {
            Some(text) if text.starts_with(['{', '[']) => {
                let json = serde_json::from_str(&text);
                Some(json.map_err(|cause| Invalid::new(name, format!("begins as JSON and is none: {cause}")))?)
            }
            text => text.map(Value::String),
        },
    })
}

fn json_or_text(first: char, text: String) -> Value {
    let json = if text.starts_with(first) { serde_json::from_str(&text).ok() } else { None };
    json.unwrap_or(Value::String(text))
}

fn pairs(posted: &Posted, name: &str, between: &str) -> Result<Option<Value>, Invalid> {
    let mut pairs = Map::new();
    for (at, line) in posted.text(name).lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (key, value) = line.split_once(between).ok_or_else(|| {
            Invalid::new(name, format!("are written as name{between}value, which line {} is not", at + 1))
        })?;
        let key = key.trim().to_owned();
        if pairs.insert(key.clone(), Value::from(value.trim())).is_some() {
            return Err(Invalid::new(name, format!("has `{key}` twice")));
        }
    }
    Ok((!pairs.is_empty()).then_some(Value::Object(pairs)))
}
