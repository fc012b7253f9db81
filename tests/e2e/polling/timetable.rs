//! When a source runs: as it says beforehand, never twice at once, and not again for what it missed.

use std::time::Duration;

use sea_orm::prelude::DateTimeWithTimeZone;
use serde_json::{Value, json};

use super::{
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, Receiver, Reply, connect, on_every_database, poll_until, text, until};

fn moments(list: &Value) -> Vec<DateTimeWithTimeZone> {
    let moment = |value: &Value| value.as_str().expect("a text").parse().expect("a moment");
    list.as_array().expect("a list").iter().map(moment).collect()
}

fn empty(_: &Asked) -> Said {
    Said::json(&json!({ "data": [] }))
}

on_every_database! {
    async fn the_next_five_runs_are_told_as_the_scheduler_takes_them(database: Database) {
        let stand = Stand::new(database, empty).await;
        // A quarter past nine in Kathmandu, which is 5:45 ahead all the year, is half past three in Greenwich.
        let daily = json!({ "cron": "15 9 * * *", "timezone": "Asia/Kathmandu" });
        let daily = stand.source("/records", json!({ "schedule": daily })).await;
        // Its first run is due at once and by no timetable.
        let (_, shown) = daily.first_run().await;
        let upcoming = moments(&shown["upcoming"]);
        assert_eq!((upcoming.len(), &shown["next_run_at"]), (5, &shown["upcoming"][0]), "{shown}");
        let clock = |moment: &DateTimeWithTimeZone| moment.to_utc().format("%H:%M:%S").to_string();
        assert!(upcoming.iter().all(|moment| clock(moment) == "03:30:00"), "{shown}");
        assert!(upcoming.windows(2).all(|pair| (pair[1] - pair[0]).num_hours() == 24), "{shown}");
        let page = stand.page(&format!("/sources/{}", daily.id)).await;
        assert_eq!((page.matches("03:30:00 UTC").count(), page.matches("09:15:00 +0545").count()), (6, 6), "the next one, and all five");

        // New York's clocks skip 2:30 on one day in March: each of its days still has one run.
        let nightly = json!({ "cron": "30 2 8-14 3 *", "timezone": "America/New_York" });
        let (_, shown) = stand.source("/records", json!({ "schedule": nightly })).await.first_run().await;
        let days: Vec<String> = moments(&shown["upcoming"]).iter().map(|moment| moment.to_utc().date_naive().to_string()).collect();
        let mut unique = days.clone();
        unique.dedup();
        assert_eq!((days.len(), &days), (5, &unique), "{shown}");

        let (_, shown) = stand.source("/records", json!({ "schedule": every_s(3_600) })).await.first_run().await;
        let upcoming = moments(&shown["upcoming"]);
        assert!(upcoming.windows(2).all(|pair| (pair[1] - pair[0]).num_seconds() == 3_600), "{shown}");
    }

    async fn a_run_that_takes_longer_than_its_interval_is_not_overtaken(database: Database) {
        let page = br#"{"data":[]}"#;
        let stand = Stand::new(database, move |_| Said::Drop(page.to_vec(), Duration::from_millis(200))).await;
        let slow = Duration::from_millis(200) * u32::try_from(page.len()).expect("short");
        stand.source("/slow", json!({ "schedule": every_s(1) })).await;
        until(Duration::from_secs(40), "it runs again and again", || stand.upstream.count() >= 4).await;
        let asked = stand.upstream.asked();
        let gaps: Vec<Duration> = asked.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
        assert!(gaps.iter().all(|gap| *gap >= slow - Duration::from_millis(50)), "one after the other: {gaps:?}");
    }

    async fn who_asks_for_a_run_during_another_is_told_of_that_one(database: Database) {
        let stand = Stand::new(database, empty).await;
        let gate = stand.upstream.hold();
        let source = stand.source("/records", json!({})).await;
        until(Duration::from_secs(20), "the first run is under way", || stand.upstream.count() == 1).await;
        let asked = stand.api.created(&format!("/sources/{}/poll", source.id), json!({})).await;
        gate.open();
        let run = source.ended(&text(&asked, "id")).await;
        assert_eq!((&asked["state"], &run["trigger"]), (&json!("running"), &json!("schedule")), "{asked} {run}");
        assert_eq!((source.runs().await.len(), stand.upstream.count()), (1, 1));
    }

    async fn a_schedule_emits_each_instant_once_also_over_a_kill(database: Database) {
        let mut stand = Stand::new(database, empty).await;
        let schedule = json!({ "interval_s": 1, "type": "clock.tick", "data": { "why": "because" }, "misfire": "skip" });
        let fields = json!({ "name": "clock", "kind": "schedule", "schedule": schedule });
        let source = text(&stand.api.created("/sources", fields).await, "id");
        let receiver = Receiver::start().await;
        let destination = stand.api.created("/destinations", json!({ "name": "x", "url": receiver.url() })).await;
        connect(&stand.api, &source, &text(&destination, "id")).await;
        until(Duration::from_secs(30), "it ticks", || receiver.count() >= 3).await;
        stand.server.kill9().await;
        stand.server.restart().await;
        let before = receiver.count();
        until(Duration::from_secs(90), "it ticks on", || receiver.count() >= before + 3).await;
        let events = stand.api.found(&format!("/events?source_id={source}&limit=250")).await;
        let events = events["data"].as_array().expect("events").clone();
        assert!(events.iter().all(|event| event["type"] == "clock.tick"), "{events:?}");
        let mut keys: Vec<String> = events.iter().map(|event| event["dedup_key"].to_string()).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "an instant was emitted twice");
    }

    async fn an_instant_is_left_out_while_the_last_event_is_on_its_way(database: Database) {
        let stand = Stand::new(database, empty).await;
        let schedule = json!({ "interval_s": 1, "overlap": "skip" });
        let fields = json!({ "name": "clock", "kind": "schedule", "schedule": schedule });
        let source = text(&stand.api.created("/sources", fields).await, "id");
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Hang);
        let destination = stand.api.created("/destinations", json!({ "name": "x", "url": receiver.url() })).await;
        connect(&stand.api, &source, &text(&destination, "id")).await;
        until(Duration::from_secs(30), "it ticks", || receiver.count() >= 1).await;
        let path = format!("/sources/{source}");
        let left_out = async || {
            let shown = stand.api.found(&path).await;
            (shown["polling"]["skipped_overlap"].as_u64() >= Some(3)).then_some(())
        };
        poll_until(Duration::from_secs(30), "instants are left out", left_out).await;
        assert_eq!(receiver.count(), 1, "one is on its way, and no other");
    }

    async fn a_delayed_event_survives_a_kill_and_comes_on_time(database: Database) {
        let mut stand = Stand::new(database, empty).await;
        let source = text(&stand.api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let receiver = Receiver::start().await;
        let destination = stand.api.created("/destinations", json!({ "name": "x", "url": receiver.url() })).await;
        connect(&stand.api, &source, &text(&destination, "id")).await;
        let due = std::time::SystemTime::now() + Duration::from_secs(8);
        let due_at = DateTimeWithTimeZone::from(sea_orm::prelude::DateTimeUtc::from(due)).to_rfc3339();
        let publish = |number: u32| {
            json!({ "source_id": source, "type": "a.b", "data": number, "deliver_at": due_at })
        };
        stand.api.created("/events", publish(1)).await;
        let cancelled = text(&stand.api.created("/events", publish(2)).await, "id");
        stand.api.done(&format!("/events/{cancelled}/cancel")).await;
        stand.server.kill9().await;
        stand.server.restart().await;
        until(Duration::from_secs(30), "it comes", || receiver.count() >= 1).await;
        let late = std::time::SystemTime::now().duration_since(due).expect("not before its time");
        assert!(late < Duration::from_secs(3), "{late:?} late");
        assert_eq!(receiver.arrivals()[0].body, b"1");
        assert_eq!(receiver.count(), 1, "the cancelled one does not come");
    }
}
