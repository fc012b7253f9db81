//! What is said about polling: how a source fares and what to do about it, what a run came to, what a test found.

use postern_domain::Timestamp;
use postern_frontend::{
    form::Field,
    format, links,
    parts::{Fact, Link},
    poll::{CursorStep, Held, Polling, RunRow},
    state::State,
};
use postern_pipeline::{configure::poll, polling::Overview};
use postern_polling::{
    PollSettings, Schedule,
    advice::{Alarm, Standing},
    share::Slowed,
};
use postern_store::{
    polling::{Health, RunError, RunRow as Run, RunStatus, Trigger},
    tenant::{RunState, Source},
};
use serde_json::Value;

use super::{
    poll_inputs as inputs,
    rows::{planned, shown},
};

/// `every 5 min`, `*/5 8-18 * * 1-5 in Europe/Vienna`.
pub(super) fn every(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Interval { interval_s, .. } => format!("every {}", format::span_s(u64::from(*interval_s))),
        Schedule::Cron { cron, timezone } => format!("at {cron} in {timezone}"),
    }
}

pub(super) const fn health(health: Health) -> State {
    match health {
        Health::Priming => State::Priming,
        Health::Ok => State::Healthy,
        Health::Throttled => State::Throttled,
        Health::Backoff => State::BackingOff,
        Health::AuthRequired => State::LoginRefused,
        Health::SchemaDrift => State::Unreadable,
        Health::Held => State::Held,
        Health::Stalled => State::Stalled,
        Health::Resync => State::StartingAgain,
    }
}

/// How the source fares, as its page says it.
pub(super) fn polling(tenant: &str, source: &Source, now: &Overview) -> Option<Polling> {
    let state = &now.state;
    let settings = poll::settings_of(source).ok()?;
    let here = links::source(tenant, &source.id.to_string());
    let is_paused = source.state == RunState::Paused;
    let is_told = |error: &&RunError| now.health != Health::Ok || error.is_of_skipped_deletions();
    let error = state.last_error.as_ref().filter(is_told);
    let request = settings.shown();
    let text = |key: &str| request.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Polling {
        health: if is_paused { State::Paused } else { health(now.health) },
        words: if is_paused { "Nothing runs until the source is resumed.".to_owned() } else { meaning(now) },
        trouble: error.map(trouble),
        fix: error.and_then(|error| error.field.as_deref()).map(|field| Link {
            href: format!("{}#{}", links::verb(&here, "poll/edit"), input_of(field)),
            text: label(field),
        }),
        request: format!("{} {}, {}", text("/request/method"), text("/request/url"), every(&settings.schedule)),
        facts: facts(now, &settings),
        upcoming: now.upcoming.iter().map(|at| planned(&settings.schedule, *at)).collect(),
        held: (state.held > 0).then(|| Held { counted: format::counted(u64::from(state.held), "event", "events") }),
        beside_webhook: source.token.is_some(),
        alarm: now.alarm.as_ref().map(alarm),
    })
}

/// That somebody should look at the webhooks.
pub(super) fn alarm(alarm: &Standing) -> String {
    let what = match (alarm.kind, alarm.last_webhook_at) {
        (Alarm::Silent, Some(last)) => format!(
            "Look at the webhook: it has been silent since {}, while the poll finds what it should have brought.",
            shown(last).shown
        ),
        (Alarm::Silent, None) => "Look at the webhook: it is silent, while the poll finds changes.".to_owned(),
        (Alarm::Loss, _) => format!(
            "Look at the webhook: of {} it did not bring {} in time ({} %).",
            format::counted(alarm.n, "event", "events"),
            format::count(alarm.lost),
            format::percent(alarm.lost, alarm.n)
        ),
    };
    let pace = if alarm.hurries() { " Until it is well again the poll runs as often as it may." } else { "" };
    format!("{what} The alarm stands since {}.{pace}", shown(alarm.since).shown)
}

