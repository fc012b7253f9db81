//! One page of a run in one transaction: its records, keys, events, deliveries, the cursor and the counts of the run.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
};

use postern_domain::{EventId, SourceId, TenantId, id::fresh_uuid};
use serde_json::Value;
use uuid::Uuid;

use super::{
    given::{Column, Row, bound, bound_list, given, listed, listed_ids, names, overwrites},
    held::HELD_UNTIL,
    record::{LagCount, QuarantineRow, RecordRow},
    run::{self, RunRow},
    state::Progress,
    writing::{Bind, Writing, lease, lease_end},
};
use crate::{
    Store, StoreError,
    engine::{AcceptBatch, Accepted, EventRow, FirstEvent, Written, postgres, sqlite},
    open::Pools,
};

const DOING: &str = "committing a page";
const SAMPLE_BYTES: usize = 64 * 1024;

/// What a page came to, before it is known which of its news are duplicates.
#[derive(Debug)]
pub struct PageCommit<'a> {
    pub source: SourceId,
    pub tenant: TenantId,
    pub token: Uuid,
    /// [`super::PollState::seq`] as it was claimed, and one more for each page since.
    pub seq: i64,
    /// May be without events. Where the page is held, its deliveries wait, whatever they say.
    pub accept: &'a AcceptBatch,
    /// Where it differs from what the kind of the source says: `reconciled`.
    pub origin: Option<&'a str>,
    /// Its events are kept until somebody lets them go.
    pub held: bool,
    /// Those that are new or changed, and no others.
    pub records: &'a [RecordRow],
    pub forget: &'a [[u8; 16]],
    pub progress: &'a Progress,
    /// All of the run until now, this page counted, as if it had no duplicates.
    pub run: &'a RunRow,
    pub quarantine: &'a [QuarantineRow],
    pub lags: &'a [LagCount],
    /// From now on.
    pub lease_ms: i64,
}

/// What a commit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageCommitted {
    /// Written. For each duplicate its place among the events, and the event that came first: the counts of the run
    /// were written without them, so the next page's must be counted from there.
    Written { duplicates: Vec<(usize, FirstEvent)> },
    /// Somebody else holds the source, or changed it: nothing was written.
    LostLease,
    /// The configuration has changed: nothing was written; read it again, route again.
    StaleConfig,
}

impl Store {
    /// Writes a page, all or nothing; on disk when this returns. The same page again, because the answer was lost,
    /// changes nothing and succeeds.
    ///
    /// # Errors
    /// When the database does not answer, or refuses a row (then none is written).
    pub async fn commit_page(&self, page: &PageCommit<'_>) -> Result<PageCommitted, StoreError> {
        let mut tx = Writing::begin(self, DOING).await?;
        match advance(self, &mut tx, page).await? {
            Fence::Passed => {}
            Fence::Lost => return Ok(PageCommitted::LostLease),
            Fence::Repeated => {
                let duplicates = duplicates_of(&mut tx, page).await?;
                return Ok(PageCommitted::Written { duplicates });
            }
        }
        let duplicates = match accept(self, &mut tx, page).await? {
            Accepted::Written(written) => written.duplicates,
            Accepted::StaleConfig => return Ok(PageCommitted::StaleConfig),
        };
        let fresh = fresh_events(page, &duplicates);
        mark_events(&mut tx, page, &fresh).await?;
        write_records(&mut tx, page).await?;
        write_beside(&mut tx, page).await?;
        write_run(&mut tx, page, duplicates.len()).await?;
        tx.commit(self, DOING).await?;
        Ok(PageCommitted::Written { duplicates })
    }
}

enum Fence {
    Passed,
    Lost,
    /// This very page was written before: nobody else counts on under this token.
    Repeated,
}

/// Goes first, so that who lost the source waits for nothing and writes nothing.
async fn advance(store: &Store, tx: &mut Writing, page: &PageCommit<'_>) -> Result<Fence, StoreError> {
    let sql = format!(
        "UPDATE poll_states SET seq = seq + 1, cursor = $4, candidate = $5, resume = $6, leased_until = {} \
         WHERE source_id = $1 AND lease_token = $2 AND seq = $3",
        lease_end(tx.backend(), 7)
    );
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let progress = [&page.progress.cursor, &page.progress.candidate, &page.progress.resume].map(text);
    let [cursor, candidate, resume] = progress.each_ref().map(Option::as_deref);
    let (source, token) = (Bind::Uuid(page.source.uuid()), Bind::Uuid(page.token));
    let binds = [
        source,
        token,
        Bind::Long(page.seq),
        Bind::MaybeText(cursor),
        Bind::MaybeText(candidate),
        Bind::MaybeText(resume),
        lease(store, page.lease_ms),
    ];
    if tx.execute(DOING, sql, &binds).await? == 1 {
        return Ok(Fence::Passed);
    }
    let sql = "SELECT seq FROM poll_states WHERE source_id = $1 AND lease_token = $2";
    let found: Vec<(i64,)> = tx.fetch(DOING, sql, &[source, token]).await?;
    Ok(if found == [(page.seq + 1,)] { Fence::Repeated } else { Fence::Lost })
}

