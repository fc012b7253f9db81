//! Connections as rows: which source's events go to which destination.

use postern_domain::{ConnectionId, DestinationId, SourceId, Timestamp, event_type::Pattern, payload::PayloadFormat};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TenantTx, records::Record, state::RunState};
use crate::{
    StoreError,
    column::{Sealer, from_int, from_json, to_int, to_json},
    entity::connection::{ActiveModel, Column, Entity, Model},
    read::query::{Found, Query},
    scope::{scoped, scoped_update},
};

const TABLE: &str = "connections";

/// Source to destination. At most one for each pair.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub source: SourceId,
    pub destination: DestinationId,
    /// Empty: all.
    pub event_types: Vec<Pattern>,
    /// In which form events are handed on.
    pub payload: PayloadFormat,
    /// So long an event waits before it is first delivered.
    pub delay_s: u32,
    pub state: RunState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Source(SourceId),
    Destination(DestinationId),
}

impl TenantTx {
    /// Whether the pair is connected already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_pair(
        &mut self,
        source: SourceId,
        destination: DestinationId,
    ) -> Result<Option<ConnectionId>, StoreError> {
        self.version().await?;
        let found = scoped::<Entity>(self.scope)
            .filter(Column::SourceId.eq(source.uuid()))
            .filter(Column::DestinationId.eq(destination.uuid()))
            .filter(Column::DeletedAt.is_null())
            .one(&self.tx)
            .await
            .map_err(StoreError::orm("looking for a connection"))?;
        Ok(found.map(|row| ConnectionId::from_uuid(row.id)))
    }

    /// Whether a source that takes anything leads to a bin. Nobody else can make such a pair until this ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_open_pair(&mut self) -> Result<bool, StoreError> {
        self.version().await?;
        let mut query = Query::on(&self.tx);
        query.sql("SELECT 1 AS found FROM connections pair JOIN sources source ON source.id = pair.source_id ");
        query.sql("JOIN destinations bin ON bin.id = pair.destination_id WHERE pair.tenant_id = ");
        query.bind(self.scope.tenant_id().uuid()).sql(" AND pair.deleted_at IS NULL AND source.deleted_at IS NULL ");
        query.sql("AND source.kind = 'webhook' AND source.scheme = 'none' AND bin.deleted_at IS NULL ");
        query.sql("AND bin.kind = 'bin' LIMIT 1");
        Ok(query.one::<Found>(&self.tx, "looking for a first pair").await?.is_some())
    }

    /// How many connections begin at the source.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_connections_of(&mut self, source: SourceId) -> Result<u64, StoreError> {
        self.version().await?;
        let rows = scoped::<Entity>(self.scope).filter(Side::Source(source).alive());
        rows.count(&self.tx).await.map_err(StoreError::orm("counting connections"))
    }

    /// Marks the connection as deleted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_connection(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.end(connection, Value::Null).await
    }

    /// Marks all connections at this end as deleted, and says which they were.
    pub(super) async fn end_connections(&mut self, side: Side) -> Result<Vec<ConnectionId>, StoreError> {
        let doing = "deleting connections";
        let version = self.version().await?;
        let ids: Vec<Uuid> = scoped::<Entity>(self.scope)
            .filter(side.alive())
            .select_only()
            .column(Column::Id)
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(&self.tx)
            .await
            .map_err(StoreError::orm(doing))?;
        if !ids.is_empty() {
            scoped_update::<Entity>(self.scope)
                .col_expr(Column::DeletedAt, Expr::value(self.at.as_micros()))
                .col_expr(Column::Version, Expr::value(version))
                .filter(side.alive())
                .exec(&self.tx)
                .await
                .map_err(StoreError::orm(doing))?;
        }
        Ok(ids.into_iter().map(ConnectionId::from_uuid).collect())
    }
}

impl Side {
    fn alive(self) -> Condition {
        let here = match self {
            Self::Source(id) => Column::SourceId.eq(id.uuid()),
            Self::Destination(id) => Column::DestinationId.eq(id.uuid()),
        };
        Condition::all().add(here).add(Column::DeletedAt.is_null())
    }
}

impl Record for Connection {
    type Table = Entity;
    type Row = ActiveModel;
    type Id = ConnectionId;

    const NOUN: &'static str = "connection";
    const ID: Column = Column::Id;
    const ENDED_AT: Column = Column::DeletedAt;
    const UPDATED_AT: Option<<Entity as EntityTrait>::Column> = Some(Column::UpdatedAt);
    const VERSION: Column = Column::Version;

    fn uuid(id: ConnectionId) -> Uuid {
        id.uuid()
    }

    fn id(&self) -> ConnectionId {
        self.id
    }

    fn read(row: Model, _: &Sealer<'_>) -> Result<Self, StoreError> {
        let texts: Vec<String> = from_json(TABLE, &row.event_types)?;
        let patterns = texts.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>();
        Ok(Self {
            id: ConnectionId::from_uuid(row.id),
            source: SourceId::from_uuid(row.source_id),
            destination: DestinationId::from_uuid(row.destination_id),
            event_types: patterns.map_err(|cause| StoreError::inconsistent(TABLE, cause))?,
            payload: PayloadFormat::parse(&row.payload)
                .ok_or_else(|| StoreError::inconsistent(TABLE, "unknown payload"))?,
            delay_s: from_int(TABLE, row.delay_s)?,
            state: RunState::parse(&row.state).ok_or_else(|| StoreError::inconsistent(TABLE, "unknown state"))?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }

    fn row(&self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel {
            id: Set(self.id.uuid()),
            tenant_id: Set(sealer.tenant.uuid()),
            source_id: Set(self.source.uuid()),
            destination_id: Set(self.destination.uuid()),
            event_types: Set(to_json(&texts(&self.event_types))),
            payload: Set(self.payload.as_str().to_owned()),
            delay_s: Set(to_int(self.delay_s)),
            state: Set(self.state.as_str().to_owned()),
            created_at: Set(self.created_at.as_micros()),
            updated_at: Set(self.updated_at.as_micros()),
            ..ActiveModel::default()
        })
    }

    fn changes(&self, after: &Self, _: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel {
            event_types: Set(to_json(&texts(&after.event_types))),
            payload: Set(after.payload.as_str().to_owned()),
            delay_s: Set(to_int(after.delay_s)),
            state: Set(after.state.as_str().to_owned()),
            ..ActiveModel::default()
        })
    }

    fn snapshot(&self) -> Value {
        json!({
            "source_id": self.source, "destination_id": self.destination, "event_types": texts(&self.event_types),
            "payload": self.payload.as_str(), "delay_s": self.delay_s, "state": self.state.as_str(),
        })
    }

    fn action(&self, after: &Self) -> &'static str {
        RunState::action(self.state, after.state)
    }
}

fn texts(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::as_str).collect()
}
