//! What a person may do to a delivery: ask for it again, or call it off. Never while a try of it is under way.
//!
//! Rows are locked in the order connection and destination, delivery, audit chain: the order of a change of
//! configuration, so that neither waits for the other in a circle.

use postern_domain::{DeliveryId, EventId, activity::Stretch, id::made_at};
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use super::TenantTx;
use crate::{
    StoreError, activity,
    read::query::{Found, Query},
};

const RETRYING: &str = "retrying a delivery";
const CANCELLING: &str = "cancelling a delivery";

/// What became of the wish to try a delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// A try is under way: wait for what becomes of it.
    InFlight,
    /// Its connection or its destination was deleted.
    Unrouted,
    /// The retention of its payload is over.
    PayloadExpired,
}

/// What became of the wish to call a delivery off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    Done,
    /// A try is under way, and what has left cannot be called back.
    InFlight,
    /// It was finished before.
    Finished,
}

/// What became of an event's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCancelled {
    pub cancelled: u32,
    /// A try of them is under way.
    pub in_flight: u32,
}

#[derive(FromQueryResult)]
struct WaitingRow {
    delivery_id: Uuid,
    state: String,
}

#[derive(FromQueryResult)]
struct PlaceRow {
    event_id: Uuid,
    connection_id: Uuid,
    destination_id: Uuid,
}

#[derive(FromQueryResult)]
struct StateRow {
    state: String,
}

