//! Alarms about webhooks, from their beginning to their end, and the advice that goes by what is known.

use postern_domain::source::SourceKind;
use postern_pipeline::polling;
use serde_json::{Value, json};

use crate::{
    upstream::{Reply, Upstream},
    yard::{self, Yard, poll_with},
};

const GRACE_S: i64 = 120;
/// Of the yard's operator.
const FLOOR_S: i64 = 5;

async fn webhook(yard: &Yard, url: &str, interval_s: u32) -> postern_domain::SourceId {
    let settings = json!({
        "request": { "url": url }, "schedule": { "interval_s": interval_s, "jitter_pct": 0 }, "items": "$.data[*]",
        "id": "$.id", "first_run": "skip_existing", "reconcile": { "grace_s": GRACE_S }, "freshness_s": 300,
        "limits": { "budget": { "requests": 100, "per_s": 60 } },
    });
    yard.try_source(SourceKind::Webhook, settings).await.expect("made")
}

fn page(ids: std::ops::Range<u32>) -> Reply {
    let data: Vec<Value> = ids.map(|id| json!({ "id": id })).collect();
    Reply::json(json!({ "data": data }))
}

async fn alarm(yard: &Yard) -> Option<Value> {
    let text = yard.texts("SELECT alarm FROM poll_states").await.remove(0)?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// How long it is until the next run.
async fn wait_s(yard: &Yard) -> i64 {
    let next = yard.count("SELECT next_run_at FROM poll_states").await;
    (next - yard.clock.now().as_micros()) / 1_000_000
}

async fn told(yard: &Yard, action: &str) -> i64 {
    yard.count(&format!("SELECT count(*) FROM audit_entries WHERE action = '{action}'")).await
}

#[tokio::test]
async fn a_loss_has_the_poll_hurry_until_three_clean_runs_and_ends_when_webhooks_come_again() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..0));
        let source = webhook(&yard, &upstream.url("/"), 600).await;
        yard.poll().await;
        for id in 2..100 {
            yard.receive(source, &json!({ "id": id })).await;
        }
        upstream.becomes(|_| page(0..100));
        yard.poll_after_s(1_300).await;
        assert_eq!((alarm(&yard).await, told(&yard, "source.alarm_raised").await), (None, 0), "they may still come");
        yard.poll_after_s(GRACE_S + 1).await;
        let standing = alarm(&yard).await.expect("two of a hundred are lost");
        assert_eq!((&standing["kind"], &standing["lost"], &standing["n"]), (&json!("loss"), &json!(2), &json!(100)));
        assert_eq!((told(&yard, "source.alarm_raised").await, wait_s(&yard).await), (1, FLOOR_S));
        assert!(yard.engine.metrics.text().contains("postern_webhook_alarms{kind=\"loss\"} 1"));
        let overview = polling::overview(&yard.engine, yard.scope(), source).await.expect("answers").expect("polls");
        let ahead: Vec<i64> = overview.upcoming.windows(2).map(|two| two[1].ms_since(two[0]) / 1_000).collect();
        assert_eq!(ahead, [FLOOR_S; 4], "what is told is what comes");

        // Another process goes on where this one was.
        let other = yard.another_engine().await;
        for clean_runs in 1..3 {
            yard.clock.advance_ms(FLOOR_S * 1_000);
            poll_with(&other).await;
            assert_eq!(alarm(&yard).await.expect("stands")["clean_runs"], clean_runs);
            assert_eq!(wait_s(&yard).await, FLOOR_S);
        }
        yard.clock.advance_ms(FLOOR_S * 1_000);
        poll_with(&other).await;
        assert!(wait_s(&yard).await > FLOOR_S, "three clean runs are enough for the pace");
        assert!(alarm(&yard).await.is_some(), "and not for the alarm: no webhook was seen to work");
        other.shut_down(std::time::Duration::from_secs(5)).await;

        yard.receive(source, &json!({ "id": 100 })).await;
        upstream.becomes(|_| page(0..101));
        yard.poll_after_s(1_300).await;
        assert_eq!((alarm(&yard).await, told(&yard, "source.alarm_ended").await), (None, 1));
        assert!(yard.engine.metrics.text().contains("postern_webhook_alarms{kind=\"loss\"} 0"));
        // What was before the end does not count again.
        upstream.becomes(|_| page(0..102));
        yard.poll_after_s(1_300).await;
        yard.receive(source, &json!({ "id": 200 })).await;
        yard.poll_after_s(GRACE_S + 1).await;
        assert_eq!(yard.count("SELECT sum(lost) FROM poll_runs").await, 3);
        assert_eq!((alarm(&yard).await, told(&yard, "source.alarm_raised").await), (None, 1));
        yard
    })
    .await;
}

