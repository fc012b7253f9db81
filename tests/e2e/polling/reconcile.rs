//! A poll beside a webhook: what the webhook did not bring is found, and the loss is known.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    feed::{self, Feed},
    stand::{Stand, every_s},
};
use crate::harness::{Database, Receiver, Route, on_every_database, poll_until, sign::now_s, text};

const EVENTS: u32 = 400;
const EVERY_LOST: u32 = 50;
const INTERVAL_S: u32 = 2;
const GRACE_S: u32 = 1;
/// Beyond what the settings say, for a machine that does other things too.
const SLACK: Duration = Duration::from_secs(10);

/// One event says by how much its webhook was late, and where; the other came in time.
async fn is_late(stand: &Stand, late: &str, in_time: &str) {
    let path = format!("/events/{late}");
    // What is a duplicate is put on record beside the answer.
    let event = poll_until(SLACK, "the webhook is on record as late", async || {
        Some(stand.api.found(&path).await).filter(|event| !event["late_by_ms"].is_null())
    })
    .await;
    assert_eq!(event["origin"], "reconciled", "{event}");
    assert!(event["late_by_ms"].as_i64().is_some_and(|ms| (0..60_000).contains(&ms)), "{event}");
    assert!(stand.page(&path).await.contains("Webhook late"));
    let in_time = stand.api.found(&format!("/events/{in_time}")).await;
    assert_eq!(in_time["late_by_ms"], serde_json::Value::Null);
}

on_every_database! {
    async fn every_fiftieth_webhook_is_lost_and_all_are_recovered_once(database: Database) {
        let happened = Feed::default();
        let feed = happened.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.newest_first())).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&stand.api, &receiver).await;
        let poll = stand.settings("/v1/events", json!({
            "schedule": every_s(INTERVAL_S), "type": "$.type", "reconcile": { "grace_s": GRACE_S },
        }));
        let path = format!("/sources/{}", route.source);
        let (status, answer) = stand.api.patch(&path, json!({ "poll": poll })).await;
        assert_eq!(status, 200, "{answer}");
        poll_until(SLACK + SLACK, "its first run is over, which compares nothing", async || {
            let source = stand.api.found(&path).await;
            (!source["polling"]["last_ok_at"].is_null() && source["polling"]["run_id"].is_null()).then_some(())
        })
        .await;

        let mut brought = HashMap::new();
        for number in 1..=EVENTS {
            let id = format!("evt_{number}");
            happened.put(json!({ "id": id, "created": now_s(), "type": "payment.paid" }));
            if number % EVERY_LOST != 0 {
                brought.insert(id.clone(), route.accepted(&id).await);
            }
        }
        let sent = Instant::now();
        let inspector = stand.inspect().await;
        let count = "SELECT count(*) FROM events";
        let allowed = Duration::from_secs(u64::from(GRACE_S + 2 * INTERVAL_S)) + SLACK;
        poll_until(allowed, "all are recovered", async || {
            (inspector.number(count).await >= i64::from(EVENTS)).then_some(())
        })
        .await;
        eprintln!("recovered {:?} after the last was sent", sent.elapsed());
        // Nothing more comes of the runs that follow.
        let rounds = stand.upstream.count() + 3;
        crate::harness::until(SLACK, "it polls on", || stand.upstream.count() >= rounds).await;
        assert_eq!(inspector.number(count).await, i64::from(EVENTS), "none is doubled");
        let reconciled = "SELECT count(*) FROM events WHERE origin = 'reconciled'";
        assert_eq!(inspector.number(reconciled).await, i64::from(EVENTS / EVERY_LOST));

        let advice = stand.api.found(&format!("{path}/advice")).await;
        let loss = &advice["loss"];
        let bound = |name: &str| loss[name].as_f64().unwrap_or_else(|| panic!("no `{name}` in {advice}"));
        assert_eq!(loss["n"], EVENTS, "{advice}");
        assert!(bound("low") <= 0.02 && 0.02 <= bound("high") && bound("high") < 0.06, "{advice}");

        // One of them was not lost but late: it is known by then.
        let late = route.send(&format!("evt_{EVERY_LOST}"), "payment.paid").await;
        assert_eq!((late.status, &late.json()["duplicate"]), (200, &json!(true)), "{}", late.json());
        is_late(&stand, &text(&late.json(), "id"), &brought["evt_1"]).await;
        let advice = stand.api.found(&format!("{path}/advice")).await;
        let (lost, never) = (f64::from(EVENTS / EVERY_LOST), advice["loss"]["rate_without_late"].as_f64());
        assert_eq!((&advice["loss"]["late"], &advice["inputs"]["late"]), (&json!(1), &json!(1)), "{advice}");
        assert!(never.is_some_and(|never| (never - (lost - 1.0) / f64::from(EVENTS)).abs() < 1e-9), "{advice}");
        let requests = (&advice["inputs"]["webhook_events"], &advice["inputs"]["webhook_requests"]);
        let brought_n = EVENTS - EVENTS / EVERY_LOST;
        assert_eq!(requests, (&json!(brought_n), &json!(brought_n + 1)), "{advice}");
        crate::harness::until(SLACK + SLACK, "all are delivered", || receiver.count() >= EVENTS as usize).await;
        let mut ids: Vec<String> = receiver.arrivals().iter().map(|arrival| arrival.id().to_owned()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), receiver.count()), (EVENTS as usize, EVENTS as usize));
        assert!(brought.values().all(|id| ids.contains(id)));
    }
}
