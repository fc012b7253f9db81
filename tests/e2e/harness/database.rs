//! A database for one test: a SQLite file, or a database of its own in the PostgreSQL that the tests were given.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

const SUPERUSER: &str = "POSTERN_TEST_POSTGRES_URL";

/// Clones are the same database; it is gone when the last of them is.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// A file in the data folder of the server.
    Sqlite,
    Postgres(Arc<OwnDatabase>),
}

/// Dropped, with all connections to it, when this is.
#[derive(Debug)]
pub(crate) struct OwnDatabase {
    superuser: String,
    name: String,
}

impl Database {
    /// A fresh database in the PostgreSQL of POSTERN_TEST_POSTGRES_URL; `None` when there is none.
    pub(crate) fn postgres() -> Option<Self> {
        Some(Self::postgres_at(&std::env::var(SUPERUSER).ok()?))
    }

    /// A fresh database in the PostgreSQL at `superuser`.
    pub(crate) fn postgres_at(superuser: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e_{}_{count}", std::process::id());
        execute(superuser, &format!("CREATE DATABASE {name}")).expect("a database of its own");
        Self::Postgres(Arc::new(OwnDatabase { superuser: superuser.to_owned(), name }))
    }

    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// For POSTERN_DATABASE_URL; SQLite's is the default.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(own) => Some(own.url()),
        }
    }
}

impl OwnDatabase {
    fn url(&self) -> String {
        let (server, _) = self.superuser.rsplit_once('/').expect("a URL that ends in a database");
        format!("{server}/{}", self.name)
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // A private instance may be gone already, and the database with it.
        let _ = execute(&self.superuser, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// On a thread of its own, because a test may or may not be inside a runtime.
fn execute(url: &str, sql: &str) -> Result<(), sea_orm::sqlx::Error> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let work = async move {
        let mut connection = PgConnection::connect(&url).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        connection.close().await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || runtime.block_on(work)).join().expect("no panic")
}

/// Turns `async fn name(database: Database) { … }` into one test for each database.
macro_rules! on_every_database {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident: Database) $body:block)+) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run($database: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = Database::postgres() {
                    run(database).await;
                }
            }
        }
    )+};
}

/// The same for what only PostgreSQL can do.
macro_rules! on_postgres {
    ($($(#[$doc:meta])* async fn $name:ident($database:ident: Database) $body:block)+) => {$(
        $(#[$doc])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn run($database: Database) $body
            if let Some(database) = Database::postgres() {
                run(database).await;
            }
        }
    )+};
}

pub(crate) use {on_every_database, on_postgres};
