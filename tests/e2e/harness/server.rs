//! `postern serve` as a process.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Api, Database, Inspector, PASSWORD};

const BINARY: &str = env!("CARGO_BIN_EXE_postern");
/// For a start under load, in a debug build, with migrations.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(60);

/// What no server may log, whatever is done to it: a statement that cannot work, a row that cannot be read, a panic.
const ALWAYS_WRONG: [&str; 3] = ["the database refused the data", "holds a row that cannot be read", "panicked"];

/// What differs from one server to the next.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) database: Database,
    /// Beyond the usual, which they replace.
    pub(crate) env: Vec<(&'static str, String)>,
    /// A program and its arguments that run `postern` as their last argument.
    pub(crate) wrapper: Vec<String>,
    /// Made by the harness when there is none, and removed with the server.
    pub(crate) data_dir: Option<PathBuf>,
}

impl Options {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, env: Vec::new(), wrapper: Vec::new(), data_dir: None }
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }
}

/// Where a server listens now: each start takes a free port, so it is not the same after a restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Address(Arc<Mutex<String>>);

impl Address {
    pub(crate) fn base(&self) -> String {
        self.0.lock().expect("not poisoned").clone()
    }
}

/// A folder that goes with the last who holds it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server. Killed when dropped; its log is shown when the test fails.
#[derive(Debug)]
pub(crate) struct Server {
    options: Options,
    folder: Arc<Folder>,
    data_dir: PathBuf,
    log: PathBuf,
    address: Address,
    child: Option<Child>,
}

impl Server {
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(Options::new(database)).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let folder = Arc::new(Folder(fresh_folder()));
        Self::start_in(options, folder).await
    }

    /// A second one on the same database, with the same keyring.
    pub(crate) async fn replica(&self) -> Self {
        Self::start_in(self.options.clone(), Arc::clone(&self.folder)).await
    }

    async fn start_in(options: Options, folder: Arc<Folder>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let log = folder.0.join(format!("server-{}.log", COUNT.fetch_add(1, Ordering::Relaxed)));
        let data_dir = options.data_dir.clone().unwrap_or_else(|| folder.0.join("data"));
        let mut server = Self { options, folder, data_dir, log, address: Address::default(), child: None };
        server.spawn().await;
        server
    }

    async fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).expect("a log file");
        let mut child = self.command(&["serve"]).stdout(Stdio::piped()).stderr(log).spawn().expect("postern starts");
        let stdout = child.stdout.take().expect("piped");
        self.child = Some(child);
        let (said, hears) = mpsc::channel();
        // Reads on, so that the server never waits for a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let base = super::poll_until(START, "postern serves", async || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "postern ended instead of serving: {ended:?}");
            hears.try_iter().find_map(|line| line.strip_prefix("listening ").map(str::to_owned))
        })
        .await;
        *self.address.0.lock().expect("not poisoned") = base;
    }

    /// A command of `postern` with this server's settings, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut words =
            self.options.wrapper.iter().map(String::as_str).chain([BINARY]).chain(arguments.iter().copied());
        let mut command = Command::new(words.next().expect("at least the binary"));
        command.args(words).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("POSTERN_LISTEN", "127.0.0.1:0")
            .env("POSTERN_DATA_DIR", &self.data_dir)
            .env("POSTERN_EGRESS_ALLOW", "127.0.0.0/8");
        if let Some(url) = self.options.database.url() {
            command.env("POSTERN_DATABASE_URL", url);
        }
        for (name, value) in &self.options.env {
            command.env(name, value);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, beside the server.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("postern runs")
    }

    /// The same for a command that reads a line.
    async fn run_saying(&self, arguments: &[&str], line: &str) -> Output {
        let mut command = self.command(arguments);
        let line = format!("{line}\n");
        let run = move || {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            child.stdin.take().expect("piped").write_all(line.as_bytes())?;
            child.wait_with_output()
        };
        tokio::task::spawn_blocking(run).await.expect("no panic").expect("postern runs")
    }

    /// Makes the first tenant; gives a client with its key, which may do everything.
    pub(crate) async fn bootstrap(&self) -> Api {
        self.tenant("first").await
    }

    /// Makes one more tenant. Its owner is `{name}@example.com`, with [`PASSWORD`].
    pub(crate) async fn tenant(&self, name: &str) -> Api {
        let email = format!("{name}@example.com");
        let arguments = ["bootstrap", "--tenant", name, "--email", &email, "--password-stdin", "--json"];
        let output = self.run_saying(&arguments, PASSWORD).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "bootstrap: {}\n{out}{err}", output.status);
        let made: serde_json::Value = serde_json::from_str(out.lines().last().unwrap_or_default()).expect("JSON");
        self.api(made["api_key"].as_str().expect("an api_key"))
    }

    /// A client with this key.
    pub(crate) fn api(&self, key: &str) -> Api {
        Api::new(self.address.clone(), key)
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The database, seen from beside the server.
    pub(crate) async fn inspect(&self) -> Inspector {
        Inspector::open(&self.options.database, &self.data_dir).await
    }

    /// What a stopped server left behind, without touching it.
    pub(crate) async fn inspect_remains(&self) -> Inspector {
        assert!(self.child.is_none(), "stop it first");
        if self.options.database.is_sqlite() {
            Inspector::open_copy(&self.data_dir, &self.folder.0.join("copy")).await
        } else {
            self.inspect().await
        }
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    /// Stops it as a power cut would, but for what the operating system has in memory.
    pub(crate) async fn kill9(&mut self) {
        self.signal(Signal::KILL);
        let status = self.ended().await;
        assert_eq!(status.signal(), Some(9), "it ended before it was killed: {status}");
    }

    /// Asks it to stop, and waits until it has, with exit code 0.
    pub(crate) async fn sigterm(&mut self) {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "after SIGTERM: {status}");
    }

    pub(crate) fn sigstop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn sigcont(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        super::poll_until(STOP, "postern has ended", async || child.try_wait().expect("our child")).await
    }

    /// What it is told at its next start.
    pub(crate) fn change_env(&mut self, name: &'static str, value: impl Into<String>) {
        self.options.env.push((name, value.into()));
    }

    /// From now on `postern` runs as the last argument of this program.
    pub(crate) fn run_in<'a>(&mut self, wrapper: impl IntoIterator<Item = &'a str>) {
        self.options.wrapper = wrapper.into_iter().map(str::to_owned).collect();
    }

    /// Starts again on the same data, after it was stopped.
    pub(crate) async fn restart(&mut self) {
        assert!(self.child.is_none(), "stop it first");
        self.spawn().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = self.log();
        if std::thread::panicking() {
            let last = log.lines().count().saturating_sub(80);
            let shown: Vec<&str> = log.lines().skip(last).collect();
            eprintln!("--- the end of {} ---\n{}\n---", self.log.display(), shown.join("\n"));
        } else {
            let wrong = log.lines().find(|line| ALWAYS_WRONG.iter().any(|words| line.contains(words)));
            assert!(wrong.is_none(), "the server logged: {wrong:?}");
        }
    }
}

fn fresh_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("postern-e2e-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}
