//! The document has every route, and the routes that need no credential are those that were chosen to need none.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{document, table::PUBLIC};
use crate::harness::{Database, Server, on_every_database};

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src");

on_every_database! {
    async fn every_route_is_described_or_chosen_to_be_public(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let described: BTreeSet<String> = document::operations(&api).await.into_iter().map(|one| one.path).collect();
        let known = |route: &String| PUBLIC.contains(&route.as_str()) || described.contains(&format!("/api/v1{route}"));
        let unknown: Vec<_> = written_routes().into_iter().filter(|route| !known(route)).collect();
        assert!(unknown.is_empty(), "neither in the OpenAPI document nor in the list of public routes: {unknown:?}");

        let nobody = server.api("");
        for path in PUBLIC.iter().filter(|path| !path.contains('{')) {
            let answer = nobody.send(reqwest::Method::GET, path, &[], None).await.expect("an answer");
            assert_eq!(answer.status, 200, "{path}");
        }
        for path in ["/in/unknown", "/in/", "/nowhere", "/api", "/api/v2/sources", "/in/../api/v1/sources", "//api/v1/sources"] {
            let answer = nobody.send(reqwest::Method::POST, path, &[], None).await.expect("an answer");
            assert!([401, 404].contains(&answer.status), "{path} answered {}", answer.status);
        }
        for path in ["/api/v1", "/api/v1/", "/api/v1/nowhere", "/api/v1/sources/", "/api/v1/%2e%2e/sources"] {
            let answer = nobody.send(reqwest::Method::GET, path, &[], None).await.expect("an answer");
            let with_key = api.send(reqwest::Method::GET, path, &[], None).await.expect("an answer");
            assert!([401, 404].contains(&answer.status), "{path} answered {}", answer.status);
            assert_eq!(with_key.status, 404, "{path}");
        }
    }
}

/// What stands as a path in the web server's source, relative to its scope.
fn written_routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for file in rust_files(Path::new(WEB)) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        for call in ["resource(\"", ".route(\""] {
            let literals = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            routes.extend(literals.map(str::to_owned));
        }
    }
    assert!(routes.len() > 20, "the routes are no longer found in {WEB}: {routes:?}");
    routes
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with("tests.rs") {
            found.push(entry);
        }
    }
    found
}
