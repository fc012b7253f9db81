//! What ends the runs of a source, holds them back or is told of, and what it finds when they go on.

use postern_domain::SourceId;
use postern_pipeline::polling;
use postern_store::polling::Restart;
use serde_json::{Value, json};

use crate::{
    reads::{list, page, with},
    upstream::{Reply, Upstream},
    yard::{self, Yard},
};

const DAY_S: i64 = 86_400;

async fn health(yard: &Yard, source: SourceId) -> String {
    let overview = polling::overview(&yard.engine, yard.scope(), source).await.expect("answers").expect("polls");
    overview.health.as_str().to_owned()
}

async fn told(yard: &Yard, action: &str) -> i64 {
    yard.count(&format!("SELECT count(*) FROM audit_entries WHERE actor_kind = 'engine' AND action = '{action}'")).await
}

async fn class(yard: &Yard) -> Option<String> {
    let text = yard.texts("SELECT last_error FROM poll_states").await.remove(0)?;
    let error: Value = serde_json::from_str(&text).expect("JSON");
    error["class"].as_str().map(str::to_owned)
}

async fn is_paused(yard: &Yard) -> bool {
    yard.texts("SELECT state FROM sources").await == [Some("paused".to_owned())]
}

#[tokio::test]
async fn a_source_whose_address_was_gone_goes_on_from_where_it_was() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3));
        let settings = json!({ "first_run": "skip_existing", "cursor": { "mode": "integer", "value": "$.id" } });
        let source = yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        upstream.becomes(|_| Reply::status(404));
        yard.poll_after_s(120).await;
        yard.poll_after_s(DAY_S + 10).await;
        yard.engine.watch_polls().await.expect("watched");
        assert!(is_paused(&yard).await, "gone for a day");
        assert_eq!(yard.count("SELECT count(*) FROM poll_states WHERE next_run_at IS NULL").await, 1);
        assert_eq!((health(&yard, source).await.as_str(), class(&yard).await.as_deref()), ("backoff", Some("gone")));
        assert_eq!(yard.texts("SELECT cursor FROM poll_states").await, [Some("2".to_owned())]);
        upstream.becomes(|_| page(1..5));
        yard.resume(source).await;
        yard.poll_after_s(1).await;
        assert_eq!(yard.events().await.len(), 2, "what came meanwhile");
        assert_eq!((health(&yard, source).await.as_str(), class(&yard).await), ("ok", None));
        yard
    })
    .await;
}

#[tokio::test]
async fn a_budget_that_is_declared_anew_holds_nobody_back_for_the_old_one() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3));
        let budget = |requests: u32| json!({ "limits": { "budget": { "requests": requests, "per_s": DAY_S } } });
        let source = yard.source(with(list(&upstream.url("/")), budget(1))).await;
        yard.poll().await;
        yard.poll_after_s(120).await;
        assert_eq!((health(&yard, source).await.as_str(), upstream.arrivals().len()), ("throttled", 1));
        yard.change(source, with(list(&upstream.url("/")), budget(100))).await;
        assert_eq!(health(&yard, source).await, "ok");
        yard.poll_after_s(1).await;
        assert_eq!((health(&yard, source).await.as_str(), upstream.arrivals().len()), ("ok", 2));
        yard
    })
    .await;
}

#[tokio::test]
async fn what_a_provider_asked_for_holds_for_whom_it_was_said_to() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::status(429).with("retry-after", "3600"));
        let settings = |path: &str, token: &str| {
            let auth = json!({ "kind": "bearer", "token": token });
            with(list(""), json!({ "request": { "url": upstream.url(path), "auth": auth } }))
        };
        let source = yard.source(settings("/", "one")).await;
        yard.poll().await;
        upstream.becomes(|_| page(1..3));
        yard.change(source, settings("/other", "one")).await;
        yard.poll_after_s(1).await;
        assert_eq!((health(&yard, source).await.as_str(), upstream.arrivals().len()), ("throttled", 1));
        yard.change(source, settings("/other", "two")).await;
        assert_eq!(health(&yard, source).await, "priming");
        yard.poll_after_s(1).await;
        assert_eq!((health(&yard, source).await.as_str(), upstream.arrivals().len()), ("ok", 2));
        yard
    })
    .await;
}

