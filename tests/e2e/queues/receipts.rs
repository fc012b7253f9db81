//! A receipt is good for one lease: what came after it, nobody else's receipt can touch.

use postern_domain::Timestamp;
use serde_json::json;

use super::stand::{Queue, Stand, kinds};
use crate::harness::{Database, on_every_database, poll_until, text};

on_every_database! {
    /// The promise of the queue: a stale receipt cannot acknowledge.
    async fn a_stale_receipt_ends_nothing(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        let other = another_consumer(&queue).await;
        queue.publish(1).await;
        let stale = text(&queue.lease_one(json!({ "visibility_s": 1 })).await, "receipt");
        let current = poll_until(std::time::Duration::from_secs(15), "the lease has run out", async || {
            other.lease(json!({ "visibility_s": 600 })).await.pop()
        });
        let current = current.await;
        let (receipt, delivery) = (text(&current, "receipt"), text(&current, "delivery_id"));
        assert_ne!(receipt, stale);
        assert_eq!(current["receive_count"], 2);

        assert_eq!(queue.ack(&stale).await, "lease_lost");
        for (verb, body) in [
            ("nack", json!({ "receipt": stale, "reason": "too late" })),
            ("extend", json!({ "receipt": stale, "seconds": 60 })),
        ] {
            let (status, problem) = queue.call(verb, body).await;
            assert_eq!((status, &problem["code"]), (409, &json!("lease_lost")), "{verb}: {problem}");
        }
        let held = queue.delivery(&delivery).await;
        assert_eq!((&held["state"], kinds(&held)), (&json!("leased"), vec!["lease_expired".to_owned()]));
        assert_eq!(held["attempts"][0]["id"], stale);

        assert_eq!(other.ack(&receipt).await, "acknowledged");
        let done = queue.delivery(&delivery).await;
        assert_eq!((&done["state"], kinds(&done)), (&json!("delivered"), vec!["lease_expired".to_owned(), "acknowledged".to_owned()]));
        assert_ne!(done["attempts"][0]["actor"]["id"], done["attempts"][1]["actor"]["id"], "each under its own key");
        assert_eq!(queue.ack(&stale).await, "lease_lost", "and it stays so");
        assert_eq!(other.ack(&receipt).await, "acknowledged");
    }

    async fn a_lease_that_ran_out_ends_nothing_though_nobody_has_followed(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        queue.publish(1).await;
        let receipt = text(&queue.lease_one(json!({ "visibility_s": 0 })).await, "receipt");
        assert_eq!(queue.ack(&receipt).await, "lease_lost");
        let (status, _) = queue.call("extend", json!({ "receipt": receipt, "seconds": 60 })).await;
        assert_eq!(status, 409);
        let again = queue.lease_one(json!({})).await;
        assert_eq!(again["receive_count"], 2);
        let (_, answer) = queue.call("nack", json!({ "receipt": again["receipt"] })).await;
        assert_eq!(answer["state"], "pending");
        let (status, _) = queue.call("nack", json!({ "receipt": again["receipt"] })).await;
        assert_eq!(status, 409, "it is nobody's any more");
        assert_eq!(queue.ack(&text(&again, "receipt")).await, "lease_lost");
    }

    async fn a_lease_is_extended_and_never_beyond_12_hours(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        queue.publish(1).await;
        let leased = queue.lease_one(json!({ "visibility_s": 60 })).await;
        let receipt = text(&leased, "receipt");
        let extend = async |seconds: u32| {
            let (status, answer) = queue.call("extend", json!({ "receipt": receipt, "seconds": seconds })).await;
            assert_eq!((status, &answer["receipt"]), (200, &json!(receipt)), "{answer}");
            text(&answer, "leased_until")
        };
        let before = text(&leased, "leased_until");
        assert_eq!(extend(1).await, before, "never shorter");
        let longer = extend(3_600).await;
        assert!(longer > before, "{longer}");
        let longest = extend(43_200).await;
        let later_ms = moment(&longest).ms_since(moment(&before));
        assert_eq!(later_ms, (43_200 - 60) * 1_000, "12 hours from the moment it was leased");
        assert_eq!(extend(43_200).await, longest);
        assert_eq!(queue.ack(&receipt).await, "acknowledged");
    }

    async fn each_receipt_of_a_call_is_answered_in_its_place(database: Database) {
        let Stand { queue, server: _server } = Stand::new(database, json!({})).await;
        for number in 0..3 {
            queue.publish(number).await;
        }
        let leased = queue.lease(json!({ "max": 3 })).await;
        let receipts: Vec<String> = leased.iter().map(|one| text(one, "receipt")).collect();
        queue.call("nack", json!({ "receipt": receipts[1] })).await;
        let unknown = "att_01h455vb4pex5vsknk084sn02q";
        let asked = [&receipts[2], unknown, &receipts[1], &receipts[0], &receipts[2]];
        let (_, answer) = queue.call("ack", json!({ "receipts": asked })).await;
        let told: Vec<_> = answer["data"].as_array().expect("a list").iter().map(|one| (text(one, "receipt"), text(one, "result"))).collect();
        let expected = ["acknowledged", "not_found", "lease_lost", "acknowledged", "acknowledged"];
        let expected: Vec<_> = asked.iter().zip(expected).map(|(receipt, result)| ((*receipt).to_owned(), result.to_owned())).collect();
        assert_eq!(told, expected);
    }
}

/// With a key of its own that can do nothing else.
pub(super) async fn another_consumer(queue: &Queue) -> Queue {
    let key = queue.api.created("/api-keys", json!({ "name": "consumer", "scopes": ["queues:pull"] })).await;
    queue.through(&queue.api.with_key(&text(&key, "key")))
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a moment")
}
