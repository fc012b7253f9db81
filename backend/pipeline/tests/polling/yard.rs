//! An engine on a database of its own, a tenant with poll sources, and a clock that the test moves.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::Arc, time::Duration};

use postern_domain::{
    Actor, ApiKeyId, Clock, SourceId, TenantId, TenantScope, Timestamp, dedup::DedupSpec, destination::DestinationKind,
    id::fresh_uuid, payload::PayloadFormat, source::SourceKind,
};
use postern_pipeline::{
    Duty, Engine, EngineOptions, Parts, Presets,
    accept::{self, Incoming, Receipt, Reception},
    configure::{By, ConfigureError, Done, connection, destination, poll, source},
};
use postern_seal::Keyring;
use postern_store::{
    Options, Retention, Serving, Store,
    bootstrap::{Bootstrapped, NewTenant},
    polling::{Keys, Restart},
};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use serde_json::Value;

/// 2026-03-01T10:00:00Z
pub(crate) const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);

/// One engine; [`each`] takes it away after the test.
pub(crate) struct Yard {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    url: String,
    folder: Option<PathBuf>,
    admin: Option<(String, String)>,
}

/// Runs the test on a fresh database of each kind.
pub(crate) async fn each<F: Future<Output = Yard>>(test: impl Fn(Yard) -> F) {
    test(Yard::sqlite().await).await.remove().await;
    if let Some(admin) = postgres_url() {
        test(Yard::postgres(&admin).await).await.remove().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where PostgreSQL is")]
fn postgres_url() -> Option<String> {
    std::env::var("POSTERN_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

impl Yard {
    pub(crate) async fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("postern-polling-{}", fresh_uuid().simple()));
        let url = format!("sqlite:{}", folder.join("postern.db").display());
        Self { folder: Some(folder), ..Self::open(url).await }
    }

    async fn postgres(admin: &str) -> Self {
        let name = format!("postern_polling_{}", fresh_uuid().simple());
        run_postgres(admin, &format!("CREATE DATABASE {name}")).await;
        let (server, _) = admin.rsplit_once('/').expect("a URL with a database");
        let yard = Self::open(format!("{server}/{name}")).await;
        Self { admin: Some((admin.to_owned(), name)), ..yard }
    }

    async fn open(url: String) -> Self {
        let clock = Clock::manual(NOON);
        let keyring = Keyring::parse(Keyring::generate().expose()).expect("a keyring");
        let options = Options { url: url.clone(), serving: Serving::No };
        let store = Store::open(&options, keyring, clock.clone()).await.expect("opens");
        store.migrate().await.expect("migrated");
        let new = NewTenant::parse("t", "t@example.com").expect("valid");
        let tenant = match store.bootstrap(&new).await.expect("answers") {
            Bootstrapped::Created { tenant, .. } => tenant,
            Bootstrapped::Exists => panic!("it is there already"),
        };
        let engine = engine(store, &clock);
        engine.start().await.expect("starts");
        Self { engine, clock, tenant, url, folder: None, admin: None }
    }

    pub(crate) fn by(&self) -> By {
        let scope = TenantScope::from_owned_row(self.tenant);
        By { scope, actor: Actor::api_key(ApiKeyId::fresh(), None), once: None }
    }

    pub(crate) fn scope(&self) -> TenantScope {
        TenantScope::from_owned_row(self.tenant)
    }

    /// A poll source with these settings.
    pub(crate) async fn source(&self, poll: Value) -> SourceId {
        self.try_source(SourceKind::Poll, poll).await.expect("made")
    }

    pub(crate) async fn try_source(&self, kind: SourceKind, poll: Value) -> Result<SourceId, ConfigureError> {
        let new = source::NewSource {
            scheme: (kind == SourceKind::Webhook).then(|| "none".to_owned()),
            poll: Some(poll),
            dedup: Some(DedupSpec { key: "json:$.id".to_owned(), ..DedupSpec::default() }),
            ..source::NewSource::named("s".to_owned(), kind)
        };
        match source::create(&self.engine, &self.by(), new, |_| (201, String::new())).await? {
            Done::Now(made) => Ok(made.id),
            Done::Before { .. } => panic!("nothing was asked for twice"),
        }
    }

    pub(crate) async fn change(&self, id: SourceId, poll: Value) {
        self.change_to(id, poll, None).await;
    }

    /// With a word about what becomes of how far it came.
    pub(crate) async fn change_to(&self, id: SourceId, poll: Value, restart: Option<Restart>) {
        self.change_with(&self.engine, id, (poll, restart)).await;
    }

    /// By another replica, of which this one has not heard yet.
    pub(crate) async fn change_elsewhere(&self, id: SourceId, poll: Value) {
        self.change_with(&self.replica(), id, (poll, None)).await;
    }

    async fn change_with(&self, engine: &Engine, id: SourceId, (poll, poll_restart): (Value, Option<Restart>)) {
        let change = source::SourceChange { poll: Some(Some(poll)), poll_restart, ..source::SourceChange::default() };
        source::update(engine, &self.by(), (id, change), |_| (200, String::new())).await.expect("changed");
    }

    pub(crate) async fn pause(&self, id: SourceId) {
        source::pause(&self.engine, &self.by(), id, |_| (200, String::new())).await.expect("paused");
    }

    pub(crate) async fn resume(&self, id: SourceId) {
        source::resume(&self.engine, &self.by(), id, |_| (200, String::new())).await.expect("resumed");
    }

    /// A source with an event each minute, whose dedup keys are to hold for so long.
    pub(crate) async fn timetable(&self, window_s: u32) {
        let new = source::NewSource {
            schedule: Some(serde_json::json!({ "interval_s": 60 })),
            dedup: Some(DedupSpec { window_s, ..DedupSpec::default() }),
            ..source::NewSource::named("s".to_owned(), SourceKind::Schedule)
        };
        source::create(&self.engine, &self.by(), new, |_| (201, String::new())).await.expect("made");
    }

    /// A webhook source, from now on without a poll beside it.
    pub(crate) async fn end_poll(&self, id: SourceId) {
        let change = source::SourceChange { poll: Some(None), ..source::SourceChange::default() };
        source::update(&self.engine, &self.by(), (id, change), |_| (200, String::new())).await.expect("changed");
    }

    /// Starts what is due, and waits until all of it has ended.
    pub(crate) async fn poll(&self) {
        poll_with(&self.engine).await;
    }

    /// Waits until nothing is under way.
    pub(crate) async fn finish(&self) {
        finish(&self.engine).await;
    }

    /// Waits until all that left has its outcome on record.
    pub(crate) async fn settled(&self) {
        let settled = async {
            while self.count("SELECT count(*) FROM queue").await > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), settled).await.expect("the deliveries end");
    }

    /// As a person would who does not want to wait.
    pub(crate) async fn run_now(&self, id: SourceId) {
        self.ask(id).await;
        self.poll().await;
    }

    pub(crate) async fn ask(&self, id: SourceId) {
        poll::run_now(&self.engine, &self.by(), id, |_| (202, String::new())).await.expect("asked for");
    }

    /// So that the next run begins there.
    pub(crate) async fn move_cursor(&self, id: SourceId, to: Value) {
        let wish = poll::Moved::parse(id, Some(to), "a test", Keys::Same).expect("valid");
        poll::move_cursor(&self.engine, &self.by(), wish, |_| (200, String::new())).await.expect("moved");
    }

    /// Lets held events go.
    pub(crate) async fn release(&self, id: SourceId) {
        let action = (id, poll::HeldAction::Release);
        poll::settle_held(&self.engine, &self.by(), action, |_| (200, String::new())).await.expect("released");
    }

    /// A destination for what comes of this source.
    pub(crate) async fn connect_to_a_bin(&self, source: SourceId) {
        self.connect_by(&self.engine, source).await;
    }

    /// The same, by another replica.
    pub(crate) async fn connect_by(&self, engine: &Engine, source: SourceId) {
        let bin = destination::NewDestination {
            name: "d".to_owned(),
            kind: DestinationKind::Bin,
            url: None,
            headers: BTreeMap::new(),
            rate_limit: None,
            concurrency: None,
            timeout_ms: None,
            retry: None,
            fail_next: None,
            queue: None,
        };
        let Done::Now(bin) =
            destination::create(engine, &self.by(), bin, |_| (201, String::new())).await.expect("made")
        else {
            panic!("nothing was asked for twice")
        };
        let payload = PayloadFormat::Raw;
        let new =
            connection::NewConnection { source, destination: bin.id, event_types: Vec::new(), payload, delay_s: 0 };
        connection::create(engine, &self.by(), new, |_| (201, String::new())).await.expect("made");
    }

    /// A webhook of the provider; its body's `id` is its key.
    pub(crate) async fn receive(&self, id: SourceId, body: &Value) {
        let source = self.engine.routing.source(id).await.expect("answers").expect("there");
        let incoming = Incoming {
            method: "POST",
            url: "https://hooks.example.com/in/x",
            headers: &http::HeaderMap::new(),
            body: body.to_string().into(),
            remote: "192.0.2.1".parse().expect("an address"),
        };
        let heard = accept::receive(&self.engine, &source, &incoming).await.expect("taken in");
        assert!(matches!(heard, Reception::Event(Receipt::Accepted(_))), "{heard:?}");
    }

    /// Another process on the same database, that changes configuration and nothing else.
    pub(crate) fn replica(&self) -> Arc<Engine> {
        engine(self.engine.store.clone(), &self.clock)
    }

    /// A second process on the same database, which has begun just now.
    pub(crate) async fn another_engine(&self) -> Arc<Engine> {
        let engine = engine(self.engine.store.clone(), &self.clock);
        engine.start().await.expect("starts");
        engine
    }

    /// So much later, starts what is due then.
    pub(crate) async fn poll_after_s(&self, secs: i64) {
        self.clock.advance_ms(secs * 1_000);
        self.poll().await;
    }

    /// The bodies of all events, in the order in which they were committed.
    pub(crate) async fn events(&self) -> Vec<String> {
        let sql = "SELECT event_bodies.body FROM events JOIN event_bodies ON event_bodies.event_id = events.id \
                   ORDER BY events.id";
        let rows = self.blobs(sql).await;
        rows.into_iter().map(|body| String::from_utf8(body).expect("text")).collect()
    }

    /// The one number that a query answers.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        // The two have integers of different widths.
        let sql = AssertSqlSafe(format!("SELECT CAST(({sql}) AS bigint)"));
        if self.admin.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        }
    }

    /// The texts that a query answers; nothing where a row has none.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.admin.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_all(&mut connection).await.expect("texts")
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
            sqlx::query_scalar(sql).fetch_all(&mut connection).await.expect("texts")
        }
    }

    async fn blobs(&self, sql: &str) -> Vec<Vec<u8>> {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.admin.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.expect("connects");
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("rows");
            rows.iter().map(|row| row.get(0)).collect()
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("rows");
            rows.iter().map(|row| row.get(0)).collect()
        }
    }

    /// What somebody with access to the database itself may do.
    pub(crate) async fn sql(&self, sql: &str) {
        if self.admin.is_some() {
            run_postgres(&self.url, sql).await;
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("connects");
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
            connection.close().await.expect("closes");
        }
    }

    pub(crate) async fn remove(self) {
        self.engine.shut_down(Duration::from_secs(5)).await;
        self.engine.store.close().await;
        if let Some((admin, name)) = &self.admin {
            run_postgres(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Starts what is due in this process, and waits until all of it has ended.
pub(crate) async fn poll_with(engine: &Arc<Engine>) {
    // Nobody else beats here, and a process that may be taken for dead claims nothing.
    engine.beat().await.expect("alive");
    engine.claim_polls().await.expect("claimed");
    finish(engine).await;
}

async fn finish(engine: &Engine) {
    let ended = async {
        while engine.polls_running() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the runs end");
}

/// Waits until it is so, for at most ten seconds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), holds).await.expect("it comes to be");
}

fn engine(store: Store, clock: &Clock) -> Arc<Engine> {
    let egress = postern_egress::Options {
        allow: vec!["127.0.0.0/8".parse().expect("a block")],
        user_agent: "Postern/test".to_owned(),
        ..postern_egress::Options::default()
    };
    let options = EngineOptions {
        duty: Duty::All,
        lease_ms: 60_000,
        retention: Retention { payload_days: 30, metadata_days: 90 },
        tenant_rate_per_s: 1_000,
        min_poll_interval_s: 5,
    };
    Engine::new(Parts {
        store,
        egress: postern_egress::Client::new(egress).expect("a client"),
        clock: clock.clone(),
        presets: Arc::new(Presets::builtin().clone()),
        options,
    })
}

async fn run_postgres(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
    connection.close().await.expect("closes");
}
