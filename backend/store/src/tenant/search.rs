//! Looking for sources, destinations and connections: parts of their lists, newest first, and what they are called.

use std::collections::HashMap;

use postern_domain::{ConnectionId, DestinationId, SourceId, destination::DestinationKind};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, IntoSimpleExpr, PrimaryKeyTrait,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Func, LikeExpr},
};
use uuid::Uuid;

use super::{Connection, Destination, DestinationState, Record, Records, RunState, Source, TenantStore};
use crate::{
    StoreError,
    entity::{connection, destination, source},
    read::query::Query,
    scope::scoped,
};

const DOING: &str = "searching the configuration";

/// Which of a list are wanted; everything given must fit.
#[derive(Clone, Debug)]
pub struct Sought<S> {
    /// A part of the name, or of what else the list shows as text. In any case, as far as letters are ASCII.
    pub text: Option<String>,
    pub state: Option<S>,
}

/// A part of a list, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Part<I> {
    /// The last of the part before.
    pub after: Option<I>,
    pub limit: u64,
}

impl Records<'_, Source> {
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn search(&self, sought: &Sought<RunState>, part: Part<SourceId>) -> Result<Vec<Source>, StoreError> {
        let fits = Condition::all()
            .add_option(sought.text.as_deref().map(|text| contains(source::Column::Name, text)))
            .add_option(sought.state.map(|state| source::Column::State.eq(state.as_str())));
        self.newest(fits, part).await
    }

    /// At most `limit` of them by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn names(&self, limit: u64) -> Result<Vec<(SourceId, String)>, StoreError> {
        let names = names::<source::Entity>(self.tenant, [source::Column::Id, source::Column::Name], limit);
        Ok(names.await?.into_iter().map(|(id, name)| (SourceId::from_uuid(id), name)).collect())
    }
}

impl Records<'_, Destination> {
    /// By their name, their URL, or the words `bin` and `queue`.
    ///
    /// # Errors
    /// As for sources.
    pub async fn search(
        &self,
        sought: &Sought<DestinationState>,
        part: Part<DestinationId>,
    ) -> Result<Vec<Destination>, StoreError> {
        let without_url = [DestinationKind::Bin, DestinationKind::Queue].map(DestinationKind::as_str);
        let text = sought.text.as_deref().map(|text| {
            let some = contains(destination::Column::Name, text).add(contains(destination::Column::Url, text));
            let meant = without_url.into_iter().filter(|kind| kind.contains(&text.to_lowercase()));
            meant.fold(some, |some, kind| some.add(destination::Column::Kind.eq(kind)))
        });
        let fits = Condition::all()
            .add_option(text)
            .add_option(sought.state.map(|state| destination::Column::State.eq(state.as_str())));
        self.newest(fits, part).await
    }

    /// At most `limit` of them by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn names(&self, limit: u64) -> Result<Vec<(DestinationId, String)>, StoreError> {
        let columns = [destination::Column::Id, destination::Column::Name];
        let names = names::<destination::Entity>(self.tenant, columns, limit).await?;
        Ok(names.into_iter().map(|(id, name)| (DestinationId::from_uuid(id), name)).collect())
    }
}

impl Records<'_, Connection> {
    /// Those from this source, to this destination; of all, where one is not given.
    ///
    /// # Errors
    /// When the database does not answer, or a row cannot be read.
    pub async fn between(
        &self,
        (from, to): (Option<SourceId>, Option<DestinationId>),
        part: Part<ConnectionId>,
    ) -> Result<Vec<Connection>, StoreError> {
        let fits = Condition::all()
            .add_option(from.map(|id| connection::Column::SourceId.eq(id.uuid())))
            .add_option(to.map(|id| connection::Column::DestinationId.eq(id.uuid())));
        self.newest(fits, part).await
    }

    /// How many each of these sources has, where it has any.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_from(&self, sources: &[SourceId]) -> Result<HashMap<SourceId, u64>, StoreError> {
        let ids: Vec<Uuid> = sources.iter().map(|id| id.uuid()).collect();
        let counts = self.count_by("source_id", &ids).await?;
        Ok(counts.into_iter().map(|(id, count)| (SourceId::from_uuid(id), count)).collect())
    }

    /// How many lead to each of these destinations, where any do.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_to(&self, destinations: &[DestinationId]) -> Result<HashMap<DestinationId, u64>, StoreError> {
        let ids: Vec<Uuid> = destinations.iter().map(|id| id.uuid()).collect();
        let counts = self.count_by("destination_id", &ids).await?;
        Ok(counts.into_iter().map(|(id, count)| (DestinationId::from_uuid(id), count)).collect())
    }

    async fn count_by(&self, end: &'static str, ids: &[Uuid]) -> Result<Vec<(Uuid, u64)>, StoreError> {
        #[derive(FromQueryResult)]
        struct CountRow {
            id: Uuid,
            n: i64,
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let db = self.tenant.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT ").sql(end).sql(" AS id, COUNT(*) AS n FROM connections WHERE deleted_at IS NULL AND ");
        query.sql(end).sql(" IN ").ids(ids).guard("tenant_id", self.tenant.scope.tenant_id().uuid());
        query.sql(" GROUP BY ").sql(end);
        let rows: Vec<CountRow> = query.all(&db, DOING).await?;
        Ok(rows.into_iter().map(|row| (row.id, u64::try_from(row.n).unwrap_or(0))).collect())
    }
}

impl<R: Record> Records<'_, R>
where
    <R::Table as EntityTrait>::Model: IntoActiveModel<R::Row>,
    <<R::Table as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType: From<Uuid>,
{
    async fn newest(&self, fits: Condition, part: Part<R::Id>) -> Result<Vec<R>, StoreError> {
        let mut rows = scoped::<R::Table>(self.tenant.scope).filter(R::ENDED_AT.is_null()).filter(fits);
        if let Some(after) = part.after {
            rows = rows.filter(R::ID.lt(R::uuid(after)));
        }
        let rows = rows.order_by_desc(R::ID).limit(part.limit).all(&self.tenant.store.reader()).await;
        let sealer = self.tenant.sealer();
        rows.map_err(StoreError::orm(DOING))?.into_iter().map(|row| R::read(row, &sealer)).collect()
    }
}

async fn names<E: crate::scope::Owned>(
    tenant: &TenantStore,
    columns: [E::Column; 2],
    limit: u64,
) -> Result<Vec<(Uuid, String)>, StoreError>
where
    E::Column: NotDeleted,
{
    let [id, _] = columns;
    scoped::<E>(tenant.scope)
        .filter(E::Column::DELETED_AT.is_null())
        .select_only()
        .columns(columns)
        .order_by_asc(id)
        .limit(limit)
        .into_tuple()
        .all(&tenant.store.reader())
        .await
        .map_err(StoreError::orm(DOING))
}

/// SQLite knows upper and lower case of ASCII only: as it was typed, other letters are found all the same.
fn contains(column: impl ColumnTrait, text: &str) -> Condition {
    let like = |text: &str| {
        let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        LikeExpr::new(format!("%{escaped}%")).escape('!')
    };
    Condition::any()
        .add(Func::lower(column.into_simple_expr()).like(like(&text.to_lowercase())))
        .add(column.into_simple_expr().like(like(text)))
}

/// Where a table notes that a row is deleted.
trait NotDeleted: ColumnTrait {
    const DELETED_AT: Self;
}

impl NotDeleted for source::Column {
    const DELETED_AT: Self = Self::DeletedAt;
}

impl NotDeleted for destination::Column {
    const DELETED_AT: Self = Self::DeletedAt;
}
