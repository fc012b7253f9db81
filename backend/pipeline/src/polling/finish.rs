//! What follows from a run: how its source is, and when the next run is. Decides; writes nothing.

use postern_domain::{Actor, Timestamp};
use postern_polling::{
    Adaptive, PollSettings, Schedule,
    adaptive::{self, Found, Pace},
    advice::Standing,
    backoff,
    timetable::{Spread, next_after, seed},
};
use postern_store::polling::{
    Health, MoveRow, PollState, Progress, RunEnd, RunError, RunRow, RunStatus, StateAfter, Streak, Trigger, Validators,
    day_of,
};

use super::{
    alarm,
    failure::{Failure, Kind},
    run::{Answers, Finish, Run},
    shares,
};

/// 403 may be a rule that goes away; so often in a row it is a missing right.
const FORBIDDEN_MOST: u32 = 3;
/// So many instants that passed during a run are counted.
const COUNTED_INSTANTS: usize = 100;

/// All that the decision is made from.
struct Case<'a> {
    settings: &'a PollSettings,
    state: &'a PollState,
    row: &'a RunRow,
    progress: Progress,
    answers: Answers,
    is_pending: bool,
    is_awaiting: bool,
    is_held: bool,
    note: Option<&'a RunError>,
    /// As this run leaves it.
    alarm: Option<Standing>,
    /// The operator's shortest interval.
    floor_s: u32,
    now: Timestamp,
    /// Uniform in 0.0..1.0.
    chance: f64,
}

impl Run {
    /// The end of the run, to be written.
    pub(super) fn end(self, finish: Finish, chance: f64) -> RunEnd {
        let now = self.engine.clock.now();
        let mut row = self.row;
        let case = Case {
            settings: &self.settings,
            state: &self.state,
            row: &row,
            progress: self.progress,
            answers: self.answers,
            is_pending: self.is_pending,
            is_awaiting: self.is_awaiting,
            is_held: self.is_held,
            note: self.note.as_ref(),
            alarm: self.alarm,
            floor_s: self.engine.options.min_poll_interval_s,
            now,
            chance,
        };
        let (status, mut after) = decide(case, &finish);
        let quiet = matches!(finish, Finish::Complete | Finish::Unchanged) && !self.wrote_page && self.note.is_none();
        row.status = status;
        row.ended_at = Some(now);
        let share = self.engine.polls.shares.of(self.holding.source);
        shares::keep_pace(&mut after, &row, (&self.settings, &self.state), share);
        row.error = match finish {
            Finish::Failed(failure) => Some(failure.error),
            _ => self.note,
        };
        row.cursor_after.clone_from(&after.progress.cursor);
        let moved = (row.cursor_before != row.cursor_after).then(|| MoveRow {
            from: row.cursor_before.clone(),
            to: row.cursor_after.clone(),
            actor: Actor::engine(),
            reason: row.id.to_string(),
        });
        RunEnd { source: self.holding.source, token: self.holding.token, quiet, run: row, after, moved }
    }
}

fn decide(case: Case<'_>, finish: &Finish) -> (RunStatus, StateAfter) {
    match finish {
        Finish::Complete => {
            let note = case.note.cloned();
            (RunStatus::Succeeded, StateAfter { last_error: note, ..case.succeeded() })
        }
        Finish::Unchanged => (RunStatus::NotModified, case.succeeded()),
        Finish::Partial => {
            let (now, is_primed) = (case.now, case.state.primed);
            let mut after = case.good(Some(now));
            if after.health == Health::Ok && !is_primed {
                after.health = Health::Priming;
            }
            after.next_run_at = after.blocked_until.or(after.next_run_at);
            (RunStatus::Partial, after)
        }
        // Whoever claims it next goes on from the page behind.
        Finish::Stopped => {
            let now = case.now;
            let health = case.state.health;
            (RunStatus::Cancelled, StateAfter { next_run_at: Some(now), health, ..case.unchanged() })
        }
        Finish::Failed(failure) => case.failed(failure),
    }
}

