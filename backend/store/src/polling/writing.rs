//! A transaction of the engine on either database: the same steps, each a statement with its values beside it.

use sea_orm::sqlx::{self, AssertSqlSafe, FromRow, Postgres, Sqlite, Transaction, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::sqlite::IMMEDIATE,
    open::{Backend, Pools, Store},
};

/// When a lease ends that begins now: by the database's clock on PostgreSQL, so that the clocks of replicas need not
/// agree, and by ours on SQLite. Parameter `$number` is what [`lease`] gives.
pub(crate) fn lease_end(backend: Backend, number: usize) -> String {
    match backend {
        Backend::Sqlite => format!("${number}"),
        Backend::Postgres => format!("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + ${number}"),
    }
}

pub(crate) fn lease<'a>(store: &Store, lease_ms: i64) -> Bind<'a> {
    Bind::Long(match store.backend() {
        Backend::Sqlite => store.clock().now().plus_ms(lease_ms).as_micros(),
        Backend::Postgres => lease_ms.saturating_mul(1_000),
    })
}

/// One value of a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bind<'a> {
    Uuid(Uuid),
    MaybeUuid(Option<Uuid>),
    Long(i64),
    MaybeLong(Option<i64>),
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Bytes(&'a [u8]),
}

/// On SQLite the write lock is held from the beginning.
#[derive(Debug)]
pub(crate) enum Writing {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// What both databases can read as a row.
pub(crate) trait Rowed: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin> Rowed for T {}

macro_rules! bound {
    ($query:expr, $binds:expr) => {
        $binds.iter().fold($query, |query, bind| match *bind {
            Bind::Uuid(id) => query.bind(id),
            Bind::MaybeUuid(id) => query.bind(id),
            Bind::Long(number) => query.bind(number),
            Bind::MaybeLong(number) => query.bind(number),
            Bind::Text(text) => query.bind(text.to_owned()),
            Bind::MaybeText(text) => query.bind(text.map(str::to_owned)),
            Bind::Bytes(bytes) => query.bind(bytes.to_vec()),
        })
    };
}

impl Writing {
    pub(crate) async fn begin(store: &Store, doing: &'static str) -> Result<Self, StoreError> {
        match &store.inner.pools {
            Pools::Postgres { engine, .. } => engine.begin().await.map(Self::Postgres),
            Pools::Sqlite { writer, .. } => writer.begin_with(IMMEDIATE).await.map(Self::Sqlite),
        }
        .map_err(StoreError::during(doing))
    }

    pub(crate) const fn backend(&self) -> Backend {
        match self {
            Self::Postgres(_) => Backend::Postgres,
            Self::Sqlite(_) => Backend::Sqlite,
        }
    }

    /// How many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        doing: &'static str,
        sql: impl Into<String>,
        binds: &[Bind<'_>],
    ) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Self::Postgres(tx) => {
                let query = bound!(sqlx::query(sql), binds);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Self::Sqlite(tx) => {
                let query = bound!(sqlx::query(sql), binds);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err(StoreError::during(doing))
    }

    pub(crate) async fn fetch<T: Rowed>(
        &mut self,
        doing: &'static str,
        sql: impl Into<String>,
        binds: &[Bind<'_>],
    ) -> Result<Vec<T>, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        match self {
            Self::Postgres(tx) => bound!(sqlx::query_as::<_, T>(sql), binds).fetch_all(&mut **tx).await,
            Self::Sqlite(tx) => bound!(sqlx::query_as::<_, T>(sql), binds).fetch_all(&mut **tx).await,
        }
        .map_err(StoreError::during(doing))
    }

    pub(crate) async fn commit(self, store: &Store, doing: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => tx.commit().await.map_err(StoreError::during(doing)),
            Self::Sqlite(tx) => {
                tx.commit().await.map_err(StoreError::during(doing))?;
                if let Pools::Sqlite { writer, log, .. } = &store.inner.pools {
                    log.finish(writer).await;
                }
                Ok(())
            }
        }
    }
}

/// Reads without a transaction.
pub(crate) async fn look<T: Rowed>(
    store: &Store,
    doing: &'static str,
    sql: impl Into<String>,
    binds: &[Bind<'_>],
) -> Result<Vec<T>, StoreError> {
    let sql = AssertSqlSafe(sql.into());
    match &store.inner.pools {
        Pools::Postgres { engine, .. } => bound!(sqlx::query_as::<_, T>(sql), binds).fetch_all(engine).await,
        Pools::Sqlite { readers, .. } => bound!(sqlx::query_as::<_, T>(sql), binds).fetch_all(readers).await,
    }
    .map_err(StoreError::during(doing))
}

/// One statement that is a transaction by itself.
pub(crate) async fn change(
    store: &Store,
    doing: &'static str,
    sql: impl Into<String>,
    binds: &[Bind<'_>],
) -> Result<u64, StoreError> {
    let sql = AssertSqlSafe(sql.into());
    match &store.inner.pools {
        Pools::Postgres { engine, .. } => {
            bound!(sqlx::query(sql), binds).execute(engine).await.map(|done| done.rows_affected())
        }
        Pools::Sqlite { writer, .. } => {
            bound!(sqlx::query(sql), binds).execute(writer).await.map(|done| done.rows_affected())
        }
    }
    .map_err(StoreError::during(doing))
}
