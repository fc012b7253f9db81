//! The destination inside Postern.

use std::time::Duration;

use serde_json::json;

use crate::harness::{
    Database, STRIPE_SECRET, Server, connect, on_every_database, poll_until, sign, stripe_source, text,
};

on_every_database! {
    async fn a_bin_fails_as_often_as_it_was_told_and_shows_what_it_got(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let retry = json!({ "schedule_s": [1, 1, 1], "jitter_pct": 0 });
        let bin = json!({ "name": "a bin", "kind": "bin", "fail_next": 2, "retry": retry });
        let bin = text(&api.created("/destinations", bin).await, "id");
        let (source, front_door) = stripe_source(&api).await;
        connect(&api, &source, &bin).await;
        let body = sign::stripe_body("evt_1", "payment.paid");
        let answer = api.post_raw(&front_door, &sign::stripe(STRIPE_SECRET, sign::now_s(), &body), &body).await;
        let id = text(&answer.expect("an answer").json(), "id");
        let event = poll_until(Duration::from_secs(15), "it is delivered", async || {
            Some(api.found(&format!("/events/{id}")).await).filter(|event| event["outcome"] == "delivered")
        });
        let event = event.await;
        let attempts = event["deliveries"][0]["attempts"].as_array().expect("attempts");
        let statuses: Vec<_> = attempts.iter().map(|attempt| attempt["result"]["status"].clone()).collect();
        assert_eq!(statuses, [500, 500, 200]);

        let page = api.found(&format!("/destinations/{bin}/requests")).await;
        let requests = page["data"].as_array().expect("requests");
        let statuses: Vec<_> = requests.iter().map(|request| request["status"].clone()).collect();
        assert_eq!(statuses, [200, 500, 500], "newest first");
        for request in requests {
            assert_eq!(request["event_id"], id);
            assert_eq!(request["headers"]["webhook-id"], id);
            assert_eq!(request["body"], String::from_utf8_lossy(&body).as_ref());
        }
        assert_eq!(api.found(&format!("/destinations/{bin}")).await["fail_next"], 0);
    }
}
