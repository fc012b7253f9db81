//! A delivery as its tenant reads it, wherever it is kept: what is unsettled in `queue`, what is finished in
//! `deliveries`. Both are read by one statement, so that a delivery that moves between them is seen once.

use postern_domain::{
    ConnectionId, DeliveryId, DestinationId, EventId, SourceId, Timestamp,
    delivery::DeliveryState,
    id::{first_uuid_at, made_at},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{attempt::Attempt, query::Query};
use crate::{StoreError, TenantStore};

/// All deliveries of an event are made within this time after it.
pub(super) const FAN_OUT_S: i64 = 24 * 3600;

/// One event for one connection.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: EventId,
    pub source: SourceId,
    pub connection: ConnectionId,
    pub destination: DestinationId,
    pub state: DeliveryState,
    /// Why it is dead.
    pub reason: Option<String>,
    /// How many tries there were.
    pub attempts: u32,
    pub body_bytes: i32,
    /// When it is tried next, if it waits.
    pub due_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Delivery {
    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        made_at(self.id.uuid())
    }
}

/// A delivery with its attempts, first to last.
#[derive(Clone, Debug)]
pub struct DeliveryDetail {
    pub delivery: Delivery,
    /// Of what was sent at each attempt; `None` when the event's own row is past its retention.
    pub body_sha256: Option<Vec<u8>>,
    pub attempts: Vec<Attempt>,
}

/// Which deliveries are looked at, each by an index of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    All,
    /// Those that are not finished.
    Queued,
    /// Those that are.
    Finished,
    /// Those that are finished, but not delivered.
    Failed,
    /// Those to one destination, and beside them all that are not finished.
    To(Uuid),
    Event(Uuid),
    One(Uuid),
}

/// Which of them, by id, newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) lowest: Option<Uuid>,
    pub(super) below: Option<Uuid>,
    pub(super) limit: usize,
}

impl Bounds {
    /// A source has no more connections, so an event no more deliveries.
    pub(super) const FIRST_1000: Self = Self { lowest: None, below: None, limit: 1_000 };
}

#[derive(FromQueryResult)]
struct DeliveryRow {
    id: Uuid,
    event_id: Uuid,
    source_id: Uuid,
    connection_id: Uuid,
    destination_id: Uuid,
    state: String,
    reason: Option<String>,
    attempts: i32,
    body_bytes: i32,
    due_at: Option<i64>,
    finished_at: Option<i64>,
}

impl DeliveryRow {
    fn into_delivery(self) -> Result<Delivery, StoreError> {
        let state = DeliveryState::parse(&self.state)
            .ok_or_else(|| StoreError::inconsistent("deliveries", format!("the state `{}`", self.state)))?;
        Ok(Delivery {
            id: DeliveryId::from_uuid(self.id),
            event: EventId::from_uuid(self.event_id),
            source: SourceId::from_uuid(self.source_id),
            connection: ConnectionId::from_uuid(self.connection_id),
            destination: DestinationId::from_uuid(self.destination_id),
            state,
            reason: self.reason,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            body_bytes: self.body_bytes,
            due_at: self.due_at.map(Timestamp::from_micros),
            finished_at: self.finished_at.map(Timestamp::from_micros),
        })
    }
}

/// `held` is not stored: what waits is held as long as its connection or destination is paused, held or deleted, and at
/// [`crate::polling::HELD_UNTIL`] until somebody has looked at the flood it came in.
pub(crate) const STATE_IN_QUEUE: &str = "CASE WHEN q.state = 'leased' THEN 'leased' \
     WHEN c.state = 'active' AND c.deleted_at IS NULL AND d.state = 'active' AND d.deleted_at IS NULL \
     AND q.due_at < 253402300799000000 THEN 'pending' \
     ELSE 'held' END";
/// To follow `FROM queue q`, for [`STATE_IN_QUEUE`].
pub(crate) const QUEUE_JOINS: &str =
    " LEFT JOIN connections c ON c.id = q.connection_id LEFT JOIN destinations d ON d.id = q.destination_id";

