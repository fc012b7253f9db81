//! What becomes of a request: an event, a duplicate, or a refusal on record.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Api, Database, Receiver, Route, STRIPE_SECRET, Server, on_every_database, poll_until, sign, stripe_source, text,
};

/// The newest request on record with this outcome. Requests are written soon after they were answered, not before.
async fn request_on_record(api: &Api, outcome: &str) -> Value {
    poll_until(Duration::from_secs(5), "the request is on record", async || {
        let page = api.found(&format!("/requests?outcome={outcome}")).await;
        page["data"].as_array().and_then(|requests| requests.first().cloned())
    })
    .await
}

on_every_database! {
    async fn a_forged_request_is_refused_and_on_record(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let body = sign::stripe_body("evt_1", "payment.paid");
        let forged = sign::stripe("whsec_of_somebody_else_0123456789", sign::now_s(), &body);
        let answer = route.api.post_raw(&route.front_door, &forged, &body).await.expect("an answer");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let request = request_on_record(&route.api, "refused").await;
        assert_eq!(request["source_id"], route.source);
        assert!(text(&request, "cause").contains("signature"), "{request}");
        assert!(text(&request, "expected").contains("stripe-signature"), "{request}");
        assert_eq!(request["remote"], "127.0.0.1");
        assert_eq!(request["event_id"], Value::Null);
        assert_eq!(route.api.found("/events").await["data"], json!([]));
        assert_eq!(receiver.count(), 0);
    }

    async fn a_duplicate_gets_the_first_id_and_is_delivered_once(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let id = route.accepted("evt_1").await;
        for _ in 0..3 {
            let answer = route.send("evt_1", "payment.paid").await;
            assert_eq!((answer.status, answer.json()), (200, json!({ "id": id, "duplicate": true })));
        }
        let request = request_on_record(&route.api, "duplicate").await;
        assert_eq!((&request["event_id"], &request["dedup_key"]), (&json!(id), &json!("evt_1")));
        route.event_is(&id, "delivered").await;
        // What came later is delivered too, so nothing of the duplicates is still on its way.
        let later = route.accepted("evt_2").await;
        route.event_is(&later, "delivered").await;
        assert_eq!(receiver.of(&id).len(), 1);
        assert_eq!(route.api.found("/events").await["data"].as_array().map(Vec::len), Some(2));
    }

    async fn many_at_once_with_one_key_are_one_event(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let senders: Vec<_> = (0..20)
            .map(|_| {
                let route = route.clone();
                tokio::spawn(async move { route.send("evt_1", "payment.paid").await })
            })
            .collect();
        let mut ids = Vec::new();
        let mut first = 0;
        for sender in senders {
            let answer = sender.await.expect("no panic");
            assert_eq!(answer.status, 200);
            ids.push(text(&answer.json(), "id"));
            first += usize::from(answer.json()["duplicate"] == false);
        }
        ids.dedup();
        assert_eq!((ids.len(), first), (1, 1));
        route.event_is(&ids[0], "delivered").await;
        assert_eq!(receiver.count(), 1);
    }

    async fn what_nobody_asked_for_is_filtered_or_unrouted(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let api = server.bootstrap().await;
        let route = Route::to(&api, &receiver).await;
        let path = format!("/connections/{}", route.connection);
        let (status, connection) = api.patch(&path, json!({ "event_types": ["payment.*"] })).await;
        assert_eq!(status, 200, "{connection}");
        let answer = route.send("evt_1", "invoice.paid").await;
        let filtered = text(&answer.json(), "id");
        let event = route.event_is(&filtered, "filtered").await;
        assert_eq!((&event["filtered_count"], &event["deliveries"]), (&json!(1), &json!([])));
        let wanted = route.accepted("evt_2").await;
        route.event_is(&wanted, "delivered").await;

        let (_, lonely) = stripe_source(&api).await;
        let body = sign::stripe_body("evt_1", "payment.paid");
        let signed = sign::stripe(STRIPE_SECRET, sign::now_s(), &body);
        let answer = api.post_raw(&lonely, &signed, &body).await.expect("an answer");
        let unrouted = text(&answer.json(), "id");
        route.event_is(&unrouted, "unrouted").await;
        assert_eq!(receiver.count(), 1);
    }

    async fn github_and_standard_webhooks_are_taken_in(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        let body = br#"{"action":"opened","type":"user.created"}"#;
        for (provider, headers, event_type) in [
            ("github", sign::github(secret, ("72d3162e", "issues"), body), "issues.opened"),
            ("standard-webhooks", sign::standard(secret, ("msg_1", sign::now_s()), body), "user.created"),
        ] {
            let fields = json!({ "name": provider, "kind": "webhook", "provider": provider, "secrets": [secret] });
            let source = api.created("/sources", fields).await;
            let url = text(&source, "ingest_url");
            let path = url.find("/in/").map_or("", |start| &url[start..]);
            let answer = api.post_raw(path, &headers, body).await.expect("an answer");
            assert_eq!(answer.status, 200, "{provider}: {}", answer.json());
            let event = api.found(&format!("/events/{}", text(&answer.json(), "id"))).await;
            assert_eq!(event["type"], event_type);
            let again = api.post_raw(path, &headers, body).await.expect("an answer");
            assert_eq!(again.json()["duplicate"], true, "{provider}");
            let other = api.post_raw(path, &headers, b"{}").await.expect("an answer");
            assert_eq!(other.status, 401, "{provider}");
        }
    }

    async fn published_events_are_delivered_as_they_stand(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let destination = text(&api.created("/destinations", json!({ "name": "r", "url": receiver.url() })).await, "id");
        crate::harness::connect(&api, &source, &destination).await;
        let event = br#"{"type":"order.placed","source_id":"SOURCE","data": {"b": 1.0,  "a":"\u00e9"},"dedup_key":"order-1"}"#;
        let event = String::from_utf8_lossy(event).replace("SOURCE", &source).into_bytes();
        let send = || api.send(reqwest::Method::POST, "/api/v1/events", &[], Some(event.clone()));
        let answer = send().await.expect("an answer");
        assert_eq!((answer.status, &answer.json()["duplicate"]), (202, &json!(false)), "{}", answer.json());
        let again = send().await.expect("an answer");
        assert_eq!(again.json(), json!({ "id": answer.json()["id"], "duplicate": true }));
        let id = text(&answer.json(), "id");
        crate::harness::until(Duration::from_secs(10), "it arrives", || receiver.count() == 1).await;
        assert_eq!(receiver.of(&id)[0].body, br#"{"b": 1.0,  "a":"\u00e9"}"#);
    }
}
