//! Keeping the counts up: which stretches are due, and the writing of what was counted.
//!
//! Rows are read by a connection for reading; only the result is written in a transaction, so that nobody who commits
//! events waits for a count.

use postern_domain::{
    Timestamp,
    activity::{Counts, Rest, STRETCH_S, Stretch},
    id::{first_uuid_at, made_at},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::count::{Counted, Whose, count, within};
use crate::{
    Retention, Store, StoreError,
    read::query::{Found, Query},
    tenant::begin_to_write,
};

const DOING: &str = "keeping count of what happened";
/// Stretches of one claim, and of one transaction.
const BATCH: i64 = 12;
/// Claims of one call; a first one has months before it.
const MOST_BATCHES: usize = 500;
/// What a claim is good for. Whoever died over it leaves it to the next.
const CLAIM_MS: i64 = 120_000;
/// Rows of one statement that opens stretches.
const OPENED: usize = 500;
const MOST_OPENED: usize = 400_000;

pub(super) const COLUMNS: [&str; 7] = ["events", "duplicates", "refused", "delivered", "retried", "dead", "cancelled"];

#[derive(FromQueryResult)]
struct StartRow {
    start_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct IdRow {
    id: Option<Uuid>,
}

/// What one stretch came to.
struct Recount {
    stretch: Stretch,
    counted: Counted,
    rest: Rest,
}

impl Store {
    /// Counts what is due. Answers how many stretches that were.
    ///
    /// # Errors
    /// When the database does not answer; what was counted until then stays so.
    pub async fn count_activity(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        self.open_stretches(now, retention).await?;
        let mut total = 0;
        for _ in 0..MOST_BATCHES {
            let (claimed, until) = self.claim_stretches(now).await?;
            if claimed.is_empty() {
                break;
            }
            let db = self.reader();
            let mut results = Vec::with_capacity(claimed.len());
            for stretch in claimed {
                // Asked first: what is settled by then is found by the count.
                let rest = rest(&db, stretch).await?;
                results.push(Recount { stretch, counted: count(&db, stretch, Whose::Everybodys).await?, rest });
            }
            total += self.write_counts(now, until, results).await?;
        }
        Ok(total)
    }

    /// Forgets the counts of what is past its retention: they would tell of rows that are gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_old_activity(&self, now: Timestamp, retention: Retention) -> Result<(), StoreError> {
        let oldest = retention.oldest_kept(now).as_micros();
        let db = self.writer();
        for table in ["activity_stretches", "activity"] {
            let mut query = Query::on(&db);
            query.sql("DELETE FROM ").sql(table).sql(" WHERE start_at < ").bind(oldest);
            query.execute(&db, DOING).await?;
        }
        Ok(())
    }

    /// A row for every stretch that is over, from the oldest that has something in it.
    async fn open_stretches(&self, now: Timestamp, retention: Retention) -> Result<(), StoreError> {
        let db = self.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT MAX(start_at) AS start_at FROM activity_stretches");
        let last: Option<StartRow> = query.one(&db, DOING).await?;
        let first = match last.and_then(|row| row.start_at) {
            Some(last) => Stretch::of(Timestamp::from_micros(last)).next(),
            None => oldest(&db).await?.map_or_else(|| Stretch::of(now), Stretch::of),
        };
        let first = first.max(Stretch::of(retention.oldest_kept(now)));
        let over = std::iter::successors(Some(first), |stretch| Some(stretch.next()));
        let over: Vec<Stretch> = over.take_while(|stretch| stretch.count_at() <= now).take(MOST_OPENED).collect();
        let db = self.writer();
        for some in over.chunks(OPENED) {
            let mut query = Query::on(&db);
            query.sql("INSERT INTO activity_stretches (start_at, due_at) VALUES ");
            for (place, stretch) in some.iter().enumerate() {
                query.sql(if place == 0 { "(" } else { ", (" }).bind(stretch.start().as_micros());
                query.sql(", ").bind(stretch.count_at().as_micros()).sql(")");
            }
            query.sql(" ON CONFLICT (start_at) DO NOTHING");
            query.execute(&db, DOING).await?;
        }
        Ok(())
    }

    /// The stretches that have been due for longest, and the value of `due_at` under which they are ours.
    async fn claim_stretches(&self, now: Timestamp) -> Result<(Vec<Stretch>, i64), StoreError> {
        let (db, until) = (self.writer(), now.plus_ms(CLAIM_MS).as_micros());
        let mut query = Query::on(&db);
        query.sql("UPDATE activity_stretches SET due_at = ").bind(until).sql(" WHERE start_at IN (");
        query.sql("SELECT start_at FROM activity_stretches WHERE due_at <= ").bind(now.as_micros());
        query.sql(" ORDER BY due_at LIMIT ").bind(BATCH);
        if db.get_database_backend() == DbBackend::Postgres {
            query.sql(" FOR UPDATE SKIP LOCKED");
        }
        query.sql(") RETURNING start_at");
        let rows: Vec<StartRow> = query.all(&db, DOING).await?;
        let starts = rows.into_iter().filter_map(|row| row.start_at);
        Ok((starts.map(|start| Stretch::of(Timestamp::from_micros(start))).collect(), until))
    }

    /// Replaces what was counted before. A stretch that somebody asked to count again meanwhile stays due.
    async fn write_counts(&self, now: Timestamp, until: i64, results: Vec<Recount>) -> Result<u64, StoreError> {
        let tx = begin_to_write(self).await?;
        let mut written = 0;
        for result in &results {
            let start = result.stretch.start().as_micros();
            let due_at = result.stretch.recount_at(now, result.rest).map(Timestamp::as_micros);
            let mut query = Query::on(&tx);
            query.sql("UPDATE activity_stretches SET counted_at = ").bind(now.as_micros());
            query.sql(", due_at = CAST(").bind(due_at).sql(" AS bigint) WHERE start_at = ").bind(start);
            query.sql(" AND due_at = ").bind(until);
            if query.execute(&tx, DOING).await? == 0 {
                continue;
            }
            let mut query = Query::on(&tx);
            query.sql("DELETE FROM activity WHERE start_at = ").bind(start);
            query.execute(&tx, DOING).await?;
            for (tenant, counts) in &result.counted.by_tenant {
                insert(&tx, (*tenant, start), counts).await?;
            }
            written += 1;
        }
        tx.commit().await.map_err(StoreError::orm(DOING))?;
        Ok(written)
    }
}

async fn insert(tx: &DatabaseTransaction, (tenant, start): (Uuid, i64), counts: &Counts) -> Result<(), StoreError> {
    let mut query = Query::on(tx);
    query.sql("INSERT INTO activity (tenant_id, start_at");
    for column in COLUMNS {
        query.sql(", ").sql(column);
    }
    for place in 0..counts.latencies.len() {
        query.sql(&format!(", latency_{place}"));
    }
    query.sql(") VALUES (").bind(tenant).sql(", ").bind(start);
    let numbers = [
        counts.events,
        counts.duplicates,
        counts.refused,
        counts.delivered,
        counts.retried,
        counts.dead,
        counts.cancelled,
    ];
    for number in numbers.into_iter().chain(counts.latencies) {
        query.sql(", ").bind(i32::try_from(number).unwrap_or(i32::MAX));
    }
    query.sql(")");
    query.execute(tx, DOING).await.map(|_| ())
}

async fn rest(db: &impl ConnectionTrait, stretch: Stretch) -> Result<Rest, StoreError> {
    let mut query = Query::on(db);
    query.sql("SELECT 1 AS found FROM queue WHERE ");
    within(&mut query, "delivery_id", stretch);
    query.sql(" LIMIT 1");
    let found = query.one::<Found>(db, DOING).await?;
    Ok(if found.is_some() { Rest::Unsettled } else { Rest::Settled })
}

/// When the oldest thing was made that is still kept.
async fn oldest(db: &impl ConnectionTrait) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest: Option<Timestamp> = None;
    for (table, key) in [("events", "id"), ("deliveries", "id"), ("requests", "id"), ("queue", "delivery_id")] {
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(key).sql(" AS id FROM ").sql(table);
        query.sql(" WHERE ").sql(key).sql(" >= ").bind(first_uuid_at(Timestamp::from_secs(STRETCH_S)));
        query.sql(" ORDER BY ").sql(key).sql(" LIMIT 1");
        let row: Option<IdRow> = query.one(db, DOING).await?;
        let at = row.and_then(|row| row.id).map(made_at);
        oldest = match (oldest, at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(oldest)
}
