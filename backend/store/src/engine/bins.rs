//! The built-in receiver: keeps what it is given, and fails as often as it was told to.

use bytes::Bytes;
use postern_domain::{DeliveryId, DestinationId, EventId, TenantId, Timestamp};
use sea_orm::sqlx::{self, AssertSqlSafe};

use crate::{StoreError, engine::sqlite::IMMEDIATE, open::Pools, open::Store};

/// The newest so many requests of a bin are kept.
pub const KEPT: i64 = 500;

#[derive(Clone, Debug)]
pub struct BinRequest {
    pub tenant: TenantId,
    pub destination: DestinationId,
    pub event: EventId,
    pub delivery: DeliveryId,
    pub at: Timestamp,
    /// A JSON object.
    pub headers: String,
    pub body: Bytes,
}

const FAIL: &str = "UPDATE destinations SET fail_next = fail_next - 1 WHERE id = $1 AND fail_next > 0";
const KEEP: &str = "INSERT INTO bin_requests (id, tenant_id, destination_id, event_id, delivery_id, at, answered, headers, \
                    body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

impl Store {
    /// Keeps the request and answers the status of the bin: 500 as often as it was told to fail, else 200.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bin_receive(&self, request: &BinRequest) -> Result<u16, StoreError> {
        let doing = "keeping a request in a bin";
        macro_rules! receive {
            ($tx:expr) => {{
                let mut tx = $tx.map_err(StoreError::during(doing))?;
                let told_to_fail = sqlx::query(FAIL)
                    .bind(request.destination.uuid())
                    .execute(&mut *tx)
                    .await
                    .map_err(StoreError::during(doing))?
                    .rows_affected()
                    > 0;
                let status: i32 = if told_to_fail { 500 } else { 200 };
                sqlx::query(KEEP)
                    .bind(postern_domain::id::fresh_uuid())
                    .bind(request.tenant.uuid())
                    .bind(request.destination.uuid())
                    .bind(request.event.uuid())
                    .bind(request.delivery.uuid())
                    .bind(request.at.as_micros())
                    .bind(status)
                    .bind(request.headers.as_str())
                    .bind(request.body.as_ref())
                    .execute(&mut *tx)
                    .await
                    .map_err(StoreError::during(doing))?;
                tx.commit().await.map_err(StoreError::during(doing))?;
                u16::try_from(status).unwrap_or(500)
            }};
        }
        Ok(match &self.inner.pools {
            Pools::Postgres { engine, .. } => receive!(engine.begin().await),
            Pools::Sqlite { writer, .. } => receive!(writer.begin_with(IMMEDIATE).await),
        })
    }

    /// Drops all but the newest of each bin. Bins are few; it goes through them one by one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn trim_bins(&self) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM bin_requests WHERE id IN (SELECT old.id FROM destinations \
             JOIN bin_requests old ON old.destination_id = destinations.id WHERE destinations.kind = 'bin' AND old.id < \
             (SELECT id FROM bin_requests newer WHERE newer.destination_id = destinations.id ORDER BY id DESC \
             LIMIT 1 OFFSET {KEPT}))"
        );
        let doing = "trimming the bins";
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => {
                sqlx::query(AssertSqlSafe(sql)).execute(engine).await.map(|done| done.rows_affected())
            }
            Pools::Sqlite { writer, .. } => {
                sqlx::query(AssertSqlSafe(sql)).execute(writer).await.map(|done| done.rows_affected())
            }
        }
        .map_err(StoreError::during(doing))
    }
}
