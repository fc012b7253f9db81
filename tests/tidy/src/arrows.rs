//! Who may use whom. Most of it is the missing line in a `Cargo.toml`; this keeps the line missing.

use std::collections::BTreeMap;

use crate::tree;

/// A crate may use only the crates named beside it. Adding an arrow is a design decision: say why in an ADR.
/// `server` wires everything and may use all, and has the end-to-end tests; `load` measures everything and may too.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("seal", &["domain"]),
    ("signatures", &["domain"]),
    ("catalogue", &["domain"]),
    ("polling", &["domain", "seal"]),
    ("migrations", &[]),
    ("store", &["domain", "seal", "migrations"]),
    ("limits", &["domain"]),
    ("egress", &["domain", "seal"]),
    ("frontend", &["domain"]),
    ("pipeline", &["domain", "seal", "signatures", "catalogue", "polling", "store", "limits", "egress"]),
    ("web", &["domain", "seal", "catalogue", "polling", "limits", "store", "pipeline", "frontend"]),
    ("worker", &["domain", "store", "pipeline"]),
    ("tidy", &[]),
];
const MAY_USE_ALL: &[&str] = &["server", "load"];
/// What the tests of a crate may use beyond that.
const TESTS_MAY_USE: &[(&str, &[&str])] =
    &[("web", &["migrations", "egress", "signatures"]), ("worker", &["seal", "limits", "egress"])];

/// Heavy dependencies have one owner, so that replacing one touches one crate. Tests may use any.
const KEPT_BY: &[(&str, &[&str])] = &[
    ("sea-orm", &["store"]),
    ("sea-orm-migration", &["migrations"]),
    ("sqlx", &[]),
    ("askama", &["frontend"]),
    ("actix-web", &["web"]),
    ("utoipa", &["web"]),
    ("jsonwebtoken", &["web"]),
    ("reqwest", &["egress"]),
    ("governor", &["limits"]),
    ("tokio-cron-scheduler", &["worker"]),
    ("hmac", &["signatures", "seal"]),
    ("sha2", &["signatures", "seal"]),
    ("p256", &["signatures"]),
    ("p384", &["signatures"]),
    ("rsa", &["signatures"]),
    ("chacha20poly1305", &["seal"]),
];

/// A member of the workspace: its short name and its dependencies by section.
struct Member {
    path: String,
    name: String,
    sections: BTreeMap<String, toml::Table>,
    table: toml::Table,
}

impl Member {
    fn is_test_crate(&self) -> bool {
        self.path.starts_with("tests/")
    }

    fn dependencies(&self) -> impl Iterator<Item = (&str, &str, &toml::Value)> {
        let all = self.sections.iter();
        all.flat_map(|(section, table)| table.iter().map(move |(name, value)| (section.as_str(), name.as_str(), value)))
    }
}

fn members() -> Vec<Member> {
    let load = |path: String| {
        let table = tree::manifest(&format!("{path}/Cargo.toml"));
        let name = table["package"]["name"].as_str().expect("a name").trim_start_matches("postern-").to_owned();
        Member { sections: sections(&table), path, name, table }
    };
    tree::members().into_iter().map(load).collect()
}

/// `[dependencies]` and its kin, those of `[target.….dependencies]` with them.
fn sections(table: &toml::Table) -> BTreeMap<String, toml::Table> {
    const NAMES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = table.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let mut sections: BTreeMap<String, toml::Table> = BTreeMap::new();
    for holder in targets.filter_map(toml::Value::as_table).chain([table]) {
        for name in NAMES {
            let found = holder.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
            sections.entry(name.to_owned()).or_default().extend(found);
        }
    }
    sections
}

fn listed(list: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    list.iter().find(|(known, _)| *known == name).map(|(_, allowed)| *allowed)
}

#[test]
fn arrows_point_down() {
    let mut findings = Vec::new();
    for member in members().iter().filter(|member| !MAY_USE_ALL.contains(&member.name.as_str())) {
        let Some(allowed) = listed(MAY_USE, &member.name) else {
            findings.push(format!("{} is not in MAY_USE", member.path));
            continue;
        };
        let in_tests = listed(TESTS_MAY_USE, &member.name).unwrap_or_default();
        for (section, name, _) in member.dependencies() {
            let Some(used) = name.strip_prefix("postern-") else { continue };
            if !(allowed.contains(&used) || (section == "dev-dependencies" && in_tests.contains(&used))) {
                findings.push(format!("{}: {} may not use {used}", member.path, member.name));
            }
        }
    }
    tree::assert_none(
        &findings,
        "A new arrow between crates is a design decision. Write an ADR in docs/adr that says why, then add it to MAY_USE \
         in tests/tidy/src/arrows.rs and to the drawing in docs/ARCHITECTURE.md.",
    );
}

#[test]
fn heavy_dependencies_have_one_owner() {
    let mut findings = Vec::new();
    for member in members().iter().filter(|member| !member.is_test_crate()) {
        for (section, name, _) in member.dependencies().filter(|(section, ..)| *section != "dev-dependencies") {
            if let Some(owners) = listed(KEPT_BY, name).filter(|owners| !owners.contains(&member.name.as_str())) {
                findings.push(format!("{} [{section}]: `{name}` is kept by {owners:?}", member.path));
            }
        }
    }
    tree::assert_none(
        &findings,
        "Ask the owner for what you need: give it a method in its own words, without the dependency's types.",
    );
}

#[test]
fn members_take_lints_and_versions_from_the_workspace() {
    let mut findings = Vec::new();
    for member in members() {
        if member.table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true)) {
            findings.push(format!("{}: add `[lints] workspace = true`", member.path));
        }
        for (section, name, value) in member.dependencies() {
            if value.get("workspace") != Some(&toml::Value::Boolean(true)) {
                findings.push(format!("{} [{section}]: write `{name}.workspace = true`", member.path));
            }
        }
    }
    tree::assert_none(&findings, "Versions stand once, in [workspace.dependencies] of the root Cargo.toml.");
}

#[test]
fn the_bans_of_clippy_stand() {
    const BANNED: [&str; 9] = [
        "chrono::Utc::now",
        "std::time::SystemTime::now",
        "uuid::Uuid::new_v4",
        "uuid::Uuid::now_v7",
        "rand::rng",
        "reqwest::Client::new",
        "reqwest::Client::builder",
        "tokio::spawn",
        "std::env::var",
    ];
    let table = tree::manifest(".clippy.toml");
    let bans = table["disallowed-methods"].as_array().expect("a list of bans");
    let stands = |path: &str| {
        let ban = bans.iter().find(|ban| ban.get("path").and_then(toml::Value::as_str) == Some(path));
        ban.and_then(|ban| ban.get("reason")).is_some()
    };
    let missing: Vec<String> = BANNED.iter().filter(|path| !stands(path)).map(|path| (*path).to_owned()).collect();
    tree::assert_none(
        &missing,
        "These belong in `disallowed-methods` of .clippy.toml, each with a `reason` that names the right way.",
    );
}
