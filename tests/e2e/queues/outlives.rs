//! A lease of a consumer is not the server's: it survives its end, a restart, and the replica it was given out by.

use std::time::{Duration, Instant};

use serde_json::json;

use super::stand::{PATIENCE, Stand, kinds};
use crate::{
    crash::turn,
    harness::{Database, on_every_database, on_postgres, poll_until, text},
};

on_every_database! {
    async fn the_receipt_of_before_a_crash_acknowledges_after_it(database: Database) {
        let _turn = turn().await;
        let Stand { mut server, queue } = Stand::new(database, json!({ "visibility_s": 600 })).await;
        for number in 0..3 {
            queue.publish(number).await;
        }
        let leased = queue.lease(json!({ "max": 2 })).await;
        let short = queue.lease_one(json!({ "visibility_s": 1 })).await;
        server.kill9().await;
        server.restart().await;
        let delivery = text(&leased[0], "delivery_id");
        assert_eq!(queue.delivery(&delivery).await["state"], "leased");
        assert_eq!(queue.ack(&text(&leased[0], "receipt")).await, "acknowledged");
        assert_eq!(kinds(&queue.delivery(&delivery).await), ["acknowledged"], "nothing was interrupted");
        // What ran out meanwhile is taken back, and what did not is not.
        let again = poll_until(PATIENCE, "the short lease has run out", async || queue.lease(json!({ "max": 9 })).await.pop());
        let again = again.await;
        assert_eq!((&again["delivery_id"], &again["receive_count"]), (&short["delivery_id"], &json!(2)));
        assert_eq!(queue.ack(&text(&leased[1], "receipt")).await, "acknowledged");

        server.sigterm().await;
        server.restart().await;
        assert_eq!(queue.ack(&text(&again, "receipt")).await, "acknowledged");
        assert_eq!(queue.ack(&text(&short, "receipt")).await, "lease_lost");
    }

    async fn a_server_that_stops_answers_those_who_wait(database: Database) {
        let Stand { mut server, queue } = Stand::new(database, json!({})).await;
        let waits = { let queue = queue.clone(); tokio::spawn(async move { queue.lease(json!({ "wait_s": 20 })).await }) };
        // Nothing outside shows that somebody waits; a look that found nothing does: it comes before the wait.
        let begun = Instant::now();
        assert!(queue.lease(json!({ "wait_s": 1 })).await.is_empty());
        server.sigterm().await;
        assert!(waits.await.expect("no panic").is_empty());
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }
}

on_postgres! {
    async fn two_replicas_give_out_each_delivery_once_and_end_what_the_other_gave_out(database: Database) {
        let _turn = turn().await;
        let Stand { server, queue } = Stand::new(database, json!({ "visibility_s": 600, "max_in_flight": 50 })).await;
        let mut other = server.replica().await;
        let there = queue.through(&other.api(queue.api.key()));
        for number in 0..40 {
            queue.publish(number).await;
        }
        let mut seen = Vec::new();
        let (mut here_leased, mut there_leased) = (Vec::new(), Vec::new());
        loop {
            let (here, over) = tokio::join!(queue.lease(json!({ "max": 3 })), there.lease(json!({ "max": 3 })));
            if here.is_empty() && over.is_empty() {
                break;
            }
            seen.extend(here.iter().chain(&over).map(|one| text(one, "delivery_id")));
            here_leased.extend(here);
            there_leased.extend(over);
        }
        assert_eq!(seen.len(), 40);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 40, "none was given out twice");
        assert!(!here_leased.is_empty() && !there_leased.is_empty());

        // Somebody waits here for what is published there.
        let waits = { let queue = queue.clone(); tokio::spawn(async move { queue.lease(json!({ "wait_s": 15 })).await }) };
        there.publish(40).await;
        assert_eq!(waits.await.expect("no panic").len(), 1);

        // The replica dies, and the others void what it had under way; not what its consumers hold.
        other.kill9().await;
        let inspector = server.inspect().await;
        let struck = poll_until(PATIENCE, "the dead replica is struck off", async || {
            (inspector.number("SELECT count(*) FROM instances").await == 1).then_some(())
        });
        struck.await;
        for leased in there_leased.iter().chain(&here_leased) {
            assert_eq!(queue.ack(&text(leased, "receipt")).await, "acknowledged");
        }
        assert_eq!(inspector.number("SELECT count(*) FROM attempts WHERE kind <> 'acknowledged'").await, 0);
    }

    async fn together_replicas_stay_within_what_may_be_leased(database: Database) {
        let Stand { server, queue } = Stand::new(database, json!({ "max_in_flight": 10 })).await;
        let other = server.replica().await;
        let there = queue.through(&other.api(queue.api.key()));
        for number in 0..30 {
            queue.publish(number).await;
        }
        let asks = (0..12).map(|place| {
            let queue = if place % 2 == 0 { queue.clone() } else { there.clone() };
            tokio::spawn(async move { queue.call("lease", json!({ "max": 4 })).await })
        });
        let asks: Vec<_> = asks.collect();
        let (mut leased, mut full) = (0, 0);
        for ask in asks {
            let (status, answer) = ask.await.expect("no panic");
            match status {
                200 => leased += answer["data"].as_array().expect("a list").len(),
                429 => full += 1,
                other => panic!("{other}: {answer}"),
            }
        }
        assert_eq!(leased, 10);
        assert!(full >= 6, "{full}");
    }
}
