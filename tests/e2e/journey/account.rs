//! Keys, changes made once, and the audit trail.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Database, Inspector, Receiver, Route, Server, on_every_database, poll_until, text};

on_every_database! {
    async fn an_idempotency_key_makes_a_change_once_and_hides_its_secret(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let body = json!({ "name": "once", "url": "https://example.com/hook" }).to_string().into_bytes();
        let send = |body: Vec<u8>| {
            let api = api.clone();
            async move {
                let key = [("idempotency-key", "change-1")];
                api.send(Method::POST, "/api/v1/destinations", &key, Some(body)).await.expect("an answer")
            }
        };
        let first = send(body.clone()).await;
        assert_eq!(first.status, 201, "{}", first.json());
        assert!(text(&first.json(), "signing_secret").starts_with("whsec_"));
        let again = send(body).await;
        assert_eq!((again.status, &again.json()["id"]), (201, &first.json()["id"]));
        assert!(again.json()["signing_secret"].is_null(), "a replayed answer shows no secret");
        let other = send(json!({ "name": "other", "url": "https://example.com/" }).to_string().into_bytes()).await;
        assert!((400..500).contains(&other.status), "another body under the same key: {}", other.status);
        assert_eq!(api.found("/destinations").await["data"].as_array().map(Vec::len), Some(1));
    }

    async fn a_revoked_key_is_dead_on_every_replica_within_two_seconds(database: Database) {
        let shared = !database.is_sqlite();
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let made = api.created("/api-keys", json!({ "name": "short-lived", "scopes": ["events:read"] })).await;
        let mut places = vec![api.with_key(&text(&made, "key"))];
        let mut replicas = Vec::new();
        if shared {
            let replica = server.replica().await;
            places.push(replica.api(&text(&made, "key")));
            replicas.push(replica);
        }
        for place in &places {
            assert_eq!(place.get("/events").await.0, 200);
            assert_eq!(place.get("/destinations").await.0, 403, "a scope it does not have");
        }
        let (status, _) = api.delete(&format!("/api-keys/{}", text(&made, "id"))).await;
        assert_eq!(status, 204);
        for place in &places {
            poll_until(Duration::from_secs(2), "the key is dead", async || {
                (place.get("/events").await.0 == 401).then_some(())
            })
            .await;
        }
    }

    async fn every_change_is_in_the_audit_trail_and_tampering_is_named(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        api.done(&format!("/destinations/{}/pause", route.destination)).await;
        let (status, _) = api.delete(&format!("/connections/{}", route.connection)).await;
        assert_eq!(status, 204);
        let page = api.found("/audit?limit=50").await;
        let entries = page["data"].as_array().expect("entries");
        let actions: Vec<&str> = entries.iter().rev().filter_map(|entry| entry["action"].as_str()).collect();
        let ours = ["destination.created", "source.created", "connection.created", "destination.paused", "connection.deleted"];
        assert_eq!(actions[..3], ["tenant.created", "member.created", "api_key.created"]);
        assert_eq!(actions.len(), 3 + ours.len(), "{actions:?}");
        assert_eq!(actions[3..6], ours[..3]);
        assert_eq!(actions[7], ours[4]);
        assert!(entries.iter().take(5).all(|entry| entry["actor"]["kind"] == "api_key" && entry["remote"] == "127.0.0.1"));
        assert!(!page.to_string().contains("whsec_"), "no secret in the trail");

        let holds = server.run(&["audit", "verify"]).await;
        assert!(holds.status.success(), "{holds:?}");
        let tampered = &entries[2];
        tamper(&server.inspect().await, tampered).await;
        let broken = server.run(&["audit", "verify"]).await;
        assert_eq!(broken.status.code(), Some(1));
        let said = String::from_utf8_lossy(&broken.stdout).into_owned();
        let named = said.contains(&text(tampered, "id")) || said.contains(&format!("entry {}", tampered["seq"]));
        assert!(named, "{said} does not name {tampered}");
    }
}

/// As somebody with the database's password could: first the guard is taken away, then the entry is changed.
async fn tamper(inspector: &Inspector, entry: &Value) {
    let guard = inspector
        .either("DROP TRIGGER audit_entries_stay", "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_keep");
    inspector.execute(guard).await;
    let change = format!("UPDATE audit_entries SET remote = '10.0.0.1' WHERE seq = {}", entry["seq"]);
    assert_eq!(inspector.execute(&change).await, 1);
}
