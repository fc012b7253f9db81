//! What of events is handed on: type, moment, content type and bytes.

use std::collections::HashMap;

use bytes::Bytes;
use postern_domain::Timestamp;
use sea_orm::sqlx::{self, AssertSqlSafe, ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::pieces::{marks, pieces},
    open::{Pools, Store},
};

const DOING: &str = "reading events to deliver";

/// An event as an attempt needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventPayload {
    pub(crate) event_type: String,
    pub(crate) received_at: Timestamp,
    pub(crate) content_type: Option<String>,
    /// `None`: its retention is over.
    pub(crate) body: Option<Bytes>,
}

struct PayloadRow {
    id: Uuid,
    payload: EventPayload,
}

impl<'r, R: Row> FromRow<'r, R> for PayloadRow
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let body: Option<Vec<u8>> = row.try_get("body")?;
        let payload = EventPayload {
            event_type: row.try_get("type")?,
            received_at: Timestamp::from_micros(row.try_get("received_at")?),
            content_type: row.try_get("content_type")?,
            body: body.map(Bytes::from),
        };
        Ok(Self { id: row.try_get("id")?, payload })
    }
}

/// Each event is looked up in the one partition that its id names.
const PAYLOADS_POSTGRES: &str = "
SELECT wanted.id, head.type, head.received_at, head.content_type, content.body FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT type, received_at, content_type FROM events WHERE events.id = wanted.id LIMIT 1) AS head
LEFT JOIN LATERAL (SELECT body FROM event_bodies WHERE event_id = wanted.id LIMIT 1) AS content ON true";

impl Store {
    /// Those of these events that are still there.
    pub(crate) async fn payloads(&self, events: &[Uuid]) -> Result<HashMap<Uuid, EventPayload>, StoreError> {
        let mut found = Vec::with_capacity(events.len());
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                let query = sqlx::query_as(PAYLOADS_POSTGRES).bind(events);
                found = query.fetch_all(engine).await.map_err(StoreError::during(DOING))?;
            }
            Pools::Sqlite { readers, .. } => {
                for range in pieces(events.len()) {
                    let some = events.get(range).unwrap_or_default();
                    let sql = format!(
                        "SELECT id, type, received_at, content_type, body FROM events \
                         LEFT JOIN event_bodies ON event_id = id WHERE id IN ({})",
                        marks(some.len())
                    );
                    let mut query = sqlx::query_as(AssertSqlSafe(sql));
                    for event in some {
                        query = query.bind(*event);
                    }
                    let some: Vec<PayloadRow> = query.fetch_all(readers).await.map_err(StoreError::during(DOING))?;
                    found.extend(some);
                }
            }
        }
        Ok(found.into_iter().map(|row: PayloadRow| (row.id, row.payload)).collect())
    }
}
