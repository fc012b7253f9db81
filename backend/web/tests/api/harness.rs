//! A server on a free port with a database of its own, and a client that sends exactly what it is told to.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use postern_domain::{Clock, Timestamp, address::AddressList, id::fresh_uuid};
use postern_pipeline::{Duty, Engine, EngineOptions, Parts, Presets};
use postern_seal::Keyring;
use postern_store::{
    Options, Retention, Serving, Store,
    bootstrap::{Bootstrapped, NewTenant},
};
use postern_web::{App, Limits, ServerHandle, Settings};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, SqliteConnection};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// 2026-03-01T10:00:00Z
pub(crate) const NOON: Timestamp = Timestamp::from_secs(1_772_359_200);

/// Stopped and removed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) keyring: Keyring,
    store: Store,
    folder: PathBuf,
    runtime: Runtime,
    running: Option<(ServerHandle, JoinHandle<()>)>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runs");
        let folder = std::env::temp_dir().join(format!("postern-web-{}", fresh_uuid().simple()));
        let clock = Clock::manual(NOON);
        let keyring = Keyring::parse(Keyring::generate().expose()).expect("a keyring");
        let store = runtime.block_on(open(&folder, &keyring, &clock));
        let engine = runtime.block_on(engine(store.clone(), clock.clone()));
        let settings = Settings {
            public_url: "https://hooks.example.com".to_owned(),
            ingest_url: None,
            trusted_proxies: AddressList::parse("trusted_proxies", &["127.0.0.1"]).expect("valid"),
            metrics_token: None,
            serves: postern_web::Serves::Everything,
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, receiver) = mpsc::channel();
        let limits = Limits { workers: 1, shutdown_timeout: Duration::from_secs(1), ..Limits::default() };
        let thread = std::thread::spawn(move || {
            let started = |handle| sender.send(handle).expect("somebody waits");
            postern_web::run(App::new(engine, settings), listener, limits, started).expect("serves");
        });
        let handle = receiver.recv().expect("started");
        Self { address, clock, keyring, store, folder, runtime, running: Some((handle, thread)) }
    }

    /// A new tenant's key, which may do everything.
    pub(crate) fn tenant(&self, name: &str) -> Client<'_> {
        let new = NewTenant::parse(name, &format!("{name}@example.com")).expect("valid");
        match self.runtime.block_on(self.store.bootstrap(&new)).expect("answers") {
            Bootstrapped::Created { api_key, .. } => Client { server: self, key: api_key.expose().clone() },
            Bootstrapped::Exists => panic!("`{name}` exists"),
        }
    }

    /// From here on the database does not answer.
    pub(crate) fn lose_the_database(&self) {
        self.runtime.block_on(self.store.close());
    }

    /// Connections to the database that are at work.
    pub(crate) fn connections_in_use(&self) -> u32 {
        self.store.pool_usage().0
    }

    /// Runs statements of SQLite, behind the server's back.
    pub(crate) fn sql(&self, sql: &str) {
        let url = format!("sqlite:{}", self.folder.join("postern.db").display());
        self.runtime.block_on(async {
            let mut connection = SqliteConnection::connect(&url).await.expect("connects");
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("runs");
            connection.close().await.expect("closes");
        });
    }

    /// Sends these bytes and reads until the server closes.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        Answer::read(self.begin(bytes))
    }

    /// Sends these bytes and reads nothing yet.
    pub(crate) fn begin(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a timeout");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes);
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.running.take() {
            self.runtime.block_on(handle.stop(false));
            let _ = thread.join();
        }
        self.runtime.block_on(self.store.close());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn open(folder: &std::path::Path, keyring: &Keyring, clock: &Clock) -> Store {
    let options = Options { url: format!("sqlite:{}", folder.join("postern.db").display()), serving: Serving::No };
    let store = Store::open(&options, keyring.clone(), clock.clone()).await.expect("opens");
    store.migrate().await.expect("migrated");
    store
}

async fn engine(store: Store, clock: Clock) -> Arc<Engine> {
    let egress = postern_egress::Options {
        allow: Vec::new(),
        https_only: false,
        own_hosts: vec!["hooks.example.com".to_owned()],
        dns: Some(([127, 0, 0, 1], 9).into()),
        extra_roots_pem: Vec::new(),
        user_agent: "Postern/test".to_owned(),
    };
    let options = EngineOptions {
        duty: Duty::Http,
        lease_ms: 60_000,
        retention: Retention { payload_days: 30, metadata_days: 90 },
        tenant_rate_per_s: 1_000,
        min_poll_interval_s: 5,
    };
    let egress = postern_egress::Client::new(egress).expect("a client");
    let engine = Engine::new(Parts { store, egress, clock, presets: Arc::new(Presets::builtin().clone()), options });
    engine.start().await.expect("starts");
    engine
}

/// Somebody with a key.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    pub(crate) server: &'a Server,
    pub(crate) key: String,
}

