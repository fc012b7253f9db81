//! A fresh, migrated database for each test: SQLite always, PostgreSQL when `POSTERN_TEST_POSTGRES_URL` names a server
//! on which databases may be made. The same test runs on both.

use std::{future::Future, path::PathBuf};

use postern_domain::{Actor, ApiKeyId, Clock, Secret, TenantId, TenantScope, Timestamp, id::fresh_uuid};
use postern_seal::Keyring;
use postern_store::{
    Options, Serving, Store, TenantStore,
    bootstrap::{Bootstrapped, NewTenant},
    engine::config::ConfigChange,
};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::OnceCell;

/// 2026-03-01T10:00:00Z
pub(crate) const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);

/// One database and what belongs to it. [`each`] takes it away after the test.
pub(crate) struct Db {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) keyring: Secret<String>,
    url: String,
    folder: Option<PathBuf>,
    admin: Option<(String, String)>,
}

/// Runs the test on a fresh database of each kind.
pub(crate) async fn each<F: Future<Output = Db>>(test: impl Fn(Db) -> F) {
    test(Db::sqlite().await).await.remove().await;
    if let Some(admin) = postgres_url() {
        test(Db::postgres(&admin).await).await.remove().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where PostgreSQL is")]
fn postgres_url() -> Option<String> {
    std::env::var("POSTERN_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

impl Db {
    async fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("postern-store-{}", fresh_uuid().simple()));
        let url = format!("sqlite:{}", folder.join("postern.db").display());
        Self { folder: Some(folder), ..Self::open(url).await }
    }

    async fn postgres(admin: &str) -> Self {
        let template = TEMPLATE.get_or_init(|| make_template(admin)).await;
        let name = format!("postern_test_{}", fresh_uuid().simple());
        postgres(admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { admin: Some((admin.to_owned(), name.clone())), ..Self::open(beside(admin, &name)).await }
    }

    async fn open(url: String) -> Self {
        let keyring = Keyring::generate();
        let clock = Clock::manual(NOON);
        let store = open(&url, &keyring, &clock).await;
        store.migrate().await.expect("migrated");
        store.open_partitions(clock.now()).await.expect("partitions");
        Self { store, clock, keyring, url, folder: None, admin: None }
    }

    /// The same database under another keyring.
    pub(crate) async fn with_keyring(&self, keyring: &str) -> Store {
        open(&self.url, &Secret::new(keyring.to_owned()), &self.clock).await
    }

    /// What an engine that knows this version is told.
    pub(crate) async fn config_since(&self, known: i64) -> Vec<ConfigChange> {
        let mut changes = Vec::new();
        let version = self.store.config_since(known, &mut |change| changes.push(change)).await.expect("answers");
        assert_eq!(version, self.store.config_version().await.expect("answers"));
        changes
    }

    /// A new tenant of this name.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let new = NewTenant::parse(name, &format!("{name}@example.com")).expect("valid");
        match self.store.bootstrap(&new).await.expect("answers") {
            Bootstrapped::Created { tenant, .. } => {
                let scope = TenantScope::from_owned_row(tenant);
                Tenant { id: tenant, actor: Actor::api_key(ApiKeyId::fresh(), None), store: self.store.tenant(scope) }
            }
            Bootstrapped::Exists => panic!("`{name}` exists"),
        }
    }

    /// What somebody with access to the database itself may do, behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        match &self.admin {
            Some(_) => postgres(&self.url, sql).await,
            None => {
                let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
                connection.close().await.expect("closes");
            }
        }
    }

    /// The one number that a query answers.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.admin.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        }
    }

    /// An id as a literal of this database.
    pub(crate) fn literal(&self, id: uuid::Uuid) -> String {
        if self.admin.is_some() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
    }

    /// A connection of its own.
    pub(crate) async fn connection(&self) -> sea_orm::DatabaseConnection {
        sea_orm::Database::connect(&self.url).await.expect("connects")
    }

    /// Where SQLite keeps it.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("postern.db"))
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.admin.is_some()
    }

    async fn remove(self) {
        self.store.close().await;
        if let Some((admin, name)) = &self.admin {
            postgres(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).expect("removed");
        }
    }
}

/// A tenant, and somebody to act for it.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) actor: Actor,
    pub(crate) store: TenantStore,
}

/// Migrated once and then copied, which takes a fraction of the time.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// One for each test binary, made anew by each run, so that an old schema is never taken for the new one.
async fn make_template(admin: &str) -> String {
    let program = std::env::current_exe().expect("a test binary");
    let hash = postern_seal::token::sha256(program.to_string_lossy().as_bytes());
    let name = format!("postern_template_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    postgres(admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    postgres(admin, &format!("CREATE DATABASE {name}")).await;
    let made = Db::open(beside(admin, &name)).await;
    made.store.close().await;
    name
}

/// Another database on the same server.
fn beside(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{name}")
}

async fn open(url: &str, keyring: &Secret<String>, clock: &Clock) -> Store {
    let options = Options { url: url.to_owned(), serving: Serving::No };
    let keyring = Keyring::parse(keyring.expose()).expect("a keyring");
    Store::open(&options, keyring, clock.clone()).await.expect("opens")
}

async fn postgres(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
    connection.close().await.expect("closes");
}