impl TenantTx {
    /// Makes a delivery due now, whatever became of it before; its schedule of retries begins anew if it was finished.
    /// The next attempt is on record as the actor's. `None` when the tenant has no such delivery.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retry_delivery(&mut self, id: DeliveryId) -> Result<Option<Retried>, StoreError> {
        let Some(place) = self.place(id).await? else { return Ok(None) };
        if !self.lock_route(&place).await? {
            return Ok(Some(Retried::Unrouted));
        }
        if !self.has_payload(place.event_id).await? {
            return Ok(Some(Retried::PayloadExpired));
        }
        // It may move from one table to the other until the lock on it is held.
        for _ in 0..2 {
            if let Some(state) = self.lock(id, Table::Queue, RETRYING).await? {
                if state != "pending" {
                    return Ok(Some(Retried::InFlight));
                }
                self.hasten(id).await?;
                return self.retried(id, &state).await;
            }
            if let Some(state) = self.lock(id, Table::Deliveries, RETRYING).await? {
                self.requeue(id).await?;
                return self.retried(id, &state).await;
            }
        }
        Ok(Some(Retried::InFlight))
    }

    /// Calls off a delivery that waits. `None` when the tenant has no such delivery.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel_delivery(&mut self, id: DeliveryId) -> Result<Option<Cancelled>, StoreError> {
        let Some(state) = self.lock(id, Table::Queue, CANCELLING).await? else {
            let finished = self.lock(id, Table::Deliveries, CANCELLING).await?;
            return Ok(finished.map(|_| Cancelled::Finished));
        };
        if state != "pending" {
            return Ok(Some(Cancelled::InFlight));
        }
        self.call_off(id).await?;
        Ok(Some(Cancelled::Done))
    }

    /// Calls off what waits of an event: it was published for later, or is between two tries. `None` when the tenant has
    /// no such event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel_event(&mut self, id: EventId) -> Result<Option<EventCancelled>, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT 1 AS found FROM events WHERE id = ").bind(id.uuid());
        query.sql(" AND tenant_id = ").bind(self.scope.tenant_id().uuid());
        if query.one::<Found>(&self.tx, CANCELLING).await?.is_none() {
            return Ok(None);
        }
        let mut query = Query::on(&self.tx);
        query.sql("SELECT delivery_id, state FROM queue WHERE event_id = ").bind(id.uuid());
        query.sql(" AND tenant_id = ").bind(self.scope.tenant_id().uuid());
        query.sql(" ORDER BY delivery_id").for_update();
        let rows: Vec<WaitingRow> = query.all(&self.tx, CANCELLING).await?;
        let mut outcome = EventCancelled { cancelled: 0, in_flight: 0 };
        for row in rows {
            if row.state == "pending" {
                self.call_off(DeliveryId::from_uuid(row.delivery_id)).await?;
                outcome.cancelled += 1;
            } else {
                outcome.in_flight += 1;
            }
        }
        Ok(Some(outcome))
    }

    /// One that waits, and is locked.
    async fn call_off(&mut self, id: DeliveryId) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, ");
        query.sql("reason, retries, attempts, body_bytes, finished_at) SELECT delivery_id, tenant_id, event_id, ");
        query.sql("source_id, connection_id, destination_id, 'cancelled', NULL, retries, attempts, body_bytes, CAST(");
        query.bind(self.at.as_micros()).sql(" AS bigint) FROM queue WHERE delivery_id = ").bind(id.uuid());
        query.execute(&self.tx, CANCELLING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM queue WHERE delivery_id = ").bind(id.uuid());
        query.execute(&self.tx, CANCELLING).await?;
        let data = json!({ "before": { "state": "pending" }, "after": { "state": "cancelled" } });
        self.audit("delivery.cancelled".to_owned(), id.to_string(), data).await
    }

    async fn retried(&mut self, id: DeliveryId, before: &str) -> Result<Option<Retried>, StoreError> {
        let data = json!({ "before": { "state": before }, "after": { "state": "pending" } });
        self.audit("delivery.retried".to_owned(), id.to_string(), data).await?;
        Ok(Some(Retried::Due))
    }

    async fn place(&self, id: DeliveryId) -> Result<Option<PlaceRow>, StoreError> {
        let mut query = Query::on(&self.tx);
        for table in [Table::Queue, Table::Deliveries] {
            query.sql(if table == Table::Queue { "" } else { " UNION ALL " });
            query.sql("SELECT event_id, connection_id, destination_id FROM ").sql(table.name());
            query.sql(" WHERE ").sql(table.key()).sql(" = ").bind(id.uuid());
            query.sql(" AND tenant_id = ").bind(self.scope.tenant_id().uuid());
        }
        query.one(&self.tx, RETRYING).await
    }

    /// Whether there still is a way to the destination; until this ends nobody can take it away.
    async fn lock_route(&self, place: &PlaceRow) -> Result<bool, StoreError> {
        for (table, id) in [("connections", place.connection_id), ("destinations", place.destination_id)] {
            let mut query = Query::on(&self.tx);
            query.sql("SELECT 1 AS found FROM ").sql(table).sql(" WHERE id = ").bind(id);
            query
                .sql(" AND tenant_id = ")
                .bind(self.scope.tenant_id().uuid())
                .sql(" AND deleted_at IS NULL")
                .for_share();
            if query.one::<Found>(&self.tx, RETRYING).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn has_payload(&self, event: Uuid) -> Result<bool, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT 1 AS found FROM event_bodies WHERE event_id = ").bind(event);
        Ok(query.one::<Found>(&self.tx, RETRYING).await?.is_some())
    }

    /// The stored state, if the delivery is in this table; then it stays there until this ends.
    async fn lock(&self, id: DeliveryId, table: Table, doing: &'static str) -> Result<Option<String>, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT state FROM ").sql(table.name()).sql(" WHERE ").sql(table.key()).sql(" = ").bind(id.uuid());
        query.sql(" AND tenant_id = ").bind(self.scope.tenant_id().uuid()).for_update();
        let row: Option<StateRow> = query.one(&self.tx, doing).await?;
        Ok(row.map(|row| row.state))
    }

    /// One that is due already keeps its place.
    async fn hasten(&self, id: DeliveryId) -> Result<(), StoreError> {
        let now = self.at.as_micros();
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE queue SET due_at = CASE WHEN due_at > ").bind(now).sql(" THEN ").bind(now);
        query.sql(" ELSE due_at END, asked_by = ").bind(self.asked_by());
        query.sql(" WHERE delivery_id = ").bind(id.uuid());
        query.execute(&self.tx, RETRYING).await.map(|_| ())
    }

    async fn requeue(&self, id: DeliveryId) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql(
            "INSERT INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, state, ",
        );
        query.sql("due_at, retries, attempts, body_bytes, asked_by) SELECT id, tenant_id, event_id, source_id, ");
        query.sql("connection_id, destination_id, 'pending', CAST(").bind(self.at.as_micros());
        query.sql(" AS bigint), 0, attempts, body_bytes, CAST(").bind(self.asked_by());
        query.sql(" AS text) FROM deliveries WHERE id = ").bind(id.uuid());
        query.execute(&self.tx, RETRYING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM deliveries WHERE id = ").bind(id.uuid());
        query.execute(&self.tx, RETRYING).await?;
        // It was counted as what it had become.
        activity::recount(&self.tx, Stretch::of(made_at(id.uuid())), self.at).await
    }

    /// As `claim` reads it back for the next attempt.
    fn asked_by(&self) -> String {
        format!("{}:{}", self.actor.kind.as_str(), self.actor.id)
    }
}

/// Where a delivery is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Queue,
    Deliveries,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Deliveries => "deliveries",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Queue => "delivery_id",
            Self::Deliveries => "id",
        }
    }
}
