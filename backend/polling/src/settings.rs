//! The settings of a poll, as JSON writes them and as a run reads them.
//!
//! They are parsed once, when somebody saves them: a field that nobody knows is an error that names it, and so are fields
//! that contradict each other. What is stored is what [`PollSettings::to_value`] gives, and reads back as the same.

mod auth;
mod budget;
mod cursor;
mod expr;
mod fields;
mod limits;
mod paginate;
mod request;
mod schedule;
mod secrets;
mod tick;

use postern_domain::Invalid;
use serde_json::{Map, Value};

pub use auth::{ApiKeyPlace, Auth, ClientAuth};
pub use budget::Budget;
pub use cursor::{CursorMode, CursorSettings, Emit, FirstRun, MAX_LAST_N, Order};
pub use expr::{Expr, Path, TypeRule};
use fields::Fields;
pub use limits::{Adaptive, Reconcile, RunLimits};
pub use paginate::{PageKind, PageSize, Paginate};
pub(crate) use request::is_form;
pub use request::{Body, HeaderSetting, QuerySetting, RequestSettings};
pub use schedule::{DEFAULT_FLOOR_S, MAX_INTERVAL_S, Schedule};
pub use tick::{Overlap, TickSettings};

use crate::{request::PageRequest, template::Vars, window};

/// Stands for a secret that is not shown, and in what comes back for one that stays.
pub const HIDDEN: &str = "***";
const MAX_HASH_EXCLUDE: usize = 20;
const MAX_STABLE_POLLS: u32 = 2;
const MAX_FRESHNESS_S: u32 = 7 * 24 * 3_600;
const FORMATS: [(&str, Format); 2] = [("json", Format::Json), ("feed", Format::Feed)];

/// What a page is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
    /// RSS, Atom or JSON Feed, whose entries are the items.
    Feed,
}

/// Whether secrets are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Kept,
    Hidden,
}

/// How an API, or a feed, becomes a stream of events.
#[derive(Clone, Debug, PartialEq)]
pub struct PollSettings {
    pub request: RequestSettings,
    pub schedule: Schedule,
    /// Whether `Cache-Control: max-age` holds a run back.
    pub respect_max_age: bool,
    pub format: Format,
    /// Where the items stand in a page: one list, or the nodes themselves. `$` for a feed, whose entries are the items.
    pub items: Path,
    /// What makes two items the same record; looked up in the item. Of several paths each is a part of it.
    pub id: Expr,
    /// What makes two states of a record different; looked up in the item.
    pub version: Option<Expr>,
    pub event_type: Option<TypeRule>,
    pub emit: Emit,
    pub first_run: FirstRun,
    pub cursor: CursorSettings,
    pub paginate: Paginate,
    pub limits: RunLimits,
    pub adaptive: Option<Adaptive>,
    /// Sources of one tenant with the same key share the provider's budget.
    pub budget_key: Option<String>,
    /// How many polls in a row must find a change unaltered before it is an event.
    pub stable_polls: u8,
    /// What does not count as a change; looked up in the item.
    pub hash_exclude: Vec<Path>,
    pub reconcile: Reconcile,
    /// How late an event of this source may be. Changes nothing but the advice.
    pub freshness_s: Option<u32>,
}