impl TenantStore {
    /// One delivery with its attempts; `None` when the tenant has no such delivery.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        #[derive(FromQueryResult)]
        struct ShaRow {
            body_sha256: Vec<u8>,
        }
        let db = self.store.reader();
        let found = self.read_deliveries(&db, Base::One(id.uuid()), Bounds::FIRST_1000).await?;
        let Some(event) = found.first().map(|delivery| delivery.event) else { return Ok(None) };
        let mut query = Query::on(&db);
        query.sql("SELECT body_sha256 FROM events WHERE id = ").bind(event.uuid());
        query.sql(" AND tenant_id = ").bind(self.tenant_uuid());
        let sha = query.one::<ShaRow>(&db, "reading the event of a delivery").await?;
        let mut details = self.with_attempts(&db, found, sha.map(|row| row.body_sha256).as_deref()).await?;
        Ok(details.pop())
    }

    /// Newest first.
    pub(super) async fn read_deliveries(
        &self,
        db: &impl ConnectionTrait,
        base: Base,
        bounds: Bounds,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut query = Query::on(db);
        match base {
            Base::Queued => self.queued(&mut query, base, bounds),
            Base::Finished | Base::Failed => self.finished(&mut query, base, bounds),
            Base::All | Base::To(_) | Base::Event(_) | Base::One(_) => {
                query.sql("SELECT * FROM (");
                self.queued(&mut query, base, bounds);
                query.sql(") waiting UNION ALL SELECT * FROM (");
                self.finished(&mut query, base, bounds);
                query.sql(") done ORDER BY id DESC LIMIT ").bind(limit(bounds));
            }
        }
        let rows: Vec<DeliveryRow> = query.all(db, "reading deliveries").await?;
        rows.into_iter().map(DeliveryRow::into_delivery).collect()
    }

    fn queued(&self, query: &mut Query, base: Base, bounds: Bounds) {
        query.sql("SELECT q.delivery_id AS id, q.event_id, q.source_id, q.connection_id, q.destination_id, ");
        query.sql(STATE_IN_QUEUE).sql(" AS state, CAST(NULL AS text) AS reason, q.attempts, q.body_bytes, ");
        query.sql("CASE WHEN q.state = 'pending' THEN q.due_at END AS due_at, CAST(NULL AS bigint) AS finished_at FROM queue q");
        let tenant = self.tenant_uuid();
        match base {
            Base::Event(event) => {
                query.by_index("queue_by_event").sql(QUEUE_JOINS).sql(" WHERE q.event_id = ").bind(event);
                query.guard("q.tenant_id", tenant);
            }
            Base::One(id) => {
                query.sql(QUEUE_JOINS).sql(" WHERE q.delivery_id = ").bind(id).guard("q.tenant_id", tenant);
            }
            Base::All | Base::Queued | Base::Finished | Base::Failed | Base::To(_) => {
                query.by_index("queue_by_tenant").sql(QUEUE_JOINS).sql(" WHERE q.tenant_id = ").bind(tenant);
            }
        }
        bound(query, "q.delivery_id", bounds);
    }

    fn finished(&self, query: &mut Query, base: Base, bounds: Bounds) {
        query.sql(
            "SELECT id, event_id, source_id, connection_id, destination_id, state, reason, attempts, body_bytes, ",
        );
        query.sql("CAST(NULL AS bigint) AS due_at, finished_at FROM deliveries");
        let tenant = self.tenant_uuid();
        match base {
            Base::Event(event) => {
                query.by_index("deliveries_by_event").sql(" WHERE event_id = ").bind(event);
                let made_at = made_at(event);
                query.sql(" AND id >= ").bind(first_uuid_at(made_at));
                query.sql(" AND id < ").bind(first_uuid_at(made_at.plus_secs(FAN_OUT_S)));
                query.guard("tenant_id", tenant);
            }
            Base::One(id) => {
                query.sql(" WHERE id = ").bind(id).guard("tenant_id", tenant);
            }
            Base::To(destination) => {
                query.by_index("deliveries_by_destination").sql(" WHERE destination_id = ").bind(destination);
                query.guard("tenant_id", tenant);
            }
            Base::Failed => {
                query.by_index("deliveries_failed").sql(" WHERE state <> 'delivered' AND tenant_id = ").bind(tenant);
            }
            Base::All | Base::Queued | Base::Finished => {
                query.by_index("deliveries_by_tenant").sql(" WHERE tenant_id = ").bind(tenant);
            }
        }
        bound(query, "id", bounds);
    }
}

fn bound(query: &mut Query, key: &str, bounds: Bounds) {
    if let Some(lowest) = bounds.lowest {
        query.sql(" AND ").sql(key).sql(" >= ").bind(lowest);
    }
    if let Some(below) = bounds.below {
        query.sql(" AND ").sql(key).sql(" < ").bind(below);
    }
    query.sql(" ORDER BY ").sql(key).sql(" DESC LIMIT ").bind(limit(bounds));
}

fn limit(bounds: Bounds) -> i64 {
    i64::try_from(bounds.limit).unwrap_or(i64::MAX)
}
