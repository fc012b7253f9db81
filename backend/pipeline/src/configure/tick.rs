//! The timetable of a source that makes events by itself.

use postern_domain::{Invalid, Timestamp, source::SourceKind};
use postern_polling::{
    TickSettings,
    timetable::{self, Spread},
};
use postern_store::{
    TenantTx,
    polling::{Patience, Plan, Restart, RunKind},
    tenant::{RunState, Source},
};
use serde_json::Value;

use super::ConfigureError;
use crate::{Engine, polling::STORED_FLOOR_S};

/// The settings as they are stored: those that are given, else those that were.
pub(super) fn of(
    engine: &Engine,
    kind: SourceKind,
    given: Option<&Value>,
    before: Option<&Value>,
) -> Result<Option<Value>, Invalid> {
    match (kind, given) {
        (SourceKind::Schedule, Some(given)) => {
            TickSettings::parse(given, engine.options.min_poll_interval_s).map(|settings| Some(settings.to_value()))
        }
        (SourceKind::Schedule, None) if before.is_none() => {
            Err(Invalid::new("schedule", "is required for kind `schedule`: `interval_s`, or `cron` with a `timezone`"))
        }
        (SourceKind::Schedule, None) => Ok(before.cloned()),
        (_, Some(_)) => Err(Invalid::new("schedule", "is for sources of kind `schedule` only")),
        (_, None) => Ok(None),
    }
}

/// Writes down when a new or changed source makes its next event. What went by while it was paused is gone.
pub(super) async fn plan(tx: &mut TenantTx, before: Option<&Source>, after: &Source) -> Result<(), ConfigureError> {
    let Some(schedule) = &after.schedule else { return Ok(()) };
    if before.is_some_and(|before| before.schedule == after.schedule && before.state == after.state) {
        return Ok(());
    }
    let next_run_at = match after.state {
        RunState::Paused => None,
        RunState::Active => first_at(schedule, tx.now())?,
    };
    let (restart, patience) = (Restart::Keep, Patience::Keep);
    let plan = Plan { source: after.id, kind: RunKind::Schedule, next_run_at, restart, patience };
    Ok(tx.set_poll_plan(&plan).await?)
}

fn first_at(schedule: &Value, now: Timestamp) -> Result<Option<Timestamp>, Invalid> {
    let settings = TickSettings::parse(schedule, STORED_FLOOR_S)?;
    Ok(timetable::next_after(&settings.schedule, now, Spread::None))
}
