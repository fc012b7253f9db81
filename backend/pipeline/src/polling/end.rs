//! Writes the ends of runs, many in one transaction: most runs find nothing, and their end is all that they write.

use std::{collections::HashSet, sync::Arc, time::Duration};

use postern_domain::SourceId;
use postern_store::{
    StoreError,
    polling::{RunEnd, RunStatus},
};
use tokio::sync::mpsc;

use super::{figures::Ending as Label, rooms::Room};
use crate::Engine;

/// What one transaction takes at most.
const BATCH: usize = 256;
/// After the first has come, so long is waited for others: they share its transaction.
const GATHER: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A run that has ended. Its room is given back once that is written.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: RunEnd,
    pub(crate) room: Room,
}

pub(crate) async fn run(engine: Arc<Engine>, mut queue: mpsc::UnboundedReceiver<Ended>) {
    loop {
        let first = tokio::select! {
            biased;
            first = queue.recv() => first,
            () = engine.tasks.stopped() => {
                // Runs end after the page under way; what they leave is written before this ends.
                if engine.polls.rooms.taken() == 0 {
                    return;
                }
                tokio::time::timeout(GATHER, queue.recv()).await.ok().flatten()
            }
        };
        let Some(first) = first else { continue };
        tokio::time::sleep(GATHER).await;
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        write(&engine, batch).await;
    }
}

async fn write(engine: &Engine, batch: Vec<Ended>) {
    let (ends, rooms): (Vec<RunEnd>, Vec<Room>) = batch.into_iter().map(|ended| (ended.end, ended.room)).unzip();
    let mut pause = FIRST_PAUSE;
    loop {
        match engine.store.end_runs(&ends).await {
            Ok(lost) => {
                count(engine, &ends, &lost);
                break;
            }
            Err(cause) if cause.is_unavailable() => {
                tracing::warn!(%cause, "The end of {} runs could not be written, trying again; polling waits", ends.len());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(cause) => {
                one_by_one(engine, &ends, &cause).await;
                break;
            }
        }
    }
    drop(rooms);
    engine.metrics.polling.running.set(i64::from(engine.polls.rooms.taken()));
}

/// One row is bad, and its neighbours must not pay for it.
async fn one_by_one(engine: &Engine, ends: &[RunEnd], cause: &StoreError) {
    tracing::error!(%cause, "The ends of {} runs were refused by the database; writing them one by one", ends.len());
    for end in ends {
        let (one, source) = (std::slice::from_ref(end), end.source);
        match engine.store.end_runs(one).await {
            Ok(lost) => count(engine, one, &lost),
            Err(cause) => {
                tracing::error!(source.id = %source, %cause, "A run of `{source}` cannot be ended; its lease will run out");
            }
        }
    }
}

fn count(engine: &Engine, ends: &[RunEnd], lost: &[SourceId]) {
    let lost: HashSet<SourceId> = lost.iter().copied().collect();
    let figures = &engine.metrics.polling;
    for end in ends {
        let status = if lost.contains(&end.source) { RunStatus::LostLease } else { end.run.status };
        figures.runs.get_or_create(&Label { state: status.as_str() }).inc();
        let counts = &end.run.counts;
        figures.requests.inc_by(u64::try_from(counts.requests).unwrap_or(0));
        figures.records.inc_by(u64::try_from(counts.records).unwrap_or(0));
        figures.emitted.inc_by(u64::try_from(counts.emitted).unwrap_or(0));
    }
}
