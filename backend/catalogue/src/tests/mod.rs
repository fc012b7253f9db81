//! The data against itself, against what providers document, and as it is sent.

mod data;
mod envelopes;
mod hostile;
mod schema;
mod vectors;

use std::{fs, path::PathBuf};

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The names of the files in a folder, without their ending, sorted.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let files = fs::read_dir(repository(folder)).expect("a folder");
    let files = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    names.sort();
    names
}
