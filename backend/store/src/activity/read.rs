//! The counts of one tenant, by bars of a chart.

use postern_domain::{
    Timestamp,
    activity::{Counts, LATENCIES, Stretch},
    id::made_at,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::{
    count::{Whose, count},
    keep::COLUMNS,
};
use crate::{StoreError, TenantStore, read::query::Query};

const DOING: &str = "reading what happened";
/// So many stretches at the end are counted while they are read, if they hold no more than [`LIVE_ROWS`].
const LIVE: usize = 4;
const LIVE_ROWS: i64 = 20_000;

/// A time that is cut into bars.
#[derive(Clone, Copy, Debug)]
pub struct Bars {
    /// The start of a stretch.
    pub begin: Timestamp,
    /// Of each bar: whole stretches.
    pub step_s: i64,
    pub count: usize,
}

/// What happened in that time, as far as it is over.
#[derive(Clone, Debug)]
pub struct Activity {
    pub bars: Vec<Counts>,
    /// In the time before, which is as long as what is over of this one, to the end of its stretch.
    pub before: Counts,
    /// How long that is, in seconds.
    pub before_s: u64,
    /// What happened from then on is not in it.
    pub counted_to: Timestamp,
}

impl Activity {
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for bar in &self.bars {
            total.add(bar);
        }
        total
    }

    fn take(&mut self, bar: Option<usize>, counts: &Counts) {
        match bar {
            None => self.before.add(counts),
            Some(place) => {
                if let Some(bar) = self.bars.get_mut(place) {
                    bar.add(counts);
                }
            }
        }
    }
}

struct BarRow {
    bar: i64,
    counts: Counts,
}

impl FromQueryResult for BarRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let number =
            |name: &str| -> Result<u64, DbErr> { Ok(u64::try_from(row.try_get::<i64>(prefix, name)?).unwrap_or(0)) };
        let mut latencies = [0; LATENCIES];
        for (place, count) in latencies.iter_mut().enumerate() {
            *count = number(&format!("latency_{place}"))?;
        }
        let counts = Counts {
            events: number("events")?,
            duplicates: number("duplicates")?,
            refused: number("refused")?,
            delivered: number("delivered")?,
            retried: number("retried")?,
            dead: number("dead")?,
            cancelled: number("cancelled")?,
            latencies,
        };
        Ok(Self { bar: row.try_get(prefix, "bar")?, counts })
    }
}

#[derive(FromQueryResult)]
struct NextRow {
    uncounted: Option<i64>,
    last: Option<i64>,
    oldest: Option<Uuid>,
}

impl TenantStore {
    /// What happened in the bars up to `now`, and before them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn activity(&self, bars: Bars, now: Timestamp) -> Result<Activity, StoreError> {
        let db = self.store.reader();
        let current = Stretch::of(now);
        let next = self.first_uncounted(&db).await?.map_or(current, |next| next.min(current));
        let over_s = current.end().as_secs().saturating_sub(bars.begin.as_secs());
        let mut activity = Activity {
            bars: vec![Counts::default(); bars.count],
            before: Counts::default(),
            before_s: u64::try_from(over_s).unwrap_or(0),
            counted_to: next.start(),
        };
        for row in self.read_bars(&db, bars, (current, next)).await? {
            activity.take(usize::try_from(row.bar).ok(), &row.counts);
        }
        let rest: Vec<Stretch> = std::iter::successors(Some(next), |stretch| Some(stretch.next()))
            .take_while(|stretch| *stretch <= current)
            .take(LIVE + 1)
            .collect();
        if rest.len() > LIVE {
            return Ok(activity);
        }
        for stretch in rest {
            let whose = Whose::Tenants { id: self.scope.tenant_id().uuid(), most: LIVE_ROWS };
            let counted = count(&db, stretch, whose).await?;
            if counted.rows >= LIVE_ROWS.unsigned_abs() {
                break;
            }
            let place = stretch.start().as_secs().saturating_sub(bars.begin.as_secs()).div_euclid(bars.step_s);
            for counts in counted.by_tenant.values() {
                activity.take(usize::try_from(place).ok(), counts);
            }
            activity.counted_to = stretch.end().min(now);
        }
        Ok(activity)
    }

    /// Where counting has come to. Before it has begun: where this tenant's events begin.
    async fn first_uncounted(&self, db: &impl ConnectionTrait) -> Result<Option<Stretch>, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT (SELECT MIN(start_at) FROM activity_stretches WHERE counted_at IS NULL) AS uncounted, ");
        query.sql("(SELECT MAX(start_at) FROM activity_stretches) AS last, (SELECT id FROM events");
        query.by_index("events_by_tenant").sql(" WHERE tenant_id = ").bind(self.scope.tenant_id().uuid());
        query.sql(" ORDER BY id LIMIT 1) AS oldest");
        let row: Option<NextRow> = query.one(db, DOING).await?;
        let of = |micros: i64| Stretch::of(Timestamp::from_micros(micros));
        Ok(row.and_then(|row| match (row.uncounted, row.last) {
            (Some(uncounted), _) => Some(of(uncounted)),
            (None, Some(last)) => Some(of(last).next()),
            (None, None) => row.oldest.map(|id| Stretch::of(made_at(id))),
        }))
    }

    async fn read_bars(
        &self,
        db: &impl ConnectionTrait,
        bars: Bars,
        (current, next): (Stretch, Stretch),
    ) -> Result<Vec<BarRow>, StoreError> {
        let begin = bars.begin.as_micros();
        let over = current.end().as_micros().saturating_sub(begin);
        let mut query = Query::on(db);
        query.sql("SELECT CASE WHEN start_at < ").bind(begin).sql(" THEN -1 ELSE (start_at - ").bind(begin);
        query.sql(") / ").bind(bars.step_s.saturating_mul(1_000_000)).sql(" END AS bar");
        let latencies = (0..LATENCIES).map(|place| format!("latency_{place}"));
        for column in COLUMNS.iter().map(|column| (*column).to_owned()).chain(latencies) {
            query.sql(&format!(", SUM({column}) AS {column}"));
        }
        query.sql(" FROM activity WHERE tenant_id = ").bind(self.scope.tenant_id().uuid());
        query.sql(" AND start_at >= ").bind(begin.saturating_sub(over));
        query.sql(" AND start_at < ").bind(next.start().as_micros()).sql(" GROUP BY 1");
        query.all(db, DOING).await
    }
}
