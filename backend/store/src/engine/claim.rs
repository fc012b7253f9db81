//! Leases what is due, lane by lane.
//!
//! A lane is a connection. Which lanes have something due is found by hopping through the index of the queue from one
//! connection to the next, so that the cost grows with the connections that wait and never with what waits in them.

use std::collections::HashMap;

use bytes::Bytes;
use postern_domain::{AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, TenantId, Timestamp};
use sea_orm::sqlx::{self, AssertSqlSafe, ColumnIndex, Decode, FromRow, PgPool, Row, SqlitePool, Type};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::{
        payloads::EventPayload,
        pieces::{marks, pieces, placeholders},
        sqlite::IMMEDIATE,
    },
    open::Pools,
    open::Store,
};

/// A lane with something pending, and when its first is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDue {
    pub connection: ConnectionId,
    pub due_at: Timestamp,
}

/// How many of a lane the dispatcher can take now.
#[derive(Clone, Copy, Debug)]
pub struct LaneWish {
    pub connection: ConnectionId,
    pub most: u32,
}

/// A leased delivery with what its attempt needs.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub delivery: DeliveryId,
    pub tenant: TenantId,
    pub event: EventId,
    pub source: SourceId,
    pub connection: ConnectionId,
    pub destination: DestinationId,
    pub token: AttemptId,
    pub retries: i32,
    pub attempts: i32,
    pub asked_by: Option<String>,
    pub event_type: String,
    pub received_at: Timestamp,
    pub content_type: Option<String>,
    /// `None`: its retention is over.
    pub body: Option<Bytes>,
}

struct LaneRow {
    connection_id: Uuid,
    due_at: i64,
}

struct ClaimRow {
    delivery_id: Uuid,
    tenant_id: Uuid,
    event_id: Uuid,
    source_id: Uuid,
    connection_id: Uuid,
    destination_id: Uuid,
    lease_token: Uuid,
    retries: i32,
    attempts: i32,
    asked_by: Option<String>,
}

macro_rules! from_row {
    ($name:ident { $($field:ident: $type:ty = $column:literal),+ }) => {
        impl<'r, R: Row> FromRow<'r, R> for $name
        where
            &'static str: ColumnIndex<R>,
            $($type: Decode<'r, R::Database> + Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: row.try_get($column)?),+ })
            }
        }
    };
}

from_row!(LaneRow { connection_id: Uuid = "connection_id", due_at: i64 = "due_at" });
from_row!(ClaimRow {
    delivery_id: Uuid = "delivery_id",
    tenant_id: Uuid = "tenant_id",
    event_id: Uuid = "event_id",
    source_id: Uuid = "source_id",
    connection_id: Uuid = "connection_id",
    destination_id: Uuid = "destination_id",
    lease_token: Uuid = "lease_token",
    retries: i32 = "retries",
    attempts: i32 = "attempts",
    asked_by: Option<String> = "asked_by"
});

const MAX_LANES: i64 = 20_000;

const LANES: &str = "
WITH RECURSIVE lane (connection_id) AS (
    SELECT (SELECT connection_id FROM queue WHERE state = 'pending' ORDER BY connection_id LIMIT 1)
    UNION ALL
    SELECT (SELECT connection_id FROM queue WHERE state = 'pending' AND connection_id > lane.connection_id
        ORDER BY connection_id LIMIT 1)
    FROM lane WHERE lane.connection_id IS NOT NULL)
SELECT connection_id, (SELECT due_at FROM queue WHERE state = 'pending' AND connection_id = lane.connection_id
    ORDER BY due_at LIMIT 1) AS due_at
FROM lane WHERE connection_id IS NOT NULL LIMIT $1";

