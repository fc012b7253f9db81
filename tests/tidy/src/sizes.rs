//! A file holds one noun or one verb, and a function fits on a screen. What does not is on a list that only shrinks.

use std::collections::BTreeSet;

use crate::{
    rust,
    tree::{self, SourceFile},
};

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 70;
const RATCHET: &str = "tests/tidy/grandfathered.txt";

/// What is too large: its name in the ratchet, and the finding to print.
fn too_large() -> Vec<(String, String)> {
    let files = tree::rust_files();
    files.iter().flat_map(|file| large_file(file).into_iter().chain(large_functions(file))).collect()
}

fn large_file(file: &SourceFile) -> Option<(String, String)> {
    let lines = file.production_text().lines().count();
    let large = !file.is_test() && lines > MAX_FILE_LINES;
    large.then(|| (file.path.clone(), format!("{}: {lines} lines, {MAX_FILE_LINES} are allowed", file.path)))
}

fn large_functions(file: &SourceFile) -> Vec<(String, String)> {
    let large = rust::functions(&rust::read(&file.text).code)
        .into_iter()
        .filter(|function| function.lines > MAX_FUNCTION_LINES);
    let describe = |function: rust::Function| {
        let place = format!("{}:{}", file.path, function.line);
        let finding =
            format!("{place}: `{}` has {} lines, {MAX_FUNCTION_LINES} are allowed", function.name, function.lines);
        (format!("{}::{}", file.path, function.name), finding)
    };
    large.map(describe).collect()
}

fn grandfathered() -> BTreeSet<String> {
    let text = tree::read(RATCHET);
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn files_and_functions_are_small() {
    let known = grandfathered();
    let findings: Vec<String> =
        too_large().into_iter().filter(|(name, _)| !known.contains(name)).map(|(_, finding)| finding).collect();
    tree::assert_none(
        &findings,
        "Split along the nouns and verbs; tests beyond 40 lines go next door, into tests.rs. The list in \
         tests/tidy/grandfathered.txt takes no new entries.",
    );
}

#[test]
fn the_list_of_exceptions_only_shrinks() {
    let needed: BTreeSet<String> = too_large().into_iter().map(|(name, _)| name).collect();
    let idle: Vec<String> = grandfathered().into_iter().filter(|name| !needed.contains(name)).collect();
    tree::assert_none(
        &idle,
        "Well done: these are small enough now. Delete their lines from tests/tidy/grandfathered.txt.",
    );
}