impl PollSettings {
    /// Reads the `poll` object of a source. No interval may be shorter than `floor_s`.
    ///
    /// # Errors
    /// Names the first field that is missing, unknown, out of bounds or at odds with another, and says what to do.
    pub fn parse(value: &Value, floor_s: u32) -> Result<Self, Invalid> {
        let mut fields = Fields::new("poll", Some(value))?;
        let request = RequestSettings::read(fields.object("request")?)?;
        let mut schedule_fields = fields.object("schedule")?;
        let schedule = Schedule::read(&mut schedule_fields, floor_s)?;
        let respect_max_age = schedule_fields.flag("respect_max_age")?.unwrap_or(false);
        schedule_fields.finish()?;
        let format = fields.choice("format", &FORMATS)?.unwrap_or_default();
        let settings = Self {
            items: read_items(&mut fields, format)?,
            id: read_id(&mut fields, format)?,
            version: Expr::read(&mut fields, "version")?,
            event_type: TypeRule::read(&mut fields, "type")?,
            emit: Emit::read(&mut fields)?,
            first_run: FirstRun::read(&mut fields)?,
            cursor: CursorSettings::read(fields.object("cursor")?)?,
            paginate: Paginate::read(fields.object("paginate")?, request.body.as_ref())?,
            limits: RunLimits::read(fields.object("limits")?)?,
            adaptive: Adaptive::read(fields.object("adaptive")?, &schedule, floor_s)?,
            budget_key: fields.text("budget_key")?.map(str::to_owned),
            stable_polls: read_stable_polls(&mut fields)?,
            hash_exclude: Path::read_list(&mut fields, "hash_exclude", MAX_HASH_EXCLUDE)?,
            reconcile: Reconcile::read(fields.object("reconcile")?)?,
            freshness_s: fields.integer("freshness_s", 1..=MAX_FRESHNESS_S)?,
            request,
            schedule,
            respect_max_age,
            format,
        };
        fields.finish()?;
        settings.check()?;
        Ok(settings)
    }

