//! All attempts of a tenant, oldest first, a chunk at a time: what an export walks over.
//!
//! Each chunk is a few statements that end before the next is asked for, so that whoever reads slowly holds no
//! connection and no lock. The walk goes by the key of the attempts, which is their order in time, over those of all
//! tenants, so many at a time: an index by tenant would cost each delivery what only exports gain. The filters look at
//! the chunk and at the deliveries it belongs to, and let through what fits.

use std::collections::{BTreeSet, HashMap};

use postern_domain::{
    AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, Timestamp,
    attempt::{ResultKind, Timings},
    delivery::DeliveryState,
    id::{first_uuid_at, made_at},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    CHUNK, ListError, Slice,
    attempt::duration_us,
    delivery::{QUEUE_JOINS, STATE_IN_QUEUE},
    query::Query,
};
use crate::{StoreError, TenantStore};

/// One statement walks over at most so many attempts, whosever they are.
const STEP: i64 = 5_000;
/// An attempt begins within this time of the making of its id, whichever clocks the two were read from.
const BEGUN_WITHIN_S: i64 = 3_600;

/// A part of time, to the microsecond.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub from: Option<Timestamp>,
    /// Not included.
    pub to: Option<Timestamp>,
}

impl Span {
    fn holds(self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// Which attempts are wanted; everything given must fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptFilter {
    /// Of the delivery, as it is when its attempt is read.
    pub state: Option<DeliveryState>,
    pub destination: Option<DestinationId>,
    pub source: Option<SourceId>,
    pub connection: Option<ConnectionId>,
    /// When the attempt began.
    pub started: Span,
    /// When its delivery was made, to the millisecond.
    pub made: Span,
}

/// One try of a delivery, without what was sent and what came back.
#[derive(Clone, Debug)]
pub struct ListedAttempt {
    pub id: AttemptId,
    pub delivery: DeliveryId,
    pub destination: DestinationId,
    /// Also of one that was deleted since.
    pub destination_name: Option<String>,
    /// From 1.
    pub number: i32,
    pub actor_kind: String,
    /// Empty where the engine tried by itself on the word of nobody.
    pub actor_id: String,
    pub started_at: Timestamp,
    pub timings: Timings,
    /// Of one that took longer than the timings can say.
    pub ended_at: Option<Timestamp>,
    pub method: String,
    pub url: String,
    pub kind: ResultKind,
    pub status: Option<u16>,
    pub detail: Option<String>,
    pub next_attempt_at: Option<Timestamp>,
    /// `None` once the delivery is past its retention.
    pub way: Option<Way>,
}

/// Where a delivery comes from.
#[derive(Clone, Debug)]
pub struct Way {
    pub event: EventId,
    /// `None` once the event is past its retention.
    pub event_type: Option<String>,
    pub source: SourceId,
    pub connection: ConnectionId,
    pub state: DeliveryState,
}

#[derive(FromQueryResult)]
struct ListedRow {
    id: Uuid,
    delivery_id: Uuid,
    destination_id: Uuid,
    destination_name: Option<String>,
    number: i32,
    actor_kind: String,
    actor_id: String,
    started_at: i64,
    duration_us: i32,
    ended_at: Option<i64>,
    dns_us: Option<i32>,
    connect_us: Option<i32>,
    first_byte_us: Option<i32>,
    method: String,
    url: String,
    kind: String,
    status: Option<i32>,
    detail: Option<String>,
    next_attempt_at: Option<i64>,
}

const COLUMNS: &str = "a.id, a.delivery_id, a.destination_id, a.number, a.actor_kind, a.actor_id, a.started_at, \
     a.duration_us, a.ended_at, a.dns_us, a.connect_us, a.first_byte_us, a.method, a.url, a.kind, a.status, a.detail, \
     a.next_attempt_at, d.name AS destination_name";

#[derive(FromQueryResult)]
struct WayRow {
    id: Uuid,
    event_id: Uuid,
    source_id: Uuid,
    connection_id: Uuid,
    state: String,
}

#[derive(FromQueryResult)]
struct TypeRow {
    id: Uuid,
    #[sea_orm(from_alias = "type")]
    event_type: String,
}

impl ListedAttempt {
    /// How long it took.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        duration_us(self.timings, self.started_at, self.ended_at)
    }
}

