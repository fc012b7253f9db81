//! Webhooks that lose too much: the alarm, the poll that hurries meanwhile, the end of both, and what advice goes by.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Stand, every_s},
};
use crate::harness::{Api, Database, Receiver, Route, on_every_database, poll_until, sign::now_s, until};

const EVENTS: u32 = 120;
const LOST: u32 = 5;
/// For one run to come and go, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

fn happen(feed: &Feed, id: &str) {
    feed.put(json!({ "id": id, "created": now_s(), "type": "payment.paid" }));
}

/// Waits until the source's alarm is so; gives the source.
async fn alarm_is(api: &Api, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    poll_until(SOON, what, async || Some(api.found(path).await).filter(|source| holds(&source["alarm"]))).await
}

/// So many alarms stand, by the metrics, which follow the database.
async fn figure_is(api: &Api, number: f64) {
    poll_until(SOON, "the figure follows", async || {
        let figure = api.figure("postern_webhook_alarms{kind=\"loss\"}").await;
        ((figure - number).abs() < f64::EPSILON).then_some(())
    })
    .await;
}

async fn audited(api: &Api, action: &str) -> Vec<Value> {
    let page = api.found(&format!("/audit?action={action}")).await;
    page["data"].as_array().expect("entries").clone()
}

on_every_database! {
    /// Its interval is an hour: whatever comes sooner comes of the alarm.
    async fn a_loss_has_the_poll_hurry_until_webhooks_are_well_again(database: Database) {
        let happened = Feed::default();
        let feed = happened.clone();
        let stand = Stand::new(database, move |_| feed::page(&feed.newest_first())).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&stand.api, &receiver).await;
        let path = format!("/sources/{}", route.source);
        let poll = stand.settings("/v1/events", json!({
            "schedule": every_s(3_600), "type": "$.type", "reconcile": { "grace_s": 1 },
        }));
        let (status, answer) = stand.api.patch(&path, json!({ "poll": poll })).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["alarm"], Value::Null);
        until(SOON, "its first run has asked", || stand.upstream.count() > 0).await;
        let ran = async || {
            let source = stand.api.found(&path).await;
            (!source["polling"]["last_ok_at"].is_null() && source["polling"]["run_id"].is_null()).then_some(())
        };
        poll_until(SOON, "its first run has ended", ran).await;

        for number in 1..=EVENTS {
            let id = format!("evt_{number}");
            happen(&happened, &id);
            if number > LOST {
                route.accepted(&id).await;
            }
        }
        let run = format!("{path}/poll");
        let asked = stand.upstream.count();
        stand.api.created(&run, json!({})).await;
        let source = alarm_is(&stand.api, &path, "the alarm stands", |alarm| !alarm.is_null()).await;
        let alarm = &source["alarm"];
        assert_eq!((&alarm["kind"], &alarm["n"]), (&json!("loss"), &json!(EVENTS)), "{alarm}");
        let rate = alarm["rate"].as_f64().expect("a rate");
        assert!((rate - f64::from(LOST) / f64::from(EVENTS)).abs() < 1e-9, "{alarm}");
        let shown = stand.api.found(&format!("{path}/advice")).await;
        assert_eq!(shown["alarm"], "loss", "{shown}");
        figure_is(&stand.api, 1.0).await;

        // The one that was asked for, and the one after the grace, which finds the loss at the latest.
        until(SOON, "more runs come than those two", || stand.upstream.count() >= asked + 4).await;
        let relaxed = |alarm: &Value| alarm["hurries"] == false;
        let source = alarm_is(&stand.api, &path, "the poll relaxes", relaxed).await;
        assert_eq!(source["alarm"]["kind"], "loss", "nobody has seen a webhook work: {source}");
        let page = stand.page(&path).await;
        assert!(page.contains("it did not bring 5 in time (4.16"), "{page}");

        happen(&happened, "evt_last");
        route.accepted("evt_last").await;
        stand.api.created(&run, json!({})).await;
        alarm_is(&stand.api, &path, "the alarm ends", Value::is_null).await;
        figure_is(&stand.api, 0.0).await;
        let (raised, ended) =
            (audited(&stand.api, "source.alarm_raised").await, audited(&stand.api, "source.alarm_ended").await);
        assert_eq!((raised.len(), ended.len()), (1, 1));
        assert_eq!((&raised[0]["target"], &raised[0]["data"]["lost"]), (&json!(route.source), &json!(LOST)));
        assert_eq!(ended[0]["data"]["reason"], "webhooks come again");
    }

    async fn what_is_said_of_a_provider_reaches_the_advice(database: Database) {
        let stand = Stand::new(database, |_| feed::page(&[])).await;
        let said = json!({ "freshness_s": 300, "limits": { "budget": { "requests": 100, "per_s": 60 } } });
        let source = stand.source("/said", said).await;
        let path = format!("/sources/{}", source.id);
        assert_eq!(stand.api.found(&path).await["poll"]["freshness_s"], 300);
        let inputs = stand.api.found(&format!("{path}/advice")).await["inputs"].clone();
        assert_eq!((&inputs["freshness_s"], &inputs["limit_per_hour"]), (&json!(300), &json!(6_000)), "{inputs}");
        assert_eq!((&inputs["limit_from"], &inputs["not_modified_is_free"]), (&json!("declared"), &Value::Null));
        for wrong in [0, 604_801] {
            let poll = stand.settings("/said", json!({ "freshness_s": wrong }));
            let (status, answer) = stand.api.patch(&path, json!({ "poll": poll })).await;
            assert!(status == 422 || status == 400, "{answer}");
            assert!(answer.to_string().contains("poll.freshness_s"), "{answer}");
        }
    }
}