#[tokio::test]
async fn webhooks_that_stop_while_the_poll_finds_changes_are_told_of_by_the_watch() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..0));
        let source = webhook(&yard, &upstream.url("/"), 3_600).await;
        yard.poll().await;
        for id in 1..20 {
            yard.clock.advance_ms(60_000);
            yard.receive(source, &json!({ "id": id })).await;
        }
        upstream.becomes(|_| page(0..20));
        yard.run_now(source).await;
        yard.poll_after_s(GRACE_S + 1).await;
        assert_eq!(yard.count("SELECT sum(lost) FROM poll_runs").await, 1);
        yard.engine.watch_polls().await.expect("watched");
        assert_eq!(alarm(&yard).await, None, "two minutes are no silence");
        yard.clock.advance_ms(29 * 60_000);
        yard.engine.watch_polls().await.expect("watched");
        let standing = alarm(&yard).await.expect("half an hour is");
        assert_eq!((&standing["kind"], told(&yard, "source.alarm_raised").await), (&json!("silent"), 1));
        assert_eq!(wait_s(&yard).await, 0, "it does not wait for its hour");
        yard.engine.watch_polls().await.expect("watched");
        assert_eq!(told(&yard, "source.alarm_raised").await, 1, "once");
        yard.receive(source, &json!({ "id": 20 })).await;
        upstream.becomes(|_| page(0..21));
        for _ in 0..3 {
            yard.poll_after_s(FLOOR_S + 1).await;
        }
        assert_eq!((alarm(&yard).await, told(&yard, "source.alarm_ended").await), (None, 1));
        yard
    })
    .await;
}

#[tokio::test]
async fn what_was_there_before_the_poll_is_emitted_and_says_nothing_about_webhooks() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..100));
        let settings = json!({
            "request": { "url": upstream.url("/") }, "schedule": { "interval_s": 600 }, "items": "$.data[*]",
            "id": "$.id", "first_run": "backfill", "reconcile": { "grace_s": GRACE_S },
        });
        yard.try_source(SourceKind::Webhook, settings).await.expect("made");
        yard.poll().await;
        assert_eq!(yard.count("SELECT count(*) FROM events WHERE origin = 'reconciled'").await, 100);
        yard.poll_after_s(1_300).await;
        assert_eq!((yard.count("SELECT sum(lost) FROM poll_runs").await, alarm(&yard).await), (0, None));
        yard
    })
    .await;
}

#[tokio::test]
async fn an_alarm_ends_with_the_poll() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..0));
        let source = webhook(&yard, &upstream.url("/"), 600).await;
        yard.poll().await;
        upstream.becomes(|_| page(0..100));
        yard.poll_after_s(1_300).await;
        yard.poll_after_s(GRACE_S + 1).await;
        assert_eq!(alarm(&yard).await.expect("all are lost")["lost"], 100);
        yard.end_poll(source).await;
        assert_eq!(told(&yard, "source.alarm_ended").await, 1);
        yard
    })
    .await;
}

#[tokio::test]
async fn advice_goes_by_what_is_said_and_says_what_is_not_known() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| {
            page(0..40)
                .with("x-ratelimit-limit", "60")
                .with("x-ratelimit-remaining", "59")
                .with("x-ratelimit-reset", "50")
        });
        let declared = webhook(&yard, &upstream.url("/"), 600).await;
        let settings = json!({
            "request": { "url": upstream.url("/other") }, "schedule": { "interval_s": 600 }, "items": "$.data[*]",
            "id": "$.id"
        });
        let undeclared = yard.try_source(SourceKind::Poll, settings).await.expect("made");
        yard.poll().await;
        let inputs = async |source| {
            let advised = polling::advice(&yard.engine, yard.scope(), source).await.expect("answers");
            serde_json::to_value(advised.expect("a source").advice.inputs).expect("JSON")
        };
        let said = inputs(declared).await;
        assert_eq!((&said["freshness_s"], &said["limit_per_hour"]), (&json!(300), &json!(6_000)));
        assert_eq!((&said["limit_from"], &said["webhooks_offered"]), (&json!("declared"), &json!("yes")));
        let learned = inputs(undeclared).await;
        assert_eq!((&learned["limit_per_hour"], &learned["limit_from"]), (&json!(3_600), &json!("headers")));
        assert_eq!((&learned["freshness_s"], &learned["not_modified_is_free"]), (&Value::Null, &Value::Null));
        assert_eq!((&learned["webhooks_offered"], &learned["whole_list_objects"]), (&json!("unknown"), &json!(40)));
        yard
    })
    .await;
}
