use postern_domain::{RunId, SourceId, TenantId};
use postern_polling::{Transient, advice::Alarm};
use postern_store::polling::{RunKind, RunTimes};
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);

fn settings() -> PollSettings {
    settings_with(&json!(null))
}

fn settings_with(adaptive: &serde_json::Value) -> PollSettings {
    let settings = json!({
        "request": { "url": "https://api.example.com/" }, "schedule": { "interval_s": 60, "jitter_pct": 0 },
        "items": "$[*]", "id": "$.id", "adaptive": adaptive
    });
    PollSettings::parse(&settings, 1).expect("valid")
}

/// A source as a run finds it.
pub(in crate::polling) fn state(errors: u32) -> PollState {
    PollState {
        source: SourceId::fresh(),
        tenant: TenantId::fresh(),
        kind: RunKind::Poll,
        next_run_at: Some(NOW),
        planned_at: None,
        asked: None,
        running: None,
        seq: 0,
        epoch: 0,
        progress: Progress { cursor: Some(json!(7)), candidate: None, resume: None },
        validators: Validators { page_key: Some("k".to_owned()), etag: Some("e".to_owned()), last_modified: None },
        health: Health::Ok,
        errors,
        blocked_until: None,
        last_ok_at: None,
        last_change_at: None,
        last_run_at: None,
        last_error: None,
        interval_ms: None,
        rate: None,
        primed: true,
        forget_before: None,
        held: 0,
        skipped_overlap: 0,
        alarm: None,
        alarm_ended_at: None,
        last_lost_at: None,
    }
}

/// What follows, with a chance in the middle.
fn after(errors: u32, finish: &Finish) -> (RunStatus, StateAfter) {
    let (settings, state) = (settings(), state(errors));
    let times = RunTimes { scheduled_at: NOW, started_at: NOW };
    let row = RunRow::begun(RunId::fresh(), (state.tenant, state.source), Trigger::Schedule, times);
    decide(case(&settings, &state, &row), finish)
}

fn case<'a>(settings: &'a PollSettings, state: &'a PollState, row: &'a RunRow) -> Case<'a> {
    Case {
        settings,
        state,
        row,
        progress: state.progress.clone(),
        answers: Answers::default(),
        is_pending: false,
        is_awaiting: false,
        is_held: false,
        note: None,
        alarm: None,
        floor_s: 5,
        now: NOW,
        chance: 0.5,
    }
}

fn failed(errors: u32, kind: Kind) -> (Health, Option<i64>, u32) {
    let (_, after) = after(errors, &Finish::Failed(Failure::new(kind, "x", String::new())));
    let wait_s = after.next_run_at.map(|at| at.ms_since(NOW) / 1_000);
    (after.health, wait_s, after.errors)
}

#[test]
fn each_kind_of_failure_has_its_health_and_its_wait() {
    let transient = || Kind::Transient { not_before: None };
    assert_eq!(failed(0, transient()), (Health::Backoff, Some(60), 1), "not sooner than the interval");
    assert_eq!(failed(5, transient()), (Health::Backoff, Some(160), 6));
    assert_eq!(failed(0, Kind::AuthRequired), (Health::AuthRequired, None, 1));
    assert_eq!(failed(0, Kind::Forbidden), (Health::Backoff, Some(1_800), 1));
    assert_eq!(failed(2, Kind::Forbidden), (Health::Backoff, Some(1_800), 3), "the others were no refusals");
    assert_eq!(failed(0, Kind::Gone), (Health::Backoff, Some(1_800), 1));
    assert_eq!(failed(0, Kind::Drift), (Health::SchemaDrift, Some(240), 1));
    assert_eq!(failed(0, Kind::CursorRefused), (Health::Resync, Some(0), 1));
    let until = NOW.plus_secs(600);
    assert_eq!(failed(3, Kind::Throttled { until }), (Health::Throttled, Some(600), 3), "no error is counted");
    let not_before = Some(NOW.plus_secs(7_200));
    assert_eq!(failed(0, Kind::Transient { not_before }), (Health::Backoff, Some(7_200), 1));
}

#[test]
fn a_failure_keeps_the_cursor_and_forgets_what_made_requests_conditional() {
    let failure = Failure::transient(Transient::Timeout, &exchange());
    let (status, kept) = after(0, &Finish::Failed(failure));
    assert_eq!((status, kept.progress.cursor), (RunStatus::Failed, Some(json!(7))));
    assert_eq!(kept.validators, Validators::default());
    let refused = Failure::new(Kind::CursorRefused, "cursor", String::new());
    let (_, begun_anew) = after(0, &Finish::Failed(refused));
    assert_eq!(begun_anew.progress, Progress::default().moved(None));
    let (status, unchanged) = after(4, &Finish::Unchanged);
    assert_eq!((status, unchanged.errors, unchanged.health), (RunStatus::NotModified, 0, Health::Ok));
    assert_eq!(unchanged.validators.etag.as_deref(), Some("e"));
    assert!(unchanged.next_run_at.is_some_and(|at| at > NOW && at <= NOW.plus_secs(60)));
}

