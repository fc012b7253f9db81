//! The routes of the dashboard as they are written in its source.

use std::{collections::BTreeSet, fs, path::Path};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/pages");

/// `GET /t/{tenant}/sources` and the like, from every `resource("/path", [(Method::GET, …), …])`.
pub(super) fn written_routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in crate::matrix::routes::rust_files(Path::new(PAGES)) {
        let text = fs::read_to_string(&file).expect("a readable file");
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        assert!(!text.contains(".route(\""), "{}: a route that is no `resource` is not seen here", file.display());
        for call in text.split("resource(\"").skip(1) {
            let (path, rest) = call.split_once('"').expect("the end of a path");
            let (methods, _) = rest.split_once(']').expect("the end of the methods");
            let methods = methods.split("Method::").skip(1).filter_map(|method| method.split(',').next());
            found.extend(methods.map(|method| format!("{method} {path}")));
        }
    }
    assert!(found.len() > 60, "the routes are no longer found in {PAGES}: {found:?}");
    found
}
