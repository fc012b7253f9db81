//! What a queue refuses, and from whom.

use serde_json::{Value, json};

use super::{
    receipts::another_consumer,
    stand::{Queue, Stand},
};
use crate::harness::{Database, on_every_database, text};

/// What came of a call that was refused.
async fn refusal(queue: &Queue, verb: &str, body: Value) -> (u16, String) {
    let (status, problem) = queue.call(verb, body).await;
    (status, text(&problem, "code"))
}

on_every_database! {
    async fn what_means_nothing_for_a_queue_is_refused_by_name(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let cases = [
            (json!({ "url": "https://example.com/" }), "url"),
            (json!({ "headers": { "x-a": "b" } }), "headers"),
            (json!({ "rate_limit": { "per_s": 1 } }), "rate_limit"),
            (json!({ "concurrency": 1 }), "concurrency"),
            (json!({ "timeout_ms": 1_000 }), "timeout_ms"),
            (json!({ "retry": { "schedule_s": [1] } }), "retry"),
            (json!({ "fail_next": 1 }), "fail_next"),
            (json!({ "queue": { "visibility_s": 43_201 } }), "queue.visibility_s"),
            (json!({ "queue": { "max_receives": 0 } }), "queue.max_receives"),
            (json!({ "queue": { "max_in_flight": 10_001 } }), "queue.max_in_flight"),
            (json!({ "queue": { "retry_delay_s": 43_201 } }), "queue.retry_delay_s"),
            (json!({ "queue": { "colour": 1 } }), "queue.colour"),
            (json!({ "kind": "bin", "queue": {} }), "queue"),
            (json!({ "kind": "http", "url": "https://example.com/", "queue": {} }), "queue"),
        ];
        for (fields, field) in cases {
            let mut body = json!({ "name": "q", "kind": "queue" });
            for (name, value) in fields.as_object().expect("fields") {
                body[name] = value.clone();
            }
            let (status, problem) = queue.api.post("/destinations", body.clone()).await;
            assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{body}: {problem}");
            // What is there keeps to the same.
            if fields.get("kind").is_none() {
                let (status, problem) = queue.api.patch(&format!("/destinations/{}", queue.id), fields).await;
                assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem}");
            }
        }
        let made = queue.api.found(&format!("/destinations/{}", queue.id)).await;
        let usual = json!({ "visibility_s": 30, "max_receives": 5, "max_in_flight": 1_000, "retry_delay_s": 0 });
        assert_eq!(made["queue"], usual);
        for absent in ["retry", "timeout_ms", "concurrency", "signing_secret", "fail_next"] {
            assert!(made.get(absent).is_none(), "`{absent}` means nothing here: {made}");
        }
        let changed = json!({ "queue": { "max_receives": 9 } });
        let (_, changed) = queue.api.patch(&format!("/destinations/{}", queue.id), changed).await;
        assert_eq!(changed["queue"]["max_receives"], 9);
        let audit = queue.api.found("/audit?limit=1").await;
        assert_eq!(audit["data"][0]["action"], "destination.updated");
    }

    async fn a_bad_call_is_refused_with_its_field(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let receipt = "att_01h455vb4pex5vsknk084sn02q";
        let long = "x".repeat(501);
        let many = vec![receipt; 101];
        let cases = [
            ("lease", json!({ "max": 0 }), "max"),
            ("lease", json!({ "max": 101 }), "max"),
            ("lease", json!({ "max": "1" }), "max"),
            ("lease", json!({ "visibility_s": 43_201 }), "visibility_s"),
            ("lease", json!({ "visibility_s": -1 }), "visibility_s"),
            ("lease", json!({ "wait_s": 21 }), "wait_s"),
            ("lease", json!({ "colour": 1 }), "colour"),
            ("ack", json!({}), "receipts"),
            ("ack", json!({ "receipts": [] }), "receipts"),
            ("ack", json!({ "receipts": many }), "receipts"),
            ("ack", json!({ "receipts": ["dlv_01h455vb4pex5vsknk084sn02q"] }), "receipts[0]"),
            ("nack", json!({}), "receipt"),
            ("nack", json!({ "receipt": "x" }), "receipt"),
            ("nack", json!({ "receipt": receipt, "delay_s": 43_201 }), "delay_s"),
            ("nack", json!({ "receipt": receipt, "reason": long }), "reason"),
            ("extend", json!({ "receipt": receipt }), "seconds"),
            ("extend", json!({ "receipt": receipt, "seconds": 0 }), "seconds"),
            ("extend", json!({ "receipt": receipt, "seconds": 43_201 }), "seconds"),
        ];
        for (verb, body, field) in cases {
            let (status, problem) = queue.call(verb, body.clone()).await;
            assert_eq!((status, &problem["code"]), (422, &json!("invalid_fields")), "{verb} {body}: {problem}");
            assert_eq!(problem["errors"][0]["field"], field, "{verb} {body}: {problem}");
        }
        let bin = text(&queue.api.created("/destinations", json!({ "name": "b", "kind": "bin" })).await, "id");
        let bin = Queue { id: bin, ..queue.clone() };
        assert_eq!(refusal(&bin, "lease", json!({})).await, (409, "wrong_state".to_owned()));
    }

    async fn one_tenant_cannot_touch_what_another_has_leased(database: Database) {
        let Stand { queue, server } = Stand::new(database, json!({})).await;
        let stranger = server.tenant("second").await;
        let theirs = Queue::new(&stranger, json!({})).await;
        queue.publish(1).await;
        let receipt = text(&queue.lease_one(json!({ "visibility_s": 600 })).await, "receipt");
        let foreign = queue.through(&stranger);
        for (verb, body) in [
            ("lease", json!({})),
            ("ack", json!({ "receipts": [receipt] })),
            ("nack", json!({ "receipt": receipt })),
            ("extend", json!({ "receipt": receipt, "seconds": 60 })),
        ] {
            assert_eq!(refusal(&foreign, verb, body).await, (404, "not_found".to_owned()), "{verb}");
        }
        // Nor by a queue of their own.
        assert_eq!(theirs.ack(&receipt).await, "not_found");
        assert_eq!(refusal(&theirs, "nack", json!({ "receipt": receipt })).await.1, "lease_lost");
        assert_eq!(queue.ack(&receipt).await, "acknowledged");
        assert_eq!(theirs.ack(&receipt).await, "not_found", "what it was is not told either");
    }

    async fn a_key_that_pulls_can_do_nothing_else_and_no_other_can_pull(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        queue.publish(1).await;
        let consumer = another_consumer(&queue).await;
        let leased = consumer.lease_one(json!({})).await;
        for path in ["/events", "/deliveries", "/destinations", "/api-keys"] {
            assert_eq!(consumer.api.get(path).await.0, 403, "{path}");
        }
        let scopes = ["deliveries:read", "deliveries:write", "destinations:write", "events:read"];
        let key = queue.api.created("/api-keys", json!({ "name": "others", "scopes": scopes })).await;
        let others = queue.through(&queue.api.with_key(&text(&key, "key")));
        for (verb, body) in [
            ("lease", json!({})),
            ("ack", json!({ "receipts": [leased["receipt"]] })),
            ("nack", json!({ "receipt": leased["receipt"] })),
            ("extend", json!({ "receipt": leased["receipt"], "seconds": 60 })),
        ] {
            assert_eq!(refusal(&others, verb, body).await, (403, "permission_missing".to_owned()), "{verb}");
        }
        assert_eq!(consumer.ack(&text(&leased, "receipt")).await, "acknowledged");
    }

    async fn a_full_queue_says_so_and_never_that_it_is_empty(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({ "max_in_flight": 2 })).await;
        for number in 0..3 {
            queue.publish(number).await;
        }
        let leased = queue.lease(json!({ "max": 10 })).await;
        assert_eq!(leased.len(), 2, "as many as may be");
        let path = format!("/api/v1/destinations/{}/lease", queue.id);
        let answer = queue.api.send(reqwest::Method::POST, &path, &[], Some(b"{\"wait_s\":5}".to_vec())).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, text(&answer.json(), "code")), (429, "queue_full".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(queue.ack(&text(&leased[0], "receipt")).await, "acknowledged");
        assert_eq!(queue.lease(json!({ "max": 10 })).await.len(), 1);
    }

    async fn a_paused_queue_gives_out_nothing_and_takes_back_what_it_gave(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        queue.publish(1).await;
        let leased = queue.lease_one(json!({})).await;
        queue.publish(2).await;
        queue.api.done(&format!("/destinations/{}/pause", queue.id)).await;
        assert_eq!(refusal(&queue, "lease", json!({})).await, (409, "queue_paused".to_owned()));
        let (status, _) = queue.call("extend", json!({ "receipt": leased["receipt"], "seconds": 60 })).await;
        assert_eq!(status, 200);
        assert_eq!(queue.ack(&text(&leased, "receipt")).await, "acknowledged");
        queue.api.done(&format!("/destinations/{}/resume", queue.id)).await;

        // A connection that is paused keeps what it has, and the queue gives out the rest.
        queue.api.done(&format!("/connections/{}/pause", queue.connection)).await;
        assert!(queue.lease(json!({})).await.is_empty());
        queue.api.done(&format!("/connections/{}/resume", queue.connection)).await;
        let leased = queue.lease_one(json!({})).await;
        assert_eq!(leased["event"]["data"]["number"], 2);

        // Deleted, it is not there any more, and what waits for it is called off.
        queue.publish(3).await;
        assert_eq!(queue.api.delete(&format!("/destinations/{}", queue.id)).await.0, 204);
        assert_eq!(refusal(&queue, "ack", json!({ "receipts": [leased["receipt"]] })).await.0, 404);
    }
}
