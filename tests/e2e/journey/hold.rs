//! Deliveries that wait: for a destination to be resumed, for a rate, or for ever.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Database, Receiver, Reply, Route, Server, on_every_database, poll_until, text, until};

on_every_database! {
    async fn a_paused_destination_holds_and_then_gets_everything(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        api.done(&format!("/destinations/{}/pause", route.destination)).await;
        let first = route.accepted("evt_1").await;
        let second = route.accepted("evt_2").await;
        route.event_is(&first, "held").await;
        let event = route.event_is(&second, "held").await;
        assert_eq!(event["deliveries"][0]["state"], "held");
        assert_eq!(api.found(&format!("/destinations/{}", route.destination)).await["health"], "paused");
        assert_eq!(receiver.count(), 0);
        api.done(&format!("/destinations/{}/resume", route.destination)).await;
        route.event_is(&first, "delivered").await;
        route.event_is(&second, "delivered").await;
        assert_eq!(receiver.count(), 2);
    }

    async fn a_paused_connection_holds_and_a_paused_source_refuses(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        api.done(&format!("/connections/{}/pause", route.connection)).await;
        let id = route.accepted("evt_1").await;
        route.event_is(&id, "held").await;
        assert_eq!(receiver.count(), 0);
        api.done(&format!("/connections/{}/resume", route.connection)).await;
        route.event_is(&id, "delivered").await;
        api.done(&format!("/sources/{}/pause", route.source)).await;
        assert!(route.send("evt_2", "payment.paid").await.status >= 400);
        api.done(&format!("/sources/{}/resume", route.source)).await;
        route.accepted("evt_2").await;
    }

    async fn gone_holds_the_destination_until_it_is_resumed(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Status(410));
        let route = Route::to(&api, &receiver).await;
        let id = route.accepted("evt_1").await;
        route.event_is(&id, "held").await;
        let destination = api.found(&format!("/destinations/{}", route.destination)).await;
        assert_eq!((&destination["state"], &destination["health"]), (&json!("held"), &json!("held")));
        assert!(text(&destination, "state_reason").contains("410"), "{destination}");
        let later = route.accepted("evt_2").await;
        route.event_is(&later, "held").await;
        assert_eq!(receiver.count(), 1);

        receiver.reply(Reply::Status(200));
        api.done(&format!("/destinations/{}/resume", route.destination)).await;
        route.event_is(&id, "delivered").await;
        route.event_is(&later, "delivered").await;
        let destination = api.found(&format!("/destinations/{}", route.destination)).await;
        assert_eq!((&destination["health"], &destination["state_reason"]), (&json!("healthy"), &json!(null)));
    }

    async fn a_cancelled_delivery_is_not_tried_again(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Status(503));
        let fields = json!({ "retry": { "schedule_s": [2, 2], "jitter_pct": 0 } });
        let route = Route::with(&api, &receiver, fields).await;
        let id = route.accepted("evt_1").await;
        let event = route.event_is(&id, "retrying").await;
        let answer = api.done(&format!("/deliveries/{}/cancel", text(&event["deliveries"][0], "id"))).await;
        assert_eq!(answer["state"], "cancelled");
        route.event_is(&id, "cancelled").await;
        // Another one, begun later and retried as often, shows that the time for a retry of the first has passed.
        let other = route.accepted("evt_2").await;
        until(Duration::from_secs(15), "the other is tried again", || receiver.of(&other).len() >= 2).await;
        assert_eq!(receiver.of(&id).len(), 1);
        assert_eq!(route.event(&id).await["outcome"], "cancelled");
    }

    async fn a_rate_limit_is_kept(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let fields = json!({ "rate_limit": { "per_s": 5, "burst": 1 } });
        let route = Route::with(&server.bootstrap().await, &receiver, fields).await;
        for number in 0..15 {
            route.accepted(&format!("evt_{number}")).await;
        }
        until(Duration::from_secs(20), "all arrive", || receiver.count() == 15).await;
        let arrivals = receiver.arrivals();
        // In no window of two seconds more than the burst and ten; a tick of tolerance for the way here.
        for (first, arrival) in arrivals.iter().enumerate() {
            let end = arrival.at + Duration::from_millis(1_950);
            let within = arrivals.iter().skip(first).filter(|other| other.at <= end).count();
            assert!(within <= 11, "{within} within 2 s");
        }
        let took = arrivals[14].at - arrivals[0].at;
        assert!(took < Duration::from_secs(10), "14 more at 5 a second took {took:?}");
        let waits = poll_until(Duration::from_secs(5), "all are delivered", async || {
            let page = route.api.found("/deliveries?limit=50").await;
            let all = page["data"].as_array().cloned().unwrap_or_default();
            all.iter().all(|delivery| delivery["state"] == "delivered").then_some(all)
        });
        assert!(waits.await.iter().all(|delivery| delivery["attempt_count"] == 1), "waiting is not an attempt");
    }

    async fn concurrency_is_kept(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Slow(Duration::from_millis(150)));
        let route = Route::with(&server.bootstrap().await, &receiver, json!({ "concurrency": 2 })).await;
        for number in 0..10 {
            route.accepted(&format!("evt_{number}")).await;
        }
        until(Duration::from_secs(20), "all arrive", || receiver.count() == 10).await;
        assert_eq!(receiver.most_open(), 2);
    }
}
