//! Delivered, tried again, given up, tried again by hand.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Database, Receiver, Reply, Route, Server, on_every_database, poll_until, text};

on_every_database! {
    async fn a_signed_event_is_delivered_and_signed(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let fields = json!({ "headers": { "x-team": "billing" } });
        let route = Route::with(&server.bootstrap().await, &receiver, fields).await;
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "delivered").await;
        assert_eq!(event["type"], "payment.paid");
        assert_eq!(event["deliveries"][0]["attempts"].as_array().map(Vec::len), Some(1));
        let arrivals = receiver.of(&id);
        assert_eq!(arrivals.len(), 1);
        let arrival = &arrivals[0];
        assert!(arrival.is_signed_with(&route.signing_secret), "{:?}", arrival.headers);
        assert_eq!(arrival.body, crate::harness::sign::stripe_body("evt_1", "payment.paid"));
        assert_eq!(arrival.header("content-type"), "application/json");
        assert_eq!(arrival.header("x-team"), "billing");
        assert!(arrival.header("user-agent").starts_with("Postern/"));
        assert_eq!(arrival.path, "/hook");
    }

    async fn a_retry_has_the_same_id_and_every_attempt_is_on_record(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        receiver.fail_first(1, 503);
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "delivered").await;
        let arrivals = receiver.of(&id);
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals.iter().all(|arrival| arrival.is_signed_with(&route.signing_secret)));
        let apart = arrivals[1].at - arrivals[0].at;
        assert!(apart >= Duration::from_millis(950) && apart < Duration::from_secs(6), "{apart:?}");

        let delivery = &event["deliveries"][0];
        assert_eq!((&delivery["state"], &delivery["attempt_count"]), (&json!("delivered"), &json!(2)));
        let attempts = delivery["attempts"].as_array().expect("attempts");
        let statuses: Vec<_> = attempts.iter().map(|attempt| attempt["result"]["status"].clone()).collect();
        assert_eq!(statuses, [503, 200]);
        for (attempt, number) in attempts.iter().zip(1..) {
            assert_eq!(attempt["number"], number);
            assert_eq!(attempt["actor"], json!({ "kind": "engine", "id": null }));
            assert_eq!(attempt["request"]["method"], "POST");
            assert_eq!(attempt["request"]["url"], receiver.url());
            assert_eq!(attempt["request"]["headers"]["webhook-id"], id);
            assert_eq!(attempt["request"]["body_sha256"], event["body_sha256"]);
            assert_eq!(attempt["result"]["kind"], "answered");
            assert_eq!(attempt["result"]["body"], "noted");
            assert!(attempt["timings"]["total_us"].as_u64() > Some(0), "{attempt}");
            assert!(attempt["timings"]["first_byte_us"].as_u64() > Some(0), "{attempt}");
            assert!(attempt["duration_ms"].is_u64() && attempt["started_at"].is_string(), "{attempt}");
        }
        assert!(attempts[0]["next_attempt_at"].is_string() && attempts[1]["next_attempt_at"].is_null());
    }

    async fn retry_after_delays_the_next_attempt(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        receiver.first([Reply::Full(503, vec![("retry-after", "3".to_owned())], Vec::new())]);
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let id = route.accepted("evt_1").await;
        route.event_is(&id, "delivered").await;
        let arrivals = receiver.of(&id);
        assert_eq!(arrivals.len(), 2);
        let apart = arrivals[1].at - arrivals[0].at;
        assert!(apart >= Duration::from_millis(2_900), "the schedule says 1 s, the receiver 3 s: {apart:?}");
    }

    async fn a_delivery_is_dead_after_its_schedule_and_alive_again_by_hand(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Status(500));
        let route = Route::to(&api, &receiver).await;
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "dead").await;
        let delivery = &event["deliveries"][0];
        assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("dead"), &json!("exhausted")));
        assert_eq!(receiver.count(), 3, "the first try and two retries");

        receiver.reply(Reply::Status(200));
        api.done(&format!("/deliveries/{}/retry", text(delivery, "id"))).await;
        let event = route.event_is(&id, "delivered").await;
        assert_eq!(receiver.of(&id).len(), 4);
        let attempts = event["deliveries"][0]["attempts"].as_array().expect("attempts");
        let key = text(&api.found("/api-keys").await["data"][0], "id");
        let actors: Vec<_> = attempts.iter().map(|attempt| attempt["actor"]["kind"].clone()).collect();
        assert_eq!(actors, ["engine", "engine", "engine", "api_key"]);
        assert_eq!(attempts[3]["actor"]["id"], key);
    }

    async fn a_delivered_event_can_be_delivered_again_by_hand(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "delivered").await;
        api.done(&format!("/deliveries/{}/retry", text(&event["deliveries"][0], "id"))).await;
        poll_until(Duration::from_secs(10), "it arrives again", async || (receiver.of(&id).len() == 2).then_some(())).await;
        let event = route.event_is(&id, "delivered").await;
        assert_eq!(event["deliveries"].as_array().map(Vec::len), Some(1));
    }

    async fn what_cannot_be_delivered_is_classed(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let fields = json!({ "timeout_ms": 300, "retry": { "schedule_s": [1, 1, 1, 1], "jitter_pct": 0 } });
        let route = Route::with(&api, &receiver, fields).await;
        receiver.first([Reply::Hang, Reply::Close, Reply::Slow(Duration::from_secs(5)), Reply::Status(302)]);
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "delivered").await;
        let attempts = event["deliveries"][0]["attempts"].as_array().expect("attempts");
        let kinds: Vec<_> = attempts.iter().map(|attempt| attempt["result"]["kind"].clone()).collect();
        assert_eq!(kinds, ["timeout", "connect", "timeout", "answered", "answered"]);
        assert!(receiver.of(&id).iter().all(|arrival| arrival.path == "/hook"), "a redirect is not followed");

        let (status, _) = api.patch(&format!("/destinations/{}", route.destination), json!({ "url": "http://127.0.0.1:1/" })).await;
        assert_eq!(status, 200);
        let id = route.accepted("evt_2").await;
        let event = route.event_is(&id, "retrying").await;
        assert_eq!(event["deliveries"][0]["attempts"][0]["result"]["kind"], "connect");
    }
}