#[tokio::test]
async fn only_refusals_one_after_the_other_mean_that_a_right_is_missing() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::status(404));
        let source = yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        yard.poll_after_s(3_600).await;
        upstream.becomes(|_| Reply::status(403));
        yard.poll_after_s(3_600).await;
        let stored = yard.texts("SELECT health FROM poll_states").await;
        assert_eq!(stored, [Some("backoff".to_owned())], "the first of its kind");
        for expected in ["backoff", "auth_required"] {
            yard.run_now(source).await;
            let stored = yard.texts("SELECT health FROM poll_states").await;
            assert_eq!(stored, [Some(expected.to_owned())]);
        }
        yard
    })
    .await;
}

#[tokio::test]
async fn an_address_is_gone_from_its_first_answer_that_says_so() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        upstream.becomes(|_| Reply::status(400));
        yard.poll_after_s(120).await;
        upstream.becomes(|_| Reply::status(404));
        yard.poll_after_s(DAY_S + 3_600).await;
        yard.engine.watch_polls().await.expect("watched");
        assert!(!is_paused(&yard).await, "it was there, and said something else");
        yard.poll_after_s(DAY_S - 7_200).await;
        upstream.becomes(|_| Reply::status(429).with("retry-after", "60"));
        yard.poll_after_s(3_600).await;
        yard.engine.watch_polls().await.expect("watched");
        assert!(!is_paused(&yard).await);
        upstream.becomes(|_| Reply::status(404));
        yard.poll_after_s(3_700).await;
        yard.engine.watch_polls().await.expect("watched");
        assert!(is_paused(&yard).await, "to have to wait meanwhile is no other answer");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_source_that_never_had_a_good_run_stalls_and_one_that_is_paused_does_not() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::status(404));
        let source = yard.source(list(&upstream.url("/"))).await;
        assert_eq!(health(&yard, source).await, "priming");
        yard.poll().await;
        yard.poll_after_s(600).await;
        yard.run_now(source).await;
        assert_eq!(health(&yard, source).await, "backoff");
        yard.clock.advance_ms(301_000);
        yard.run_now(source).await;
        assert_eq!(health(&yard, source).await, "stalled", "failed runs are no good ones");
        yard.engine.watch_polls().await.expect("watched");
        assert!(yard.engine.metrics.text().contains("postern_poll_stalled 1"));
        yard.pause(source).await;
        yard.clock.advance_ms(DAY_S * 1_000);
        assert_ne!(health(&yard, source).await, "stalled", "nothing is meant to run");
        yard.resume(source).await;
        assert_eq!(health(&yard, source).await, "priming", "its time begins anew");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_is_known_by_its_key_is_no_flood() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..4));
        let source = yard.source(with(list(&upstream.url("/")), json!({ "limits": { "flood_hold": 3 } }))).await;
        yard.poll().await;
        upstream.becomes(|_| page(1..6));
        yard.poll_after_s(120).await;
        yard.sql("DELETE FROM poll_records").await;
        yard.sql("UPDATE poll_states SET page_key = NULL").await;
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 5);
        assert_eq!(
            (health(&yard, source).await.as_str(), yard.count("SELECT sum(held) FROM poll_runs").await),
            ("ok", 0)
        );
        // Beside those that are known, four that are not.
        yard.sql("DELETE FROM poll_records").await;
        upstream.becomes(|_| page(1..10));
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 9);
        assert_eq!(health(&yard, source).await, "held");
        let held = "SELECT sum(held) FROM poll_runs";
        assert_eq!((yard.count(held).await, yard.count("SELECT held FROM poll_states").await), (4, 4));
        yard
    })
    .await;
}

