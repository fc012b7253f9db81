//! The raw bytes of an event, as they came in.

use postern_domain::EventId;
use sea_orm::FromQueryResult;

use super::query::Query;
use crate::{StoreError, TenantStore};

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// As the sender named it.
    pub content_type: Option<String>,
    /// `None`: its retention is over.
    pub body: Option<Vec<u8>>,
}

#[derive(FromQueryResult)]
struct PayloadRow {
    content_type: Option<String>,
    body: Option<Vec<u8>>,
}

impl TenantStore {
    /// The payload of an event; `None` when the tenant has no such event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_payload(&self, id: EventId) -> Result<Option<Payload>, StoreError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT events.content_type, bodies.body FROM events LEFT JOIN event_bodies bodies");
        query.sql(" ON bodies.event_id = ").bind(id.uuid());
        query.sql(" WHERE events.id = ").bind(id.uuid()).sql(" AND events.tenant_id = ").bind(self.tenant_uuid());
        let row: Option<PayloadRow> = query.one(&db, "reading a payload").await?;
        Ok(row.map(|row| Payload { content_type: row.content_type, body: row.body }))
    }
}