    /// All of it, secrets too: what is sealed and stored.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.write(Secrecy::Kept)
    }

    /// All of it, with [`HIDDEN`] for secrets: what people see.
    #[must_use]
    pub fn shown(&self) -> Value {
        self.write(Secrecy::Hidden)
    }

    /// Whether what was read so far says nothing about what will be read now: another URL, other items, another identity,
    /// another kind of cursor.
    #[must_use]
    pub fn restarts(&self, before: &Self) -> bool {
        self.request.url != before.request.url
            || self.format != before.format
            || self.items != before.items
            || self.id != before.id
            || self.cursor.mode != before.cursor.mode
    }

    /// Whether an ETag that was stored under `before` still says something: not when a page would be asked for, or read,
    /// in another way. An unchanged page would then hide what the change was made for.
    #[must_use]
    pub fn keeps_validators(&self, before: &Self) -> bool {
        let mut as_before = self.clone();
        as_before.schedule = before.schedule.clone();
        as_before.respect_max_age = before.respect_max_age;
        as_before.limits = before.limits;
        as_before.adaptive = before.adaptive;
        as_before.budget_key.clone_from(&before.budget_key);
        as_before.reconcile = before.reconcile;
        as_before.freshness_s = before.freshness_s;
        as_before == *before
    }

    /// What cannot be seen in one field alone.
    fn check(&self) -> Result<(), Invalid> {
        let invalid = |field: &str, detail: &str| Err(Invalid::new(format!("poll.{field}"), detail));
        if self.cursor.mode == CursorMode::None && self.request.uses_cursor() {
            return invalid(
                "cursor.mode",
                "is `none`, but the request has a template with `{{cursor}}`: choose a mode",
            );
        }
        if matches!(self.first_run, FirstRun::Since(_)) && self.cursor.mode != CursorMode::Timestamp {
            return invalid(
                "first_run.since",
                "needs a cursor of mode `timestamp`, whose value says how old a record is",
            );
        }
        if self.emit == Emit::AllChanges && self.request.uses_cursor() {
            let detail =
                "`all_changes` finds deletions by reading everything each time; take `{{cursor}}` out of the request";
            return invalid("emit", detail);
        }
        if self.format == Format::Feed
            && matches!(self.paginate.kind, PageKind::BodyLink { .. } | PageKind::Cursor { .. })
        {
            return invalid(
                "paginate.kind",
                "looks into JSON, and the format is `feed`; use `link`, `page`, `offset` or `header`",
            );
        }
        if self.format == Format::Feed && self.cursor.mode == CursorMode::Token {
            return invalid("cursor.mode", "`token` looks into JSON pages, and the format is `feed`; use `timestamp`");
        }
        window::check(self)?;
        // With a cursor and without, so that no run finds what could be found now.
        for cursor in [None, Some(Value::from("1"))] {
            let mut request = PageRequest::first(self, &Vars::sample(cursor))?;
            if let Some(param) = self.paginate.param() {
                request.set(param, "1".into())?;
            }
        }
        self.check_key_param()
    }

    /// A parameter that carries the key can carry nothing else.
    fn check_key_param(&self) -> Result<(), Invalid> {
        let name = match &self.request.auth {
            Auth::ApiKey { place: ApiKeyPlace::Query(name), .. } => name,
            Auth::ApiKey { place: ApiKeyPlace::Path(word), .. } => return self.check_path_word(word),
            _ => return Ok(()),
        };
        let size_param = self.paginate.size.as_ref().map(|size| size.param.as_str());
        let mut others =
            self.request.query.iter().map(|entry| entry.name.as_str()).chain(self.paginate.param()).chain(size_param);
        if others.any(|other| other == name) {
            let detail = format!("`{name}` is another parameter of the request too; take it out there");
            return Err(Invalid::new("poll.request.auth.name", detail));
        }
        Ok(())
    }

    fn check_path_word(&self, word: &str) -> Result<(), Invalid> {
        let url = self.request.url.as_str();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        if path.matches(word).count() != 1 || url.matches(word).count() != 1 {
            let detail = format!("must stand once in the path of `request.url`, and `{word}` does not");
            return Err(Invalid::new("poll.request.auth.name", detail));
        }
        Ok(())
    }

    fn write(&self, secrecy: Secrecy) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("request", self.request.to_value(secrecy));
        let mut schedule = self.schedule.to_value();
        schedule["respect_max_age"] = self.respect_max_age.into();
        put("schedule", schedule);
        if self.format == Format::Feed {
            put("format", "feed".into());
        } else {
            put("format", "json".into());
            put("items", self.items.as_str().into());
        }
        put("id", self.id.to_value());
        self.version.iter().for_each(|version| put("version", version.to_value()));
        self.event_type.iter().for_each(|rule| put("type", rule.to_value()));
        put("emit", self.emit.as_str().into());
        put("first_run", self.first_run.to_value());
        put("cursor", self.cursor.to_value());
        put("paginate", self.paginate.to_value());
        put("limits", self.limits.to_value());
        self.adaptive.iter().for_each(|adaptive| put("adaptive", adaptive.to_value()));
        self.budget_key.iter().for_each(|key| put("budget_key", key.clone().into()));
        put("stable_polls", self.stable_polls.into());
        put("hash_exclude", self.hash_exclude.iter().map(Path::as_str).collect());
        put("reconcile", self.reconcile.to_value());
        self.freshness_s.iter().for_each(|freshness_s| put("freshness_s", (*freshness_s).into()));
        Value::Object(object)
    }
}

fn read_items(fields: &mut Fields<'_>, format: Format) -> Result<Path, Invalid> {
    if format == Format::Feed {
        fields.refuse("items", "has no meaning for a feed, whose entries are the items")?;
        return Path::parse(&fields.at("items"), "$");
    }
    let advice = "is required: a JSONPath to the items in a page, like `$.data[*]`, or `$[*]` for a list";
    Path::read(fields, "items")?.ok_or_else(|| fields.invalid("items", advice))
}

fn read_id(fields: &mut Fields<'_>, format: Format) -> Result<Expr, Invalid> {
    let given = Expr::read(fields, "id")?;
    match given {
        Some(id) => Ok(id),
        None if format == Format::Feed => Expr::parse(&fields.at("id"), "$.id"),
        None => Err(fields.invalid("id", "is required: a JSONPath to what identifies an item, like `$.id`")),
    }
}

fn read_stable_polls(fields: &mut Fields<'_>) -> Result<u8, Invalid> {
    let polls = fields.integer("stable_polls", 0..=MAX_STABLE_POLLS)?;
    Ok(polls.and_then(|polls| u8::try_from(polls).ok()).unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests;
