use postern_domain::RunId;
use postern_store::polling::{Health, Progress, RunTimes, Validators};
use serde_json::{Value, json};

use super::*;
use crate::polling::finish;

const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);
const SLOW: Share = Share { slowdown: 2.5, wanted: 150.0, budget: Budget { requests: 60, per_s: 60 } };

fn settings(schedule: Value) -> PollSettings {
    let settings = json!({
        "request": { "url": "https://api.example.com/" }, "schedule": schedule, "items": "$[*]", "id": "$.id"
    });
    PollSettings::parse(&settings, 1).expect("valid")
}

fn every_minute() -> PollSettings {
    settings(json!({ "interval_s": 60, "jitter_pct": 0 }))
}

fn state(rate: Option<Value>) -> PollState {
    PollState { rate, ..finish::tests::state(0) }
}

/// A run that began now and made so many requests, and what is written of the pace.
fn ended(
    settings: &PollSettings,
    state: &PollState,
    (status, requests): (RunStatus, i64),
    share: Option<Share>,
) -> StateAfter {
    let times = RunTimes { scheduled_at: NOW, started_at: NOW };
    let mut run = RunRow::begun(RunId::fresh(), (state.tenant, state.source), Trigger::Schedule, times);
    (run.status, run.counts.requests) = (status, requests);
    let mut after = StateAfter {
        next_run_at: Some(NOW.plus_secs(60)),
        health: Health::Ok,
        errors: 0,
        blocked_until: None,
        last_ok_at: None,
        last_change_at: None,
        last_error: None,
        progress: Progress { resume: (status == RunStatus::Throttled).then(|| json!({})), ..Progress::default() },
        validators: Validators::default(),
        interval_ms: None,
        rate: state.rate.clone(),
        primed: true,
        alarm: None,
        last_lost_at: None,
        forget_before: None,
        skipped_overlap: 0,
    };
    keep_pace(&mut after, &run, (settings, state), share);
    after
}

#[test]
fn with_room_for_all_nothing_is_written_of_it() {
    let after = ended(&every_minute(), &state(None), (RunStatus::NotModified, 1), None);
    assert_eq!((after.rate, after.next_run_at), (None, Some(NOW.plus_secs(60))));
}

#[test]
fn a_budget_that_is_too_small_makes_the_interval_longer_and_says_so() {
    let after = ended(&every_minute(), &state(None), (RunStatus::Succeeded, 1), Some(SLOW));
    assert_eq!(after.next_run_at, Some(NOW.plus_secs(150)));
    let state = state(after.rate);
    let slowed = slowed(&state).expect("slower");
    assert_eq!((slowed.interval_ms, slowed.wanted, slowed.requests, slowed.per_s), (150_000, 150, 60, 60));
    let after = ended(&every_minute(), &state, (RunStatus::Succeeded, 1), None);
    assert_eq!((after.rate, after.next_run_at), (None, Some(NOW.plus_secs(60))), "with room it is as it was");
}

#[test]
fn a_wait_that_is_longer_stays() {
    let small = Share { slowdown: 1.001, ..SLOW };
    let after = ended(&every_minute(), &state(None), (RunStatus::Succeeded, 1), Some(small));
    assert!(after.next_run_at >= Some(NOW.plus_secs(60)), "{after:?}");
    let after = ended(&every_minute(), &state(None), (RunStatus::Failed, 1), Some(SLOW));
    assert_eq!(after.next_run_at, Some(NOW.plus_secs(60)), "a failure has its own wait");
}

#[test]
fn of_a_cron_moments_are_left_out() {
    let settings = settings(json!({ "cron": "* * * * *", "timezone": "UTC" }));
    let after = ended(&settings, &state(None), (RunStatus::Succeeded, 1), Some(SLOW));
    assert_eq!(after.next_run_at, Some(NOW.plus_secs(120)), "the first that is 90 s later than it would be");
}

#[test]
fn what_a_list_takes_is_counted_over_all_of_its_runs() {
    let settings = every_minute();
    let first = ended(&settings, &state(None), (RunStatus::Throttled, 12), None);
    let second = ended(&settings, &state(first.rate), (RunStatus::Throttled, 11), None);
    let last = ended(&settings, &state(second.rate), (RunStatus::Succeeded, 3), None);
    let want = remembered(&state(last.rate)).want(60_000);
    assert!((want.requests - 23.75).abs() < 1e-9, "{want:?}");
}
