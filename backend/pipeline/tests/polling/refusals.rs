//! What a run makes of answers that are no pages, and of writes that are refused.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use postern_domain::Timestamp;
use postern_pipeline::polling;
use serde_json::{Value, json};

use crate::{
    upstream::{Reply, Upstream},
    yard::{self, NOON, Yard},
};

fn list(url: &str) -> Value {
    json!({
        "request": { "url": url }, "schedule": { "interval_s": 60, "jitter_pct": 0 }, "items": "$[*]", "id": "$.id",
        "first_run": "backfill"
    })
}

async fn state(yard: &Yard) -> (String, i64, i64) {
    let health = yard.texts("SELECT health FROM poll_states").await.remove(0).expect("a health");
    let errors = yard.count("SELECT errors FROM poll_states").await;
    (health, errors, yard.count("SELECT coalesce(blocked_until, 0) FROM poll_states").await)
}

async fn error(yard: &Yard) -> Value {
    let text = yard.texts("SELECT last_error FROM poll_states").await.remove(0).expect("an error");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn nobody_asks_before_the_provider_said() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::status(429).with("retry-after", "600"));
        let one = yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        let until = NOON.plus_secs(600).as_micros();
        assert_eq!(state(&yard).await, ("throttled".to_owned(), 0, until), "no error is counted");
        // Another source of the same host and credential does not ask either.
        yard.source(list(&upstream.url("/other"))).await;
        yard.poll().await;
        assert_eq!(upstream.arrivals().len(), 1);
        upstream.becomes(|_| Reply::json("[{\"id\":1}]"));
        yard.clock.advance_ms(500_000);
        yard.run_now(one).await;
        assert_eq!(upstream.arrivals().len(), 1, "nor does a person");
        yard.poll_after_s(200).await;
        assert_eq!((upstream.arrivals().len(), yard.events().await.len()), (3, 2));
        yard
    })
    .await;
}

#[tokio::test]
async fn all_forms_of_a_wait_are_read() {
    let table: [(&str, Timestamp); 5] = [
        ("Sun, 01 Mar 2026 10:05:00 GMT", NOON.plus_secs(300)),
        ("0", NOON.plus_secs(1)),
        ("1000000000", NOON.plus_secs(86_400)),
        ("1m30s", NOON.plus_secs(90)),
        ("whenever", NOON.plus_secs(60)),
    ];
    for (text, until) in table {
        let yard = Yard::sqlite().await;
        let upstream = Upstream::start(move |_| Reply::status(429).with("retry-after", text));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        assert_eq!(state(&yard).await, ("throttled".to_owned(), 0, until.as_micros()), "{text}");
        yard.remove().await;
    }
}

#[tokio::test]
async fn a_credential_goes_to_its_origin_only() {
    yard::each(async |yard| {
        let stranger = Upstream::start(|_| Reply::json("[{\"id\":9}]"));
        let (redirect, link) = (stranger.url("/r"), format!("<{}>; rel=\"next\"", stranger.url("/l")));
        let upstream = Upstream::start(move |arrival| match arrival.target.as_str() {
            "/redirect" => Reply::status(302).with("location", &redirect),
            "/same" => Reply::status(302).with("location", "/there"),
            _ => Reply::json("[{\"id\":1}]").with("link", &link),
        });
        let auth = json!({ "kind": "bearer", "token": "hush" });
        for path in ["/redirect", "/same"] {
            let mut settings = list("");
            settings["request"] = json!({ "url": upstream.url(path), "auth": auth });
            settings["paginate"] = json!({ "kind": "link" });
            yard.source(settings).await;
        }
        yard.poll().await;
        assert_eq!(stranger.arrivals().len(), 0, "nothing at all is asked of a stranger");
        let arrivals = upstream.arrivals();
        assert!(arrivals.iter().all(|arrival| arrival.header("authorization") == Some("Bearer hush")));
        assert!(arrivals.iter().any(|arrival| arrival.target == "/there"), "within its origin a redirect is followed");
        let classes = "SELECT count(*) FROM poll_runs WHERE state = 'failed'";
        assert_eq!((yard.count(classes).await, yard.events().await.len()), (2, 1), "the page itself was good");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_cursor_that_is_refused_leads_to_a_new_start() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| match arrival.query("after") {
            Some("gone") => Reply::status(410),
            Some(_) => Reply::json(json!({ "data": [{ "id": 2 }], "cursor": "gone" })),
            None => Reply::json(json!({ "data": [{ "id": 1 }, { "id": 2 }, { "id": 3 }], "cursor": "fresh" })),
        });
        let mut settings = list("");
        settings["request"] = json!({ "url": upstream.url("/"), "query": { "after": "{{cursor}}" } });
        settings["items"] = json!("$.data[*]");
        settings["cursor"] = json!({ "mode": "token", "value": "$.cursor" });
        let source = yard.source(settings).await;
        yard.poll().await;
        yard.poll_after_s(120).await;
        yard.poll_after_s(120).await;
        assert_eq!(state(&yard).await.0, "resync");
        yard.poll().await;
        assert_eq!(state(&yard).await.0, "ok");
        assert_eq!(yard.events().await.len(), 3, "what was seen stays seen");
        let overview = polling::overview(&yard.engine, yard.scope(), source).await.expect("answers");
        let overview = overview.expect("polls");
        assert_eq!(overview.state.progress.cursor, Some(json!("fresh")));
        assert_eq!(overview.upcoming.len(), 5);
        assert!(overview.upcoming.is_sorted() && overview.upcoming[0] > yard.clock.now());
        yard
    })
    .await;
}

