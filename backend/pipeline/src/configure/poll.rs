//! The polling of a source: its settings checked, when it runs next, and what a person may do about it: have it run now,
//! move its cursor, settle what a flood held back.

use postern_domain::{Invalid, RunId, SourceId, Timestamp, source::SourceKind};
use postern_polling::{
    CursorMode, CursorValue, PollSettings, Schedule,
    timetable::{self, Spread},
};
use postern_store::{
    StoreError, TenantTx,
    polling::{Asked, CursorMove, Keys, Patience, Plan, PollState, Restart, RunKind, SealedSettings, Trigger},
    tenant::{RunState, Source},
};
use serde_json::Value;

use super::{By, ConfigureError, Done, run, tick};
use crate::{Engine, polling::budget_name};

const MAX_REASON_CHARS: usize = 500;
const MAX_CURSOR_BYTES: usize = 4_096;

/// The settings of a new source, as they are sealed and stored.
pub(super) fn of_new(
    engine: &Engine,
    kind: SourceKind,
    given: Option<&Value>,
) -> Result<Option<SealedSettings>, Invalid> {
    match (kind, given) {
        (SourceKind::Poll | SourceKind::Webhook, Some(given)) => sealed(engine, given, None).map(Some),
        (SourceKind::Poll, None) => Err(Invalid::new("poll", "is required for kind `poll`: what to ask, and when")),
        (SourceKind::Webhook | SourceKind::Publish | SourceKind::Schedule, None) => Ok(None),
        (SourceKind::Publish | SourceKind::Schedule, Some(_)) => {
            Err(Invalid::new("poll", "is for sources of kind `poll` and `webhook` only"))
        }
    }
}

/// Those of a changed one: nothing said, they stay.
pub(super) fn of_change(
    engine: &Engine,
    before: &Source,
    change: Option<&Option<Value>>,
) -> Result<Option<SealedSettings>, Invalid> {
    match change {
        None => Ok(before.poll.clone()),
        Some(None) => of_new(engine, before.kind, None),
        Some(Some(_)) if !matches!(before.kind, SourceKind::Poll | SourceKind::Webhook) => {
            of_new(engine, before.kind, change.and_then(Option::as_ref))
        }
        Some(Some(given)) => sealed(engine, given, Some(before)).map(Some),
    }
}

fn sealed(engine: &Engine, given: &Value, source: Option<&Source>) -> Result<SealedSettings, Invalid> {
    Ok(SealedSettings::new(check(engine, given, source)?.to_value()))
}

/// What is done with events that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAction {
    /// They are delivered now.
    Release,
    /// They stay on record, and are delivered nowhere.
    Discard,
}

/// Where a cursor is to go, and why.
#[derive(Clone, Debug)]
pub struct Moved(CursorMove);

impl Moved {
    /// # Errors
    /// When the reason is missing or too long.
    pub fn parse(source: SourceId, to: Option<Value>, reason: &str, keys: Keys) -> Result<Self, Invalid> {
        let reason = reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
            let detail = format!("must have 1 to {MAX_REASON_CHARS} characters: those who come later will ask");
            return Err(Invalid::new("reason", detail));
        }
        Ok(Self(CursorMove { source, to, reason, keys }))
    }
}

/// Makes a source due now, whatever its schedule says.
///
/// # Errors
/// When there is no such source, it does not poll, or it is paused.
pub async fn run_now(
    engine: &Engine,
    by: &By,
    id: SourceId,
    answer: impl FnOnce(&Asked) -> (u16, String),
) -> Result<Done<Asked>, ConfigureError> {
    let ask = async move |tx: &mut TenantTx| {
        let source = tx.find::<Source>(id).await?.ok_or(ConfigureError::NotFound)?;
        if source.poll.is_none() {
            return Err(ConfigureError::DoesNotPoll);
        }
        if source.state == RunState::Paused {
            return Err(ConfigureError::Paused);
        }
        match tx.ask_run(id, RunId::fresh(), Trigger::Manual).await? {
            Some(Asked::Paused) => Err(ConfigureError::Paused),
            Some(asked) => Ok(asked),
            None => Err(ConfigureError::DoesNotPoll),
        }
    };
    run(engine, by, ask, answer).await
}

