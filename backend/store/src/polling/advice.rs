//! What was measured of a source, for advice on how it should be read.

use postern_domain::{SourceId, Timestamp, id::first_uuid_at};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{
    day_of,
    end::STREAK,
    given::names,
    record::LagCount,
    run::{COLUMNS, RunCounts},
    words::Channel,
};
use crate::{
    StoreError, TenantStore,
    read::{ListError, query::Query},
};

/// All that was measured since a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdviceInputs {
    /// When the first thing that was counted happened.
    pub first_at: Option<Timestamp>,
    /// Events that came by themselves, by webhook or by a call.
    pub pushed_events: i64,
    /// Events that a poll brought, those a webhook should have brought among them.
    pub polled_events: i64,
    /// Requests that brought what was known, as far as they are on record.
    pub duplicates: i64,
    /// Of the events that a webhook should have brought, those that one brought later.
    pub late: i64,
    pub runs: RunSums,
    pub webhook_lags: Lags,
    pub poll_lags: Lags,
}

/// Runs, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSums {
    pub runs: i64,
    /// That found nothing, or nothing new.
    pub empty: i64,
    /// That did not read the list: they failed, had to wait, or were taken away.
    pub failed: i64,
    pub counts: RunCounts,
    /// How long those took that are on record one by one, altogether.
    pub spent_ms: i64,
}

/// How many events were how late: see [`super::LagCount::bucket`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lags(pub Vec<(i16, i64)>);

const DOING: &str = "measuring a source";
/// Events and duplicates are counted no further: by then it is clear what is to be said.
pub const MOST_EVENTS: i64 = 100_000;
/// Of so many duplicates, the latest, it is looked up which events they are of.
const LOOKED_UP: i64 = 10_000;