impl AttemptFilter {
    /// The key below all that can fit.
    fn lowest(&self) -> Option<Uuid> {
        let from = self.started.from.max(self.made.from)?;
        Some(first_uuid_at(from.plus_secs(-BEGUN_WITHIN_S)))
    }

    /// Whether all that must be known of the attempt itself fits.
    fn admits(&self, row: &ListedRow) -> bool {
        self.started.holds(Timestamp::from_micros(row.started_at))
            && self.made.holds(made_at(row.delivery_id))
            && self.destination.is_none_or(|destination| row.destination_id == destination.uuid())
    }

    /// Whether the delivery fits; one that is past its retention fits where nothing is asked of it.
    fn admits_way(&self, way: Option<&Way>) -> bool {
        let Some(way) = way else {
            return self.state.is_none() && self.source.is_none() && self.connection.is_none();
        };
        self.state.is_none_or(|state| way.state == state)
            && self.source.is_none_or(|source| way.source == source)
            && self.connection.is_none_or(|connection| way.connection == connection)
    }
}

impl TenantStore {
    /// Whether the tenant has what the filter names; deleted ones count.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn check_attempt_filter(&self, filter: &AttemptFilter) -> Result<(), ListError> {
        let db = self.store.reader();
        if let Some(source) = filter.source {
            self.check_source(&db, source).await?;
        }
        if let Some(destination) = filter.destination {
            self.check_destination(&db, destination).await?;
        }
        if let Some(connection) = filter.connection {
            self.check_connection(&db, connection).await?;
        }
        Ok(())
    }

    /// The next attempts behind `after`, oldest first, as far as `below`: a few hundred are looked at, and those that
    /// the filter lets through are answered, which may be none.
    ///
    /// # Errors
    /// When the database does not answer, or an attempt cannot be read.
    pub async fn list_attempts(
        &self,
        filter: &AttemptFilter,
        after: Option<Uuid>,
        below: AttemptId,
    ) -> Result<Slice<ListedAttempt>, StoreError> {
        let db = self.store.reader();
        let latest = filter.started.to.map(|to| first_uuid_at(to.plus_secs(BEGUN_WITHIN_S)));
        let below = latest.map_or(below.uuid(), |latest| latest.min(below.uuid()));
        let above = after.max(filter.lowest()).unwrap_or_else(Uuid::nil);
        let end = step(&db, above, below).await?;
        let mut rows = self.read_listed(&db, above, end.unwrap_or(below)).await?;
        let next = rows.last().map(|row| row.id).filter(|_| rows.len() == CHUNK).or(end);
        rows.retain(|row| filter.admits(row));
        let mut ways = self.read_ways(&db, &rows).await?;
        ways.retain(|_, way| filter.admits_way(Some(way)));
        self.set_types(&db, &mut ways).await?;
        let attempts = rows.into_iter().map(|row| {
            let way = ways.get(&row.delivery_id).cloned();
            row.into_attempt(way)
        });
        let mut rows = attempts.collect::<Result<Vec<_>, StoreError>>()?;
        rows.retain(|attempt| filter.admits_way(attempt.way.as_ref()));
        Ok(Slice { rows, next })
    }

    /// Above one key, up to the other.
    async fn read_listed(
        &self,
        db: &impl ConnectionTrait,
        above: Uuid,
        end: Uuid,
    ) -> Result<Vec<ListedRow>, StoreError> {
        let tenant = self.tenant_uuid();
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM attempts a");
        query.sql(" LEFT JOIN destinations d ON d.id = a.destination_id AND d.tenant_id = ").bind(tenant);
        query.sql(" WHERE a.id > ").bind(above).sql(" AND a.id <= ").bind(end).guard("a.tenant_id", tenant);
        query.sql(" ORDER BY a.id LIMIT ").bind(i64::try_from(CHUNK).unwrap_or(i64::MAX));
        query.all(db, "reading attempts").await
    }

    /// By delivery; both tables in one statement, so that a delivery that moves between them is seen.
    async fn read_ways(&self, db: &impl ConnectionTrait, rows: &[ListedRow]) -> Result<HashMap<Uuid, Way>, StoreError> {
        let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.delivery_id).collect();
        let (Some(lowest), Some(highest)) = (ids.first().copied(), ids.last().copied()) else {
            return Ok(HashMap::new());
        };
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut query = Query::on(db);
        query.sql("SELECT q.delivery_id AS id, q.event_id, q.source_id, q.connection_id, ").sql(STATE_IN_QUEUE);
        query.sql(" AS state FROM queue q").sql(QUEUE_JOINS).sql(" WHERE q.delivery_id IN ").ids(&ids);
        query.guard("q.tenant_id", self.tenant_uuid());
        query.sql(" UNION ALL SELECT id, event_id, source_id, connection_id, state FROM deliveries WHERE id IN ");
        query.ids(&ids).sql(" AND id >= ").bind(lowest).sql(" AND id <= ").bind(highest);
        query.guard("tenant_id", self.tenant_uuid());
        let rows: Vec<WayRow> = query.all(db, "reading the deliveries of attempts").await?;
        rows.into_iter().map(|row| Ok((row.id, row.into_way()?))).collect()
    }

    async fn set_types(&self, db: &impl ConnectionTrait, ways: &mut HashMap<Uuid, Way>) -> Result<(), StoreError> {
        let ids: BTreeSet<Uuid> = ways.values().map(|way| way.event.uuid()).collect();
        let (Some(lowest), Some(highest)) = (ids.first().copied(), ids.last().copied()) else { return Ok(()) };
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut query = Query::on(db);
        query.sql("SELECT id, type FROM events WHERE id IN ").ids(&ids);
        query.sql(" AND id >= ").bind(lowest).sql(" AND id <= ").bind(highest);
        query.guard("tenant_id", self.tenant_uuid());
        let rows: Vec<TypeRow> = query.all(db, "reading the types of events").await?;
        let types: HashMap<Uuid, String> = rows.into_iter().map(|row| (row.id, row.event_type)).collect();
        for way in ways.values_mut() {
            way.event_type = types.get(&way.event.uuid()).cloned();
        }
        Ok(())
    }
}

