//! Sources that make an event at each instant of a timetable.
//!
//! The instant is the dedup key, so whoever comes to an instant second, after a crash or beside another replica, finds its
//! event there.

use std::sync::Arc;

use bytes::Bytes;
use postern_domain::{EventId, Timestamp};
use postern_polling::{
    Overlap, TickSettings,
    timetable::{Due, Spread, due},
};
use postern_seal::token::sha256;
use postern_store::{
    StoreError,
    engine::EventRow,
    polling::{ClaimedRun, Health, RunEnd, RunRow, RunStatus, RunTimes, StateAfter},
};
use serde_json::json;

use super::{end::Ended, rooms::Room};
use crate::{
    Engine, SourceEntry,
    accept::{self, AcceptError},
    inlet::Outcome,
};

pub(super) async fn run(engine: Arc<Engine>, claim: ClaimedRun, room: Room) {
    let id = claim.state.source;
    let source = match engine.routing.source(id).await {
        Ok(source) => source.filter(|source| !source.paused),
        Err(cause) => {
            tracing::warn!(source.id = %id, %cause, "The configuration of `{id}` could not be read for its schedule");
            return;
        }
    };
    // Without settings or paused meanwhile: the change has freed it.
    let Some((source, settings)) = source.and_then(|source| Some((Arc::clone(&source), source.tick.clone()?))) else {
        return;
    };
    let due = due(&settings.schedule, claim.scheduled_at, claim.started_at, Spread::None, settings.misfire);
    let end = match emit(&engine, &source, &settings, &due).await {
        Ok(fired) => ended(&engine, &claim, due.next, fired),
        Err(cause) => {
            tracing::warn!(source.id = %id, %cause, "An event of the schedule of `{id}` could not be written, trying again");
            // The instant stays, and its key with it: what was written is not written again.
            failed(&engine, &claim)
        }
    };
    // The task that writes lives as long as there are runs.
    let _ = engine.polls.ended.send(Ended { end, room });
}

/// The key of an instant outlives whatever keeps the end of its run from being written.
const KEY_FOR_S: i64 = 24 * 3_600;

#[derive(Clone, Copy, Debug, Default)]
struct Fired {
    emitted: i64,
    duplicates: i64,
    left_out: i64,
}

async fn emit(engine: &Engine, source: &SourceEntry, settings: &TickSettings, due: &Due) -> Result<Fired, AcceptError> {
    let mut fired = Fired::default();
    for at in &due.instants {
        if settings.overlap == Overlap::Skip && is_busy(engine, source).await? {
            fired.left_out += 1;
            continue;
        }
        match engine.inlet.submit(event(source, settings, *at, engine.clock.now())).await? {
            Outcome::Duplicate(_) => fired.duplicates += 1,
            Outcome::Accepted | Outcome::Replayed(_) | Outcome::Refused(_) => fired.emitted += 1,
        }
    }
    Ok(fired)
}

/// Whether the last event is not delivered everywhere yet.
async fn is_busy(engine: &Engine, source: &SourceEntry) -> Result<bool, StoreError> {
    engine.store.is_last_event_waiting(source.id).await
}

fn event(source: &SourceEntry, settings: &TickSettings, at: Timestamp, now: Timestamp) -> EventRow {
    let body = Bytes::from(json!({ "scheduled_at": at, "data": settings.data }).to_string());
    let mut dedup = accept::dedup_input("t", &at.to_string());
    dedup.expires_at = now.plus_secs(i64::from(source.window_s).max(KEY_FOR_S));
    EventRow {
        id: EventId::fresh(),
        tenant: source.tenant,
        source: source.id,
        event_type: settings.event_type.clone(),
        dedup: Some(dedup),
        body_key: None,
        content_type: Some("application/json".to_owned()),
        headers: "{}".to_owned(),
        remote: String::new(),
        received_at: now,
        not_before: None,
        body_sha256: sha256(&body),
        body,
        filtered: 0,
    }
}

fn ended(engine: &Engine, claim: &ClaimedRun, next: Option<Timestamp>, fired: Fired) -> RunEnd {
    let now = engine.clock.now();
    let after = StateAfter {
        next_run_at: next,
        health: Health::Ok,
        errors: 0,
        last_ok_at: Some(now),
        last_change_at: if fired.emitted > 0 { Some(now) } else { claim.state.last_change_at },
        last_error: None,
        skipped_overlap: fired.left_out,
        ..as_it_was(claim)
    };
    end(claim, now, RunStatus::Succeeded, (fired, after))
}

fn failed(engine: &Engine, claim: &ClaimedRun) -> RunEnd {
    let errors = claim.state.errors.saturating_add(1);
    let after =
        StateAfter { next_run_at: Some(claim.scheduled_at), health: Health::Backoff, errors, ..as_it_was(claim) };
    end(claim, engine.clock.now(), RunStatus::Failed, (Fired::default(), after))
}

fn as_it_was(claim: &ClaimedRun) -> StateAfter {
    let state = &claim.state;
    StateAfter {
        next_run_at: state.next_run_at,
        health: state.health,
        errors: state.errors,
        blocked_until: None,
        last_ok_at: state.last_ok_at,
        last_change_at: state.last_change_at,
        last_error: state.last_error.clone(),
        progress: state.progress.clone(),
        validators: state.validators.clone(),
        interval_ms: None,
        rate: None,
        primed: true,
        alarm: None,
        last_lost_at: None,
        forget_before: None,
        skipped_overlap: 0,
    }
}

fn end(claim: &ClaimedRun, now: Timestamp, status: RunStatus, (fired, after): (Fired, StateAfter)) -> RunEnd {
    let times = RunTimes { scheduled_at: claim.scheduled_at, started_at: claim.started_at };
    let mut run = RunRow::begun(claim.run, (claim.state.tenant, claim.state.source), claim.trigger, times);
    run.status = status;
    run.ended_at = Some(now);
    run.counts.emitted = fired.emitted;
    run.counts.duplicates = fired.duplicates;
    // Its event says when it ran; a row for each instant would say it again.
    let quiet = status == RunStatus::Succeeded && fired.left_out == 0;
    RunEnd { source: claim.state.source, token: claim.token, quiet, run, after, moved: None }
}