const CLAIM_POSTGRES: &str = "
WITH picked AS (
    SELECT due.delivery_id, row_number() OVER () AS place
    FROM unnest($1::uuid[], $2::int[]) AS wish (connection_id, most)
    CROSS JOIN LATERAL (SELECT delivery_id FROM queue
        WHERE queue.connection_id = wish.connection_id AND state = 'pending' AND due_at <= $3
        ORDER BY due_at, delivery_id LIMIT wish.most FOR UPDATE SKIP LOCKED) AS due),
ids AS (SELECT array_agg(delivery_id ORDER BY place) AS list FROM picked)
UPDATE queue SET state = 'leased', lease_token = ($4::uuid[])[array_position((SELECT list FROM ids), delivery_id)],
    leased_by = $5, leased_at = $3, leased_until = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $6
WHERE delivery_id = ANY ((SELECT list FROM ids)::uuid[])
RETURNING delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, lease_token, retries, attempts,
    asked_by";

/// What a claim is made with.
#[derive(Clone, Debug)]
pub struct ClaimTerms {
    pub now: Timestamp,
    pub instance: Uuid,
    pub lease_ms: i64,
    /// One for each delivery that may be leased, by the caller: who does not get an answer knows what to give back.
    pub tokens: Vec<AttemptId>,
}

/// As they stand after a claim, but for the due time, which stays.
const UNCLAIM_POSTGRES: &str = "
UPDATE queue SET state = 'pending', lease_token = NULL, leased_by = NULL, leased_at = NULL, leased_until = NULL
WHERE state = 'leased' AND lease_token = ANY ($1::uuid[])";

impl Store {
    /// The lanes with something pending.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lanes_due(&self) -> Result<Vec<LaneDue>, StoreError> {
        let doing = "looking for due deliveries";
        let rows: Vec<LaneRow> = match &self.inner.pools {
            Pools::Postgres { engine, .. } => sqlx::query_as(LANES).bind(MAX_LANES).fetch_all(engine).await,
            Pools::Sqlite { readers, .. } => sqlx::query_as(LANES).bind(MAX_LANES).fetch_all(readers).await,
        }
        .map_err(StoreError::during(doing))?;
        let lane = |row: LaneRow| LaneDue {
            connection: ConnectionId::from_uuid(row.connection_id),
            due_at: Timestamp::from_micros(row.due_at),
        };
        Ok(rows.into_iter().map(lane).collect())
    }

    /// Leases up to `most` due deliveries of each lane, first due first. An answer is a lease: each must be settled.
    ///
    /// # Errors
    /// When the database does not answer. Whether something was leased is then not known: see [`Store::unclaim`].
    pub async fn claim(&self, wishes: &[LaneWish], terms: &ClaimTerms) -> Result<Vec<Claimed>, StoreError> {
        let rows = match &self.inner.pools {
            Pools::Postgres { engine, .. } => claim_postgres(engine, wishes, terms).await,
            Pools::Sqlite { writer, .. } => claim_sqlite(writer, wishes, terms).await,
        }?;
        let events: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
        let payloads = self.payloads(&events).await?;
        Ok(join(rows, &payloads))
    }

    /// Gives back what a claim with these tokens may have leased: no attempt was begun under any of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unclaim(&self, tokens: &[AttemptId]) -> Result<u64, StoreError> {
        let doing = "giving a claim back";
        let mut freed = 0;
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                let tokens: Vec<Uuid> = tokens.iter().map(|token| token.uuid()).collect();
                let done = sqlx::query(UNCLAIM_POSTGRES).bind(tokens).execute(engine).await;
                freed += done.map_err(StoreError::during(doing))?.rows_affected();
            }
            Pools::Sqlite { writer, .. } => {
                for range in pieces(tokens.len()) {
                    let tokens = tokens.get(range).unwrap_or_default();
                    let sql = format!(
                        "UPDATE queue SET state = 'pending', lease_token = NULL, leased_by = NULL, leased_at = NULL, \
                         leased_until = NULL WHERE state = 'leased' AND lease_token IN ({})",
                        marks(tokens.len())
                    );
                    let mut query = sqlx::query(AssertSqlSafe(sql));
                    for token in tokens {
                        query = query.bind(token.uuid());
                    }
                    freed += query.execute(writer).await.map_err(StoreError::during(doing))?.rows_affected();
                }
            }
        }
        Ok(freed)
    }
}

