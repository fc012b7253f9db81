//! An event as its tenant reads it: by itself, and with all that was done to deliver it.

use postern_domain::{
    EventId, SourceId, Timestamp,
    delivery::{DeliveryState, EventOutcome},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    delivery::{Base, Bounds, DeliveryDetail},
    query::Query,
};
use crate::{StoreError, TenantStore};

pub(super) const COLUMNS: &str = "id, source_id, type, dedup_key, content_type, remote, received_at, body_bytes, filtered, \
     coalesce(origin, (SELECT kind FROM sources WHERE sources.id = events.source_id)) AS origin";

/// The origin of what a poll found and a webhook should have brought.
const RECONCILED: &str = "reconciled";

/// An event in a list.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: EventId,
    pub source: SourceId,
    pub event_type: String,
    pub dedup_key: Option<String>,
    pub content_type: Option<String>,
    /// The address it came from.
    pub remote: String,
    pub received_at: Timestamp,
    pub body_bytes: i32,
    /// How many connections declined its type.
    pub filtered: u32,
    /// By which way it came: the kind of its source, or `reconciled` where a poll found what a webhook did not bring.
    pub origin: String,
    pub outcome: EventOutcome,
    pub tally: Tally,
}

/// The deliveries of an event, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub deliveries: u64,
    pub delivered: u64,
    /// Tries of all of them.
    pub attempts: u64,
}

impl Tally {
    /// So many more in this state, tried so often altogether.
    pub(super) fn add(&mut self, state: DeliveryState, (deliveries, attempts): (u64, u64)) {
        self.deliveries += deliveries;
        self.delivered += if state == DeliveryState::Delivered { deliveries } else { 0 };
        self.attempts += attempts;
    }
}

/// An event with its headers and deliveries.
#[derive(Clone, Debug)]
pub struct EventDetail {
    pub event: Event,
    /// A JSON object of the headers that were kept.
    pub headers: String,
    pub body_sha256: Vec<u8>,
    /// Of one that a poll found: when the webhook came that should have brought it.
    pub late_webhook_at: Option<Timestamp>,
    /// In the order in which they were made.
    pub deliveries: Vec<DeliveryDetail>,
}

impl EventDetail {
    /// How long after it was found by a poll its webhook came; `None` while none has.
    #[must_use]
    pub fn late_by_ms(&self) -> Option<i64> {
        self.late_webhook_at.map(|at| at.ms_since(self.event.received_at))
    }
}

#[derive(Clone, Debug, FromQueryResult)]
pub(super) struct EventRow {
    pub(super) id: Uuid,
    source_id: Uuid,
    r#type: String,
    dedup_key: Option<String>,
    content_type: Option<String>,
    remote: String,
    received_at: i64,
    body_bytes: i32,
    filtered: i32,
    origin: Option<String>,
}

impl EventRow {
    /// Its outcome is not known yet: as if it had no deliveries.
    pub(super) fn into_event(self) -> Event {
        let filtered = u32::try_from(self.filtered).unwrap_or(0);
        Event {
            id: EventId::from_uuid(self.id),
            source: SourceId::from_uuid(self.source_id),
            event_type: self.r#type,
            dedup_key: self.dedup_key,
            content_type: self.content_type,
            remote: self.remote,
            received_at: Timestamp::from_micros(self.received_at),
            body_bytes: self.body_bytes,
            filtered,
            origin: self.origin.unwrap_or_default(),
            outcome: EventOutcome::of(&[], filtered),
            tally: Tally::default(),
        }
    }
}

#[derive(FromQueryResult)]
struct DetailRow {
    #[sea_orm(nested)]
    event: EventRow,
    headers: String,
    body_sha256: Vec<u8>,
}

impl TenantStore {
    /// The types of these events, in no order; of an event that is not kept, or not the tenant's, there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn event_types(&self, ids: &[EventId]) -> Result<Vec<(EventId, String)>, StoreError> {
        #[derive(FromQueryResult)]
        struct TypeRow {
            id: Uuid,
            r#type: String,
        }
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let (Some(lowest), Some(highest)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT id, type FROM events WHERE id IN ").ids(&ids);
        query.sql(" AND id >= ").bind(*lowest).sql(" AND id <= ").bind(*highest);
        query.guard("tenant_id", self.tenant_uuid());
        let rows: Vec<TypeRow> = query.all(&db, "reading the types of events").await?;
        Ok(rows.into_iter().map(|row| (EventId::from_uuid(row.id), row.r#type)).collect())
    }

    /// One event with its deliveries and their attempts; `None` when the tenant has no such event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_event(&self, id: EventId) -> Result<Option<EventDetail>, StoreError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT headers, body_sha256, ").sql(COLUMNS).sql(" FROM events WHERE id = ").bind(id.uuid());
        query.sql(" AND tenant_id = ").bind(self.tenant_uuid());
        let Some(row) = query.one::<DetailRow>(&db, "reading an event").await? else { return Ok(None) };
        let mut deliveries = self.read_deliveries(&db, Base::Event(id.uuid()), Bounds::FIRST_1000).await?;
        deliveries.reverse();
        let mut event = row.event.into_event();
        let states: Vec<_> = deliveries.iter().map(|delivery| (delivery.state, delivery.attempts)).collect();
        event.outcome = EventOutcome::of(&states, event.filtered);
        for (state, attempts) in states {
            event.tally.add(state, (1, attempts.into()));
        }
        let deliveries = self.with_attempts(&db, deliveries, Some(&row.body_sha256)).await?;
        let is_reconciled = event.origin == RECONCILED;
        let late_webhook_at = if is_reconciled { self.late_webhook(&db, id).await? } else { None };
        Ok(Some(EventDetail { event, headers: row.headers, body_sha256: row.body_sha256, late_webhook_at, deliveries }))
    }

    /// Nothing is written when a webhook comes late: it is a duplicate like any other, and on record as one.
    async fn late_webhook(&self, db: &impl ConnectionTrait, id: EventId) -> Result<Option<Timestamp>, StoreError> {
        #[derive(FromQueryResult)]
        struct First {
            at: Option<i64>,
        }
        let mut query = Query::on(db);
        query.sql("SELECT min(at) AS at FROM requests").by_index("requests_by_event");
        query.sql(" WHERE event_id = ").bind(id.uuid()).sql(" AND outcome = 'duplicate' AND id >= ").bind(id.uuid());
        query.guard("tenant_id", self.tenant_uuid());
        let first: Option<First> = query.one(db, "looking for a late webhook").await?;
        Ok(first.and_then(|first| first.at).map(Timestamp::from_micros))
    }
}
