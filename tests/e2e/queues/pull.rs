//! The way of an event through a queue, as its consumer and its owner see it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::stand::{Queue, Stand, kinds};
use crate::harness::{Database, connect, on_every_database, poll_until, text};

on_every_database! {
    async fn what_is_published_is_leased_acknowledged_and_delivered(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        assert!(queue.lease(json!({})).await.is_empty(), "nothing waits yet");
        let event = queue.publish(7).await;
        let waits = &queue.api.found(&format!("/events/{event}")).await["deliveries"][0];
        assert_eq!((&waits["state"], &waits["attempt_count"]), (&json!("pending"), &json!(0)));

        let leased = queue.lease_one(json!({ "max": 10 })).await;
        assert_eq!(leased["event"]["id"], event);
        assert_eq!(leased["event"]["type"], "job.made");
        assert_eq!(leased["event"]["source_id"], queue.source);
        assert_eq!(leased["event"]["data"], json!({ "number": 7 }));
        assert_eq!((&leased["receive_count"], &leased["connection_id"]), (&json!(1), &json!(queue.connection)));
        let (receipt, delivery) = (text(&leased, "receipt"), text(&leased, "delivery_id"));
        assert!(receipt.starts_with("att_"), "{receipt}");
        assert_eq!(queue.delivery(&delivery).await["state"], "leased");
        assert!(queue.lease(json!({ "max": 10 })).await.is_empty(), "it is somebody's");

        assert_eq!(queue.ack(&receipt).await, "acknowledged");
        let event = queue.api.found(&format!("/events/{event}")).await;
        assert_eq!(event["outcome"], "delivered");
        let delivery = queue.delivery(&delivery).await;
        assert_eq!((&delivery["state"], &delivery["attempt_count"]), (&json!("delivered"), &json!(1)));
        let attempt = &delivery["attempts"][0];
        assert_eq!(attempt["id"], receipt);
        assert_eq!(attempt["actor"]["kind"], "api_key");
        assert_eq!(attempt["request"]["method"], "PULL");
        assert_eq!(attempt["request"]["url"], format!("queue:{}", queue.id));
        assert_eq!(attempt["result"]["kind"], "acknowledged");
        assert_eq!(queue.ack(&receipt).await, "acknowledged", "an answer that was lost is asked for again");
        assert!(queue.lease(json!({})).await.is_empty());
    }

    async fn a_connection_hands_on_in_its_own_form(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let change = json!({ "payload": "cloudevents" });
        assert_eq!(queue.api.patch(&format!("/connections/{}", queue.connection), change).await.0, 200);
        let event = queue.publish(1).await;
        let leased = queue.lease_one(json!({})).await;
        assert_eq!(leased["event"]["data"]["specversion"], "1.0");
        assert_eq!(leased["event"]["data"]["id"], event);
        assert_eq!(leased["event"]["data"]["data"], json!({ "number": 1 }));
        assert_eq!(queue.ack(&text(&leased, "receipt")).await, "acknowledged");
        let handed = leased["event"]["data"].to_string().len();
        let attempt = &queue.delivery(&text(&leased, "delivery_id")).await["attempts"][0];
        let bytes = usize::try_from(attempt["request"]["body_bytes"].as_u64().expect("a number")).expect("few");
        assert!(bytes >= handed, "what was handed over is on record, and not what came in: {attempt}");

        // What is not JSON comes as text, and what is not text as base64.
        let hook = json!({ "name": "hook", "kind": "webhook", "scheme": "none" });
        let hook = queue.api.created("/sources", hook).await;
        connect(&queue.api, &text(&hook, "id"), &queue.id).await;
        let url = text(&hook, "ingest_url");
        let door = format!("/in/{}", url.rsplit('/').next().unwrap_or_default());
        for (content_type, body) in [("text/plain", &b"{} or not"[..]), ("application/octet-stream", &[0xff, 0x00][..])] {
            let headers = vec![("content-type".to_owned(), content_type.to_owned())];
            assert_eq!(queue.api.post_raw(&door, &headers, body).await.expect("an answer").status, 200);
        }
        let leased = queue.lease(json!({ "max": 9 })).await;
        let shown: Vec<_> = leased.iter().map(|one| (&one["event"]["body"], &one["event"]["encoding"])).collect();
        assert_eq!(shown, [(&json!("{} or not"), &json!(null)), (&json!("/wA="), &json!("base64"))]);
        assert!(leased.iter().all(|one| one["event"].get("data").is_none()));
    }

    async fn who_waits_is_told_at_once_and_who_waits_in_vain_gets_nothing(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let begun = Instant::now();
        assert!(queue.lease(json!({ "wait_s": 1 })).await.is_empty());
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        let waits = { let queue = queue.clone(); tokio::spawn(async move { queue.lease(json!({ "max": 5, "wait_s": 15 })).await }) };
        // Of another connection, which is made while somebody waits.
        let later = Queue { source: text(&queue.api.created("/sources", json!({ "name": "b", "kind": "publish" })).await, "id"), ..queue.clone() };
        connect(&queue.api, &later.source, &queue.id).await;
        let begun = Instant::now();
        let event = later.publish(1).await;
        let leased = waits.await.expect("no panic");
        assert_eq!(leased.iter().map(|one| text(&one["event"], "id")).collect::<Vec<_>>(), [event]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    async fn consumers_share_the_work_and_none_gets_what_another_has(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let mut published = Vec::new();
        for number in 0..60 {
            published.push(queue.publish(number).await);
        }
        let consumers = (0..4).map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let mut got = Vec::new();
                loop {
                    let leased = queue.lease(json!({ "max": 7 })).await;
                    if leased.is_empty() {
                        return got;
                    }
                    let receipts: Vec<_> = leased.iter().map(|one| text(one, "receipt")).collect();
                    let (_, answer) = queue.call("ack", json!({ "receipts": receipts })).await;
                    let done = answer["data"].as_array().expect("a list");
                    assert!(done.iter().all(|one| one["result"] == "acknowledged"), "{answer}");
                    got.extend(leased.iter().map(|one| text(&one["event"], "id")));
                }
            })
        });
        let consumers: Vec<_> = consumers.collect();
        let mut got = Vec::new();
        for consumer in consumers {
            got.extend(consumer.await.expect("no panic"));
        }
        got.sort();
        published.sort();
        assert_eq!(got, published, "each once, and none left");
        assert!(queue.api.figure(r#"postern_queue_receives_total{result="acknowledged"}"#).await >= 60.0);
    }

    async fn what_is_received_too_often_is_dead_and_can_be_put_back(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({ "max_receives": 2 })).await;
        queue.publish(1).await;
        let first = queue.lease_one(json!({})).await;
        let delivery = text(&first, "delivery_id");
        let reason = json!({ "receipt": first["receipt"], "reason": "no room" });
        let (status, answer) = queue.call("nack", reason).await;
        assert_eq!((status, &answer["state"]), (200, &json!("pending")), "{answer}");
        // A lease that is over at once is a receive all the same.
        let second = queue.lease_one(json!({ "visibility_s": 0 })).await;
        assert_eq!(second["receive_count"], 2);
        assert!(queue.lease(json!({})).await.is_empty(), "it was the last");
        let dead = queue.delivery(&delivery).await;
        assert_eq!((&dead["state"], &dead["reason"]), (&json!("dead"), &json!("exhausted")));
        assert_eq!(kinds(&dead), ["rejected", "lease_expired"]);
        assert_eq!(dead["attempts"][0]["result"]["detail"], "no room");
        let listed = queue.api.found("/deliveries?state=dead").await;
        assert_eq!(listed["data"][0]["id"], delivery);

        queue.api.done(&format!("/deliveries/{delivery}/retry")).await;
        let again = queue.lease_one(json!({})).await;
        assert_eq!((&again["delivery_id"], &again["receive_count"]), (&json!(delivery), &json!(1)));
        assert_eq!(queue.ack(&text(&again, "receipt")).await, "acknowledged");
        assert_eq!(kinds(&queue.delivery(&delivery).await), ["rejected", "lease_expired", "acknowledged"]);
    }

    async fn what_nobody_asks_for_again_is_taken_back_all_the_same(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({ "max_receives": 1 })).await;
        queue.publish(1).await;
        let leased = queue.lease_one(json!({ "visibility_s": 1 })).await;
        let dead = queue.delivery_is(&text(&leased, "delivery_id"), "dead").await;
        assert_eq!(kinds(&dead), ["lease_expired"]);
        assert_eq!(dead["attempts"][0]["duration_ms"], 1_000);
    }

    async fn what_has_no_payload_any_more_is_not_given_out_and_ended_visibly(database: Database) {
        let Stand { queue, server } = Stand::new(database, json!({})).await;
        let event = queue.publish(1).await;
        let inspector = server.inspect().await;
        assert_eq!(inspector.execute("DELETE FROM event_bodies").await, 1);
        assert!(queue.lease(json!({})).await.is_empty());
        let ended = &queue.api.found(&format!("/events/{event}")).await["deliveries"][0];
        assert_eq!((&ended["state"], &ended["reason"]), (&json!("dead"), &json!("expired")));
        assert_eq!(ended["attempts"][0]["result"]["detail"], "the payload is past its retention");
    }

    async fn what_was_given_back_waits_as_long_as_was_said(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({ "retry_delay_s": 3_600 })).await;
        queue.publish(1).await;
        let leased = queue.lease_one(json!({})).await;
        let (_, answer) = queue.call("nack", json!({ "receipt": leased["receipt"] })).await;
        assert!(answer["next_attempt_at"].is_string(), "{answer}");
        assert!(queue.lease(json!({})).await.is_empty());
        queue.publish(2).await;
        let leased = queue.lease_one(json!({})).await;
        assert_eq!(leased["event"]["data"]["number"], 2);
        queue.call("nack", json!({ "receipt": leased["receipt"], "delay_s": 1 })).await;
        let again = poll_until(Duration::from_secs(15), "it can be leased again", async || {
            queue.lease(json!({})).await.pop()
        });
        assert_eq!(again.await["receive_count"], 2);
    }
}
