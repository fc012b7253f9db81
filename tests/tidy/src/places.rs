//! Things that have one place: SQL, the minting of scopes, migrations, and names that say nothing.

use crate::{
    rust,
    tree::{self, SourceFile},
};

const EMPTY_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "misc"];
/// Spelled in two halves, so that this file does not find itself.
const LEFT_UNDONE: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

fn is_sql(literal: &str) -> bool {
    let literal = literal.split_whitespace().collect::<Vec<_>>().join(" ");
    ["SELECT ", "INSERT INTO", "DELETE FROM"].iter().any(|verb| literal.contains(verb))
        || literal.split_once("UPDATE ").is_some_and(|(_, rest)| rest.contains(" SET "))
}

#[test]
fn sql_lives_in_the_store() {
    let elsewhere =
        |file: &SourceFile| !file.path.starts_with("backend/store/") && !file.path.starts_with("migrations/");
    let mut findings = Vec::new();
    for file in tree::production_files().iter().filter(|file| elsewhere(file)) {
        let strings = rust::read(file.production_text()).strings;
        findings
            .extend(strings.iter().filter(|(_, text)| is_sql(text)).map(|(line, _)| format!("{}:{line}", file.path)));
    }
    tree::assert_none(
        &findings,
        "SQL is written in backend/store (and in migrations) only: give the store a method in our words.",
    );
}

#[test]
fn scopes_are_minted_where_the_proof_is() {
    const MINTS: [(&str, &[&str]); 2] = [
        ("after_authentication", &["backend/domain/src/scope.rs", "backend/web/src/auth"]),
        (
            "from_owned_row",
            &[
                "backend/domain/src/scope.rs",
                "backend/store/",
                "backend/pipeline/",
                "backend/server/",
                "backend/worker/",
            ],
        ),
    ];
    let mut findings = Vec::new();
    for file in tree::production_files() {
        let code = file.production_code();
        for (mint, places) in MINTS {
            if code.contains(mint) && !places.iter().any(|place| file.path.starts_with(place)) {
                findings.push(format!("{}: `{mint}` may be called in {places:?} only", file.path));
            }
        }
    }
    tree::assert_none(
        &findings,
        "Take the TenantScope from the caller. A scope that is made elsewhere proves nothing.",
    );
}

#[test]
fn names_say_what_is_inside() {
    let says_nothing = |file: &&SourceFile| {
        file.path.split('/').any(|part| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default()))
    };
    let findings: Vec<String> = tree::files().iter().filter(says_nothing).map(|file| file.path.clone()).collect();
    tree::assert_none(
        &findings,
        "Name a file for the one noun or verb it holds; if it holds several, it is several files.",
    );
}

#[test]
fn nothing_is_left_undone_in_a_comment() {
    const CODE: [&str; 12] = ["rs", "html", "css", "js", "mjs", "ts", "py", "sh", "sql", "toml", "yaml", "yml"];
    let mut findings = Vec::new();
    for file in tree::files().iter().filter(|file| CODE.contains(&file.extension()) || file.path == "Makefile") {
        for (line, word) in rust::identifiers(&file.text) {
            if LEFT_UNDONE.contains(&word.as_str()) {
                findings.push(format!("{}:{line}: {word}", file.path));
            }
        }
        if file.extension() == "rs" && file.production_code().contains(concat!("to", "do!(")) {
            findings.push(format!("{}: {}", file.path, concat!("to", "do!")));
        }
    }
    tree::assert_none(
        &findings,
        "Do it now, or open an issue and say in the comment what is not done and why that is all right.",
    );
}

#[test]
fn templates_never_switch_escaping_off() {
    let mut findings = Vec::new();
    for file in tree::files().iter().filter(|file| file.path.starts_with("frontend/templates/")) {
        for (index, line) in file.text.lines().enumerate() {
            let filters = line.split('|').skip(1).map(str::trim_start);
            let unsafe_filter = |filter: &str| {
                let name: String =
                    filter.chars().take_while(|found| found.is_alphanumeric() || *found == '_').collect();
                let call = filter.split(')').next().unwrap_or_default();
                name == "safe" || (name == "escape" && call.contains("none"))
            };
            if filters.into_iter().any(unsafe_filter) {
                findings.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    tree::assert_none(
        &findings,
        "A template places text and the engine escapes it. Build the structure in the template instead of in a string.",
    );
}

#[test]
fn migrations_are_named_by_their_moment_and_registered_in_order() {
    let lib = rust::read(&tree::read("migrations/src/lib.rs")).code;
    let prefix = "migrations/src/";
    let all: Vec<String> = tree::rust_files()
        .iter()
        .filter_map(|file| file.path.strip_prefix(prefix)?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name.starts_with('m') && name.chars().nth(1).is_some_and(|second| second.is_ascii_digit()))
        .collect();
    let mut findings: Vec<String> = all.iter().filter(|name| !is_migration_name(name)).cloned().collect();
    let mut places = Vec::new();
    for name in &all {
        match lib.find(&format!("{name}::Migration")) {
            Some(place) if lib.contains(&format!("mod {name};")) => places.push(place),
            _ => findings.push(format!("{name} is not registered in {prefix}lib.rs")),
        }
    }
    if !places.is_sorted() {
        findings.push(format!("{prefix}lib.rs does not list them from old to new"));
    }
    tree::assert_none(
        &findings,
        "A migration is mYYYYMMDD_HHMMSS_<verb>_<object>.rs, and the newest stands last in the list.",
    );
}

fn is_migration_name(name: &str) -> bool {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = name.trim_start_matches('m').split('_');
    let dated = parts.next().is_some_and(|day| digits(day, 8)) && parts.next().is_some_and(|time| digits(time, 6));
    dated && parts.filter(|word| !word.is_empty()).count() >= 2
}
