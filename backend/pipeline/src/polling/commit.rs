//! Writes what a page brought: events and their deliveries, routed by the newest configuration, with the records, the
//! cursor and the counts of the run.
//!
//! A page with more news than one transaction should take is written in parts, of which only the last moves the cursor:
//! what a crash leaves in between is read again, and known.

use std::{
    collections::HashMap,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use postern_domain::{EventId, SourceId, TenantId};
use postern_store::{
    StoreError,
    engine::{AcceptBatch, EventRow, FirstEvent},
    polling::{LagCount, PageCommit, PageCommitted, Progress, QuarantineRow, RecordRow, RunRow},
};
use uuid::Uuid;

use super::claim::LEASE_MS;
use crate::{
    Engine,
    writer::{Routed, give_back, route, send_off},
};

/// A commit that the database did not answer is repeated: if it had happened, that changes nothing.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// What one transaction takes at most.
const PART_EVENTS: usize = 500;
const PART_BYTES: usize = 8 * 1024 * 1024;
const PART_DELIVERIES: usize = 2_000;
const PART_RECORDS: usize = 2_000;

/// By which right a run writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) source: SourceId,
    pub(super) tenant: TenantId,
    pub(super) token: Uuid,
    /// Of the next page.
    pub(super) seq: i64,
}

/// What a page brought.
#[derive(Debug, Default)]
pub(super) struct PageWrite {
    pub(super) events: Vec<EventRow>,
    pub(super) records: Vec<RecordRow>,
    pub(super) forget: Vec<[u8; 16]>,
    pub(super) quarantine: Vec<QuarantineRow>,
    pub(super) lags: Vec<LagCount>,
    pub(super) origin: Option<&'static str>,
    pub(super) is_held: bool,
}

/// The run around the page.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    pub(super) before: &'a Progress,
    pub(super) after: &'a Progress,
    /// With this page counted, as if it had no duplicates.
    pub(super) run: &'a RunRow,
}

/// The lease is somebody else's, or nobody's.
#[derive(Debug)]
pub(super) enum NotWritten {
    LostLease,
    Store(StoreError),
}

impl From<StoreError> for NotWritten {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}

impl PageWrite {
    pub(super) const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.records.is_empty() && self.forget.is_empty() && self.quarantine.is_empty()
    }
}

/// Writes all of it. Answers how many of its events were duplicates; `holding.seq` has moved on then.
///
/// # Errors
/// When the lease is lost, or the database does not answer or refuses.
pub(super) async fn commit(
    engine: &Arc<Engine>,
    holding: &mut Holding,
    write: &PageWrite,
    standing: &Standing<'_>,
) -> Result<i64, NotWritten> {
    let begun = Instant::now();
    let mut duplicates = 0;
    let parts = parts(engine, holding.source, write);
    let last = parts.len().saturating_sub(1);
    for (place, part) in parts.into_iter().enumerate() {
        let is_last = place == last;
        let mut run = standing.run.clone();
        run.counts.duplicates += duplicates;
        run.counts.emitted -= duplicates;
        run.counts.held -= if write.is_held { duplicates } else { 0 };
        let part = Part {
            events: write.events.get(part.events).unwrap_or_default(),
            records: write.records.get(part.records).unwrap_or_default(),
            rest: is_last.then_some(write),
            progress: if is_last { standing.after } else { standing.before },
            run: &run,
            origin: write.origin,
            is_held: write.is_held,
        };
        let more = commit_part(engine, holding, &part).await?;
        duplicates += i64::try_from(more).unwrap_or(0);
        holding.seq += 1;
    }
    engine.metrics.polling.commit_page.observe(begun.elapsed().as_secs_f64());
    Ok(duplicates)
}

struct Ranges {
    events: Range<usize>,
    records: Range<usize>,
}

struct Part<'a> {
    events: &'a [EventRow],
    records: &'a [RecordRow],
    /// In the last part, what comes once.
    rest: Option<&'a PageWrite>,
    progress: &'a Progress,
    run: &'a RunRow,
    origin: Option<&'static str>,
    is_held: bool,
}

