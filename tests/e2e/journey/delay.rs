//! Deliveries that wait: because the publisher said until when, or because their connection always waits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Api, Database, Receiver, Server, connect, on_every_database, text, until};

const DELAY: Duration = Duration::from_secs(3);

async fn publish(api: &Api, source: &str, more: Value) -> String {
    let mut body = json!({ "source_id": source, "type": "a.b", "data": {} });
    let (Some(body_of), Some(more)) = (body.as_object_mut(), more.as_object()) else { panic!("objects") };
    body_of.extend(more.clone());
    text(&api.created("/events", body).await, "id")
}

on_every_database! {
    async fn a_connection_waits_as_long_as_it_says(database: Database) {
        let server = Server::start(database).await;
        let (api, receiver) = (server.bootstrap().await, Receiver::start().await);
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let destination = api.created("/destinations", json!({ "name": "x", "url": receiver.url() })).await;
        let connection = connect(&api, &source, &text(&destination, "id")).await;
        let path = format!("/connections/{connection}");
        let (status, changed) = api.patch(&path, json!({ "delay_s": DELAY.as_secs() })).await;
        assert_eq!((status, &changed["delay_s"]), (200, &json!(DELAY.as_secs())), "{changed}");

        let cancelled = publish(&api, &source, json!({})).await;
        let (status, answer) = api.post(&format!("/events/{cancelled}/cancel"), json!({})).await;
        assert_eq!((status, &answer["cancelled"]), (200, &json!(1)), "{answer}");
        let begun = Instant::now();
        let waits = publish(&api, &source, json!({})).await;
        until(Duration::from_secs(30), "it comes", || !receiver.of(&waits).is_empty()).await;
        let waited = receiver.of(&waits)[0].at - begun;
        assert!(waited >= DELAY && waited < DELAY + Duration::from_secs(2), "it waited {waited:?}");

        let (status, _) = api.patch(&path, json!({ "delay_s": 0 })).await;
        assert_eq!(status, 200);
        let past = publish(&api, &source, json!({ "deliver_at": "2026-01-01T00:00:00Z" })).await;
        until(Duration::from_secs(30), "an instant in the past is at once", || !receiver.of(&past).is_empty()).await;
        assert!(receiver.of(&cancelled).is_empty(), "what was called off does not come");
        let (status, answer) = api.post(&format!("/events/{past}/cancel"), json!({})).await;
        assert_eq!((status, &answer["cancelled"]), (200, &json!(0)), "what is delivered stays so: {answer}");
    }

    async fn nothing_waits_for_longer_than_its_payload_is_kept(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let bin = text(&api.created("/destinations", json!({ "name": "bin", "kind": "bin" })).await, "id");
        let month_s = 30 * 86_400;
        let asked = [
            ("/events", json!({ "source_id": source, "type": "a", "data": {}, "deliver_at": "9999-01-01T00:00:00Z" }), "deliver_at"),
            ("/connections", json!({ "source_id": source, "destination_id": bin, "delay_s": month_s }), "delay_s"),
        ];
        for (path, body, field) in asked {
            let (status, problem) = api.post(path, body).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem}");
        }
        let (_, events) = api.get("/events").await;
        assert_eq!(events["data"], json!([]));
    }
}