impl Case<'_> {
    /// The list was read to its end.
    fn succeeded(mut self) -> StateAfter {
        let pace = self.pace();
        let mut next = match (self.hurried_ms(), pace, &self.settings.adaptive) {
            (Some(hurried_ms), ..) => Some(self.now.plus_ms(hurried_ms)),
            (None, Some(pace), Some(_)) => Some(self.now.plus_ms(pace.interval_ms)),
            _ => self.next(),
        };
        if self.is_awaiting {
            // What a webhook has not brought by then is told of then, and not an interval later.
            let over = self.now.plus_secs(i64::from(self.settings.reconcile.grace_s.max(self.floor_s)));
            next = next.map(|at| at.min(over));
        }
        // Whatever is waited for, the provider's word about its own goes before it.
        next = next.map(|at| at.max(self.row.started_at.plus_secs(i64::from(self.answers.floor_s))));
        // An unchanged page would hide what waits to be seen again.
        let validators = if self.is_pending { Validators::default() } else { self.validators() };
        let forget_before = self.forget_before();
        let mut after = self.good(next);
        after.primed = true;
        after.forget_before = forget_before;
        after.validators = validators;
        if let Some(pace) = pace {
            after.interval_ms = Some(pace.interval_ms);
            after.rate = serde_json::to_value(pace).ok();
        }
        after
    }

    /// Something was read, and nothing was wrong.
    fn good(self, next_run_at: Option<Timestamp>) -> StateAfter {
        let blocked_until = self.answers.exhausted_until.filter(|until| *until > self.now);
        let found = self.row.counts.emitted > 0;
        let health = match (self.is_held, blocked_until) {
            (true, _) => Health::Held,
            (false, Some(_)) => Health::Throttled,
            (false, None) => Health::Ok,
        };
        StateAfter {
            next_run_at: next_run_at.map(|at| blocked_until.map_or(at, |until| at.max(until))),
            health,
            errors: 0,
            blocked_until,
            last_ok_at: Some(self.now),
            last_change_at: if found { Some(self.now) } else { self.state.last_change_at },
            // Only a run that has read it all again says that nothing is left out any more.
            last_error: self.state.last_error.clone().filter(RunError::is_of_skipped_deletions),
            validators: Validators::default(),
            ..self.unchanged()
        }
    }

    fn failed(self, failure: &Failure) -> (RunStatus, StateAfter) {
        let (status, errors) = match failure.kind {
            Kind::Throttled { .. } => (RunStatus::Throttled, self.state.errors),
            Kind::TimedOut => (RunStatus::TimedOut, self.state.errors + 1),
            _ => (RunStatus::Failed, self.state.errors.saturating_add(1)),
        };
        let streak = self.streak(failure);
        let times = streak.as_ref().map_or(0, |streak| streak.times);
        let interval_ms = self.interval_ms();
        let later = |wait_ms: i64| Some(self.now.plus_ms(wait_ms));
        let wait = backoff::wait_ms(errors, interval_ms, self.chance);
        let at_ceiling = backoff::ceiling_ms(interval_ms, self.chance);
        let (health, next_run_at) = match failure.kind {
            Kind::Transient { not_before } => (Health::Backoff, later(wait).max(not_before)),
            Kind::TimedOut => (Health::Backoff, later(wait)),
            // A list that was left half read is read on as soon as there is room: its page token does not last.
            Kind::Throttled { until } if self.progress.resume.is_some() => (Health::Throttled, Some(until)),
            Kind::Throttled { until } => (Health::Throttled, self.next().max(Some(until))),
            Kind::AuthRequired => (Health::AuthRequired, None),
            Kind::Forbidden if times >= FORBIDDEN_MOST => (Health::AuthRequired, None),
            Kind::Forbidden | Kind::Gone | Kind::Settings => (Health::Backoff, later(at_ceiling)),
            Kind::Drift => (Health::SchemaDrift, later(backoff::drift_ms(interval_ms))),
            // Only once: a request without a cursor that is refused for its cursor will be refused again.
            Kind::CursorRefused if self.state.progress.cursor.is_some() => (Health::Resync, Some(self.now)),
            Kind::CursorRefused => (Health::Backoff, later(at_ceiling)),
            Kind::PageTokenRefused if self.state.progress.resume.is_some() => (Health::Backoff, Some(self.now)),
            Kind::PageTokenRefused => (Health::Backoff, later(wait)),
        };
        let mut progress = self.progress.clone();
        match failure.kind {
            // What was seen stays seen: only what is new since becomes events.
            Kind::CursorRefused => progress = progress.moved(None),
            Kind::PageTokenRefused => progress.resume = None,
            _ => {}
        }
        let blocked_until = match failure.kind {
            Kind::Throttled { until } => Some(until),
            _ => None,
        };
        let after = StateAfter {
            next_run_at,
            health,
            errors,
            blocked_until,
            last_error: Some(RunError { streak, ..failure.error.clone() }),
            progress,
            validators: Validators::default(),
            ..self.unchanged()
        };
        (status, after)
    }

    /// What this failure is the latest of.
    fn streak(&self, failure: &Failure) -> Option<Box<Streak>> {
        let before = self.state.last_error.as_ref().and_then(|error| error.streak.clone());
        if matches!(failure.kind, Kind::Throttled { .. }) {
            return before;
        }
        let class = failure.error.class.clone();
        let before = before.filter(|streak| streak.class == class);
        let (since, times) = before.map_or((self.now, 0), |streak| (streak.since, streak.times));
        Some(Box::new(Streak { class, since, times: times.saturating_add(1) }))
    }

    fn unchanged(self) -> StateAfter {
        StateAfter {
            skipped_overlap: self.passed(),
            next_run_at: None,
            health: self.state.health,
            errors: self.state.errors,
            blocked_until: self.state.blocked_until,
            last_ok_at: self.state.last_ok_at,
            last_change_at: self.state.last_change_at,
            last_error: self.state.last_error.clone(),
            progress: self.progress,
            validators: self.state.validators.clone(),
            interval_ms: self.state.interval_ms,
            rate: self.state.rate.clone(),
            primed: self.state.primed,
            alarm: self.alarm.and_then(|alarm| serde_json::to_value(alarm).ok()),
            last_lost_at: if self.row.counts.lost > 0 { Some(self.now) } else { self.state.last_lost_at },
            forget_before: self.state.forget_before,
        }
    }

    /// While there is an alarm about the webhooks beside.
    fn hurried_ms(&self) -> Option<i64> {
        self.alarm.filter(Standing::hurries)?;
        Some(alarm::hurried_ms(self.settings, self.floor_s, self.interval_ms()))
    }

    /// The next instant of the timetable: those that have passed are left out.
    fn next(&self) -> Option<Timestamp> {
        next_after(&self.settings.schedule, self.now, self.spread())
    }

    fn spread(&self) -> Spread {
        Spread::By(seed(self.state.source))
    }

    /// Instants that passed during the run.
    fn passed(&self) -> i64 {
        if self.row.trigger != Trigger::Schedule || self.settings.adaptive.is_some() {
            return 0;
        }
        let after = |at: Timestamp| next_after(&self.settings.schedule, at, self.spread());
        let instants = std::iter::successors(after(self.row.started_at.max(self.row.scheduled_at)), |at| after(*at));
        i64::try_from(instants.take_while(|at| *at <= self.now).take(COUNTED_INSTANTS).count()).unwrap_or(0)
    }

    /// Of an unchanged page the validators stay as they were, unless it named others.
    fn validators(&mut self) -> Validators {
        let named = std::mem::take(&mut self.answers.validators);
        if named.page_key.is_some() { named } else { self.state.validators.clone() }
    }

    fn pace(&self) -> Option<Pace> {
        let bounds: Adaptive = self.settings.adaptive?;
        let known = self.state.rate.clone().and_then(|rate| serde_json::from_value(rate).ok());
        if self.row.trigger == Trigger::Manual {
            // A run that a person asked for says nothing about the pace.
            return known;
        }
        let since = self.state.last_run_at.unwrap_or(self.row.started_at);
        let found = Found {
            changes: u64::try_from(self.row.counts.emitted).unwrap_or(0),
            elapsed_ms: self.now.ms_since(since),
        };
        Some(adaptive::next(bounds, known, found))
    }

    /// After a run that listed all there is: what was not seen for so long is not there any more.
    fn forget_before(&self) -> Option<i32> {
        let remember_days = i32::try_from(self.settings.limits.remember_days).unwrap_or(i32::MAX);
        let today = day_of(self.now);
        if self.answers.is_whole { Some(today.saturating_sub(remember_days)) } else { self.state.forget_before }
    }

    /// How far apart runs are meant to be.
    fn interval_ms(&self) -> i64 {
        if let Some(interval_ms) = self.state.interval_ms.filter(|_| self.settings.adaptive.is_some()) {
            return interval_ms;
        }
        match &self.settings.schedule {
            Schedule::Interval { interval_s, .. } => i64::from(*interval_s) * 1_000,
            Schedule::Cron { .. } => {
                let next = self.next();
                let following = next.and_then(|at| next_after(&self.settings.schedule, at, self.spread()));
                following.zip(next).map_or(60_000, |(later, sooner)| later.ms_since(sooner))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
