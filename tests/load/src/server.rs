//! The server that is measured: the release binary, in a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::oneshot;

const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(5);

/// How to run the binary for one installation.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) database_url: String,
}

impl Installation {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("POSTERN_LISTEN", "127.0.0.1:0")
            .env("POSTERN_DATA_DIR", &self.folder)
            .env("POSTERN_DATABASE_URL", &self.database_url)
            .env("POSTERN_EGRESS_ALLOW", "127.0.0.0/8")
            .stdin(Stdio::null());
        command
    }

    /// Makes a tenant; answers its API key.
    pub(crate) fn bootstrap(&self, tenant: &str) -> Result<(String, String)> {
        let email = format!("{tenant}@bench.example");
        let output = self
            .command()
            .args(["bootstrap", "--tenant", tenant, "--email", &email, "--json"])
            .output()
            .with_context(|| format!("running {}", self.program.display()))?;
        if !output.status.success() {
            bail!("bootstrap ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let made: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).context("reading bootstrap")?;
        let field = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
        field("tenant_id").zip(field("api_key")).context("bootstrap printed no tenant and key")
    }

    /// Starts the server and waits until it listens.
    pub(crate) async fn serve(&self) -> Result<Server> {
        let log = std::fs::File::create(self.log_path()).context("opening the server's log")?;
        let child = self.command().arg("serve").stdout(Stdio::piped()).stderr(log).spawn();
        let mut child = child.with_context(|| format!("starting {}", self.program.display()))?;
        let stdout = child.stdout.take().context("the server's output")?;
        let (found, listening) = oneshot::channel();
        std::thread::spawn(move || {
            let mut found = Some(found);
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("listening http://")
                    && let Some(found) = found.take()
                {
                    let _ = found.send(url.trim().to_owned());
                }
            }
        });
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        match tokio::time::timeout(START, listening).await {
            Ok(Ok(address)) => server.address = address.parse().context("reading where the server listens")?,
            _ => bail!("the server did not start: {}", tail(&self.log_path())),
        }
        Ok(server)
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and ends it when it takes too long.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).context("asking the server to end")?;
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
