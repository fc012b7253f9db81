//! Who shares a budget, and how much slower each of them runs when it is not enough for all.
//!
//! What sources want is in their rows, so every replica comes to the same shares; they are looked at each minute. What
//! follows for a source is written with the end of its runs.

use std::collections::HashMap;

use parking_lot::Mutex;
use postern_domain::{SourceId, Timestamp};
use postern_polling::{
    Budget, PollSettings, Schedule,
    share::{Remembered, Share, Slowed, Want, shares},
    timetable::{Spread, next_after, seed},
};
use postern_store::polling::{PollState, RunRow, RunStatus, StateAfter, Trigger};

use super::{budget::BudgetKey, watch};
use crate::{Engine, SourceEntry};

#[derive(Debug, Default)]
pub(crate) struct Shares {
    of: Mutex<HashMap<SourceId, Share>>,
}

/// What is wanted of each budget that is known.
#[derive(Debug, Default)]
pub(super) struct Wants {
    budgets: HashMap<BudgetKey, Option<Budget>>,
    of: HashMap<BudgetKey, Vec<(SourceId, Want)>>,
}

impl Shares {
    pub(super) fn of(&self, source: SourceId) -> Option<Share> {
        self.of.lock().get(&source).copied()
    }

    /// In place of what was found a minute ago.
    pub(super) fn replace(&self, wants: &Wants) {
        let mut of = HashMap::new();
        for (key, wants_of_key) in &wants.of {
            let Some(budget) = wants.budgets.get(key).copied().flatten() else { continue };
            let wanted: Vec<Want> = wants_of_key.iter().map(|(_, want)| *want).collect();
            let sources = wants_of_key.iter().map(|(source, _)| *source);
            of.extend(shares(&wanted, budget).into_iter().flat_map(|shares| sources.clone().zip(shares)));
        }
        *self.of.lock() = of;
    }
}

impl Wants {
    pub(super) fn note(&mut self, engine: &Engine, entry: &SourceEntry, (state, now): (&PollState, Timestamp)) {
        let Some(settings) = &entry.poll else { return };
        let key = BudgetKey { tenant: entry.tenant, name: entry.poll_budget.to_string() };
        let known = self.budgets.entry(key.clone()).or_insert_with(|| {
            let declared = engine.routing.read().declared.tightest(&key);
            declared.into_iter().chain(engine.polls.budgets.learned(&key)).reduce(Budget::tightest)
        });
        if known.is_some() {
            let want = remembered(state).want(watch::interval_ms(state, settings, now));
            self.of.entry(key).or_default().push((entry.id, want));
        }
    }
}

/// What the budget has made of the interval, as the last run left it.
pub(super) fn slowed(state: &PollState) -> Option<Slowed> {
    remembered(state).slowed
}

/// Remembers what the run says of the pace; where the budget is not enough, the next run is later.
pub(super) fn keep_pace(
    after: &mut StateAfter,
    run: &RunRow,
    (settings, state): (&PollSettings, &PollState),
    share: Option<Share>,
) {
    let mut remembered = remembered(state);
    remembered.pace = after.rate.take().and_then(|rate| serde_json::from_value::<Remembered>(rate).ok()?.pace);
    if !matches!(run.trigger, Trigger::Manual | Trigger::Rewind) {
        match run.status {
            RunStatus::Succeeded | RunStatus::NotModified => remembered.note_whole(run.counts.requests),
            RunStatus::Partial | RunStatus::Throttled if after.progress.resume.is_some() => {
                remembered.note_part(run.counts.requests);
            }
            _ => {}
        }
    }
    remembered.slowed = share.and_then(|share| {
        let paced = PollState { interval_ms: after.interval_ms, ..state.clone() };
        let as_meant_ms = watch::interval_ms(&paced, settings, run.started_at);
        let slowed = share.slowed(as_meant_ms)?;
        if let (RunStatus::Succeeded | RunStatus::NotModified, Some(next)) = (run.status, after.next_run_at) {
            let longer = later(settings, run.started_at, (slowed, as_meant_ms), Spread::By(seed(state.source)));
            after.next_run_at = longer.map_or(Some(next), |longer| Some(longer.max(next)));
        }
        Some(slowed)
    });
    after.rate = Some(remembered).filter(|remembered| *remembered != Remembered::default()).and_then(|remembered| {
        // A number that is not finite has no JSON; then nothing is remembered.
        serde_json::to_value(remembered).ok()
    });
}

/// The run after one that began at `at`. A cron names its moments: of them, the first that is late enough.
pub(super) fn later(
    settings: &PollSettings,
    at: Timestamp,
    (slowed, as_meant_ms): (Slowed, i64),
    spread: Spread,
) -> Option<Timestamp> {
    match settings.schedule {
        Schedule::Interval { .. } => Some(at.plus_ms(slowed.interval_ms)),
        Schedule::Cron { .. } => next_after(&settings.schedule, at.plus_ms(slowed.interval_ms - as_meant_ms), spread),
    }
}

fn remembered(state: &PollState) -> Remembered {
    state.rate.clone().and_then(|rate| serde_json::from_value(rate).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
