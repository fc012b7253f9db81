//! What is looked after beside the runs: sources that have had no good run for too long, addresses that are gone,
//! webhooks that have turned silent, and memory that nobody needs any more.

use std::sync::Arc;

use postern_domain::{Actor, SourceId, TenantScope, Timestamp, id};
use postern_polling::{
    PollSettings, Schedule,
    advice::{Alarm, Standing},
    timetable,
};
use postern_store::{
    StoreError,
    polling::{Health, PollState},
    tenant::{RunState, Source},
};

use super::{
    alarm::{self, Suspect},
    figures::Kind,
    shares::Wants,
};
use crate::{Engine, SourceEntry};

/// Three intervals without a good run are too many; where that is less than this, this.
const STALLED_AFTER_MS: i64 = 15 * 60 * 1_000;
const STALLED_INTERVALS: i64 = 3;
/// An address that is gone for so long is not asked for any more.
const GONE_AFTER_MS: i64 = 24 * 3_600 * 1_000;
/// Sources of one tenant that are looked at in one read.
const READ: usize = 500;
/// Webhooks are silent only while the poll finds what they should have brought: not longer ago than this.
const SUSPECT_FOR_MS: i64 = 24 * 3_600 * 1_000;
/// So many are judged at once; when there are more they take turns.
const SUSPECTS: usize = 500;
/// A run that is further off than this is moved up when an alarm begins; none is made sooner after another than this.
const MOVED_UP_AFTER_MS: i64 = 5 * 60 * 1_000;

/// What a look at all sources found.
#[derive(Debug, Default)]
struct Seen {
    stalled: i64,
    alarms: Vec<Standing>,
    suspects: Vec<(Suspect, Option<Timestamp>)>,
}

impl Seen {
    fn note(&mut self, state: &PollState, settings: &PollSettings, now: Timestamp) {
        self.stalled += i64::from(is_stalled(state, settings, now));
        let standing = alarm::standing(state);
        self.alarms.extend(standing);
        let lost_at = state.last_lost_at.filter(|at| now.ms_since(*at) < SUSPECT_FOR_MS);
        if let (None, Some(last_lost_at)) = (standing, lost_at) {
            let PollState { tenant, source, alarm_ended_at, .. } = *state;
            let is_rested = state.last_run_at.is_none_or(|at| now.ms_since(at) > MOVED_UP_AFTER_MS);
            let due_at = (is_rested && !settings.respect_max_age).then_some(now);
            self.suspects.push((Suspect { tenant, source, last_lost_at, alarm_ended_at }, due_at));
        }
    }
}

impl Engine {
    /// Notices sources that have stalled or whose webhooks are silent, and pauses those whose address is gone.
    ///
    /// # Errors
    /// When the database does not answer; the next run begins anew.
    pub async fn watch_polls(self: &Arc<Self>) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.polls.tokens.tidy(now);
        if !self.dispatches() {
            self.polls.budgets.tidy(now);
            return Ok(());
        }
        let mut by_tenant: std::collections::HashMap<_, Vec<Arc<SourceEntry>>> = std::collections::HashMap::new();
        {
            let maps = self.routing.read();
            for entry in maps.sources().filter(|entry| entry.poll.is_some() && !entry.paused) {
                by_tenant.entry(entry.tenant).or_default().push(Arc::clone(entry));
            }
        }
        let (mut seen, mut wants) = (Seen::default(), Wants::default());
        for (tenant, entries) in by_tenant {
            let store = self.store.tenant(TenantScope::from_owned_row(tenant));
            for part in entries.chunks(READ) {
                let ids: Vec<SourceId> = part.iter().map(|entry| entry.id).collect();
                let states = store.poll_states(&ids).await?;
                for state in states {
                    let entry = part.iter().find(|entry| entry.id == state.source);
                    let Some((entry, settings)) = entry.and_then(|entry| Some((entry, entry.poll.as_ref()?))) else {
                        continue;
                    };
                    wants.note(self, entry, (&state, now));
                    seen.note(&state, settings, now);
                    if is_gone(&state) {
                        self.pause_gone(TenantScope::from_owned_row(tenant), state.source).await?;
                    }
                }
            }
        }
        self.polls.shares.replace(&wants);
        self.polls.budgets.tidy(now);
        self.metrics.polling.stalled.set(seen.stalled);
        for kind in [Alarm::Loss, Alarm::Silent] {
            let number = seen.alarms.iter().filter(|alarm| alarm.kind == kind).count();
            let figure = self.metrics.polling.alarms.get_or_create(&Kind { kind: kind.as_str() });
            figure.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
        self.judge_suspects(seen.suspects, now).await
    }

    async fn judge_suspects(
        &self,
        suspects: Vec<(Suspect, Option<Timestamp>)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let turns = suspects.len().div_ceil(SUSPECTS).max(1);
        let turn = usize::try_from(now.as_secs().div_euclid(60)).unwrap_or(0) % turns;
        for (suspect, due_at) in suspects.into_iter().skip(turn * SUSPECTS).take(SUSPECTS) {
            self.alarm_for(suspect, due_at).await?;
        }
        Ok(())
    }

    async fn pause_gone(&self, scope: TenantScope, id: SourceId) -> Result<(), StoreError> {
        let mut tx = self.store.tenant(scope).begin(&Actor::engine()).await?;
        let Some(before) = tx.find::<Source>(id).await? else { return Ok(()) };
        if before.state == RunState::Paused {
            return Ok(());
        }
        let after = Source { state: RunState::Paused, ..before.clone() };
        tx.update(&before, &after).await?;
        tx.stop_poll(id).await?;
        tx.commit().await?;
        self.routing.refresh().await?;
        tracing::warn!(source.id = %id, "The address that `{id}` polls has been gone for a day; the source is paused");
        Ok(())
    }
}

/// Of a source that is not paused: nothing holds it back, and since it had a good run, or was planned, it is too long.
pub(super) fn is_stalled(state: &PollState, settings: &PollSettings, now: Timestamp) -> bool {
    let is_waiting = matches!(state.health, Health::Throttled | Health::AuthRequired)
        || state.blocked_until.is_some_and(|until| until > now);
    let since = state.last_ok_at.max(state.planned_at).unwrap_or_else(|| id::made_at(state.source.uuid()));
    let longest_ms = (STALLED_INTERVALS * interval_ms(state, settings, now)).max(STALLED_AFTER_MS);
    !is_waiting && now.ms_since(since) > longest_ms
}

/// The first and the last answer that said so, and none between them that said anything else, are so far apart.
fn is_gone(state: &PollState) -> bool {
    let gone = state.last_error.as_ref().filter(|error| error.class == "gone");
    let since = gone.and_then(|error| error.streak.as_ref()).map(|streak| streak.since);
    since.zip(state.last_run_at).is_some_and(|(since, last)| last.ms_since(since) >= GONE_AFTER_MS)
}

/// How far apart its runs are meant to be.
pub(super) fn interval_ms(state: &PollState, settings: &PollSettings, now: Timestamp) -> i64 {
    match (&settings.schedule, state.interval_ms) {
        (_, Some(interval_ms)) if settings.adaptive.is_some() => interval_ms,
        (Schedule::Interval { interval_s, .. }, _) => i64::from(*interval_s) * 1_000,
        (schedule @ Schedule::Cron { .. }, _) => {
            let spread = timetable::Spread::By(timetable::seed(state.source));
            let next = timetable::upcoming(schedule, now, spread, 2);
            next.last().zip(next.first()).map_or(0, |(later, sooner)| later.ms_since(*sooner))
        }
    }
}