async fn claim_postgres(pool: &PgPool, wishes: &[LaneWish], terms: &ClaimTerms) -> Result<Vec<ClaimRow>, StoreError> {
    let tokens: Vec<Uuid> = terms.tokens.iter().map(|token| token.uuid()).collect();
    sqlx::query_as(CLAIM_POSTGRES)
        .bind(wishes.iter().map(|wish| wish.connection.uuid()).collect::<Vec<_>>())
        .bind(wishes.iter().map(|wish| i32::try_from(wish.most).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(terms.now.as_micros())
        .bind(&tokens)
        .bind(terms.instance)
        .bind(terms.lease_ms * 1_000)
        .fetch_all(pool)
        .await
        .map_err(StoreError::during("claiming deliveries"))
}

async fn claim_sqlite(
    writer: &SqlitePool,
    wishes: &[LaneWish],
    terms: &ClaimTerms,
) -> Result<Vec<ClaimRow>, StoreError> {
    let doing = "claiming deliveries";
    let mut tx = writer.begin_with(IMMEDIATE).await.map_err(StoreError::during(doing))?;
    let mut rows: Vec<ClaimRow> = Vec::new();
    let mut tokens = terms.tokens.iter();
    for wish in wishes {
        let due: Vec<ClaimRow> = sqlx::query_as(
            "SELECT delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, \
             delivery_id AS lease_token, retries, attempts, asked_by FROM queue \
             WHERE connection_id = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, delivery_id LIMIT ?",
        )
        .bind(wish.connection.uuid())
        .bind(terms.now.as_micros())
        .bind(wish.most)
        .fetch_all(&mut *tx)
        .await
        .map_err(StoreError::during(doing))?;
        rows.extend(due.into_iter().zip(&mut tokens).map(|(row, token)| ClaimRow { lease_token: token.uuid(), ..row }));
    }
    for range in pieces(rows.len()) {
        let rows = rows.get(range).unwrap_or_default();
        let sql = format!(
            "WITH given (id, token) AS (VALUES {}) UPDATE queue SET state = 'leased', lease_token = given.token, \
             leased_by = ?, leased_at = ?, leased_until = ? FROM given WHERE delivery_id = given.id",
            placeholders(rows.len(), 2)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            query = query.bind(row.delivery_id).bind(row.lease_token);
        }
        query
            .bind(terms.instance)
            .bind(terms.now.as_micros())
            .bind(terms.now.plus_ms(terms.lease_ms).as_micros())
            .execute(&mut *tx)
            .await
            .map_err(StoreError::during(doing))?;
    }
    tx.commit().await.map_err(StoreError::during(doing))?;
    Ok(rows)
}

fn join(rows: Vec<ClaimRow>, found: &HashMap<Uuid, EventPayload>) -> Vec<Claimed> {
    let mut rows = rows;
    rows.sort_by_key(|row| row.lease_token);
    rows.into_iter()
        .map(|row| {
            let payload = found.get(&row.event_id).cloned().unwrap_or_default();
            Claimed {
                delivery: DeliveryId::from_uuid(row.delivery_id),
                tenant: TenantId::from_uuid(row.tenant_id),
                event: EventId::from_uuid(row.event_id),
                source: SourceId::from_uuid(row.source_id),
                connection: ConnectionId::from_uuid(row.connection_id),
                destination: DestinationId::from_uuid(row.destination_id),
                token: AttemptId::from_uuid(row.lease_token),
                retries: row.retries,
                attempts: row.attempts,
                asked_by: row.asked_by,
                event_type: payload.event_type,
                received_at: payload.received_at,
                content_type: payload.content_type,
                body: payload.body,
            }
        })
        .collect()
}