/// The next run goes on from there, at once; one that is under way is cancelled.
///
/// # Errors
/// When there is no such source, it does not poll, or its cursor cannot be of that form.
pub async fn move_cursor(
    engine: &Engine,
    by: &By,
    Moved(wish): Moved,
    answer: impl FnOnce(&PollState) -> (u16, String),
) -> Result<Done<PollState>, ConfigureError> {
    let go = async move |tx: &mut TenantTx| {
        let source = tx.find::<Source>(wish.source).await?.ok_or(ConfigureError::NotFound)?;
        check_cursor("to", &settings_of(&source)?, wish.to.as_ref())?;
        tx.move_cursor(&wish).await?.ok_or(ConfigureError::DoesNotPoll)
    };
    run(engine, by, go, answer).await
}

/// Lets the held events of a source go, or throws them away. Answers how many there were.
///
/// # Errors
/// When there is no such source, or it does not poll.
pub async fn settle_held(
    engine: &Engine,
    by: &By,
    (id, action): (SourceId, HeldAction),
    answer: impl FnOnce(&u64) -> (u16, String),
) -> Result<Done<u64>, ConfigureError> {
    let settle = async move |tx: &mut TenantTx| {
        tx.find::<Source>(id).await?.ok_or(ConfigureError::NotFound)?;
        let settled = match action {
            HeldAction::Release => tx.release_held(id).await?,
            HeldAction::Discard => tx.discard_held(id).await?,
        };
        settled.ok_or(ConfigureError::DoesNotPoll)
    };
    run(engine, by, settle, answer).await
}

/// The settings of a source as a run reads them.
///
/// # Errors
/// When it does not poll, or they are not of a form that this version knows.
pub fn settings_of(source: &Source) -> Result<PollSettings, ConfigureError> {
    let kept = source.poll.as_ref().ok_or(ConfigureError::DoesNotPoll)?;
    Ok(read(kept)?)
}

/// Whether a cursor may be this.
///
/// # Errors
/// Says of which form it must be.
pub fn check_cursor(field: &str, settings: &PollSettings, to: Option<&Value>) -> Result<(), Invalid> {
    let Some(to) = to else { return Ok(()) };
    let is_long = to.as_str().is_some_and(|text| text.is_empty() || text.len() > MAX_CURSOR_BYTES);
    let fits = match settings.cursor.mode {
        CursorMode::None => false,
        // As a run will read it.
        CursorMode::Timestamp => CursorValue::parse(CursorMode::Timestamp, to).is_some(),
        CursorMode::Integer => to.is_i64() || to.is_u64(),
        CursorMode::Token => to.is_string(),
    };
    if fits && !is_long {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        match settings.cursor.mode {
            CursorMode::None => "must be null: this source has no cursor, each run reads the whole list".to_owned(),
            CursorMode::Timestamp => {
                "must be a moment like 2026-03-01T12:00:00Z, or a number if the API counts so".to_owned()
            }
            CursorMode::Integer => "must be a whole number".to_owned(),
            CursorMode::Token => format!("must be a text of 1 to {MAX_CURSOR_BYTES} bytes"),
        },
    ))
}

/// Settings that somebody wrote down, with the secrets that were shown as `***` put back.
///
/// # Errors
/// Names the field that cannot be accepted.
pub fn check(engine: &Engine, given: &Value, source: Option<&Source>) -> Result<PollSettings, Invalid> {
    let kept = source.and_then(|source| source.poll.as_ref()).map(read).transpose()?;
    let mut settings = PollSettings::parse(given, engine.options.min_poll_interval_s)?;
    settings.merge_secrets(kept.as_ref())?;
    timetable::validate("poll.schedule", &settings.schedule, engine.options.min_poll_interval_s)?;
    // Its places are filled in for each run, and it is looked at again then.
    let url = settings.request.url.as_str();
    let url = url.split_once("{{").map_or(url, |(before, _)| before);
    may_ask(engine, "poll.request.url", url)?;
    if let Some(url) = settings.request.auth.token_url() {
        may_ask(engine, "poll.request.auth.token_url", url)?;
    }
    Ok(settings)
}

