//! Writes accepted events, their keys, bodies and deliveries.

use std::collections::{HashMap, HashSet};

use postern_domain::{EventId, SourceId, Timestamp};
use sea_orm::sqlx::{self, AssertSqlSafe, SqliteConnection};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::{
        pieces::{pieces, placeholders, repeated},
        replays::{Guarded, Key, Rest},
        rows::{AcceptBatch, Accepted, DedupInput, DeliveryRow, EventRow, FirstEvent, Written},
    },
};

const DOING: &str = "committing events";

pub(crate) async fn write(tx: &mut SqliteConnection, batch: &AcceptBatch) -> Result<Accepted, StoreError> {
    let Some(guarded) = Guarded::of(batch) else { return write_all(tx, batch).await };
    let refused = guarded.refused(held(tx, batch, &guarded).await?);
    if refused.is_empty() {
        return write_all(tx, batch).await;
    }
    let rest = Rest::new(batch, refused);
    let accepted = write_all(tx, &rest.batch).await?;
    Ok(rest.of_whole(accepted))
}

/// Who holds the keys of these events. The write lock is in hand, so that it stays so until they are written.
async fn held(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
    guarded: &Guarded<'_>,
) -> Result<HashMap<Key, EventId>, StoreError> {
    let doing = "looking for bodies that came before";
    let keys: Vec<Key> = guarded.keys().collect();
    let mut held = HashMap::new();
    for range in pieces(keys.len()) {
        let keys = keys.get(range).unwrap_or_default();
        let sql = format!(
            "SELECT source_id, key_hash, event_id FROM dedup_keys \
             WHERE (source_id, key_hash) IN (VALUES {}) AND expires_at > ?",
            placeholders(keys.len(), 2)
        );
        let mut query = sqlx::query_as::<_, (Uuid, Vec<u8>, Uuid)>(AssertSqlSafe(sql));
        for (source, hash) in keys {
            query = query.bind(source.uuid()).bind(hash.as_slice());
        }
        let rows = query.bind(batch.now.as_micros()).fetch_all(&mut *tx).await.map_err(StoreError::during(doing))?;
        held.extend(rows.into_iter().filter_map(|(source, hash, event)| {
            Some(((SourceId::from_uuid(source), hash.try_into().ok()?), EventId::from_uuid(event)))
        }));
    }
    Ok(held)
}

async fn write_all(tx: &mut SqliteConnection, batch: &AcceptBatch) -> Result<Accepted, StoreError> {
    let Some(duplicates) = claim_keys(tx, batch).await? else { return Ok(Accepted::StaleConfig) };
    let double: HashSet<usize> = duplicates.iter().map(|(place, _)| *place).collect();
    let events: Vec<&EventRow> =
        batch.events.iter().enumerate().filter(|(place, _)| !double.contains(place)).map(|(_, event)| event).collect();
    let replays = mark_bodies(tx, batch, &double).await?;
    let dropped: HashSet<EventId> =
        double.iter().filter_map(|place| batch.events.get(*place)).map(|row| row.id).collect();
    let mut owed: Vec<&DeliveryRow> = Vec::with_capacity(batch.deliveries.len());
    for row in batch.deliveries.iter().filter(|row| !dropped.contains(&row.event)) {
        if !batch.repeated || !is_settled(tx, row).await? {
            owed.push(row);
        }
    }
    let (leased, pending): (Vec<&DeliveryRow>, Vec<&DeliveryRow>) = owed.iter().partition(|row| row.lease.is_some());
    // An event with one delivery that leaves at once is the usual.
    if leased.len() == events.len() {
        insert(tx, batch, &events, &leased, &[]).await?;
        insert(tx, batch, &[], &[], &pending).await?;
    } else {
        insert(tx, batch, &events, &[], &[]).await?;
        insert(tx, batch, &[], &leased, &[]).await?;
        insert(tx, batch, &[], &[], &pending).await?;
    }
    Ok(Accepted::Written(Written { duplicates, replays, refused: Vec::new() }))
}

async fn is_current(tx: &mut SqliteConnection, batch: &AcceptBatch) -> Result<bool, StoreError> {
    let version: i64 = sqlx::query_scalar("SELECT version FROM config_version WHERE id = 1")
        .fetch_one(tx)
        .await
        .map_err(StoreError::during("reading the configuration version"))?;
    Ok(version == batch.config_version)
}

