//! What a bin received, newest first.

use postern_domain::{DeliveryId, DestinationId, EventId, RequestId, Timestamp};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{
    Slice, Window,
    gathering::{Filtered, Gathering},
    query::{Found, Query},
};
use crate::{StoreError, TenantStore};

/// So much of each body is read; the rest is at the payload of the event.
const MAX_BODY_BYTES: i32 = 64 * 1024;
/// Each may have a body, so there are fewer on a page than elsewhere.
const MAX_LIMIT: usize = 100;

/// A request as a bin received it.
#[derive(Clone, Debug)]
pub struct BinRequestRead {
    pub id: RequestId,
    pub event: EventId,
    pub delivery: DeliveryId,
    pub at: Timestamp,
    /// The status that the bin answered.
    pub answered: i32,
    /// A JSON object.
    pub headers: String,
    /// At most the first 64 kB.
    pub body: Vec<u8>,
    pub body_bytes: i32,
}

#[derive(FromQueryResult)]
struct BinRow {
    id: Uuid,
    event_id: Uuid,
    delivery_id: Uuid,
    at: i64,
    answered: i32,
    headers: String,
    body: Vec<u8>,
    body_bytes: i32,
}

impl BinRow {
    fn into_read(self) -> BinRequestRead {
        BinRequestRead {
            id: RequestId::from_uuid(self.id),
            event: EventId::from_uuid(self.event_id),
            delivery: DeliveryId::from_uuid(self.delivery_id),
            at: Timestamp::from_micros(self.at),
            answered: self.answered,
            headers: self.headers,
            body: self.body,
            body_bytes: self.body_bytes,
        }
    }
}

impl TenantStore {
    /// What the destination, a bin, received; at most 100 at once. `None` when the tenant has no such destination.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_bin_requests(
        &self,
        destination: DestinationId,
        window: &Window,
    ) -> Result<Option<Slice<BinRequestRead>>, StoreError> {
        let doing = "listing what a bin received";
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT 1 AS found FROM destinations WHERE id = ").bind(destination.uuid());
        query.sql(" AND tenant_id = ").bind(self.tenant_uuid()).sql(" AND deleted_at IS NULL");
        if query.one::<Found>(&db, doing).await?.is_none() {
            return Ok(None);
        }
        let mut page = Gathering::new(window.limit().min(MAX_LIMIT), window.below(), Filtered::No);
        let mut query = Query::on(&db);
        query.sql("SELECT id, event_id, delivery_id, at, answered, headers, substr(body, 1, ").bind(MAX_BODY_BYTES);
        query.sql(") AS body, length(body) AS body_bytes FROM bin_requests").by_index("bin_requests_by_destination");
        query.sql(" WHERE destination_id = ").bind(destination.uuid());
        query.guard("tenant_id", self.tenant_uuid());
        if let Some(lowest) = window.lowest() {
            query.sql(" AND id >= ").bind(lowest);
        }
        if let Some(below) = page.below() {
            query.sql(" AND id < ").bind(below);
        }
        query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(page.chunk()).unwrap_or(i64::MAX));
        let rows: Vec<BinRow> = query.all(&db, doing).await?;
        page.take(rows.into_iter().map(|row| (row.id, Some(row.into_read()))).collect());
        Ok(Some(page.finish()))
    }
}