impl TenantStore {
    /// What was measured since `since`; `None` when the tenant has no such source.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn advice_inputs(&self, source: SourceId, since: Timestamp) -> Result<Option<AdviceInputs>, StoreError> {
        let db = self.store.reader();
        match self.check_source(&db, source).await {
            Ok(()) => {}
            Err(ListError::Store(cause)) => return Err(cause),
            Err(_) => return Ok(None),
        }
        let runs = self.run_sums(&db, source, since).await?;
        let events = self.event_sums(&db, source, since).await?;
        let polled = runs.sums.counts.emitted;
        let late = if runs.sums.counts.lost > 0 { self.late(&db, source, since).await? } else { 0 };
        Ok(Some(AdviceInputs {
            first_at: [runs.first_at, events.first_at].into_iter().flatten().min().map(Timestamp::from_micros),
            pushed_events: events.events.saturating_sub(polled).max(0),
            polled_events: polled,
            duplicates: self.duplicates(&db, source, since).await?,
            late,
            runs: runs.sums,
            webhook_lags: self.lags(&db, source, since, Channel::Webhook).await?,
            poll_lags: self.lags(&db, source, since, Channel::Poll).await?,
        }))
    }

    async fn run_sums(
        &self,
        db: &impl ConnectionTrait,
        source: SourceId,
        since: Timestamp,
    ) -> Result<MeasuredRuns, StoreError> {
        let mut query = Query::on(db);
        query.sql(SUMS).sql(" FROM (SELECT ").sql(&names(COLUMNS)).sql(" FROM poll_runs WHERE source_id = ");
        query.bind(source.uuid()).sql(" AND id >= ").bind(first_uuid_at(since));
        // The streak that is not over counts as much as one that is.
        query.sql(" UNION ALL SELECT ").sql(STREAK).sql(" WHERE quiet_run_id IS NOT NULL AND source_id = ");
        query.bind(source.uuid()).sql(") AS runs");
        let row: Option<StoredSums> = query.one(db, DOING).await?;
        Ok(row.map(StoredSums::read).unwrap_or_default())
    }

    async fn event_sums(
        &self,
        db: &impl ConnectionTrait,
        source: SourceId,
        since: Timestamp,
    ) -> Result<StoredEvents, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT count(*) AS events, min(received_at) AS first_at FROM (SELECT received_at FROM events");
        query.by_index("events_by_source").sql(" WHERE source_id = ").bind(source.uuid());
        query.sql(" AND id >= ").bind(first_uuid_at(since)).sql(" ORDER BY id LIMIT ").bind(MOST_EVENTS);
        query.sql(") AS oldest");
        Ok(query.one(db, DOING).await?.unwrap_or_default())
    }

    async fn duplicates(
        &self,
        db: &impl ConnectionTrait,
        source: SourceId,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT count(*) AS number FROM (SELECT id");
        duplicates_since(&mut query, source, since, MOST_EVENTS).sql(") AS latest");
        Ok(query.one::<Counted>(db, DOING).await?.map_or(0, |row| row.number))
    }

    async fn late(&self, db: &impl ConnectionTrait, source: SourceId, since: Timestamp) -> Result<i64, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT count(*) AS number FROM (SELECT DISTINCT event_id FROM (SELECT event_id");
        duplicates_since(&mut query, source, since, LOOKED_UP).sql(") AS latest) AS first JOIN events ");
        query.sql("ON events.id = first.event_id WHERE events.id >= ").bind(first_uuid_at(since));
        query.sql(" AND events.origin = 'reconciled'");
        Ok(query.one::<Counted>(db, DOING).await?.map_or(0, |row| row.number))
    }

    async fn lags(
        &self,
        db: &impl ConnectionTrait,
        source: SourceId,
        since: Timestamp,
        channel: Channel,
    ) -> Result<Lags, StoreError> {
        #[derive(FromQueryResult)]
        struct LagRow {
            bucket: i16,
            events: i64,
        }
        let mut query = Query::on(db);
        query.sql("SELECT bucket, CAST(sum(count) AS bigint) AS events FROM poll_lags WHERE source_id = ");
        query.bind(source.uuid()).sql(" AND day >= ").bind(day_of(since)).sql(" AND channel = ");
        query.bind(channel.as_str()).sql(" GROUP BY bucket ORDER BY bucket");
        let rows: Vec<LagRow> = query.all(db, DOING).await?;
        Ok(Lags(rows.into_iter().map(|row| (row.bucket, row.events)).collect()))
    }
}

fn duplicates_since(query: &mut Query, source: SourceId, since: Timestamp, most: i64) -> &mut Query {
    query.sql(" FROM requests").by_index("requests_by_source").sql(" WHERE source_id = ").bind(source.uuid());
    query.sql(" AND id >= ").bind(first_uuid_at(since));
    query.sql(" AND outcome = 'duplicate' ORDER BY id DESC LIMIT ").bind(most)
}

impl Lags {
    /// How many events were measured.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The upper bound of the lag of so many hundredths of them, in milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, percent: u8) -> Option<f64> {
        let wanted = (self.count() * i64::from(percent) + 99) / 100;
        let mut seen = 0;
        let bucket = self.0.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted.max(1)
        })?;
        let (power, quarter) = (f64::from(bucket.0 / 4), f64::from(bucket.0 % 4));
        Some(power.exp2() * (1.0 + (quarter + 1.0) / 4.0))
    }
}

impl LagCount {
    /// One event that was so late.
    #[must_use]
    pub fn of(at: Timestamp, channel: Channel, lag_ms: i64) -> Self {
        Self { day: day_of(at), channel, bucket: bucket_of(lag_ms), count: 1 }
    }
}

/// Whole powers of two by the place of the highest bit, quarters of them by the two bits below it.
fn bucket_of(lag_ms: i64) -> i16 {
    let Ok(lag) = u64::try_from(lag_ms.max(1)) else { return 0 };
    let power = lag.ilog2();
    let quarter = ((u128::from(lag) * 4) >> power) & 3;
    i16::try_from(power * 4).unwrap_or(0) + i16::try_from(quarter).unwrap_or(0)
}

