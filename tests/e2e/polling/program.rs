//! A server that nobody here wrote, as a process: started on a free port, killed when dropped.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::Value;

use crate::harness::poll_until;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");
/// For a start under load.
const START: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(super) base: String,
}

impl Program {
    /// json-server with these collections.
    pub(super) async fn json_server(collections: &Value) -> Self {
        let folder = Path::new(TESTS).join("peers");
        present(&folder.join("node_modules/json-server"));
        let mut command = Command::new("node");
        command.arg(folder.join("json_server.mjs")).arg(collections.to_string());
        Self::start(command, "listening ").await
    }

    /// datasette over one SQLite file.
    pub(super) async fn datasette(file: &Path) -> Self {
        let program = Path::new(TESTS).join(".cache/venv/bin/datasette");
        present(&program);
        let mut command = Command::new(program);
        command.args(["serve", "--host", "127.0.0.1", "--port", "0"]).arg(file);
        Self::start(command, "running on http://127.0.0.1:").await
    }

    /// It says its port behind `words`, on whichever of its two outputs.
    async fn start(mut command: Command, words: &'static str) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|cause| panic!("{command:?}: {cause}: run `deploy/dev/setup.sh test`"));
        let (said, hears) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for output in outputs {
            let said = said.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = said.send(line);
                }
            });
        }
        let port: u16 = poll_until(START, "the upstream serves", async || {
            let ended = child.try_wait().ok().flatten();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}: {:?}", hears.try_iter().collect::<Vec<_>>());
            hears.try_iter().find_map(|line| {
                let (_, rest) = line.split_once(words)?;
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            })
        })
        .await;
        Self { child, base: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn present(path: &Path) {
    assert!(path.exists(), "{} is missing: run `deploy/dev/setup.sh test`", path.display());
}

/// A file of its own, gone when dropped.
#[derive(Debug)]
pub(super) struct OwnFile(pub(super) PathBuf);

impl OwnFile {
    pub(super) fn named(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("postern-upstream-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder.join(name))
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let _ = self.0.parent().map(std::fs::remove_dir_all);
    }
}
