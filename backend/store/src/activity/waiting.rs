//! What of a tenant waits right now.

use postern_domain::{Timestamp, delivery::DeliveryState, id::made_at};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{
    StoreError, TenantStore,
    read::{QUEUE_JOINS, STATE_IN_QUEUE, query::Query},
};

const DOING: &str = "counting what waits";
/// Counting stops here: a page must not wait for a walk over a million.
const COUNTED: i64 = 5_000;

/// Unsettled deliveries. Where there are `more`, the numbers are those of the oldest 5 000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub pending: u64,
    /// Being sent.
    pub leased: u64,
    /// Their connection or destination is paused.
    pub held: u64,
    pub more: bool,
    /// When the oldest of all was made.
    pub oldest: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct StateRow {
    state: String,
    n: i64,
    oldest: Option<Uuid>,
}

impl Waiting {
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.pending + self.leased + self.held
    }
}

impl TenantStore {
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting(&self) -> Result<Waiting, StoreError> {
        let (db, tenant) = (self.store.reader(), self.scope.tenant_id().uuid());
        let mut query = Query::on(&db);
        query.sql("SELECT state, COUNT(*) AS n, (SELECT delivery_id FROM queue");
        query.by_index("queue_by_tenant").sql(" WHERE tenant_id = ").bind(tenant);
        query.sql(" ORDER BY delivery_id LIMIT 1) AS oldest FROM (SELECT ").sql(STATE_IN_QUEUE);
        query.sql(" AS state FROM queue q").by_index("queue_by_tenant").sql(QUEUE_JOINS);
        query.sql(" WHERE q.tenant_id = ").bind(tenant);
        query.sql(" ORDER BY q.delivery_id LIMIT ").bind(COUNTED + 1).sql(") waiting GROUP BY state");
        let mut waiting = Waiting::default();
        for row in query.all::<StateRow>(&db, DOING).await? {
            waiting.oldest = row.oldest.map(made_at);
            let n = u64::try_from(row.n).unwrap_or(0);
            match DeliveryState::parse(&row.state) {
                Some(DeliveryState::Pending) => waiting.pending = n,
                Some(DeliveryState::Leased) => waiting.leased = n,
                Some(DeliveryState::Held) => waiting.held = n,
                _ => return Err(StoreError::inconsistent("queue", format!("the state `{}`", row.state))),
            }
        }
        waiting.more = waiting.total() > COUNTED.unsigned_abs();
        Ok(waiting)
    }
}
