//! How a polled source is, for whoever looks after it.

use std::{collections::HashMap, sync::Arc};

use postern_domain::{SourceId, TenantScope, Timestamp};
use postern_polling::{PollSettings, Schedule, TickSettings, advice::Standing, share::Slowed, timetable};
use postern_store::{
    StoreError,
    polling::{Health, PollState},
};

use super::{alarm, shares, watch};
use crate::{Engine, SourceEntry};

/// So many instants ahead are told.
const INSTANTS: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    pub state: PollState,
    /// As it is now: a source that has had no good run for too long has stalled, whatever its last run said.
    pub health: Health,
    /// The next instants, as the scheduler itself will take them; the first is the one it waits for.
    pub upcoming: Vec<Timestamp>,
    /// How far apart its runs are now; none of a cron that keeps its moments.
    pub interval_ms: Option<i64>,
    /// Why that is more than it is meant to be.
    pub slowed: Option<Slowed>,
    /// About the webhooks beside.
    pub alarm: Option<Standing>,
}

/// `None` when the tenant has no such source, or it does not poll.
///
/// # Errors
/// When the database does not answer.
pub async fn overview(engine: &Engine, scope: TenantScope, id: SourceId) -> Result<Option<Overview>, StoreError> {
    let source = engine.routing.source(id).await?.filter(|source| source.tenant == scope.tenant_id());
    let Some(source) = source.filter(|source| source.poll.is_some() || source.tick.is_some()) else { return Ok(None) };
    let state = engine.store.tenant(scope).poll_state(id).await?;
    Ok(state.and_then(|state| seen(engine, &source, state)))
}

/// The same of several, by one read. Those that the tenant has not, and those that do not run by themselves, are not in it.
///
/// # Errors
/// When the database does not answer.
pub async fn overviews(
    engine: &Engine,
    scope: TenantScope,
    ids: &[SourceId],
) -> Result<HashMap<SourceId, Overview>, StoreError> {
    let states = engine.store.tenant(scope).poll_states(ids).await?;
    let mut found = HashMap::with_capacity(states.len());
    for state in states {
        let id = state.source;
        let source = engine.routing.source(id).await?;
        found.extend(source.and_then(|source| Some((id, seen(engine, &source, state)?))));
    }
    Ok(found)
}

fn seen(engine: &Engine, source: &SourceEntry, state: PollState) -> Option<Overview> {
    match (&source.poll, &source.tick) {
        (Some(settings), _) => Some(of(settings, state, (engine, source))),
        (None, Some(settings)) => Some(of_schedule(settings, state)),
        (None, None) => None,
    }
}

/// Of a source that makes events by itself.
fn of_schedule(settings: &TickSettings, state: PollState) -> Overview {
    let later = |next| timetable::upcoming(&settings.schedule, next, timetable::Spread::None, INSTANTS - 1);
    let upcoming = state.next_run_at.map_or_else(Vec::new, |next| [vec![next], later(next)].concat());
    let interval_ms = match settings.schedule {
        Schedule::Interval { interval_s, .. } => Some(i64::from(interval_s) * 1_000),
        Schedule::Cron { .. } => None,
    };
    Overview { health: state.health, upcoming, interval_ms, slowed: None, alarm: None, state }
}

fn of(settings: &Arc<PollSettings>, state: PollState, (engine, source): (&Engine, &SourceEntry)) -> Overview {
    let now = engine.clock.now();
    let is_stalled = !source.paused && watch::is_stalled(&state, settings, now);
    let health = if is_stalled { Health::Stalled } else { state.health };
    let alarm = alarm::standing(&state);
    let pace_ms = state.interval_ms.filter(|_| settings.adaptive.is_some());
    let hurried_ms = alarm.filter(Standing::hurries).map(|_| {
        let usual_ms = watch::interval_ms(&state, settings, now);
        alarm::hurried_ms(settings, engine.options.min_poll_interval_s, usual_ms)
    });
    let next = state.next_run_at;
    let upcoming = next.map_or_else(Vec::new, |next| instants(settings, hurried_ms.or(pace_ms), (&state, next)));
    let slowed = shares::slowed(&state);
    let interval_ms = match settings.schedule {
        _ if slowed.is_some() => slowed.map(|slowed| slowed.interval_ms),
        _ if hurried_ms.is_some() => hurried_ms,
        Schedule::Interval { .. } => Some(watch::interval_ms(&state, settings, now)),
        Schedule::Cron { .. } => None,
    };
    Overview { health, upcoming, interval_ms, slowed, alarm, state }
}

/// The instant that is written down may be a wait; behind it the timetable goes on, or the pace of a source that adapts,
/// hurries or is slowed.
fn instants(settings: &PollSettings, pace_ms: Option<i64>, (state, next): (&PollState, Timestamp)) -> Vec<Timestamp> {
    let spread = timetable::Spread::By(timetable::seed(state.source));
    if let Some(slowed) = shares::slowed(state) {
        let as_meant_ms = watch::interval_ms(state, settings, next);
        let after = |at: &Timestamp| shares::later(settings, *at, (slowed, as_meant_ms), spread);
        return std::iter::successors(Some(next), after).take(INSTANTS).collect();
    }
    let later = match pace_ms {
        Some(pace_ms) => std::iter::successors(Some(next.plus_ms(pace_ms)), |at| Some(at.plus_ms(pace_ms)))
            .take(INSTANTS - 1)
            .collect(),
        None => timetable::upcoming(&settings.schedule, next, spread, INSTANTS - 1),
    };
    [vec![next], later].concat()
}