#[test]
fn a_streak_is_of_one_class_and_outlives_a_wait() {
    let (settings, mut state) = (settings(), state(0));
    let times = RunTimes { scheduled_at: NOW, started_at: NOW };
    let row = RunRow::begun(RunId::fresh(), (state.tenant, state.source), Trigger::Schedule, times);
    let until = NOW.plus_secs(60);
    let run = [
        (Kind::Gone, "gone", Health::Backoff, 1),
        (Kind::Forbidden, "forbidden", Health::Backoff, 1),
        (Kind::Forbidden, "forbidden", Health::Backoff, 2),
        (Kind::Throttled { until }, "throttled", Health::Throttled, 2),
        (Kind::Forbidden, "forbidden", Health::AuthRequired, 3),
        (Kind::Gone, "gone", Health::Backoff, 1),
    ];
    for (place, (kind, class, health, times)) in run.into_iter().enumerate() {
        let now = NOW.plus_secs(i64::try_from(place).expect("few"));
        let failure = Failure::new(kind, class, String::new());
        let (_, after) = decide(Case { now, ..case(&settings, &state, &row) }, &Finish::Failed(failure));
        let streak = after.last_error.as_ref().and_then(|error| error.streak.clone()).expect("a streak");
        assert_eq!((after.health, streak.times), (health, times), "{place}");
        let begun = [0, 1, 1, 1, 1, 5][place];
        assert_eq!(streak.since, NOW.plus_secs(begun), "{place}");
        state.last_error = after.last_error;
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_at_once_elsewhere() {
    let (status, after) = after(2, &Finish::Stopped);
    assert_eq!((status, after.next_run_at, after.errors), (RunStatus::Cancelled, Some(NOW), 2));
}

#[test]
fn what_a_webhook_may_still_bring_is_looked_for_within_both_floors() {
    let wait_s = |grace_s: u32, asked_s: u32| {
        let settings = json!({
            "request": { "url": "https://api.example.com/" }, "schedule": { "interval_s": 600, "jitter_pct": 0 },
            "items": "$[*]", "id": "$.id", "reconcile": { "grace_s": grace_s }
        });
        let (settings, state) = (PollSettings::parse(&settings, 1).expect("valid"), state(0));
        let times = RunTimes { scheduled_at: NOW, started_at: NOW };
        let row = RunRow::begun(RunId::fresh(), (state.tenant, state.source), Trigger::Schedule, times);
        let answers = Answers { floor_s: asked_s, ..Answers::default() };
        let case = Case { answers, is_awaiting: true, ..case(&settings, &state, &row) };
        let (_, after) = decide(case, &Finish::Complete);
        after.next_run_at.expect("planned").ms_since(NOW) / 1_000
    };
    assert_eq!(wait_s(10, 0), 10);
    assert_eq!(wait_s(10, 60), 60, "the provider's");
    assert_eq!(wait_s(1, 0), 5, "the operator's");
}

#[test]
fn an_alarm_shortens_the_wait_within_what_the_provider_and_the_owner_permit() {
    let standing = Standing {
        kind: Alarm::Loss,
        since: NOW,
        lost: 2,
        n: 100,
        last_webhook_at: None,
        last_lost_at: NOW,
        clean_runs: 0,
        heard: false,
    };
    let wait_for = |alarm: Option<Standing>, adaptive: serde_json::Value, answers: Answers| {
        let (settings, mut state) = (settings_with(&adaptive), state(0));
        state.interval_ms = Some(60_000);
        let times = RunTimes { scheduled_at: NOW, started_at: NOW };
        let row = RunRow::begun(RunId::fresh(), (state.tenant, state.source), Trigger::Schedule, times);
        let case = Case { alarm, answers, ..case(&settings, &state, &row) };
        let (_, after) = decide(case, &Finish::Complete);
        after.next_run_at.expect("planned").ms_since(NOW) / 1_000
    };
    let wait_s = |alarm, adaptive, floor_s| wait_for(alarm, adaptive, Answers { floor_s, ..Answers::default() });
    let none = json!(null);
    let adapts = || json!({ "min_s": 20, "max_s": 600 });
    assert_eq!(wait_s(None, adapts(), 0), 30, "without news it grows by half");
    assert_eq!(wait_s(Some(standing), none.clone(), 0), 5, "the operator's floor");
    assert_eq!(wait_s(Some(standing), none, 30), 30, "the provider asked for more");
    let exhausted = Answers { exhausted_until: Some(NOW.plus_secs(100)), ..Answers::default() };
    assert_eq!(wait_for(Some(standing), json!(null), exhausted), 100, "and its budget goes before all");
    assert_eq!(wait_s(Some(standing), adapts(), 0), 20, "the owner's bound");
    let clean = Standing { clean_runs: 3, ..standing };
    assert_eq!(wait_s(Some(clean), adapts(), 0), 30, "three clean runs");
}

fn exchange() -> postern_egress::Exchange {
    postern_egress::Exchange {
        kind: postern_domain::attempt::ResultKind::Timeout,
        status: None,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        truncated: false,
        retry_after: None,
        timings: postern_domain::attempt::Timings::default(),
        detail: None,
        may_have_left: true,
    }
}