/// Takes the key of each event, or finds the event that holds it; `None` when the configuration has moved on. Only when
/// a key was not free are they looked at one by one: rows that come back cost more than rows that are counted, and a
/// statement that may overwrite more than one that only inserts.
async fn claim_keys(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
) -> Result<Option<Vec<(usize, FirstEvent)>>, StoreError> {
    let keyed: Vec<(usize, &EventRow, &DedupInput)> = batch
        .events
        .iter()
        .enumerate()
        .filter_map(|(place, event)| event.dedup.as_ref().map(|dedup| (place, event, dedup)))
        .collect();
    let mut duplicates = Vec::new();
    // Keys that were free say that the configuration is the right one.
    let mut current = false;
    for range in pieces(keyed.len()) {
        let rows = keyed.get(range).unwrap_or_default();
        let sql = format!(
            "INSERT OR FAIL INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at) \
             SELECT * FROM (VALUES {}) WHERE (SELECT version FROM config_version WHERE id = 1) = ? \
             ON CONFLICT (source_id, key_hash) DO NOTHING",
            placeholders(rows.len(), 5)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (_, event, dedup) in rows {
            query = query
                .bind(event.source.uuid())
                .bind(dedup.hash.as_slice())
                .bind(event.id.uuid())
                .bind(event.body_sha256.get(..16).unwrap_or_default())
                .bind(dedup.expires_at.as_micros());
        }
        let done = query.bind(batch.config_version).execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        current |= done.rows_affected() > 0;
        if done.rows_affected() == rows.len() as u64 {
            continue;
        }
        if !current && !is_current(tx, batch).await? {
            return Ok(None);
        }
        current = true;
        for (place, event, dedup) in rows {
            let first = holder(tx, batch, event, (&dedup.hash, dedup.expires_at)).await?;
            if first.id != event.id {
                duplicates.push((*place, first));
            }
        }
    }
    if !current && !is_current(tx, batch).await? {
        return Ok(None);
    }
    Ok(Some(duplicates))
}

/// A hash, and until when it is kept.
type Term<'a> = (&'a [u8; 16], Timestamp);

