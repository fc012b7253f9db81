//! The document: complete, stable, and the same as the copy in docs.

use serde_json::Value;

use crate::harness::{Server, request};

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
        copy == postern_web::openapi::document(),
        "write it again: `postern openapi > docs/reference/openapi.json`"
    );
}

#[test]
fn every_operation_names_its_permission_and_every_reference_is_there() {
    let document: Value = serde_json::from_str(&postern_web::openapi::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let known: Vec<&str> = postern_domain::permission::Permission::ALL.iter().map(|known| known.as_str()).collect();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            let permission = operation["x-permission"].as_str().unwrap_or_default();
            assert!(known.contains(&permission), "{method} {path}: `{permission}`");
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
