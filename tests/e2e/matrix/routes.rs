//! The document has every route, and the routes that need no credential are those that were chosen to need none.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{document, table::PUBLIC};
use crate::harness::{Api, Database, Server, on_every_database};

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src");

on_every_database! {
    async fn every_route_is_described_or_chosen_to_be_public(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let described: BTreeSet<String> = document::operations(&api).await.into_iter().map(|one| one.path).collect();
        let known = |route: &String| PUBLIC.contains(&route.as_str()) || described.contains(&format!("/api/v1{route}"));
        let (pages, routes) = written_routes();
        let unknown: Vec<_> = routes.into_iter().filter(|route| !known(route)).collect();
        assert!(unknown.is_empty(), "neither in the OpenAPI document nor in the list of public routes: {unknown:?}");

        let nobody = server.api("");
        for path in PUBLIC.iter().filter(|path| !path.contains('{')) {
            let answer = nobody.send(reqwest::Method::GET, path, &[], None).await.expect("an answer");
            assert_eq!(answer.status, 200, "{path}");
        }
        for page in pages.iter().filter(|page| !PUBLIC.contains(&page.as_str())) {
            nobody_sees(&nobody, page).await;
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

/// Without a session a page leads to the log-in page, and a form does nothing.
async fn nobody_sees(nobody: &Api, page: &str) {
    let path =
        page.replace("{tenant}", "ten_01jd9k7w000000000000000000").replace("{id}", "evt_01jd9k7w000000000000000000");
    let looked = nobody.send(reqwest::Method::GET, &path, &[], None).await.expect("an answer");
    let to_log_in = looked.status == 303 && looked.header("location").is_some_and(|way| way.starts_with("/login"));
    // What a script asks for says so to the script.
    let is_told = path.contains("/live/") && looked.status == 401;
    assert!(to_log_in || is_told || looked.status == 405, "GET {path} answered {}", looked.status);
    let sent = nobody.send(reqwest::Method::POST, &path, &[], None).await.expect("an answer");
    assert!([303, 403, 405, 415].contains(&sent.status), "POST {path} answered {}", sent.status);
}

/// What stands as a path in the web server's source: of pages, and of the rest relative to its scope.
fn written_routes() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut pages, mut routes) = (BTreeSet::new(), BTreeSet::new());
    for file in rust_files(Path::new(WEB)) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        for call in ["resource(\"", ".route(\""] {
            let literals = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            let of_page = file.parent().is_some_and(|folder| folder.ends_with("pages"));
            let found = literals.filter(|path| *path != "/assets/{file}").map(str::to_owned);
            let of_page = of_page || file.ends_with("shield.rs");
            if of_page { pages.extend(found) } else { routes.extend(found) }
        }
    }
    assert!(routes.len() > 20 && pages.len() > 40, "the routes are no longer found in {WEB}: {routes:?} {pages:?}");
    (pages, routes)
}

pub(super) fn rust_files(folder: &Path) -> Vec<PathBuf> {
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