/// Looks at the URL only: the addresses of its name are looked at each time it is asked.
fn may_ask(engine: &Engine, field: &str, url: &str) -> Result<(), Invalid> {
    engine.egress.check_url(url).map(|_| ()).map_err(|blocked| Invalid::new(field, blocked.to_string()))
}

/// The floor was held when they were given.
fn read(kept: &SealedSettings) -> Result<PollSettings, Invalid> {
    PollSettings::parse(kept.value(), 1)
}

/// Whether other settings make an end of how far was read.
fn restart(before: Option<&SealedSettings>, after: &SealedSettings) -> Result<Restart, Invalid> {
    let Some(before) = before else { return Ok(Restart::Prime) };
    Ok(if read(after)?.restarts(&read(before)?) { Restart::Prime } else { Restart::Keep })
}

/// Who asks the same host with the same credential, or under the same name, waits as long as it was asked to.
fn patience(before: Option<&SealedSettings>, after: &SealedSettings) -> Result<Patience, Invalid> {
    let Some(before) = before else { return Ok(Patience::Keep) };
    Ok(if budget_name(&read(before)?) == budget_name(&read(after)?) { Patience::Keep } else { Patience::End })
}

/// Writes down what a new or changed source means for its runs. `restart` is somebody's word about the cursor; without
/// one it goes by what was changed.
pub(super) async fn plan(
    tx: &mut TenantTx,
    before: Option<&Source>,
    after: &Source,
    said: Option<Restart>,
) -> Result<(), ConfigureError> {
    tick::plan(tx, before, after).await?;
    if before.is_some_and(|before| before.poll == after.poll && before.state == after.state) {
        return Ok(());
    }
    let before_poll = before.and_then(|before| before.poll.as_ref());
    let Some(poll) = &after.poll else {
        if before_poll.is_some() {
            tx.drop_poll_plan(after.id).await?;
        }
        return Ok(());
    };
    let by_change = restart(before_poll, poll)?;
    let restart = if before_poll.is_some() { said.unwrap_or(by_change) } else { by_change };
    let next_run_at = match after.state {
        RunState::Paused => None,
        RunState::Active => first_at(after.id, &read(poll)?.schedule, restart, tx.now()),
    };
    let patience = patience(before_poll, poll)?;
    let plan = Plan { source: after.id, kind: RunKind::Poll, next_run_at, restart, patience };
    tx.set_poll_plan(&plan).await.map_err(StoreError::into)
}

/// A first run is due at once, whatever the clock says, so that nothing that comes before the next time is taken for old.
fn first_at(source: SourceId, schedule: &Schedule, restart: Restart, now: Timestamp) -> Option<Timestamp> {
    match (schedule, restart) {
        (Schedule::Interval { .. }, _) | (_, Restart::Prime | Restart::Fresh) => Some(now),
        (Schedule::Cron { .. }, Restart::Keep) => {
            timetable::next_after(schedule, now, Spread::By(timetable::seed(source)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_taken_if_a_run_can_read_it() {
        let settings = json!({
            "request": { "url": "https://api.example.com/orders" }, "schedule": { "interval_s": 60 }, "items": "$.data",
            "id": "$.id", "cursor": { "mode": "timestamp", "value": "$.at" },
        });
        let settings = PollSettings::parse(&settings, 1).expect("valid");
        let taken = |to: Value| check_cursor("to", &settings, Some(&to)).is_ok();
        for to in [json!("2026-03-01T00:00:00Z"), json!(1_772_366_400), json!(1_772_366_400_000_000_i64)] {
            assert!(taken(to.clone()), "{to}");
        }
        for to in [json!("2026-03-01T00:00:00Z "), json!("soon"), json!(true), json!("")] {
            assert!(!taken(to.clone()), "{to}");
        }
    }
}
