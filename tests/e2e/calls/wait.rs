//! Waiting for the end of a call, as RFC 7240 says it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::stand::{SOON, Stand};
use crate::{
    harness::{Database, on_every_database, poll_until, text, until},
    polling::upstream::Said,
};

on_every_database! {
    async fn who_waits_is_answered_when_it_is_done(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({ "ok": true }))).await;
        let answer = stand.post(&stand.wish("/quick", json!({})), &[("prefer", "respond-async, wait=20")]).await;
        assert_eq!((answer.status, answer.json()["state"].clone()), (200, json!("succeeded")));
        assert_eq!((answer.header("preference-applied"), answer.header("retry-after")), (Some("wait=20"), None));
        assert_eq!(answer.json()["attempts"][0]["status"], 200);
        // Nothing is said before the gate opens.
        let gate = stand.upstream.hold();
        let slow = stand.post(&stand.wish("/slow", json!({})), &[("prefer", "respond-async"), ("prefer", "wait=1")]).await;
        assert_eq!((slow.status, slow.header("preference-applied")), (202, Some("respond-async, wait=1")));
        assert_eq!((slow.header("retry-after"), slow.json()["done"].clone()), (Some("2"), json!(false)));
        let path = slow.header("location").expect("a status URL").to_owned();
        let looked = stand.api.send(reqwest::Method::GET, &path, &[("prefer", "wait=1")], None).await.expect("an answer");
        assert_eq!((looked.status, looked.header("retry-after")), (200, Some("2")));
        assert_eq!((looked.header("preference-applied"), looked.header("cache-control")), (
            Some("wait=1"),
            Some("no-store")
        ));
        assert_eq!(looked.json()["state"], "running");
        let begun = Instant::now();
        let (waited, ()) = tokio::join!(
            stand.api.send(reqwest::Method::GET, &path, &[("prefer", "wait=15")], None),
            async {
                until(SOON, "it is asked", || !stand.upstream.asked_for("/slow").is_empty()).await;
                gate.open();
            }
        );
        let waited = waited.expect("an answer");
        assert_eq!((waited.status, waited.json()["state"].clone()), (200, json!("succeeded")));
        assert_eq!(waited.header("retry-after"), None);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    async fn a_server_that_stops_lets_those_who_wait_go(database: Database) {
        let mut stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let id = text(&stand.call("/later", json!({ "delay_s": 3_600 })).await, "id");
        let (api, path) = (stand.api.clone(), format!("/api/v1/calls/{id}"));
        let waiting = tokio::spawn(async move {
            let asked_at = Instant::now();
            let answer = api.send(reqwest::Method::GET, &path, &[("prefer", "wait=15")], None).await;
            (asked_at.elapsed(), answer.expect("an answer"))
        });
        let waits = async || (stand.api.figure("postern_calls_waiting_callers").await > 0.0).then_some(());
        poll_until(SOON, "one waits", waits).await;
        stand.server.sigterm().await;
        let (took, answer) = waiting.await.expect("no panic");
        assert_eq!((answer.status, answer.json()["state"].clone()), (200, json!("scheduled")));
        assert!(took < Duration::from_secs(12), "{took:?}");
    }
}