async fn accept(store: &Store, tx: &mut Writing, page: &PageCommit<'_>) -> Result<Accepted, StoreError> {
    if page.accept.events.is_empty() {
        return Ok(Accepted::Written(Written::default()));
    }
    let mut batch = Cow::Borrowed(page.accept);
    if page.held {
        for delivery in &mut batch.to_mut().deliveries {
            delivery.due_at = HELD_UNTIL;
            delivery.lease = None;
        }
    }
    commit_within(store, tx, &batch).await
}

/// The same statements as for what comes to the front door.
pub(crate) async fn commit_within(
    store: &Store,
    tx: &mut Writing,
    batch: &AcceptBatch,
) -> Result<Accepted, StoreError> {
    match tx {
        Writing::Sqlite(tx) => sqlite::accept::write(tx, batch).await,
        Writing::Postgres(tx) => {
            let small = matches!(&store.inner.pools,
                Pools::Postgres { small_statements, .. } if small_statements.load(Ordering::Relaxed));
            postgres::accept::commit_within(tx, batch, small).await
        }
    }
}

/// What the first time came to, as far as the keys tell.
async fn duplicates_of(tx: &mut Writing, page: &PageCommit<'_>) -> Result<Vec<(usize, FirstEvent)>, StoreError> {
    let hashes = page.accept.events.iter().filter_map(|event| event.dedup.as_ref().map(|dedup| dedup.hash.as_slice()));
    let sql = format!(
        "SELECT key_hash, event_id, body_hash FROM dedup_keys WHERE source_id = $2 AND key_hash {}",
        listed(tx.backend(), 1)
    );
    let binds = [Bind::Text(&bound_list(hashes)), Bind::Uuid(page.source.uuid())];
    let rows: Vec<(Vec<u8>, Uuid, Vec<u8>)> = tx.fetch(DOING, sql, &binds).await?;
    let holders: HashMap<Vec<u8>, (Uuid, Vec<u8>)> =
        rows.into_iter().map(|(key, event, body)| (key, (event, body))).collect();
    let duplicate = |(place, event): (usize, &EventRow)| {
        let (holder, body_hash) = holders.get(event.dedup.as_ref()?.hash.as_slice())?;
        let first = FirstEvent { id: EventId::from_uuid(*holder), same_body: event.body_sha256.starts_with(body_hash) };
        (*holder != event.id.uuid()).then_some((place, first))
    };
    Ok(page.accept.events.iter().enumerate().filter_map(duplicate).collect())
}

fn fresh_events(page: &PageCommit<'_>, duplicates: &[(usize, FirstEvent)]) -> Vec<EventId> {
    let double: HashSet<usize> = duplicates.iter().map(|(place, _)| *place).collect();
    let events = page.accept.events.iter().enumerate();
    events.filter(|(place, _)| !double.contains(place)).map(|(_, event)| event.id).collect()
}

/// By which way they came, and that they wait for somebody.
async fn mark_events(tx: &mut Writing, page: &PageCommit<'_>, fresh: &[EventId]) -> Result<(), StoreError> {
    let ids = fresh.iter().map(|id| id.uuid());
    let (Some(lowest), Some(highest)) = (ids.clone().min(), ids.clone().max()) else { return Ok(()) };
    let ids: Vec<Uuid> = ids.collect();
    let listing = bound_list(ids.iter().map(|id| id.as_bytes().as_slice()));
    if let Some(origin) = page.origin {
        let which = listed_ids(tx.backend(), 1);
        let sql = format!("UPDATE events SET origin = $2 WHERE id >= $3 AND id <= $4 AND id {which}");
        let binds = [Bind::Text(&listing), Bind::Text(origin), Bind::Uuid(lowest), Bind::Uuid(highest)];
        tx.execute(DOING, sql, &binds).await?;
    }
    if page.held {
        let rows = ids.iter().map(|id| Row::default().uuid("event_id", *id));
        let sql = format!(
            "WITH {} INSERT INTO poll_held (source_id, event_id, run_id) SELECT $2, event_id, $3 FROM given",
            given(tx.backend(), &[Column::Uuid("event_id")])
        );
        let (source, run) = (Bind::Uuid(page.source.uuid()), Bind::Uuid(page.run.id.uuid()));
        tx.execute(DOING, sql, &[Bind::Text(&bound(rows)), source, run]).await?;
        let sql = "UPDATE poll_states SET held = held + $2 WHERE source_id = $1";
        tx.execute(DOING, sql, &[source, Bind::Long(i64::try_from(ids.len()).unwrap_or(0))]).await?;
    }
    Ok(())
}

const RECORD: &[Column] = &[
    Column::Bytes("record_hash"),
    Column::Text("record_id"),
    Column::Text("version"),
    Column::Bytes("content_hash"),
    Column::Int("rev"),
    Column::Int("stable"),
    Column::Int("missed"),
    Column::Long("waiting_since"),
];
/// Overwritten only where there is another.
const SEEN: Column = Column::Int("seen_day");

