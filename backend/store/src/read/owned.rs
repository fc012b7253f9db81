//! Whether something is the tenant's, and what a search text stands for.

use postern_domain::{ConnectionId, DestinationId, SourceId};
use postern_seal::token::sha256;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    ListError,
    delivery::{Base, Bounds},
    event_filter::Search,
    query::{Found, Query},
};
use crate::{StoreError, TenantStore};

/// As many events are looked up by one dedup key, each from another source.
const MAX_SAME_KEY: i64 = 1_000;

impl TenantStore {
    pub(super) fn tenant_uuid(&self) -> Uuid {
        self.scope.tenant_id().uuid()
    }

    /// Deleted ones count: what they did can still be looked at.
    pub(crate) async fn check_source(&self, db: &impl ConnectionTrait, id: SourceId) -> Result<(), ListError> {
        self.owns(db, "sources", id.uuid()).await?.then_some(()).ok_or(ListError::UnknownSource)
    }

    /// The same for destinations.
    pub(super) async fn check_destination(
        &self,
        db: &impl ConnectionTrait,
        id: DestinationId,
    ) -> Result<(), ListError> {
        self.owns(db, "destinations", id.uuid()).await?.then_some(()).ok_or(ListError::UnknownDestination)
    }

    /// The same for connections.
    pub(super) async fn check_connection(&self, db: &impl ConnectionTrait, id: ConnectionId) -> Result<(), ListError> {
        self.owns(db, "connections", id.uuid()).await?.then_some(()).ok_or(ListError::UnknownConnection)
    }

    /// Where a connection leads, also a deleted one.
    pub(super) async fn destination_of(
        &self,
        db: &impl ConnectionTrait,
        id: ConnectionId,
    ) -> Result<Option<DestinationId>, StoreError> {
        #[derive(FromQueryResult)]
        struct EndRow {
            destination_id: Uuid,
        }
        let mut query = Query::on(db);
        query.sql("SELECT destination_id FROM connections WHERE id = ").bind(id.uuid());
        query.sql(" AND tenant_id = ").bind(self.tenant_uuid());
        let row: Option<EndRow> = query.one(db, "looking up a connection").await?;
        Ok(row.map(|row| DestinationId::from_uuid(row.destination_id)))
    }

    async fn owns(&self, db: &impl ConnectionTrait, table: &'static str, id: Uuid) -> Result<bool, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT 1 AS found FROM ").sql(table).sql(" WHERE id = ").bind(id);
        query.sql(" AND tenant_id = ").bind(self.tenant_uuid());
        Ok(query.one::<Found>(db, "looking up the owner").await?.is_some())
    }

    /// The events that a search names outright.
    pub(super) async fn look_up(&self, db: &impl ConnectionTrait, search: &Search) -> Result<Vec<Uuid>, StoreError> {
        match search {
            Search::Event(id) => Ok(vec![id.uuid()]),
            Search::Delivery(id) => {
                let found = self.read_deliveries(db, Base::One(id.uuid()), Bounds::FIRST_1000).await?;
                Ok(found.iter().map(|delivery| delivery.event.uuid()).collect())
            }
            Search::Text(text) => self.look_up_dedup_key(db, text).await,
        }
    }

    /// Keys are known by their hash, within their source; an expired one only until it is swept.
    async fn look_up_dedup_key(&self, db: &impl ConnectionTrait, key: &str) -> Result<Vec<Uuid>, StoreError> {
        #[derive(FromQueryResult)]
        struct KeyRow {
            event_id: Uuid,
        }
        let hash: Vec<u8> = sha256(key).into_iter().take(16).collect();
        let mut query = Query::on(db);
        query.sql("SELECT known.event_id FROM sources JOIN dedup_keys known ON known.source_id = sources.id");
        query.sql(" WHERE sources.tenant_id = ").bind(self.tenant_uuid()).sql(" AND known.key_hash = ").bind(hash);
        query.sql(" LIMIT ").bind(MAX_SAME_KEY);
        let rows: Vec<KeyRow> = query.all(db, "looking up a dedup key").await?;
        Ok(rows.into_iter().map(|row| row.event_id).collect())
    }
}
