//! What is not taken in, and says so at once.

use serde_json::{Value, json};

use super::stand::{SOON, Stand};
use crate::{
    harness::{Database, on_every_database, poll_until},
    polling::upstream::Said,
};

on_every_database! {
    async fn what_cannot_be_made_is_refused_by_field(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let cases: Vec<(Value, &str)> = vec![
            (json!({ "request": { "url": "ftp://example.com/" } }), "request.url"),
            (json!({ "request": { "url": "https://10.0.0.1/" } }), "request.url"),
            (json!({ "request": { "url": "https://me:hush@example.com/" } }), "request.url"),
            (json!({ "request": { "url": stand.api.base() } }), "request.url"),
            (json!({ "request": { "method": "TRACE" } }), "request.method"),
            (json!({ "request": { "method": "GET" } }), "request.body"),
            (json!({ "request": { "headers": { "host": "a" } } }), "request.headers.host"),
            (json!({ "request": { "headers": { "content-type": "text/plain" } } }), "request.body"),
            (json!({ "request": { "body": "x".repeat(1024 * 1024) } }), "request.body"),
            (json!({ "request": { "colour": 1 } }), "request.colour"),
            (json!({ "complete_by": "poll" }), "complete_by"),
            (json!({ "delay_s": 31_536_001 }), "delay_s"),
            (json!({ "delay_s": 1, "not_before": "2030-01-01T00:00:00Z" }), "not_before"),
            (json!({ "not_before": "2999-01-01T00:00:00Z" }), "not_before"),
            (json!({ "not_before": "tomorrow" }), "not_before"),
            (json!({ "deadline_s": 0 }), "deadline_s"),
            (json!({ "timeout_s": 3_601 }), "timeout_s"),
            (json!({ "retry": { "max": 21 } }), "retry.max"),
            (json!({ "retry": { "base_s": 0 } }), "retry.base_s"),
            (json!({ "retry": { "colour": 1 } }), "retry.colour"),
            (json!({ "result_ttl_s": 59 }), "result_ttl_s"),
            (json!({ "metadata": [] }), "metadata"),
            (json!({ "metadata": { "a": "x".repeat(4_096) } }), "metadata"),
        ];
        for (changes, field) in cases {
            let (status, problem) = stand.api.post("/calls", stand.wish("/", changes)).await;
            assert_eq!((status, &problem["code"]), (422, &json!("invalid_fields")), "{field}: {problem}");
            assert_eq!(problem["errors"][0]["field"], field, "{problem}");
            assert!(!problem.to_string().contains("hush"), "{problem}");
        }
        let polled = json!({ "name": "webhooks", "kind": "webhook", "scheme": "none" });
        let webhook = stand.api.created("/sources", polled).await["id"].clone();
        let (status, problem) = stand.api.post("/calls", stand.wish("/", json!({ "source_id": webhook }))).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (404, &json!("source_id")));
        stand.api.done(&format!("/sources/{}/pause", stand.source)).await;
        let (status, _) = stand.api.post("/calls", stand.wish("/", json!({}))).await;
        assert_eq!(status, 503, "the source is paused");
        assert_eq!(stand.api.found("/calls").await["data"], json!([]));
        assert_eq!(stand.upstream.count(), 0);
    }

    async fn an_address_that_is_blocked_by_its_name_fails_at_once(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let call = stand.call("/", json!({})).await;
        let id = call["id"].as_str().expect("an id");
        stand.ended(id, "succeeded").await;
        // Gate 1 was passed once; the rules are asked again when it is sent.
        let later = stand.call("/", json!({ "delay_s": 2 })).await;
        let mut server = stand.server;
        server.sigterm().await;
        server.change_env("POSTERN_EGRESS_ALLOW", "");
        server.restart().await;
        let id = later["id"].as_str().expect("an id");
        let call = poll_until(SOON, "it has ended", async || {
            Some(stand.api.found(&format!("/calls/{id}")).await).filter(|call| call["done"] == true)
        })
        .await;
        assert_eq!((&call["state"], &call["error"]["type"], &call["attempts"][0]["kind"]), (
            &json!("failed"),
            &json!("blocked"),
            &json!("blocked")
        ));
        assert_eq!(stand.upstream.count(), 1);
    }
}
