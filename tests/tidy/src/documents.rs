//! Documents that name things of the tree stay true, and say nothing about the machine they were written on.

use std::collections::BTreeSet;

use crate::tree;

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const ROOMS: [&str; 6] = ["backend/", "frontend/", "migrations/", "tests/", "deploy/", "docs/"];
/// Spelled in two halves, so that this file does not find itself.
const ELSEWHERE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("../sh", "ared")];

/// What stands between backticks, outside of code blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

#[test]
fn the_map_names_every_crate_and_no_other() {
    let text = tree::read(ARCHITECTURE);
    let map = text.split_once("## The map").map(|(_, rest)| rest.split("\n## ").next().unwrap_or_default());
    let rows = map.unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<String> = rows.filter_map(|row| row.split('`').nth(1).map(str::to_owned)).collect();
    let members: BTreeSet<String> = tree::members().into_iter().collect();
    let missing = members.difference(&named).map(|path| format!("`{path}` is a member and not on the map"));
    let gone = named.difference(&members).map(|path| format!("`{path}` is on the map and not a member"));
    let findings: Vec<String> = missing.chain(gone).collect();
    tree::assert_none(
        &findings,
        "Bring the table under `## The map` of docs/ARCHITECTURE.md up to date: one row for each crate.",
    );
}

#[test]
fn the_architecture_names_only_paths_that_exist() {
    let text = tree::read(ARCHITECTURE);
    let lines = text.lines().count();
    let is_path =
        |span: &String| ROOMS.iter().any(|room| span.starts_with(room)) && !span.contains(['*', '{', '…', ' ']);
    let mut findings: Vec<String> =
        code_spans(&text).into_iter().filter(is_path).filter(|path| !tree::root().join(path).exists()).collect();
    if lines > 250 {
        findings.push(format!("{lines} lines; 250 are as much as a newcomer reads"));
    }
    tree::assert_none(&findings, "Correct docs/ARCHITECTURE.md: it names what is not there, or says too much.");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut findings = Vec::new();
    for file in tree::files().iter().filter(|file| file.extension() == "md") {
        let folder = tree::root().join(&file.path).parent().expect("a folder").to_owned();
        let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.map(|target| target.split('#').next().unwrap_or_default()) {
            let outside =
                target.is_empty() || target.contains("://") || target.starts_with("mailto:") || target.contains(' ');
            if !outside && !folder.join(target).exists() {
                findings.push(format!("{}: ({target})", file.path));
            }
        }
    }
    tree::assert_none(&findings, "Correct the link, or write what it promises.");
}

#[test]
fn nothing_refers_to_one_machine() {
    const NOT_OURS: [&str; 4] = ["Cargo.lock", "package-lock.json", "LICENSE", "tests/vectors/"];
    let ours = |path: &str| !NOT_OURS.iter().any(|name| path.ends_with(name) || path.starts_with(name));
    let mut findings = Vec::new();
    for file in tree::files().iter().filter(|file| ours(&file.path)) {
        for (index, line) in file.text.lines().enumerate() {
            // Part of a longer path, as in `https://example.com/home/`, is not a path of this machine.
            let starts_here = |place: usize| {
                let before = line[..place].chars().next_back().unwrap_or(' ');
                !(before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '}' | '*'))
            };
            if ELSEWHERE.iter().any(|path| line.match_indices(path).any(|(place, _)| starts_here(place))) {
                findings.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    tree::assert_none(&findings, "Write paths from the root of the repository; nobody else has this machine.");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut numbers: Vec<usize> = Vec::new();
    for file in tree::files().iter().filter_map(|file| file.path.strip_prefix("docs/adr/").map(str::to_owned)) {
        let number = file.get(..4).and_then(|digits| digits.parse().ok());
        numbers.push(number.unwrap_or_else(|| panic!("docs/adr/{file}: a decision is NNNN-what-was-decided.md")));
    }
    let expected: Vec<usize> = (1..=numbers.len()).collect();
    assert_eq!(numbers, expected, "docs/adr: number decisions 0001, 0002 … and give each its own");
}