#[tokio::test]
async fn an_instant_makes_one_event_however_short_the_window_is() {
    yard::each(async |yard| {
        yard.timetable(1).await;
        yard.poll_after_s(60).await;
        assert_eq!(yard.events().await.len(), 1);
        // The process died before it could write the end of the run.
        yard.sql("UPDATE poll_states SET next_run_at = next_run_at - 60000000").await;
        yard.poll_after_s(30).await;
        assert_eq!(yard.events().await.len(), 1);
        yard
    })
    .await;
}

#[tokio::test]
async fn another_list_may_have_the_ids_of_the_one_before() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..6));
        let settings = |path: &str| with(list(&upstream.url(path)), json!({ "first_run": "skip_existing" }));
        let source = yard.source(settings("/orders")).await;
        yard.poll().await;
        upstream.becomes(|arrival| if arrival.target == "/orders" { page(1..8) } else { page(1..2) });
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 2, "orders 6 and 7");
        yard.change_to(source, settings("/customers"), Some(Restart::Fresh)).await;
        yard.poll_after_s(1).await;
        assert_eq!(yard.events().await.len(), 2, "the first run passes over what is there");
        upstream.becomes(|_| page(1..8));
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 8, "customers 2 to 7");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_a_run_leaves_out_is_said_on_it_and_told_once() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..10));
        let source = yard.source(with(list(&upstream.url("/")), json!({ "emit": "all_changes" }))).await;
        yard.poll().await;
        upstream.becomes(|_| page(0..3));
        yard.poll_after_s(120).await;
        upstream.becomes(|_| page(0..2));
        yard.poll_after_s(120).await;
        let errors = yard.texts("SELECT error FROM poll_runs WHERE state = 'succeeded' AND error IS NOT NULL").await;
        assert_eq!(errors.len(), 2, "also one that found nothing stands by itself");
        let error: Value = serde_json::from_str(errors[0].as_deref().expect("words")).expect("JSON");
        let message = "deletions were not looked for: the list had less than half of the records known before";
        let expected = json!({ "class": "deletion_skipped", "field": "poll.emit", "message": message });
        assert_eq!(error, expected);
        assert_eq!(told(&yard, "source.deletion_skipped").await, 1);
        assert_eq!(
            (health(&yard, source).await.as_str(), class(&yard).await.as_deref()),
            ("ok", Some("deletion_skipped"))
        );
        yard.poll_after_s(120).await;
        assert_eq!(class(&yard).await.as_deref(), Some("deletion_skipped"), "an unchanged page says nothing else");
        upstream.becomes(|_| page(0..9));
        yard.poll_after_s(120).await;
        assert_eq!((class(&yard).await, told(&yard, "source.deletion_skipped").await), (None, 1));
        yard
    })
    .await;
}

#[tokio::test]
async fn a_new_start_and_a_refused_credential_are_in_the_audit_trail_once() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::json(json!({ "data": [{ "id": 1 }], "cursor": "c" })));
        let settings = json!({
            "request": { "url": upstream.url("/"), "query": { "after": "{{cursor}}" } },
            "cursor": { "mode": "token", "value": "$.cursor" }
        });
        let source = yard.source(with(list(""), settings)).await;
        yard.poll().await;
        upstream.becomes(|_| Reply::status(410));
        yard.poll_after_s(120).await;
        assert_eq!(told(&yard, "source.resync").await, 1);
        let data = yard.texts("SELECT data FROM audit_entries WHERE action = 'source.resync'").await.remove(0);
        let data: Value = serde_json::from_str(&data.expect("data")).expect("JSON");
        assert_eq!((&data["cursor"], &data["class"], &data["http"]), (&json!("c"), &json!("cursor"), &json!(410)));
        upstream.becomes(|_| Reply::status(401));
        yard.poll_after_s(120).await;
        yard.run_now(source).await;
        assert_eq!(yard.count("SELECT count(*) FROM poll_runs WHERE state = 'failed'").await, 3);
        assert_eq!(told(&yard, "source.auth_required").await, 1, "not for each run that somebody asks for");
        yard
    })
    .await;
}
