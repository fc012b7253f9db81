//! Looks into the database of a server, beside it: what no caller of the API may see or do.

use std::path::Path;

use sea_orm::sqlx::{
    AssertSqlSafe, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    query, query_as, query_scalar,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::Database;

/// SQL is the same on both databases as far as the tests need it; where it is not, [`Inspector::either`] picks.
#[derive(Clone, Debug)]
pub(crate) enum Inspector {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Inspector {
    pub(super) async fn open(database: &Database, data_dir: &Path) -> Self {
        match database.url() {
            None => {
                let file = SqliteConnectOptions::new().filename(data_dir.join("postern.db")).create_if_missing(false);
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(file).await;
                Self::Sqlite(pool.expect("the SQLite file"))
            }
            Some(url) => {
                Self::Postgres(PgPoolOptions::new().max_connections(1).connect(&url).await.expect("PostgreSQL"))
            }
        }
    }

    /// What a killed SQLite server left behind, in a copy: looking into the file itself would tidy up its log before the
    /// next server finds it.
    pub(super) async fn open_copy(data_dir: &Path, copy: &Path) -> Self {
        std::fs::create_dir_all(copy).expect("a folder");
        for name in ["postern.db", "postern.db-wal"] {
            let (from, to) = (data_dir.join(name), copy.join(name));
            let _ = std::fs::remove_file(&to);
            if from.exists() {
                std::fs::copy(from, to).expect("a copy");
            }
        }
        Self::open(&Database::Sqlite, copy).await
    }

    /// One statement for each database.
    pub(crate) fn either<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// The one number that `sql` selects.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let safe = || AssertSqlSafe(sql.to_owned());
        let found = match self {
            Self::Sqlite(pool) => query_scalar(safe()).fetch_one(pool).await,
            Self::Postgres(pool) => query_scalar(safe()).fetch_one(pool).await,
        };
        found.unwrap_or_else(|cause| panic!("{sql}: {cause}"))
    }

    /// Rows of two texts.
    pub(crate) async fn pairs(&self, sql: &str) -> Vec<(String, String)> {
        let safe = || AssertSqlSafe(sql.to_owned());
        let found = match self {
            Self::Sqlite(pool) => query_as(safe()).fetch_all(pool).await,
            Self::Postgres(pool) => query_as(safe()).fetch_all(pool).await,
        };
        found.unwrap_or_else(|cause| panic!("{sql}: {cause}"))
    }

    /// Runs one statement; gives how many rows it changed.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let safe = || AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Sqlite(pool) => query(safe()).execute(pool).await.map(|done| done.rows_affected()),
            Self::Postgres(pool) => query(safe()).execute(pool).await.map(|done| done.rows_affected()),
        };
        done.unwrap_or_else(|cause| panic!("{sql}: {cause}"))
    }
}