/// Remembers the bodies whose ids anybody could have changed; gives those that another event has had.
async fn mark_bodies(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
    double: &HashSet<usize>,
) -> Result<Vec<(usize, EventId)>, StoreError> {
    let taken = batch.events.iter().enumerate().filter(|(place, _)| !double.contains(place));
    let keyed: Vec<(usize, &EventRow, Term<'_>)> = taken
        .filter_map(|(place, event)| {
            let until = event.dedup.as_ref()?.expires_at;
            event.body_key.as_ref().map(|key| (place, event, (&key.hash, until)))
        })
        .collect();
    let mut replays = Vec::new();
    for range in pieces(keyed.len()) {
        let rows = keyed.get(range).unwrap_or_default();
        let sql = format!(
            "INSERT OR FAIL INTO dedup_keys (source_id, key_hash, event_id, body_hash, expires_at) VALUES {} \
             ON CONFLICT (source_id, key_hash) DO NOTHING",
            placeholders(rows.len(), 5)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (_, event, (key, until)) in rows {
            query = query
                .bind(event.source.uuid())
                .bind(key.as_slice())
                .bind(event.id.uuid())
                .bind(event.body_sha256.get(..16).unwrap_or_default())
                .bind(until.as_micros());
        }
        let done = query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
        if done.rows_affected() == rows.len() as u64 {
            continue;
        }
        for (place, event, key) in rows {
            let first = holder(tx, batch, event, *key).await?;
            if first.id != event.id {
                replays.push((*place, first.id));
            }
        }
    }
    Ok(replays)
}

/// The event that holds the key: this one, if the other's window is over.
async fn holder(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
    event: &EventRow,
    (hash, until): Term<'_>,
) -> Result<FirstEvent, StoreError> {
    let doing = "looking up the first event of a duplicate";
    let (id, body_hash, expires_at): (Uuid, Vec<u8>, i64) =
        sqlx::query_as("SELECT event_id, body_hash, expires_at FROM dedup_keys WHERE source_id = ? AND key_hash = ?")
            .bind(event.source.uuid())
            .bind(hash.as_slice())
            .fetch_one(&mut *tx)
            .await
            .map_err(StoreError::during(doing))?;
    let over = expires_at <= batch.now.as_micros();
    if !over || id == event.id.uuid() {
        return Ok(FirstEvent { id: EventId::from_uuid(id), same_body: event.body_sha256.starts_with(&body_hash) });
    }
    sqlx::query(
        "UPDATE dedup_keys SET event_id = ?, body_hash = ?, expires_at = ? WHERE source_id = ? AND key_hash = ?",
    )
    .bind(event.id.uuid())
    .bind(event.body_sha256.get(..16).unwrap_or_default())
    .bind(until.as_micros())
    .bind(event.source.uuid())
    .bind(hash.as_slice())
    .execute(tx)
    .await
    .map_err(StoreError::during("taking an expired dedup key over"))?;
    Ok(FirstEvent { id: event.id, same_body: true })
}

async fn is_settled(tx: &mut SqliteConnection, row: &DeliveryRow) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM deliveries WHERE id = ?")
        .bind(row.id.uuid())
        .fetch_optional(tx)
        .await
        .map_err(StoreError::during(DOING))?;
    Ok(found.is_some())
}

const PENDING: &str = "'pending',NULL,NULL,NULL,NULL";

/// Heads, bodies and deliveries in one trip for each piece of the longest of the lists.
async fn insert(
    tx: &mut SqliteConnection,
    batch: &AcceptBatch,
    events: &[&EventRow],
    leased: &[&DeliveryRow],
    pending: &[&DeliveryRow],
) -> Result<(), StoreError> {
    for range in pieces(events.len().max(leased.len()).max(pending.len())) {
        let events = events.get(range.clone()).unwrap_or_default();
        let leased = leased.get(range.clone()).unwrap_or_default();
        let pending = pending.get(range).unwrap_or_default();
        let mut sql = Vec::with_capacity(3);
        if !events.is_empty() {
            sql.push(event_rows(events.len()));
        }
        if !leased.is_empty() {
            // What is the same for as long as the process lives stands in the text: every value that is bound costs.
            sql.push(queue_rows(leased.len(), &format!("'leased',x'{}',?,?,?", batch.instance.simple())));
        }
        if !pending.is_empty() {
            sql.push(queue_rows(pending.len(), PENDING));
        }
        let mut query = bind_events(sqlx::query(AssertSqlSafe(sql.join("; "))), events);
        let (since, until) = (batch.now.as_micros(), batch.now.plus_ms(batch.lease_ms).as_micros());
        for row in leased {
            let token = row.lease.map(postern_domain::AttemptId::uuid);
            query = bind_delivery(query, row).bind(since).bind(until).bind(token);
        }
        for row in pending {
            query = bind_delivery(query, row);
        }
        query.execute(&mut *tx).await.map_err(StoreError::during(DOING))?;
    }
    Ok(())
}

fn event_rows(rows: usize) -> String {
    format!(
        "INSERT OR FAIL INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, \
         body_bytes, body_sha256, filtered) VALUES {} ON CONFLICT (id) DO NOTHING; \
         INSERT OR FAIL INTO event_bodies (event_id, body) VALUES {} ON CONFLICT (event_id) DO NOTHING",
        placeholders(rows, 12),
        placeholders(rows, 2)
    )
}

fn queue_rows(rows: usize, lease: &str) -> String {
    format!(
        "INSERT OR FAIL INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, due_at, \
         body_bytes, retries, attempts, state, leased_by, leased_at, leased_until, lease_token) VALUES {} \
         ON CONFLICT (delivery_id) DO NOTHING",
        repeated(&format!("(?,?,?,?,?,?,?,?,0,0,{lease})"), rows)
    )
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind_events<'q>(mut query: Query<'q>, events: &[&'q EventRow]) -> Query<'q> {
    for row in events {
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
    for row in events {
        query = query.bind(row.id.uuid()).bind(row.body.as_ref());
    }
    query
}

fn bind_delivery<'q>(query: Query<'q>, row: &'q DeliveryRow) -> Query<'q> {
    query
        .bind(row.id.uuid())
        .bind(row.tenant.uuid())
        .bind(row.event.uuid())
        .bind(row.source.uuid())
        .bind(row.connection.uuid())
        .bind(row.destination.uuid())
        .bind(row.due_at.as_micros())
        .bind(row.body_bytes)
}
