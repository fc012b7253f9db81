//! The packages that providers and receivers really use agree with Postern: what they sign is accepted, what Postern
//! delivers they verify, and neither takes what was changed on the way. Scripts and versions are in `tests/peers`.

mod deliveries;
mod providers;
mod sdks;
mod tampering;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");

/// Whose packages answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Language {
    Node,
    Python,
}

impl Language {
    async fn ask(self, questions: Value) -> Value {
        let (scripts, venv) = (Path::new(TESTS).join("peers"), Path::new(TESTS).join(".cache/venv"));
        match self {
            Self::Node => {
                present(&scripts.join("node_modules/standardwebhooks"));
                ask("node".into(), scripts.join("peers.mjs"), questions).await
            }
            Self::Python => {
                present(&venv.join("installed.txt"));
                ask(venv.join("bin/python"), scripts.join("peers.py"), questions).await
            }
        }
    }
}

fn present(path: &Path) {
    assert!(path.exists(), "{} is missing: run `deploy/dev/setup.sh test`", path.display());
}

/// Questions and answers are JSON lists, by standard input and output.
async fn ask(program: PathBuf, script: PathBuf, questions: Value) -> Value {
    let work = move || {
        let mut command = Command::new(&program);
        let child = command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|cause| panic!("{}: {cause}: run `deploy/dev/setup.sh test`", program.display()));
        let mut input = child.stdin.take().expect("piped");
        input.write_all(questions.to_string().as_bytes()).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", script.display());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{}: {cause}: {said}", script.display()))
    };
    tokio::task::spawn_blocking(work).await.expect("no panic")
}
