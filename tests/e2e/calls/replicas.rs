//! Calls where several replicas share the work.

use std::time::{Duration, Instant};

use serde_json::json;

use super::stand::{SOON, Stand};
use crate::{
    harness::{Database, on_postgres, text, until},
    polling::upstream::Said,
};

on_postgres! {
    async fn another_replica_goes_on_with_what_a_dead_one_left(database: Database) {
        let stand = Stand::new(database, |_| Said::Nothing).await;
        let put = json!({ "request": { "method": "PUT" }, "timeout_s": 600 });
        let again = text(&stand.call("/again", put).await, "id");
        let once = text(&stand.call("/once", json!({ "timeout_s": 600 })).await, "id");
        until(SOON, "both are asked", || stand.upstream.count() == 2).await;
        let other = stand.server.replica().await;
        let api = other.api(stand.api.key());
        let mut first = stand.server;
        first.kill9().await;
        stand.upstream.answer(|_| Said::json(&json!({})));
        let ended = async |id: &str| {
            crate::harness::poll_until(Duration::from_secs(60), "it has ended", async || {
                Some(api.found(&format!("/calls/{id}")).await).filter(|call| call["done"] == true)
            })
            .await
        };
        let (again, once) = (ended(&again).await, ended(&once).await);
        assert_eq!((&again["state"], &again["attempts"][0]["kind"]), (&json!("succeeded"), &json!("interrupted")));
        assert_eq!((&once["state"], &once["error"]["type"]), (&json!("failed"), &json!("unknown_outcome")));
        assert_eq!(stand.upstream.asked_for("/once").len(), 1);
        let events = "SELECT count(*) FROM events WHERE type LIKE 'call.%'";
        assert_eq!(other.inspect().await.number(events).await, 2);
    }

    async fn a_call_is_waited_for_and_called_off_through_any_replica(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let other = stand.server.replica().await;
        let there = other.api(stand.api.key());
        // Whichever of them makes it, both are asked.
        let gate = stand.upstream.hold();
        let id = text(&stand.call("/slow", json!({})).await, "id");
        until(SOON, "it is asked", || stand.upstream.count() == 1).await;
        let path = format!("/api/v1/calls/{id}");
        let wait = |api: &crate::harness::Api| {
            let (api, path) = (api.clone(), path.clone());
            async move { api.send(reqwest::Method::GET, &path, &[("prefer", "wait=15")], None).await.expect("an answer") }
        };
        let begun = Instant::now();
        let (here, far, ()) = tokio::join!(wait(&stand.api), wait(&there), async { gate.open() });
        assert_eq!((here.json()["state"].clone(), far.json()["state"].clone()), (json!("succeeded"), json!("succeeded")));
        assert!(begun.elapsed() < Duration::from_secs(10));
        stand.upstream.answer(|_| Said::Nothing);
        for api in [&stand.api, &there] {
            let id = text(&stand.call("/never", json!({ "timeout_s": 600 })).await, "id");
            stand.is(&id, "running").await;
            api.done(&format!("/calls/{id}/cancel")).await;
            stand.ended(&id, "cancelled").await;
        }
    }
}
