//! The document: complete, stable, and the same as the copy in docs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::harness::{Server, request};

/// Of what is the same for everybody: every key may read it.
const ANY: &str = "any";

#[test]
fn the_document_is_served_as_it_is_written() {
    let server = Server::new();
    let answer = server.send(&request("GET", "/openapi.json", &[], b""));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, postern_web::openapi::document());
    assert_eq!(postern_web::openapi::document(), postern_web::openapi::document());
}

#[test]
fn the_copy_in_docs_is_the_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
    let copy = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        copy.trim_end() == postern_web::openapi::document(),
        "write it again: `postern openapi > docs/reference/openapi.json`"
    );
}

#[test]
fn the_copies_in_docs_say_what_is_known_of_providers() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers"));
    let documents = postern_web::provider_docs::documents();
    for (name, text) in &documents {
        let copy = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(copy == *text, "docs/providers/{name}: write it again with `make regen`");
    }
    let known: BTreeSet<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(known.contains(name.as_str()), "docs/providers/{name} is of no provider: `make regen` removes it");
    }
}

#[test]
fn every_operation_names_its_permission_and_every_reference_is_there() {
    let document: Value = serde_json::from_str(&postern_web::openapi::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let known: Vec<&str> = postern_domain::permission::Permission::ALL.iter().map(|known| known.as_str()).collect();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            let permission = operation["x-permission"].as_str().unwrap_or_default();
            assert!(known.contains(&permission) || permission == ANY, "{method} {path}: `{permission}`");
            assert!(operation["responses"].get("4XX").is_some(), "{method} {path}");
        }
    }
    let mut missing = Vec::new();
    references(&document, &mut |reference| {
        let pointer = reference.trim_start_matches('#');
        if document.pointer(pointer).is_none() {
            missing.push(reference.to_owned());
        }
    });
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the source says is served under `/api/v1`: the arguments of every `resource(…)`.
fn served() -> BTreeSet<String> {
    let mut served = BTreeSet::new();
    for file in rust_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api"))) {
        let text = std::fs::read_to_string(&file).expect("readable");
        for word in ["web::resource", ".route(", "web::scope(\"/api/v1"] {
            let is_the_scope = word.contains("scope") && file.ends_with("v1/mod.rs");
            assert!(
                is_the_scope || !text.contains(word),
                "{}: `{word}` makes routes that nobody lists",
                file.display()
            );
        }
        for call in text.split("resource(").skip(1).filter(|call| call.trim_start().starts_with('"')) {
            let path = call.split('"').nth(1).expect("a path");
            let methods = call.split("])").next().expect("methods");
            for method in methods.split("Method::").skip(1) {
                let method: String = method.chars().take_while(char::is_ascii_uppercase).collect();
                served.insert(format!("{} /api/v1{path}", method.to_lowercase()));
            }
        }
    }
    served
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn the_document_and_the_routes_are_the_same() {
    let document: Value = serde_json::from_str(&postern_web::openapi::document()).expect("JSON");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        described.extend(item.as_object().expect("an item").keys().map(|method| format!("{method} {path}")));
    }
    assert_eq!(served(), described);
}

fn references(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let ("$ref", Some(reference)) = (key.as_str(), member.as_str()) {
                    seen(reference);
                }
                references(member, seen);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, seen)),
        _ => {}
    }
}
