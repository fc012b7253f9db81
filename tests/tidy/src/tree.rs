//! The files of the repository, as the other checks see them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::rust;

/// Not ours, or made by a build.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "data", ".cache", ".venv", "__pycache__"];

pub(crate) struct SourceFile {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
    }

    /// A file that holds nothing but tests: under a folder `tests`, or next door to what it tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    /// The text without the `#[cfg(test)] mod tests { … }` at its end.
    pub(crate) fn production_text(&self) -> &str {
        self.text.rfind("#[cfg(test)]\nmod tests {").map_or(&self.text, |start| &self.text[..start])
    }

    /// The production text with strings and comments blanked, so that only code is left.
    pub(crate) fn production_code(&self) -> String {
        rust::read(self.production_text()).code
    }
}

/// Cargo runs tests in the folder of their crate. The path is not compiled in: clones may share a target folder.
pub(crate) fn root() -> PathBuf {
    env::current_dir().expect("a folder").ancestors().nth(2).expect("tests/tidy lies two below the root").to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|cause| panic!("cannot read {path}: {cause}"))
}

/// Every file that is text, sorted.
pub(crate) fn files() -> Vec<SourceFile> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !path.is_symlink() {
                if !SKIPPED.contains(&name.as_str()) {
                    open.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(&root).expect("below the root").to_string_lossy().replace('\\', "/");
                found.push(SourceFile { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

pub(crate) fn rust_files() -> Vec<SourceFile> {
    files().into_iter().filter(|file| file.extension() == "rs").collect()
}

/// Rust that ships: what is not under tests/ and not a test.
pub(crate) fn production_files() -> Vec<SourceFile> {
    rust_files().into_iter().filter(|file| !file.is_test()).collect()
}

/// The paths of the workspace's members, as the root `Cargo.toml` lists them.
pub(crate) fn members() -> Vec<String> {
    let manifest = manifest("Cargo.toml");
    let members = manifest["workspace"]["members"].as_array().expect("a list of members");
    members.iter().map(|member| member.as_str().expect("a path").to_owned()).collect()
}

pub(crate) fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|cause| panic!("{path} is not TOML: {cause}"))
}

/// Fails with all findings at once and one sentence that says what to do.
#[track_caller]
pub(crate) fn assert_none(findings: &[String], what_to_do: &str) {
    assert!(findings.is_empty(), "\n\n  {}\n\n{what_to_do}\n", findings.join("\n  "));
}