#[derive(FromQueryResult, Default)]
struct StoredEvents {
    events: i64,
    first_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct Counted {
    number: i64,
}

#[derive(Default)]
struct MeasuredRuns {
    first_at: Option<i64>,
    sums: RunSums,
}

const SUMS: &str = "SELECT min(started_at) AS first_at, CAST(coalesce(sum(runs), 0) AS bigint) AS runs, \
    CAST(coalesce(sum(CASE WHEN emitted = 0 AND state NOT IN ('failed', 'timed_out', 'lost_lease', 'cancelled', \
    'throttled', 'running') THEN runs ELSE 0 END), 0) AS bigint) AS empty, \
    CAST(coalesce(sum(CASE WHEN state IN ('failed', 'timed_out', 'lost_lease', 'cancelled', 'throttled') THEN runs \
    ELSE 0 END), 0) AS bigint) AS failed, \
    CAST(coalesce(sum(CASE WHEN state = 'quiet' THEN 0 ELSE coalesce(ended_at, started_at) - started_at END), 0) \
    / 1000 AS bigint) AS spent_ms, \
    CAST(coalesce(sum(requests), 0) AS bigint) AS requests, \
    CAST(coalesce(sum(not_modified), 0) AS bigint) AS not_modified, CAST(coalesce(sum(pages), 0) AS bigint) AS pages, \
    CAST(coalesce(sum(records), 0) AS bigint) AS records, CAST(coalesce(sum(emitted), 0) AS bigint) AS emitted, \
    CAST(coalesce(sum(changed), 0) AS bigint) AS changed, \
    CAST(coalesce(sum(duplicates), 0) AS bigint) AS duplicates, \
    CAST(coalesce(sum(confirmed), 0) AS bigint) AS confirmed, CAST(coalesce(sum(lost), 0) AS bigint) AS lost, \
    CAST(coalesce(sum(unmatched), 0) AS bigint) AS unmatched, \
    CAST(coalesce(sum(quarantined), 0) AS bigint) AS quarantined, CAST(coalesce(sum(held), 0) AS bigint) AS held, \
    CAST(coalesce(sum(bytes), 0) AS bigint) AS bytes";

#[derive(FromQueryResult)]
struct StoredSums {
    first_at: Option<i64>,
    runs: i64,
    empty: i64,
    failed: i64,
    spent_ms: i64,
    #[sea_orm(nested)]
    counts: RunCounts,
}

impl StoredSums {
    fn read(self) -> MeasuredRuns {
        let Self { runs, empty, failed, spent_ms, counts, .. } = self;
        MeasuredRuns { first_at: self.first_at, sums: RunSums { runs, empty, failed, counts, spent_ms } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_at_most_a_quarter_above_what_was_measured() {
        let at = Timestamp::from_secs(1_772_359_200);
        for lag_ms in [1_i64, 2, 3, 5, 7, 8, 999, 1_000, 1_023, 1_024, 86_400_000, 2_592_000_000] {
            let count = LagCount::of(at, Channel::Webhook, lag_ms);
            let bound = Lags(vec![(count.bucket, 1)]).percentile_ms(95).expect("one");
            let lag = format!("{lag_ms}").parse::<f64>().expect("a number");
            assert!(lag < bound && bound <= lag * 1.25 + 1.0, "{lag_ms} ms below {bound}");
        }
        assert_eq!(LagCount::of(at, Channel::Poll, -5).bucket, 0);
        let lags = Lags(vec![(0, 90), (40, 9), (80, 1)]);
        assert_eq!((lags.percentile_ms(50), lags.percentile_ms(95)), (Some(1.25), Some(1_280.0)));
        assert_eq!((lags.percentile_ms(100), Lags::default().percentile_ms(50)), (Some(1_310_720.0), None));
    }
}
