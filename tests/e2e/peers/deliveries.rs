//! What Postern delivers is verified by what receivers use.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Language, sdks::BODY, tampering::one_letter_changed};
use crate::harness::{
    Arrival, Database, Receiver, Route, STRIPE_SECRET, Server, on_every_database, poll_until, sign, text,
};

const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

on_every_database! {
    async fn what_is_delivered_is_verified_by_receivers_and_tampered_is_refused(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        let signature = sign::stripe(STRIPE_SECRET, sign::now_s(), BODY.as_bytes());
        let answer = api.post_raw(&route.front_door, &signature, BODY.as_bytes()).await.expect("an answer");
        let id = text(&answer.json(), "id");
        let arrival = poll_until(Duration::from_secs(15), "it is delivered", async || {
            receiver.of(&id).into_iter().next()
        })
        .await;
        assert_eq!(arrival.body, BODY.as_bytes());
        let questions = questions(&arrival, &route.signing_secret);
        for language in [Language::Node, Language::Python] {
            let answers = language.ask(questions.clone()).await;
            let answers = answers.as_array().expect("a list");
            assert_eq!(answers[0], json!({ "verified": true }));
            assert_eq!(answers.len(), 7);
            for tampered in &answers[1..] {
                let cause = tampered["cause"].as_str().unwrap_or_default();
                assert!(cause.starts_with("WebhookVerificationError"), "{answers:?}");
            }
        }
    }
}

/// The first is as it arrived; every other one differs in one thing.
fn questions(arrival: &Arrival, secret: &str) -> Value {
    let body = String::from_utf8(arrival.body.clone()).expect("UTF-8");
    let good = json!({ "ask": "delivery", "secret": secret, "body": body, "headers": arrival.headers });
    let with = |name: &str, value: String| {
        let mut question = good.clone();
        question["headers"][name] = json!(value);
        question
    };
    let mut other_body = good.clone();
    other_body["body"] = json!(body.replace("1.10", "1.11"));
    let mut other_secret = good.clone();
    other_secret["secret"] = json!(OTHER_SECRET);
    let at_s: i64 = arrival.header("webhook-timestamp").parse().expect("a number");
    json!([
        good,
        other_body,
        other_secret,
        with("webhook-id", arrival.id().replace("evt_", "evt-")),
        with("webhook-timestamp", (at_s + 1).to_string()),
        with("webhook-timestamp", (at_s - 3_600).to_string()),
        with("webhook-signature", one_letter_changed(arrival.header("webhook-signature"))),
    ])
}
