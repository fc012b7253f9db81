//! Remembers what came to the front door and did not become an event.

use postern_domain::{EventId, RequestId, SourceId, TenantId, Timestamp};
use sea_orm::sqlx::{self, QueryBuilder};

use crate::{StoreError, open::Pools, open::Store};

/// A refused request, or a duplicate.
#[derive(Clone, Debug)]
pub struct RequestRow {
    pub id: RequestId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub at: Timestamp,
    /// `refused` or `duplicate`.
    pub outcome: &'static str,
    pub cause: String,
    pub expected: String,
    pub remote: String,
    pub method: String,
    pub headers: String,
    pub body_bytes: i64,
    pub dedup_key: Option<String>,
    pub event: Option<EventId>,
}

const INSERT: &str = "INSERT INTO requests (id, tenant_id, source_id, at, outcome, cause, expected, remote, method, \
                      headers, body_bytes, dedup_key, event_id) ";

impl Store {
    /// # Errors
    /// When the database does not answer, or refuses a row (then none is written).
    pub async fn record_requests(&self, rows: &[RequestRow]) -> Result<(), StoreError> {
        let doing = "recording requests";
        for rows in rows.chunks(32) {
            match &self.inner.pools {
                Pools::Postgres { engine, .. } => {
                    insert::<sqlx::Postgres>(rows).build().execute(engine).await.map(|_| ())
                }
                Pools::Sqlite { writer, .. } => insert::<sqlx::Sqlite>(rows).build().execute(writer).await.map(|_| ()),
            }
            .map_err(StoreError::during(doing))?;
        }
        Ok(())
    }
}

fn insert<'a, D>(rows: &'a [RequestRow]) -> QueryBuilder<D>
where
    D: sqlx::Database,
    uuid::Uuid: sqlx::Encode<'a, D> + sqlx::Type<D>,
    Option<uuid::Uuid>: sqlx::Encode<'a, D> + sqlx::Type<D>,
    i64: sqlx::Encode<'a, D> + sqlx::Type<D>,
    &'a str: sqlx::Encode<'a, D> + sqlx::Type<D>,
    Option<&'a str>: sqlx::Encode<'a, D> + sqlx::Type<D>,
{
    let mut builder = QueryBuilder::new(INSERT);
    builder.push_values(rows, |mut values, row| {
        values
            .push_bind(row.id.uuid())
            .push_bind(row.tenant.uuid())
            .push_bind(row.source.uuid())
            .push_bind(row.at.as_micros())
            .push_bind(row.outcome)
            .push_bind(row.cause.as_str())
            .push_bind(row.expected.as_str())
            .push_bind(row.remote.as_str())
            .push_bind(row.method.as_str())
            .push_bind(row.headers.as_str())
            .push_bind(row.body_bytes)
            .push_bind(row.dedup_key.as_deref())
            .push_bind(row.event.map(EventId::uuid));
    });
    builder
}
