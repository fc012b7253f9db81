//! Opens the database, refusing settings under which a promise could not be kept.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use postern_domain::Clock;
use postern_seal::Keyring;
use sea_orm::{
    DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector,
    sqlx::{
        self, Connection as _, PgPool, SqliteConnection, SqlitePool,
        postgres::{PgConnectOptions, PgPoolOptions},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use tokio::sync::Notify;

use crate::engine::sqlite::log::Log;
use crate::{StoreError, files::ServeLock, nodelay};

/// How long a statement waits for a connection, and a SQLite writer for another process's write.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A sender waits for its commit: better told soon to come back.
const ENGINE_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// So long a start waits for a database that may come.
const START_PATIENCE: Duration = Duration::from_secs(20);
const START_PAUSE: Duration = Duration::from_millis(250);
const SQLITE_READERS: u32 = 4;
const POSTGRES_ENGINE_CONNECTIONS: u32 = 6;
/// A connection that was used so recently is not asked whether it lives: that would be a round trip for each commit.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
const POSTGRES_WEB_CONNECTIONS: u32 = 8;

#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:PATH`, or `postgres://…`.
    pub url: String,
    /// Taken by `postern serve`: a second one on the same SQLite file is refused. Other commands work beside it.
    pub serving: Serving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{0}` is not a database URL: use sqlite:PATH or postgres://user:password@host/name")]
    Url(String),
    #[error("another `postern serve` uses {0}; stop it first, or use PostgreSQL to run several")]
    Taken(PathBuf),
    #[error("cannot write {path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    #[error("the PostgreSQL setting {setting} is `{value}`: an answered event could be lost in a crash; set it to on")]
    Unsafe { setting: &'static str, value: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pools: Pools,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Clock,
    #[expect(dead_code, reason = "held for as long as the store is open")]
    lock: Option<ServeLock>,
}

#[derive(Debug)]
pub(crate) enum Pools {
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        log: Log,
    },
    /// `engine` serves the machinery: few connections, plans that never scan a table. `web` serves people.
    Postgres {
        engine: PgPool,
        web: PgPool,
        small_statements: Arc<AtomicBool>,
    },
}

impl Store {
    /// Opens without migrating.
    ///
    /// # Errors
    /// [`OpenError`] says what to change.
    pub async fn open(options: &Options, keyring: Keyring, clock: Clock) -> Result<Self, OpenError> {
        let (pools, lock) = if let Some(path) = options.url.strip_prefix("sqlite:") {
            let path = Path::new(path.trim_start_matches("//"));
            let lock = lock(path, options.serving)?;
            (open_sqlite(path).await?, lock)
        } else if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            (open_postgres(&options.url).await?, None)
        } else {
            return Err(OpenError::Url(options.url.chars().take_while(|letter| *letter != ':').collect()));
        };
        Ok(Self { inner: Arc::new(Inner { pools, keyring, clock, lock }) })
    }

    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.inner.pools {
            Pools::Sqlite { .. } => Backend::Sqlite,
            Pools::Postgres { .. } => Backend::Postgres,
        }
    }

    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// For reading: never waits for a writer.
    pub(crate) fn reader(&self) -> DatabaseConnection {
        match &self.inner.pools {
            Pools::Sqlite { readers, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(readers.clone()),
            Pools::Postgres { web, .. } => SqlxPostgresConnector::from_sqlx_postgres_pool(web.clone()),
        }
    }

    /// For changes of configuration. On SQLite this is the one connection that writes.
    pub(crate) fn writer(&self) -> DatabaseConnection {
        match &self.inner.pools {
            Pools::Sqlite { writer, .. } => SqlxSqliteConnector::from_sqlx_sqlite_pool(writer.clone()),
            Pools::Postgres { web, .. } => SqlxPostgresConnector::from_sqlx_postgres_pool(web.clone()),
        }
    }

    /// Connections in use and open, of all pools: for metrics.
    #[must_use]
    pub fn pool_usage(&self) -> (u32, u32) {
        let usage = |open: u32, idle: usize| (open.saturating_sub(u32::try_from(idle).unwrap_or(u32::MAX)), open);
        let (first, second) = match &self.inner.pools {
            Pools::Sqlite { writer, readers, .. } => {
                (usage(writer.size(), writer.num_idle()), usage(readers.size(), readers.num_idle()))
            }
            Pools::Postgres { engine, web, .. } => {
                (usage(engine.size(), engine.num_idle()), usage(web.size(), web.num_idle()))
            }
        };
        (first.0 + second.0, first.1 + second.1)
    }

    /// Waits for what is running and closes all connections.
    pub async fn close(&self) {
        match &self.inner.pools {
            Pools::Sqlite { writer, readers, log } => {
                log.mover.close().await;
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres { engine, web, .. } => {
                web.close().await;
                engine.close().await;
            }
        }
    }
}

fn lock(path: &Path, serving: Serving) -> Result<Option<ServeLock>, OpenError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|cause| OpenError::File { path: folder.to_owned(), cause })?;
    }
    if serving == Serving::No {
        return Ok(None);
    }
    match ServeLock::take(path) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(OpenError::Taken(path.to_owned())),
        Err(cause) => Err(OpenError::File { path: path.to_owned(), cause }),
    }
}

async fn open_sqlite(path: &Path) -> Result<Pools, OpenError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on disk before it is answered: promise 1.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_TIMEOUT)
        .pragma("cache_size", "-16384")
        // A last resort: the log is moved into the file beside the writer, long before it is so long.
        .pragma("wal_autocheckpoint", "64000")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(400);
    let wrote = Arc::new(Notify::new());
    let of_writer = Arc::clone(&wrote);
    let writer = SqlitePoolOptions::new()
        .after_connect(move |connection, _| Box::pin(tell_of_commits(connection, Arc::clone(&of_writer))))
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT * 2)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .before_acquire(|connection, _| Box::pin(is_whole(connection)))
        .connect_with(options.clone())
        .await
        .map_err(StoreError::during("opening the SQLite file"))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.clone().pragma("query_only", "on"));
    let mover = SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.pragma("cache_size", "0"));
    let log = Log::new(mover, wrote, path).map_err(|cause| OpenError::File { path: path.to_owned(), cause })?;
    Ok(Pools::Sqlite { writer, readers, log })
}

async fn tell_of_commits(connection: &mut SqliteConnection, wrote: Arc<Notify>) -> Result<(), sqlx::Error> {
    let told = move || {
        wrote.notify_one();
        // Let it happen.
        true
    };
    connection.lock_handle().await?.set_commit_hook(told);
    Ok(())
}

/// When the disk is full SQLite ends the transaction by itself, and the driver, which is not told, believes for ever that
/// one is open. Such a connection is closed, and the pool opens another.
async fn is_whole(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // A rollback may be on its way to the connection's thread; what comes back from there came after it.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn open_postgres(url: &str) -> Result<Pools, OpenError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| OpenError::Url("postgres".to_owned()))?
        .statement_cache_capacity(200)
        .application_name("postern");
    let port = options.get_port();
    let small_statements = Arc::new(AtomicBool::new(false));
    let over_tcp = options.get_socket().is_none() && !options.get_host().starts_with('/');
    let tcp_port = over_tcp.then_some(port);
    // Every statement of the engine has an index to go by. Statistics of a table that fills and empties by the second
    // are always wrong, so the planner may not choose a scan on their word.
    let engine = without_nagle(tcp_port, &small_statements)
        .max_connections(POSTGRES_ENGINE_CONNECTIONS)
        .min_connections(2)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .acquire_timeout(ENGINE_ACQUIRE_TIMEOUT);
    let engine = patiently(
        &engine,
        &options.clone().options([
            ("enable_seqscan", "off"),
            ("statement_timeout", "10000"),
            ("lock_timeout", "5000"),
            ("idle_in_transaction_session_timeout", "30000"),
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
        ]),
    )
    .await?;
    let web = without_nagle(tcp_port, &small_statements)
        .max_connections(POSTGRES_WEB_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.options([
            ("statement_timeout", "15000"),
            ("lock_timeout", "5000"),
            ("idle_in_transaction_session_timeout", "30000"),
            ("jit", "off"),
            // A page may span an hour or three months: a plan that serves both well does not exist.
            ("plan_cache_mode", "force_custom_plan"),
        ]));
    refuse_unsafe_settings(&engine).await?;
    Ok(Pools::Postgres { engine, web, small_statements })
}

/// A database that is just starting, or short of breath, is waited for; one that refuses us is not.
async fn patiently(pool: &PgPoolOptions, options: &PgConnectOptions) -> Result<PgPool, OpenError> {
    let begun = Instant::now();
    loop {
        let cause = match pool.clone().connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(cause) => cause,
        };
        let may_pass = match &cause {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => true,
            // cannot_connect_now, too_many_connections
            sqlx::Error::Database(refusal) => matches!(refusal.code().as_deref(), Some("57P03" | "53300")),
            _ => false,
        };
        if !may_pass || begun.elapsed() >= START_PATIENCE {
            return Err(StoreError::during("connecting to PostgreSQL")(cause).into());
        }
        tracing::warn!(%cause, "PostgreSQL does not take us in yet, trying again for up to {START_PATIENCE:?}");
        tokio::time::sleep(START_PAUSE).await;
    }
}

/// Notes when the option could not be set: the engine then keeps its statements small.
fn without_nagle(tcp_port: Option<u16>, small_statements: &Arc<AtomicBool>) -> PgPoolOptions {
    let small_statements = Arc::clone(small_statements);
    PgPoolOptions::new().after_connect(move |_, _| {
        if tcp_port.is_some_and(|port| !nodelay::on_sockets_to(port)) {
            small_statements.store(true, Ordering::Relaxed);
        }
        Box::pin(std::future::ready(Ok(())))
    })
}

async fn refuse_unsafe_settings(pool: &PgPool) -> Result<(), OpenError> {
    for setting in ["synchronous_commit", "fsync", "full_page_writes"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(pool)
            .await
            .map_err(StoreError::during("reading the settings of PostgreSQL"))?;
        // `remote_write` and `remote_apply` promise more than `on`; `local` and `off` less.
        if ["off", "local"].contains(&value.as_str()) {
            return Err(OpenError::Unsafe { setting, value });
        }
    }
    Ok(())
}