/// The key so many attempts further on; `None` when there are fewer below `below`.
async fn step(db: &impl ConnectionTrait, above: Uuid, below: Uuid) -> Result<Option<Uuid>, StoreError> {
    #[derive(FromQueryResult)]
    struct Key {
        id: Uuid,
    }
    let mut query = Query::on(db);
    query.sql("SELECT id FROM attempts WHERE id > ").bind(above).sql(" AND id < ").bind(below);
    query.sql(" ORDER BY id LIMIT 1 OFFSET ").bind(STEP);
    Ok(query.one::<Key>(db, "walking over attempts").await?.map(|key| key.id))
}

impl WayRow {
    fn into_way(self) -> Result<Way, StoreError> {
        let state = DeliveryState::parse(&self.state)
            .ok_or_else(|| StoreError::inconsistent("deliveries", format!("the state `{}`", self.state)))?;
        Ok(Way {
            event: EventId::from_uuid(self.event_id),
            event_type: None,
            source: SourceId::from_uuid(self.source_id),
            connection: ConnectionId::from_uuid(self.connection_id),
            state,
        })
    }
}

impl ListedRow {
    fn into_attempt(self, way: Option<Way>) -> Result<ListedAttempt, StoreError> {
        let kind = ResultKind::parse(&self.kind)
            .ok_or_else(|| StoreError::inconsistent("attempts", format!("the kind `{}`", self.kind)))?;
        let micros = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
        Ok(ListedAttempt {
            id: AttemptId::from_uuid(self.id),
            delivery: DeliveryId::from_uuid(self.delivery_id),
            destination: DestinationId::from_uuid(self.destination_id),
            destination_name: self.destination_name,
            number: self.number,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            started_at: Timestamp::from_micros(self.started_at),
            timings: Timings {
                dns_us: micros(self.dns_us),
                connect_us: micros(self.connect_us),
                first_byte_us: micros(self.first_byte_us),
                total_us: micros(Some(self.duration_us)).unwrap_or_default(),
            },
            ended_at: self.ended_at.map(Timestamp::from_micros),
            method: self.method,
            url: self.url,
            kind,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            detail: self.detail,
            next_attempt_at: self.next_attempt_at.map(Timestamp::from_micros),
            way,
        })
    }
}
