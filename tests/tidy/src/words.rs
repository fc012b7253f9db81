//! One word for one thing: what `docs/GLOSSARY.md` lists under "Not these" is not used in code or SQL.

use crate::{rust, tree};

const GLOSSARY: &str = "docs/GLOSSARY.md";
const HEADING: &str = "## Not these";

/// The words of the table's first column and what to say instead.
fn not_these() -> Vec<(String, String)> {
    let text = tree::read(GLOSSARY);
    let section = text.split_once(HEADING).map(|(_, rest)| rest.split("\n## ").next().unwrap_or_default());
    let rows = section.unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
    let mut found = Vec::new();
    for row in rows {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (words, instead) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        found.extend(words.split('`').skip(1).step_by(2).map(|word| (word.to_owned(), instead.to_owned())));
    }
    found
}

/// `WebhookEndpoint` and `webhook_endpoint` are the same word.
fn snake(identifier: &str) -> String {
    let mut text = String::from("_");
    let mut before = '_';
    for found in identifier.chars() {
        if found.is_uppercase() && before.is_lowercase() {
            text.push('_');
        }
        text.extend(found.to_lowercase());
        before = found;
    }
    text + "_"
}

#[test]
fn words_come_from_the_glossary() {
    let words = not_these();
    assert!(words.len() >= 5, "{GLOSSARY} has no table under `{HEADING}`: | `word` | what we say |");
    let mut findings = Vec::new();
    for file in tree::production_files() {
        let read = rust::read(file.production_text());
        let mut used = rust::identifiers(&read.code);
        if file.path.starts_with("backend/store/") || file.path.starts_with("migrations/") {
            let names = read.strings.iter().flat_map(|(line, text)| {
                rust::identifiers(text).into_iter().map(move |(offset, word)| (line + offset - 1, word))
            });
            used.extend(names);
        }
        for (line, identifier) in used {
            let named = snake(&identifier);
            if let Some((word, instead)) = words.iter().find(|(word, _)| named.contains(&format!("_{word}_"))) {
                findings.push(format!("{}:{line}: `{identifier}` says `{word}`; we say {instead}", file.path));
            }
        }
    }
    tree::assert_none(&findings, "Use the glossary's word, so that a search for a thing finds all of it.");
}

#[test]
fn an_identifier_is_compared_word_by_word() {
    assert_eq!(snake("WebhookEndpoint"), "_webhook_endpoint_");
    assert_eq!(snake("ORG_ID"), "_org_id_");
}
