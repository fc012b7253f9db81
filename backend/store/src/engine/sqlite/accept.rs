//! Writes accepted events, their keys, bodies and deliveries.

use std::collections::HashSet;

use postern_domain::EventId;
use sea_orm::sqlx::{self, AssertSqlSafe, Row, SqliteConnection};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::{
        pieces::{pieces, placeholders, repeated},
        rows::{AcceptBatch, Accepted, DeliveryRow, EventRow, FirstEvent},
    },
};

const DOING: &str = "committing events";

pub(super) async fn write(tx: &mut SqliteConnection, batch: &AcceptBatch) -> Result<Accepted, StoreError> {
    let version: i64 = sqlx::query_scalar("SELECT version FROM config_version WHERE id = 1")
        .fetch_one(&mut *tx)
        .await
        .map_err(StoreError::during("reading the configuration version"))?;
    if version != batch.config_version {
        return Ok(Accepted::StaleConfig);
    }
    let duplicates = claim_keys(tx, batch).await?;
    let double: HashSet<usize> = duplicates.iter().map(|(place, _)| *place).collect();
    let events: Vec<&EventRow> =
        batch.events.iter().enumerate().filter(|(place, _)| !double.contains(place)).map(|(_, event)| event).collect();
    insert_events(tx, &events).await?;
    let dropped: HashSet<EventId> =
        double.iter().filter_map(|place| batch.events.get(*place)).map(|row| row.id).collect();
    let mut owed: Vec<&DeliveryRow> = Vec::with_capacity(batch.deliveries.len());
    for row in batch.deliveries.iter().filter(|row| !dropped.contains(&row.event)) {
        if !batch.repeated || !is_settled(tx, row).await? {
            owed.push(row);
        }
    }
    insert_deliveries(tx, batch, &owed).await?;
    Ok(Accepted::Written { duplicates })
}

/// Takes the key of each event, or finds the event that holds it. Only when a key was not taken are they looked at one by
/// one: rows that come back cost more than rows that are counted.
async fn claim_keys(tx: &mut SqliteConnection, batch: &AcceptBatch) -> Result<Vec<(usize, FirstEvent)>, StoreError> {
    let keyed: Vec<(usize, &EventRow)> =
        batch.events.iter().enumerate().filter(|(_, event)| event.dedup.is_some()).collect();
    let mut duplicates = Vec::new();
    for range in pieces(keyed.len()) {
        let rows = keyed.get(range).unwrap_or_default();
        let sql = format!(
            "INSERT INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at) VALUES {} \
             ON CONFLICT (source_id, key_hash) DO UPDATE SET event_id = excluded.event_id, \
             body_hash = excluded.body_hash, expires_at = excluded.expires_at \
             WHERE dedup_keys.expires_at <= ? OR dedup_keys.event_id = excluded.event_id",
            placeholders(rows.len(), 5)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (_, event) in rows {
            let Some(dedup) = &event.dedup else { continue };
            query = query
                .bind(event.source.uuid())
                .bind(dedup.hash.as_slice())
                .bind(event.id.uuid())
                .bind(event.body_sha256.get(..16).unwrap_or_default())
                .bind(dedup.expires_at.as_micros());
        }
        let done = query.bind(batch.now.as_micros()).execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        if done.rows_affected() == rows.len() as u64 {
            continue;
        }
        for (place, event) in rows {
            let first = first_event(tx, event).await?;
            if first.id != event.id {
                duplicates.push((*place, first));
            }
        }
    }
    Ok(duplicates)
}

async fn first_event(tx: &mut SqliteConnection, event: &EventRow) -> Result<FirstEvent, StoreError> {
    let doing = "looking up the first event of a duplicate";
    let hash = event.dedup.as_ref().map(|dedup| dedup.hash).unwrap_or_default();
    let row = sqlx::query("SELECT event_id, body_hash FROM dedup_keys WHERE source_id = ? AND key_hash = ?")
        .bind(event.source.uuid())
        .bind(hash.as_slice())
        .fetch_one(tx)
        .await
        .map_err(StoreError::during(doing))?;
    let id: Uuid = row.try_get(0).map_err(StoreError::during(doing))?;
    let body_hash: Vec<u8> = row.try_get(1).map_err(StoreError::during(doing))?;
    Ok(FirstEvent { id: EventId::from_uuid(id), same_body: event.body_sha256.starts_with(&body_hash) })
}

async fn is_settled(tx: &mut SqliteConnection, row: &DeliveryRow) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM deliveries WHERE id = ?")
        .bind(row.id.uuid())
        .fetch_optional(tx)
        .await
        .map_err(StoreError::during(DOING))?;
    Ok(found.is_some())
}

/// Heads and bodies in one trip.
async fn insert_events(tx: &mut SqliteConnection, events: &[&EventRow]) -> Result<(), StoreError> {
    for range in pieces(events.len()) {
        let rows = events.get(range).unwrap_or_default();
        let sql = format!(
            "INSERT INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, \
             body_bytes, body_sha256, filtered) VALUES {} ON CONFLICT (id) DO NOTHING; \
             INSERT INTO event_bodies (event_id, body) VALUES {} ON CONFLICT (event_id) DO NOTHING",
            placeholders(rows.len(), 12),
            placeholders(rows.len(), 2)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            query = query
                .bind(row.id.uuid())
                .bind(row.tenant.uuid())
                .bind(row.source.uuid())
                .bind(row.event_type.as_str())
                .bind(row.dedup.as_ref().map(|dedup| dedup.text.as_str()))
                .bind(row.content_type.as_deref())
                .bind(row.headers.as_str())
                .bind(row.remote.as_str())
                .bind(row.received_at.as_micros())
                .bind(i32::try_from(row.body.len()).unwrap_or(i32::MAX))
                .bind(row.body_sha256.as_slice())
                .bind(row.filtered);
        }
        for row in rows {
            query = query.bind(row.id.uuid()).bind(row.body.as_ref());
        }
        query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
    }
    Ok(())
}

async fn insert_deliveries(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
    owed: &[&DeliveryRow],
) -> Result<(), StoreError> {
    let (leased, pending): (Vec<&DeliveryRow>, Vec<&DeliveryRow>) = owed.iter().partition(|row| row.lease.is_some());
    // What is the same for all rows for as long as the process lives stands in the text: every value that is bound costs.
    let leased_row = format!("(?,?,?,?,?,?,?,?,0,0,'leased',x'{}',?,?,?)", batch.instance.simple());
    for (rows, row) in [(leased, leased_row.as_str()), (pending, "(?,?,?,?,?,?,?,?,0,0,'pending',NULL,NULL,NULL,NULL)")]
    {
        for range in pieces(rows.len()) {
            let rows = rows.get(range).unwrap_or_default();
            let sql = format!(
                "INSERT INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, due_at, \
                 body_bytes, retries, attempts, state, leased_by, leased_at, leased_until, lease_token) VALUES {} \
                 ON CONFLICT (delivery_id) DO NOTHING",
                repeated(row, rows.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in rows {
                query = query
                    .bind(row.id.uuid())
                    .bind(row.tenant.uuid())
                    .bind(row.event.uuid())
                    .bind(row.source.uuid())
                    .bind(row.connection.uuid())
                    .bind(row.destination.uuid())
                    .bind(row.due_at.as_micros())
                    .bind(row.body_bytes);
                if let Some(lease) = row.lease {
                    let until = batch.now.plus_ms(batch.lease_ms);
                    query = query.bind(batch.now.as_micros()).bind(until.as_micros()).bind(lease.uuid());
                }
            }
            query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        }
    }
    Ok(())
}
