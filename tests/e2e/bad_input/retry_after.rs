//! A receiver that answers an absurd Retry-After is tried again at the usual time, or after a day at most.

use std::time::Duration;

use serde_json::{Value, json};

use super::stand::Stand;
use crate::harness::{Database, Receiver, Reply, connect, on_every_database, poll_until, text};

/// What it answers, and the bounds of the wait until the next attempt in seconds. The schedule says 2.
const ANSWERS: [(&[u8], i64, i64); 16] = [
    (b"1e300", 2, 3),
    (b"inf", 2, 3),
    (b"NaN", 2, 3),
    (b"99999999999999999999", 2, 3),
    (b"-5", 2, 3),
    (b"+5", 2, 3),
    (b"1.5", 2, 3),
    (b"0x10", 2, 3),
    (b"", 2, 3),
    (b"soon", 2, 3),
    (b"\xc3\xa9", 2, 3),
    (b"0", 2, 3),
    (b"Wed, 21 Oct 2015 07:28:00 GMT", 2, 3),
    (b"Fri, 99 Foo 2026 99:99:99 GMT", 2, 3),
    (b"18446744073709551615", 86_399, 86_401),
    (b"Fri, 31 Dec 9999 23:59:59 GMT", 86_399, 86_401),
];

on_every_database! {
    async fn an_absurd_retry_after_changes_nothing_or_is_capped(database: Database) {
        let stand = Stand::new(database).await;
        let mut receivers = Vec::new();
        for (value, ..) in ANSWERS {
            let receiver = Receiver::start().await;
            let value = String::from_utf8_lossy(value).into_owned();
            receiver.first([Reply::Full(503, vec![("retry-after", value)], Vec::new())]);
            let destination = json!({ "name": "x", "url": receiver.url(), "retry": { "schedule_s": [2], "jitter_pct": 0 } });
            connect(&stand.api, &stand.source, &text(&stand.api.created("/destinations", destination).await, "id")).await;
            receivers.push(receiver);
        }
        let answer = stand.post(&stand.front_door, &[], b"{}").await;
        let path = format!("/events/{}", text(&answer.json(), "id"));
        let event = poll_until(Duration::from_secs(20), "all but the two that wait a day are delivered", async || {
            let event = stand.api.found(&path).await;
            let deliveries = event["deliveries"].as_array().expect("deliveries");
            let waiting = deliveries.iter().filter(|delivery| delivery["state"] != "delivered");
            (waiting.count() <= 2 && deliveries.iter().all(|delivery| delivery["attempts"][0].is_object())).then_some(event)
        })
        .await;
        for ((value, least, most), receiver) in ANSWERS.iter().zip(&receivers) {
            let value = String::from_utf8_lossy(value);
            let waited = waited_s(&event, receiver);
            assert!((*least..=*most).contains(&waited), "`{value}`: {waited} s");
            assert_eq!(receiver.count(), if *most > 10 { 1 } else { 2 }, "`{value}`");
        }
        assert_eq!(stand.api.get("/sources").await.0, 200);
    }
}

/// From the end of the first attempt to when the second was due, in whole seconds.
fn waited_s(event: &Value, receiver: &Receiver) -> i64 {
    let deliveries = event["deliveries"].as_array().expect("deliveries");
    let attempts = deliveries.iter().flat_map(|delivery| delivery["attempts"].as_array().expect("attempts"));
    let mut first = attempts.filter(|attempt| attempt["request"]["url"] == receiver.url() && attempt["number"] == 1);
    let first = first.next().expect("a first attempt");
    let at_ms = |name: &str| {
        let moment: sea_orm::prelude::DateTimeWithTimeZone = text(first, name).parse().expect("a moment");
        moment.timestamp_millis()
    };
    (at_ms("next_attempt_at") - at_ms("started_at")) / 1_000
}
