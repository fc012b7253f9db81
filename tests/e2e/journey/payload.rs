//! A connection that asks for another form than the raw body.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Database, Receiver, Route, STRIPE_SECRET, Server, on_every_database, sign, text};

const CHARGE: &[u8] = br#"{"id": "evt_7", "object": "event", "created": 1773480413, "type": "charge.succeeded",
    "livemode": true, "data": {"object": {"id": "ch_1", "amount": 4200, "captured": true, "currency": "eur"}}}"#;

/// Posts a charge that is answered 500 once; gives the event when it is delivered, with both bodies that arrived.
async fn deliver(route: &Route, receiver: &Receiver, payload: &str) -> (Value, Vec<u8>, String) {
    let path = format!("/connections/{}", route.connection);
    let (status, changed) = route.api.patch(&path, json!({ "payload": payload })).await;
    assert_eq!((status, &changed["payload"]), (200, &json!(payload)));
    receiver.fail_first(1, 500);
    let headers = sign::stripe(STRIPE_SECRET, sign::now_s(), CHARGE);
    let answer = route.api.post_raw(&route.front_door, &headers, CHARGE).await.expect("an answer");
    let id = text(&answer.json(), "id");
    let event = route.event_is(&id, "delivered").await;
    let arrivals = receiver.of(&id);
    assert_eq!(arrivals.len(), 2);
    assert!(arrivals.iter().all(|arrival| arrival.is_signed_with(&route.signing_secret)), "what is sent is signed");
    assert_eq!(arrivals[0].body, arrivals[1].body, "every attempt sends the same bytes");
    for attempt in event["deliveries"][0]["attempts"].as_array().expect("attempts") {
        let sent = &attempt["request"];
        assert_eq!(sent["body_bytes"], json!(arrivals[0].body.len()));
        assert_eq!(sent["body_sha256"], json!(hex::encode(Sha256::digest(&arrivals[0].body))));
    }
    let content_type = arrivals[0].header("content-type").to_owned();
    (event, arrivals[0].body.clone(), content_type)
}

on_every_database! {
    async fn a_connection_sends_what_it_asks_for_signed_and_on_record(database: Database) {
        let server = Server::start(database).await;
        let (api, receiver) = (server.bootstrap().await, Receiver::start().await);
        let route = Route::to(&api, &receiver).await;

        let (event, body, content_type) = deliver(&route, &receiver, "envelope").await;
        assert_eq!(content_type, "application/json");
        let sent: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&sent["id"], &sent["source_id"]), (&event["id"], &json!(route.source)));
        assert_eq!((&sent["type"], &sent["provider_type"]), (&json!("payment.received"), &json!("charge.succeeded")));
        assert_eq!(sent["provider"], "stripe");
        assert_eq!(sent["occurred_at"], "2026-03-14T09:26:53.000000Z");
        assert_eq!(sent["received_at"], event["received_at"]);
        let data = json!({ "payment_id": "ch_1", "amount": 4200, "currency": "EUR", "test": false });
        assert_eq!(sent["data"], data);
        let raw: Value = serde_json::from_slice(CHARGE).expect("JSON");
        assert_eq!(sent["raw"], raw);

        let other = Route::to(&api, &receiver).await;
        let (event, body, content_type) = deliver(&other, &receiver, "cloudevents").await;
        assert_eq!(content_type, "application/cloudevents+json");
        let sent: Value = serde_json::from_slice(&body).expect("JSON");
        let expected = json!({
            "specversion": "1.0", "id": event["id"], "source": format!("/api/v1/sources/{}", other.source),
            "type": "charge.succeeded", "time": "2026-03-14T09:26:53.000000Z", "provider": "stripe",
            "commontype": "payment.received", "datacontenttype": "application/json", "data": raw,
        });
        assert_eq!(sent, expected);

        let third = Route::to(&api, &receiver).await;
        let (event, body, content_type) = deliver(&third, &receiver, "raw").await;
        assert_eq!((body.as_slice(), content_type.as_str()), (CHARGE, "application/json"));
        assert_eq!(api.found(&format!("/events/{}", text(&event, "id"))).await["body_bytes"], json!(CHARGE.len()));
    }
}