/// What of the settings says what becomes an event.
pub(super) fn settings(source: &Source) -> Vec<Fact> {
    let Ok(settings) = poll::settings_of(source) else { return Vec::new() };
    let shown = settings.shown();
    let said = [
        ("Items", "/items"),
        ("Identity", "/id"),
        ("Version", "/version"),
        ("Event type", "/type"),
        ("An event is made of", "/emit"),
        ("Cursor", "/cursor/mode"),
        ("Pages", "/paginate/kind"),
    ];
    let fact = |(label, pointer): (&str, &str)| {
        let value = shown.pointer(pointer).filter(|value| !value.is_null())?;
        let text = cursor_text(Some(value));
        Some(Fact::new(label, if pointer == "/emit" { text.replace('_', " ") } else { text }))
    };
    let kind = Fact::new("Kind", source.kind.as_str());
    std::iter::once(kind).chain(said.into_iter().filter_map(fact)).collect()
}

/// What the health means, and what there is to do.
fn meaning(Overview { state, health, .. }: &Overview) -> String {
    let until = |at: Option<Timestamp>| at.map(|at| shown(at).shown);
    match health {
        Health::Priming => "No run was complete yet.".to_owned(),
        Health::Ok => "The last run went through.".to_owned(),
        Health::Throttled if state.last_error.as_ref().is_some_and(RunError::is_of_declared_budget) => {
            let at = until(state.blocked_until).map_or_else(String::new, |at| format!(" at {at}"));
            format!("The declared budget is used up for now. It goes on by itself{at}; nothing is lost.")
        }
        Health::Throttled => match until(state.blocked_until) {
            Some(at) => format!("The provider asked to wait. It goes on by itself at {at}; nothing is lost."),
            None => "The provider asked to wait. It goes on by itself.".to_owned(),
        },
        Health::Backoff => {
            let runs = match state.errors {
                0 | 1 => "The last run".to_owned(),
                several => format!("The last {} runs", format::count(u64::from(several))),
            };
            format!("{runs} failed. It is tried again by itself, less and less often, until it works.")
        }
        Health::AuthRequired => {
            "The provider refuses the credentials, and nothing runs until somebody acts: put in new ones, or have it run \
             now if they are right again."
                .to_owned()
        }
        Health::SchemaDrift => {
            "The answer is not as the settings expect it. Test the settings, look at the quarantine below the runs, and \
             say anew where the items and their identity stand."
                .to_owned()
        }
        Health::Held => "A run found more that is new than was agreed. Look at the events, then deliver or discard them."
            .to_owned(),
        Health::Stalled => "No run has gone through for long. Look at the last runs, and have it run now.".to_owned(),
        Health::Resync => {
            "The provider refused the cursor, so the list is read again. What was seen before does not come twice."
                .to_owned()
        }
    }
}