/// A record may be written before its event or after it only in the same transaction: events come in the order of the
/// records that made them, so parts of many events carry no records until the last of the events.
fn parts(engine: &Engine, source: SourceId, write: &PageWrite) -> Vec<Ranges> {
    let fan_out = engine.routing.read().connections_of(source).len().max(1);
    let most = (PART_DELIVERIES / fan_out).clamp(1, PART_EVENTS);
    let mut parts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (place, event) in write.events.iter().enumerate() {
        bytes += event.body.len();
        if place > begin && (place - begin >= most || bytes > PART_BYTES) {
            parts.push(Ranges { events: begin..place, records: 0..0 });
            (begin, bytes) = (place, event.body.len());
        }
    }
    let mut events = begin..write.events.len();
    let mut from = 0;
    while write.records.len() - from > PART_RECORDS {
        parts.push(Ranges { events: std::mem::replace(&mut events, 0..0), records: from..from + PART_RECORDS });
        from += PART_RECORDS;
    }
    parts.push(Ranges { events, records: from..write.records.len() });
    parts
}

async fn commit_part(engine: &Arc<Engine>, holding: &Holding, part: &Part<'_>) -> Result<usize, NotWritten> {
    let mut failures = 0;
    let mut prepared: Option<(AcceptBatch, Routed)> = None;
    loop {
        let (rows, routed) = prepared.take().unwrap_or_else(|| prepare(engine, part));
        let empty = PageWrite::default();
        let rest = part.rest.unwrap_or(&empty);
        let page = PageCommit {
            source: holding.source,
            tenant: holding.tenant,
            token: holding.token,
            seq: holding.seq,
            accept: &rows,
            origin: part.origin,
            held: part.is_held,
            records: part.records,
            forget: &rest.forget,
            progress: part.progress,
            run: part.run,
            quarantine: &rest.quarantine,
            lags: &rest.lags,
            lease_ms: LEASE_MS,
        };
        match engine.store.commit_page(&page).await {
            Ok(PageCommitted::Written { duplicates }) => {
                let count = duplicates.len();
                hand_over(engine, &rows, routed, duplicates.into_iter().collect());
                return Ok(count);
            }
            Ok(PageCommitted::LostLease) => return Err(NotWritten::LostLease),
            Ok(PageCommitted::StaleConfig) => {
                drop(routed);
                engine.routing.refresh().await?;
            }
            Err(cause) if cause.is_unavailable() && failures + 1 < TRIES => {
                failures += 1;
                tracing::warn!(%cause, "Commit {failures} of {TRIES} of a page failed, trying again");
                tokio::time::sleep(PAUSE).await;
                prepared = Some((AcceptBatch { repeated: true, ..rows }, routed));
            }
            Err(cause) => {
                give_back(engine, routed, &cause);
                return Err(NotWritten::Store(cause));
            }
        }
    }
}

fn prepare(engine: &Engine, part: &Part<'_>) -> (AcceptBatch, Routed) {
    let now = engine.clock.now();
    let mut routed = Routed::default();
    let mut events = Vec::with_capacity(part.events.len());
    let maps = engine.routing.read();
    for event in part.events {
        let mut event = event.clone();
        route(engine, &maps, &event, now, &mut routed);
        event.filtered = routed.filtered;
        events.push(event);
    }
    if part.is_held {
        // Nothing of it leaves or is waited for until somebody lets it go.
        routed.departures.clear();
        routed.waiting.clear();
        routed.queued.clear();
        routed.deliveries.iter_mut().for_each(|delivery| delivery.lease = None);
    }
    let rows = AcceptBatch {
        config_version: maps.version,
        now,
        instance: engine.instance.id(),
        lease_ms: engine.options.lease_ms,
        events,
        deliveries: std::mem::take(&mut routed.deliveries),
        repeated: false,
    };
    (rows, routed)
}

/// What was written goes on its way.
pub(crate) fn hand_over(
    engine: &Arc<Engine>,
    rows: &AcceptBatch,
    routed: Routed,
    duplicates: HashMap<usize, FirstEvent>,
) {
    let mut accepted: HashMap<EventId, &EventRow> = HashMap::with_capacity(rows.events.len());
    for (place, event) in rows.events.iter().enumerate() {
        if duplicates.contains_key(&place) {
            engine.metrics.duplicates.inc();
        } else {
            engine.metrics.accepted.inc();
            accepted.insert(event.id, event);
        }
    }
    for (lane, due_at) in routed.waiting {
        engine.lanes.note(lane, due_at);
        engine.lanes.wake.notify_one();
    }
    engine.gates.wake_all(&routed.queued);
    for departure in routed.departures {
        // A duplicate's deliveries were not written; dropping the departure frees its slot.
        let Some(event) = accepted.get(&departure.delivery.event) else { continue };
        send_off(engine, departure, event.body.clone(), event.content_type.clone(), event.received_at);
    }
}