#[tokio::test]
async fn a_run_that_lost_its_lease_writes_nothing() {
    yard::each(async |yard| {
        let asked = Arc::new(AtomicUsize::new(0));
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (count, released) = (Arc::clone(&asked), parking_lot::Mutex::new(released));
        let upstream = Upstream::start(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                let _ = released.lock().recv();
            }
            Reply::json("[{\"id\":1}]")
        });
        yard.source(list(&upstream.url("/"))).await;
        yard.engine.claim_polls().await.expect("claimed");
        yard::until(|| asked.load(Ordering::SeqCst) == 1).await;
        // Another replica takes it over: this one was frozen for too long.
        yard.sql("UPDATE poll_states SET leased_until = 1").await;
        yard.engine.sweep_leases().await.expect("swept");
        drop(release);
        yard.finish().await;
        assert_eq!(yard.events().await.len(), 0, "the commit of a stale run affects nothing");
        assert_eq!(yard.count("SELECT count(*) FROM poll_runs WHERE state = 'lost_lease'").await, 1);
        yard.poll().await;
        assert_eq!(yard.events().await.len(), 1);
        yard
    })
    .await;
}

#[tokio::test]
async fn one_refreshes_for_all_and_a_new_refresh_token_is_kept() {
    yard::each(async |yard| {
        let grants = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&grants);
        let server = Upstream::start(move |arrival| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            assert!(arrival.body.contains(&format!("refresh_token=r{number}")), "{}", arrival.body);
            Reply::json(json!({
                "access_token": format!("a{number}"), "refresh_token": format!("r{}", number + 1), "expires_in": 1_000
            }))
        });
        let upstream = Upstream::start(|arrival| match arrival.header("authorization") {
            Some("Bearer a0" | "Bearer a1") => Reply::json(json!([{ "id": arrival.target }])),
            _ => Reply::status(401),
        });
        let auth = json!({
            "kind": "oauth2_refresh", "token_url": server.url("/token"), "client_id": "c", "client_secret": "s",
            "refresh_token": "r0"
        });
        for place in 0..5 {
            let mut settings = list("");
            settings["request"] = json!({ "url": upstream.url(&format!("/{place}")), "auth": auth });
            yard.source(settings).await;
        }
        yard.poll().await;
        assert_eq!((grants.load(Ordering::SeqCst), yard.events().await.len()), (1, 5), "one asked for all");
        let written = "SELECT count(*) FROM audit_entries WHERE actor_kind = 'engine' AND action = 'source.updated'";
        assert_eq!(yard.count(written).await, 5);
        yard.poll_after_s(790).await;
        assert_eq!(grants.load(Ordering::SeqCst), 1, "it lives");
        yard.poll_after_s(120).await;
        assert_eq!(grants.load(Ordering::SeqCst), 2, "made anew when four fifths of its life are over, by the new one");
        // A process that begins knows what was written down, and no more.
        let fresh = yard.another_engine().await;
        upstream.becomes(|arrival| match arrival.header("authorization") {
            Some("Bearer a2") => Reply::json("[]"),
            _ => Reply::status(401),
        });
        yard.clock.advance_ms(120_000);
        yard::poll_with(&fresh).await;
        assert_eq!(grants.load(Ordering::SeqCst), 3);
        assert_eq!(yard.count("SELECT count(*) FROM poll_states WHERE health = 'ok'").await, 5);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_credential_that_is_refused_waits_for_a_person() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::status(401));
        let mut settings = list("");
        settings["request"] = json!({ "url": upstream.url("/"), "auth": { "kind": "bearer", "token": "hush" } });
        let source = yard.source(settings).await;
        yard.poll().await;
        yard.poll_after_s(86_400).await;
        assert_eq!((state(&yard).await.0.as_str(), upstream.arrivals().len()), ("auth_required", 1));
        assert_eq!(error(&yard).await["field"], "poll.request.auth");
        upstream.becomes(|_| Reply::json("[]"));
        yard.run_now(source).await;
        assert_eq!(state(&yard).await.0, "ok");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_source_without_a_good_run_for_too_long_has_stalled() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::json("[]"));
        let source = yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        upstream.becomes(|_| Reply::status(404));
        yard.poll_after_s(120).await;
        assert_eq!(state(&yard).await.0, "backoff");
        yard.clock.advance_ms(1_000_000);
        let overview = polling::overview(&yard.engine, yard.scope(), source).await.expect("answers").expect("polls");
        assert_eq!(overview.health.as_str(), "stalled");
        yard.clock.advance_ms(90_000_000);
        yard.poll().await;
        yard.engine.watch_polls().await.expect("watched");
        assert_eq!(yard.texts("SELECT state FROM sources").await, [Some("paused".to_owned())], "gone for a day");
        assert_eq!(yard.count("SELECT count(*) FROM poll_states WHERE next_run_at IS NOT NULL").await, 0);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_run_gives_its_lease_back_when_the_engine_stops() {
    yard::each(async |yard| {
        let stop = Arc::new(parking_lot::Mutex::new(None::<postern_pipeline::Tasks>));
        let tasks = Arc::clone(&stop);
        let upstream = Upstream::start(move |arrival| {
            tasks.lock().iter().for_each(postern_pipeline::Tasks::stop);
            let page: u32 = arrival.query("page").and_then(|text| text.parse().ok()).unwrap_or(0);
            Reply::json(json!([{ "id": page }]))
        });
        *stop.lock() = Some(yard.engine.tasks.clone());
        let mut settings = list(&upstream.url("/"));
        settings["paginate"] = json!({ "kind": "page", "param": "page", "start": 1 });
        yard.source(settings).await;
        yard.poll().await;
        assert_eq!(yard.events().await.len(), 1, "the page under way is written");
        assert_eq!(yard.count("SELECT count(*) FROM poll_states WHERE lease_token IS NULL").await, 1);
        *stop.lock() = None;
        let other = yard.another_engine().await;
        upstream.becomes(|arrival| match arrival.query("page") {
            Some("2") => Reply::json("[{\"id\":2}]"),
            _ => Reply::json("[]"),
        });
        yard::poll_with(&other).await;
        assert_eq!(yard.events().await.len(), 2);
        assert_eq!(upstream.arrivals()[1].query("page"), Some("2"), "it goes on where the other stopped");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_refused_is_made_anew_once() {
    yard::each(async |yard| {
        let grants = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&grants);
        let server = Upstream::start(move |arrival| {
            assert_eq!(arrival.header("authorization"), Some("Basic YyUzQTE6cw=="), "the id is `c:1`");
            assert!(arrival.body.contains("scope=a%20b"), "{}", arrival.body);
            let number = count.fetch_add(1, Ordering::SeqCst);
            Reply::json(json!({ "access_token": format!("a{number}"), "expires_in": "3600" }))
        });
        let upstream = Upstream::start(|arrival| match arrival.header("authorization") {
            Some("Bearer a1") => Reply::json("[{\"id\":1}]"),
            _ => Reply::status(401),
        });
        let mut settings = list("");
        settings["request"] = json!({ "url": upstream.url("/"), "auth": {
            "kind": "oauth2_client_credentials", "token_url": server.url("/token"), "client_id": "c:1",
            "client_secret": "s", "scopes": ["a", "b"]
        } });
        yard.source(settings).await;
        yard.poll().await;
        assert_eq!((grants.load(Ordering::SeqCst), yard.events().await.len()), (2, 1));
        upstream.becomes(|_| Reply::status(401));
        yard.poll_after_s(120).await;
        assert_eq!((grants.load(Ordering::SeqCst), state(&yard).await.0.as_str()), (3, "auth_required"));
        yard
    })
    .await;
}

#[tokio::test]
async fn a_failure_that_is_over_in_a_moment_is_not_told() {
    yard::each(async |yard| {
        let asked = AtomicUsize::new(0);
        let upstream = Upstream::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::status(503),
            _ => Reply::json("[{\"id\":1}]"),
        });
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        assert_eq!((state(&yard).await.0.as_str(), yard.events().await.len()), ("ok", 1));
        assert_eq!(yard.count("SELECT requests FROM poll_runs").await, 2);
        yard
    })
    .await;
}