pub(super) fn trouble(error: &RunError) -> String {
    let mut letters = error.message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let mut text = first + letters.as_str();
    if let Some(status) = error.http.filter(|status| !text.contains(&status.to_string())) {
        text = format!("{text} (status {status})");
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// What the form calls a field.
pub(super) fn label(field: &str) -> String {
    with_input(field, |input| input.label().to_owned()).unwrap_or_else(|| field.to_owned())
}

/// The input for a field, or for a part of it.
pub(super) fn input_of(field: &str) -> String {
    with_input(field, |input| input.name.to_string()).unwrap_or_else(|| field.to_owned())
}

fn with_input(field: &str, tell: impl Fn(&Field) -> String) -> Option<String> {
    let groups = inputs::asked().into_iter().chain(inputs::seldom(true));
    let all: Vec<Field> = groups.flat_map(|group| group.inputs).map(|input| input.field).collect();
    let is_under = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with(['.', '[']));
    let exact = all.iter().find(|input| input.name == field);
    let near = || all.iter().find(|input| is_under(field, &input.name) || is_under(&input.name, field));
    exact.or_else(near).map(tell)
}

fn facts(now: &Overview, settings: &PollSettings) -> Vec<Fact> {
    let state = &now.state;
    let at = |label: &str, at: Option<Timestamp>| at.map(|at| Fact::new(label, shown(at).shown));
    let next = match (&state.running, state.next_run_at) {
        (Some(_), _) => Some(Fact::new("Next run", "under way now")),
        (None, at) => Some(Fact::new(
            "Next run",
            at.map_or_else(|| "none is planned".to_owned(), |at| planned(&settings.schedule, at).shown),
        )),
    };
    let all = [
        next,
        now.slowed.as_ref().map(|slowed| Fact::new("Interval now", slower(slowed))),
        at("Last run", state.last_run_at),
        at("Last that went through", state.last_ok_at).filter(|_| state.last_ok_at != state.last_run_at),
        at("Last that found something new", state.last_change_at),
        at("Nothing is asked before", state.blocked_until.filter(|_| state.health != Health::Ok)),
        state.progress.cursor.as_ref().map(|cursor| Fact::new("Cursor", cursor_text(Some(cursor)))),
        settings.freshness_s.map(|s| Fact::new("An event may be late by", format::span_s(u64::from(s)))),
        (state.skipped_overlap > 0).then(|| Fact::new("Passed over while one ran", state.skipped_overlap.to_string())),
    ];
    all.into_iter().flatten().collect()
}

fn slower(slowed: &Slowed) -> String {
    let now = format::span_s(slowed.interval_ms.unsigned_abs().div_ceil(1_000));
    let (wanted, requests) = (format::count(slowed.wanted), format::count(u64::from(slowed.requests)));
    let per = format::span_s(u64::from(slowed.per_s));
    format!("{now}: those who share the budget want {wanted} requests in {per}, and it has {requests}")
}

/// `none`, or as it is.
pub(super) fn cursor_text(cursor: Option<&Value>) -> String {
    match cursor {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

pub(super) const fn run_state(status: RunStatus) -> State {
    match status {
        RunStatus::Queued => State::Queued,
        RunStatus::Running => State::Running,
        RunStatus::Succeeded => State::Succeeded,
        RunStatus::NotModified => State::NotModified,
        RunStatus::Quiet => State::Quiet,
        RunStatus::Partial => State::Unfinished,
        RunStatus::Throttled => State::Throttled,
        RunStatus::Failed => State::Failed,
        RunStatus::TimedOut => State::TimedOut,
        RunStatus::LostLease => State::Interrupted,
        RunStatus::Cancelled => State::Cancelled,
    }
}

const fn why(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "it was time",
        Trigger::Manual => "somebody asked",
        Trigger::Rewind => "the cursor was moved",
    }
}

pub(super) fn run(run: Run) -> RunRow {
    let counts = &run.counts;
    let count = |number: i64| format::count(number.unsigned_abs());
    let words = match (&run.error, run.status) {
        (Some(error), _) => trouble(error),
        (None, RunStatus::Quiet) => {
            let runs = format::counted(u64::from(run.runs), "run", "runs");
            let last = run.ended_at.filter(|_| run.runs > 1).map(|at| format!(", the last at {}", shown(at).shown));
            format!("{runs} found nothing{}", last.unwrap_or_default())
        }
        (None, RunStatus::Succeeded | RunStatus::NotModified) if counts.emitted == 0 => "Nothing new.".to_owned(),
        (None, RunStatus::LostLease) => "Its process ended meanwhile; the next run went on from there.".to_owned(),
        _ => String::new(),
    };
    let rest = [
        (counts.changed, "changed"),
        (counts.duplicates, "seen before"),
        (counts.confirmed, "brought by the webhook"),
        (counts.lost, "lost by the webhook"),
        (counts.unmatched, "changed without a version to match"),
        (counts.quarantined, "quarantined"),
        (counts.held, "held"),
    ];
    let rest =
        rest.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{} {what}", count(number)));
    let moved = run.cursor_before != run.cursor_after && run.cursor_after.is_some();
    RunRow {
        id: run.id.to_string(),
        started: shown(run.started_at),
        state: run_state(run.status),
        words,
        trigger: why(run.trigger).to_owned(),
        requests: count(counts.requests),
        records: count(counts.records),
        emitted: count(counts.emitted),
        rest: rest.collect::<Vec<_>>().join(", "),
        took: match run.ended_at {
            Some(ended) if run.status != RunStatus::Quiet || run.runs == 1 => {
                let us = ended.as_micros().saturating_sub(run.started_at.as_micros());
                format::duration_us(us.unsigned_abs())
            }
            _ => "–".to_owned(),
        },
        cursor: moved.then(|| CursorStep {
            from: cursor_text(run.cursor_before.as_ref()),
            to: cursor_text(run.cursor_after.as_ref()),
        }),
    }
}