impl Client<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, &[], body)
    }

    pub(crate) fn call_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.server.send(&request(method, path, &all, body.as_bytes()))
    }

    /// A key of the same tenant with these scopes only.
    pub(crate) fn weaker(&self, scopes: &[&str]) -> Self {
        let made = self.post("/api/v1/api-keys", json!({ "name": "weaker", "scopes": scopes }));
        assert_eq!(made.status, 201, "{made:?}");
        Self { server: self.server, key: made.json["key"].as_str().expect("a key").to_owned() }
    }

    /// The id of what was made.
    pub(crate) fn make(&self, path: &str, body: Value) -> String {
        let made = self.post(path, body);
        assert_eq!(made.status, 201, "{made:?}");
        made.json["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn make_source(&self) -> String {
        self.make("/api/v1/sources", json!({ "name": "s", "kind": "webhook", "scheme": "none" }))
    }

    pub(crate) fn make_bin(&self) -> String {
        self.make("/api/v1/destinations", json!({ "name": "d", "kind": "bin" }))
    }
}

/// A request as bytes; `content-length` and `connection: close` are added.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: hooks.example.com\r\nconnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What came back. `json` is null when the body is no JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// Each `set-cookie`.
    pub(crate) cookies: Vec<String>,
    pub(crate) text: String,
    pub(crate) json: Value,
    /// False: the body was cut off.
    pub(crate) whole: bool,
}

impl Answer {
    /// Reads until the server closes.
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Self::parse(&answer)
    }

    fn parse(bytes: &[u8]) -> Self {
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let (head, body) = (String::from_utf8_lossy(&bytes[..at]), bytes.get(at + 4..).unwrap_or_default());
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
        let lines = lines.filter_map(|line| line.split_once(": "));
        let lines: Vec<_> = lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let cookies = lines.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone()).collect();
        let headers: BTreeMap<String, String> = lines.into_iter().collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let (body, whole) = if chunked { without_chunks(body) } else { (body.to_vec(), true) };
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, cookies, text, json, whole }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Status, code and the names of the fields at fault.
    pub(crate) fn refusal(&self) -> (u16, &str, Vec<&str>) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.json["status"], self.status, "{self:?}");
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields = errors.iter().map(|error| error["field"].as_str().expect("a field")).collect();
        (self.status, self.json["code"].as_str().expect("a code"), fields)
    }
}

/// The body, and whether its end was there.
fn without_chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..at]);
        let Ok(size) = usize::from_str_radix(&size, 16) else { break };
        let Some(chunk) = rest.get(at + 2..at + 2 + size) else { break };
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(chunk);
        rest = rest.get(at + 4 + size..).unwrap_or_default();
    }
    (body, false)
}

/// Waits until it is so, for at most ten seconds.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "in ten seconds it did not come to be that {what}");
        std::thread::yield_now();
    }
}