async fn write_records(tx: &mut Writing, page: &PageCommit<'_>) -> Result<(), StoreError> {
    if !page.forget.is_empty() {
        let which = listed(tx.backend(), 1);
        let sql = format!("DELETE FROM poll_records WHERE source_id = $2 AND record_hash {which}");
        let hashes = bound_list(page.forget.iter().map(<[u8; 16]>::as_slice));
        tx.execute(DOING, sql, &[Bind::Text(&hashes), Bind::Uuid(page.source.uuid())]).await?;
    }
    // Of two for one record the last counts: a statement cannot write a row twice.
    let records: HashMap<[u8; 16], &RecordRow> = page.records.iter().map(|record| (record.hash, record)).collect();
    if records.is_empty() {
        return Ok(());
    }
    let rows = records.into_values().map(|record| {
        Row::default()
            .bytes("record_hash", &record.hash)
            .text("record_id", Some(&record.id))
            .text("version", record.version.as_deref())
            .bytes("content_hash", &record.content_hash)
            .int("rev", record.rev)
            .int("stable", record.stable)
            .int("missed", record.missed)
            .at("waiting_since", record.waiting_since)
            .int("seen_day", record.seen_day)
    });
    let sql = format!(
        "WITH {} INSERT INTO poll_records (source_id, run_id, updated_at, seen_day, {names}) \
         SELECT $2, $3, $4, seen_day, {names} FROM given WHERE true ON CONFLICT (source_id, record_hash) \
         DO UPDATE SET run_id = excluded.run_id, updated_at = excluded.updated_at, \
         seen_day = coalesce(excluded.seen_day, poll_records.seen_day), {}",
        given(tx.backend(), &[RECORD, &[SEEN]].concat()),
        overwrites(RECORD),
        names = names(RECORD)
    );
    let binds = [
        Bind::Text(&bound(rows)),
        Bind::Uuid(page.source.uuid()),
        Bind::Uuid(page.run.id.uuid()),
        Bind::Long(page.accept.now.as_micros()),
    ];
    tx.execute(DOING, sql, &binds).await.map(|_| ())
}

/// What could not become an event, and how late the others were.
async fn write_beside(tx: &mut Writing, page: &PageCommit<'_>) -> Result<(), StoreError> {
    const ITEM: &[Column] = &[Column::Uuid("id"), Column::Long("at"), Column::Text("reason"), Column::Bytes("sample")];
    const LAG: &[Column] = &[Column::Int("day"), Column::Text("channel"), Column::Int("bucket"), Column::Long("count")];
    let source = Bind::Uuid(page.source.uuid());
    if !page.quarantine.is_empty() {
        let rows = page.quarantine.iter().map(|item| {
            Row::default()
                .uuid("id", fresh_uuid())
                .at("at", Some(item.at))
                .text("reason", Some(&item.reason))
                .bytes("sample", item.sample.get(..SAMPLE_BYTES).unwrap_or(&item.sample))
        });
        let sql = format!(
            "WITH {} INSERT INTO poll_quarantine (tenant_id, source_id, run_id, {names}) \
             SELECT $2, $3, $4, {names} FROM given",
            given(tx.backend(), ITEM),
            names = names(ITEM)
        );
        let (tenant, run) = (Bind::Uuid(page.tenant.uuid()), Bind::Uuid(page.run.id.uuid()));
        tx.execute(DOING, sql, &[Bind::Text(&bound(rows)), tenant, source, run]).await?;
    }
    if !page.lags.is_empty() {
        let mut sums: HashMap<(i32, &str, i16), i64> = HashMap::new();
        for lag in page.lags {
            *sums.entry((lag.day, lag.channel.as_str(), lag.bucket)).or_default() += lag.count;
        }
        let rows = sums.into_iter().map(|((day, channel, bucket), count)| {
            Row::default().int("day", day).text("channel", Some(channel)).int("bucket", bucket).int("count", count)
        });
        let sql = format!(
            "WITH {} INSERT INTO poll_lags (source_id, day, channel, bucket, count) \
             SELECT $2, day, channel, bucket, count FROM given WHERE true \
             ON CONFLICT (source_id, day, channel, bucket) DO UPDATE SET count = poll_lags.count + excluded.count",
            given(tx.backend(), LAG)
        );
        tx.execute(DOING, sql, &[Bind::Text(&bound(rows)), source]).await?;
    }
    Ok(())
}

/// The counts are of what was written: a duplicate was not.
async fn write_run(tx: &mut Writing, page: &PageCommit<'_>, duplicates: usize) -> Result<(), StoreError> {
    let duplicates = i64::try_from(duplicates).unwrap_or(0);
    let mut run = page.run.clone();
    run.counts.emitted -= duplicates;
    run.counts.duplicates += duplicates;
    run.counts.held -= if page.held { duplicates } else { 0 };
    run::write(tx, DOING, [&run]).await
}
