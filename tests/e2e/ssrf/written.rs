//! What the URL alone gives away is refused when a destination is made or changed, and when a call is asked for.

use serde_json::{Value, json};

use super::{start, strict, vectors};
use crate::harness::{Database, Server, on_every_database, text};

on_every_database! {
    async fn a_url_may_be_what_the_operator_allowed_and_no_more(database: Database) {
        let options = strict(database).env("POSTERN_EGRESS_ALLOW", "127.0.0.0/8, fd00::/8").env("POSTERN_EGRESS_HTTPS_ONLY", "true");
        let server = start(options).await;
        let api = server.bootstrap().await;
        for (url, status) in [
            ("https://127.0.0.1:22/", 201),
            ("https://[fd00::1]:6379/", 201),
            ("https://localhost:9/", 201),
            ("http://127.0.0.1/", 422),
            ("https://[::1]/", 422),
            ("https://[::ffff:127.0.0.1]/", 422),
            ("https://10.0.0.1/", 422),
            ("https://169.254.169.254/", 422),
            ("https://example.com:22/", 422),
        ] {
            let (created, answer) = api.post("/destinations", json!({ "name": "x", "url": url })).await;
            assert_eq!(created, status, "{url}: {answer}");
        }
    }
}

pub(super) async fn a_url_that_gives_itself_away_is_refused_when_it_is_written_down(server: &Server) {
    let api = server.tenant("written").await;
    let made = api.created("/destinations", json!({ "name": "good", "url": "https://example.com/" })).await;
    let path = format!("/destinations/{}", text(&made, "id"));
    api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await;
    let mut refused = 0;
    for vector in vectors() {
        let (created, answer) = api.post("/destinations", json!({ "name": "x", "url": vector.url })).await;
        let (changed, patched) = api.patch(&path, json!({ "url": vector.url })).await;
        let request = json!({ "method": "GET", "url": vector.url });
        let (called, call) = api.post("/calls", json!({ "request": request, "delay_s": 3_600 })).await;
        if vector.is_refused_as_written() {
            refused += 1;
            assert_eq!((created, changed, called), (422, 422, 422), "{vector:?}: {answer} {patched} {call}");
            for (answer, field) in [(answer, "url"), (patched, "url"), (call, "request.url")] {
                assert_names_the_url(&answer, (field, vector.url));
            }
        } else {
            assert_eq!((created, changed, called), (201, 200, 202), "{vector:?}: {answer} {patched} {call}");
        }
    }
    assert_eq!(refused, 120, "lines whose URL alone gives them away");
    let unchanged = api.patch(&path, json!({ "name": "still good" })).await;
    assert_eq!(unchanged.0, 200);
    assert!(!unchanged.1["url"].as_str().unwrap_or_default().contains("127.0.0.1"), "{}", unchanged.1);
}

/// And says no address that the writer did not write.
#[track_caller]
fn assert_names_the_url(answer: &Value, (field, url): (&str, &str)) {
    assert_eq!(answer["code"], "invalid_fields", "{url}: {answer}");
    assert_eq!(answer["errors"][0]["field"], field, "{url}: {answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{url}: {answer}");
}
