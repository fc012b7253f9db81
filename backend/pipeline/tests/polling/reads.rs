//! What a run makes of pages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use postern_domain::source::SourceKind;
use postern_pipeline::polling::{self, Rehearsal};
use postern_store::polling::Keys;
use serde_json::{Value, json};

use crate::{
    upstream::{Reply, Upstream},
    yard::{self, Yard},
};

/// A list without pages at this URL, all of it emitted.
pub(crate) fn list(url: &str) -> Value {
    json!({
        "request": { "url": url }, "schedule": { "interval_s": 60, "jitter_pct": 0 }, "items": "$.data[*]",
        "id": "$.id", "first_run": "backfill"
    })
}

pub(crate) fn with(mut settings: Value, more: Value) -> Value {
    let (Some(settings_of), Some(more)) = (settings.as_object_mut(), more.as_object()) else { panic!("objects") };
    settings_of.extend(more.clone());
    settings
}

pub(crate) fn page(ids: std::ops::Range<u32>) -> Reply {
    let data: Vec<Value> = ids.map(|id| json!({ "id": id })).collect();
    Reply::json(json!({ "data": data }))
}

async fn health(yard: &Yard) -> String {
    yard.texts("SELECT health FROM poll_states").await.remove(0).expect("a health")
}

async fn last_error(yard: &Yard) -> Value {
    let text = yard.texts("SELECT last_error FROM poll_states").await.remove(0).expect("an error");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_run_is_made_by_the_settings_that_made_it_due() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3));
        let id = yard.source(list(&upstream.url("/old"))).await;
        yard.poll().await;
        yard.change_elsewhere(id, list(&upstream.url("/new"))).await;
        yard.engine.claim_polls().await.expect("claimed");
        yard.finish().await;
        let targets: Vec<String> = upstream.arrivals().into_iter().map(|arrival| arrival.target).collect();
        assert_eq!(targets, ["/old", "/new"]);
        yard
    })
    .await;
}

#[tokio::test]
async fn new_items_are_events_once_with_their_bytes() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::json("{\"data\": [ {\"id\":1,  \"b\":1.50}, {\"id\":2}]}"));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        assert_eq!(yard.events().await, ["{\"id\":1,  \"b\":1.50}", "{\"id\":2}"]);
        upstream.becomes(|_| Reply::json("{\"data\":[{\"id\":3},{\"id\":1,\"b\":2}]}"));
        yard.poll_after_s(120).await;
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 3, "an update of a known record is no news");
        assert_eq!(yard.events().await[2], "{\"id\":3}");
        assert_eq!(upstream.arrivals().len(), 3);
        assert_eq!(yard.count("SELECT count(*) FROM poll_runs WHERE state = 'succeeded'").await, 2);
        assert_eq!(yard.count("SELECT quiet_runs FROM poll_states").await, 1, "the one that found nothing");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_first_run_passes_over_what_is_there() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..11));
        yard.source(with(list(&upstream.url("/")), json!({ "first_run": "skip_existing" }))).await;
        yard.poll().await;
        assert_eq!((yard.events().await.len(), health(&yard).await.as_str()), (0, "ok"));
        upstream.becomes(|_| page(1..12));
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await, ["{\"id\":11}"]);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_first_run_emits_the_last_few() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| match arrival.query("page") {
            Some("1") => page(1..6),
            Some("2") => page(6..11),
            _ => page(0..0),
        });
        let paginate = json!({ "kind": "page", "param": "page", "start": 1 });
        let settings = json!({ "first_run": { "last_n": 3 }, "paginate": paginate });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        assert_eq!(yard.events().await, ["{\"id\":8}", "{\"id\":9}", "{\"id\":10}"]);
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 3);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_state_that_comes_back_is_an_event_again() {
    yard::each(async |yard| {
        let state = Arc::new(AtomicUsize::new(0));
        let shown = Arc::clone(&state);
        let upstream = Upstream::start(move |_| {
            let state = ["a", "b", "a"][shown.load(Ordering::SeqCst)];
            Reply::json(json!({ "data": [{ "id": 1, "state": state }] }))
        });
        yard.source(with(list(&upstream.url("/")), json!({ "emit": "new_and_updated" }))).await;
        yard.poll().await;
        for next in 1..3 {
            state.store(next, Ordering::SeqCst);
            yard.poll_after_s(120).await;
            yard.poll_after_s(120).await;
        }
        let states: Vec<String> = yard.events().await;
        assert_eq!(states, ["a", "b", "a"].map(|state| format!("{{\"id\":1,\"state\":\"{state}\"}}")));
        yard
    })
    .await;
}

/// Its first page stays as it is, and so does that page's tag.
#[tokio::test]
async fn a_list_that_grows_behind_a_full_page_is_read_on() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..3).with("etag", "\"full\""));
        yard.source(with(list(&upstream.url("/")), json!({ "paginate": { "kind": "link" } }))).await;
        yard.poll().await;
        upstream.becomes(|arrival| match (arrival.query("page"), arrival.header("if-none-match")) {
            (Some(_), _) => page(3..4),
            (None, Some(_)) => Reply::status(304),
            (None, None) => page(1..3).with("etag", "\"full\"").with("link", "</?page=2>; rel=\"next\""),
        });
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 3);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_page_that_did_not_change_costs_no_page() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| match arrival.header("if-none-match") {
            Some("\"one\"") => Reply::status(304),
            _ => page(1..4).with("etag", "\"one\""),
        });
        let source = yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        yard.poll_after_s(120).await;
        assert_eq!(upstream.arrivals()[1].header("if-none-match"), Some("\"one\""));
        assert_eq!(yard.count("SELECT quiet_not_modified FROM poll_states").await, 1);
        // Read in another way it is another page.
        yard.change(source, with(list(&upstream.url("/")), json!({ "emit": "new_and_updated" }))).await;
        yard.poll_after_s(120).await;
        assert_eq!(upstream.arrivals()[2].header("if-none-match"), None);
        assert_eq!(yard.events().await.len(), 3);
        yard
    })
    .await;
}

#[tokio::test]
async fn equal_instants_across_pages_lose_nothing() {
    yard::each(async |yard| {
        // Two hundred records of one instant on ten pages; the cursor is that instant from the first page on.
        let upstream = Upstream::start(|arrival| {
            let number: u32 = arrival.query("page").and_then(|text| text.parse().ok()).unwrap_or(1);
            let ids = if number > 10 { 0..0 } else { (number - 1) * 20..number * 20 };
            let data: Vec<Value> = ids.map(|id| json!({ "id": id, "at": "2026-03-01T09:00:00Z" })).collect();
            Reply::json(json!({ "data": data }))
        });
        let settings = json!({
            "request": { "url": upstream.url("/"), "query": { "since": "{{cursor}}" } },
            "cursor": { "mode": "timestamp", "value": "$.at", "order": "asc" },
            "paginate": { "kind": "page", "param": "page", "start": 1, "max_pages": 3 }
        });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        for _ in 0..5 {
            yard.poll_after_s(1).await;
        }
        assert_eq!(yard.events().await.len(), 200);
        assert_eq!(health(&yard).await, "ok");
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 200);
        yard
    })
    .await;
}

#[tokio::test]
async fn inserts_while_a_descending_feed_is_read_are_neither_lost_nor_doubled() {
    yard::each(async |yard| {
        let newest = Arc::new(AtomicUsize::new(40));
        let shown = Arc::clone(&newest);
        // The first requests of each run find two more at the top, which moves all others down.
        let upstream = Upstream::start(move |arrival| {
            let offset: usize = arrival.query("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
            let newest = shown.fetch_add(if offset < 30 { 2 } else { 0 }, Ordering::SeqCst);
            let ids = (1..=newest).rev().skip(offset).take(10);
            Reply::json(json!({ "data": ids.map(|id| json!({ "id": id })).collect::<Vec<_>>() }))
        });
        let settings = json!({
            "cursor": { "mode": "integer", "value": "$.id", "order": "desc" },
            "paginate": { "kind": "offset", "param": "offset" }
        });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        yard.poll_after_s(120).await;
        let before = newest.load(Ordering::SeqCst);
        let pages = upstream.arrivals().len();
        yard.poll_after_s(120).await;
        assert!(upstream.arrivals().len() < pages + 4, "what is older than the cursor is not read again");
        let mut ids: Vec<u64> = Vec::new();
        for event in yard.events().await {
            let event: Value = serde_json::from_str(&event).expect("JSON");
            ids.push(event["id"].as_u64().expect("an id"));
        }
        ids.sort_unstable();
        ids.retain(|id| *id <= u64::try_from(before).expect("small"));
        let expected: Vec<u64> = (1..=u64::try_from(before).expect("small")).collect();
        assert_eq!(ids, expected);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_missing_path_is_an_error_and_an_empty_list_is_not() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| Reply::json("{\"data\":[]}"));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        assert_eq!(health(&yard).await, "ok");
        upstream.becomes(|_| Reply::json("{\"items\":[{\"id\":1}]}"));
        yard.poll_after_s(120).await;
        assert_eq!(health(&yard).await, "schema_drift");
        let error = last_error(&yard).await;
        assert_eq!((error["class"].as_str(), error["field"].as_str()), (Some("path_missing"), Some("poll.items")));
        assert_eq!(yard.count("SELECT count(*) FROM poll_quarantine").await, 1, "a sample");
        upstream.becomes(|_| page(1..2));
        yard.poll_after_s(3_600).await;
        assert_eq!((health(&yard).await.as_str(), yard.events().await.len()), ("ok", 1));
        yard
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_held() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..21));
        let source = yard.source(with(list(&upstream.url("/")), json!({ "limits": { "flood_hold": 10 } }))).await;
        yard.connect_to_a_bin(source).await;
        yard.poll().await;
        assert_eq!((health(&yard).await.as_str(), yard.events().await.len()), ("held", 20));
        assert_eq!(yard.count("SELECT count(*) FROM poll_held").await, 20);
        assert_eq!(yard.count("SELECT count(*) FROM queue WHERE state = 'pending'").await, 20);
        yard.release(source).await;
        assert_eq!(yard.count("SELECT count(*) FROM poll_held").await, 0);
        yard.poll_after_s(120).await;
        assert_eq!(health(&yard).await, "ok");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_webhooks_lost_is_found_once() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..0));
        let settings = json!({ "reconcile": { "grace_s": 120 }, "first_run": "skip_existing" });
        let source =
            yard.try_source(SourceKind::Webhook, with(list(&upstream.url("/")), settings)).await.expect("made");
        yard.poll().await;
        for id in (0..500).filter(|id| id % 50 != 0) {
            yard.receive(source, &json!({ "id": id })).await;
        }
        upstream.becomes(|_| page(0..500));
        yard.poll_after_s(300).await;
        yard.poll_after_s(125).await;
        assert_eq!(yard.events().await.len(), 500, "all are there");
        assert_eq!(yard.count("SELECT count(*) FROM events WHERE origin = 'reconciled'").await, 10);
        yard.poll_after_s(300).await;
        assert_eq!(yard.events().await.len(), 500, "and none is doubled");
        let advised = polling::advice(&yard.engine, yard.scope(), source).await.expect("answers");
        let loss = advised.expect("a source").advice.loss.expect("compared");
        assert_eq!(loss.n, 500);
        assert!(loss.low < 0.02 && 0.02 < loss.high, "{loss:?}");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_a_whole_list_lacks_twice_is_deleted() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..5));
        let settings = json!({ "emit": "all_changes", "type": "thing" });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        upstream.becomes(|_| page(1..4));
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 4, "once may be an accident");
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await[4..], ["{\"deleted\":true,\"id\":\"4\"}"]);
        let types = yard.texts("SELECT type FROM events ORDER BY id").await;
        assert_eq!(types[4].as_deref(), Some("thing.deleted"));
        upstream.becomes(|_| page(1..2));
        yard.poll_after_s(120).await;
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 5, "half of the list is gone: that is no deletion");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_can_leave_leaves_at_once() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..4));
        let source = yard.source(list(&upstream.url("/"))).await;
        yard.connect_to_a_bin(source).await;
        yard.poll().await;
        yard.settled().await;
        assert_eq!(yard.count("SELECT count(*) FROM deliveries WHERE state = 'delivered'").await, 3);
        yard
    })
    .await;
}

#[tokio::test]
async fn items_without_an_id_are_set_aside_until_they_are_too_many() {
    yard::each(async |yard| {
        let some = |bad: usize| {
            let data: Vec<Value> = (0..40).map(|id| if id < bad { json!({}) } else { json!({ "id": id }) }).collect();
            Reply::json(json!({ "data": data }))
        };
        let upstream = Upstream::start(move |_| some(2));
        yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        assert_eq!((yard.events().await.len(), health(&yard).await.as_str()), (38, "ok"));
        assert_eq!(yard.count("SELECT count(*) FROM poll_quarantine").await, 2);
        upstream.becomes(move |_| some(20));
        yard.poll_after_s(120).await;
        assert_eq!((yard.events().await.len(), health(&yard).await.as_str()), (38, "schema_drift"));
        assert_eq!(last_error(&yard).await["field"], "poll.id");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_shows_what_would_be_and_stores_nothing() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..4).with("x-ratelimit-remaining", "41"));
        let source = yard.source(list(&upstream.url("/"))).await;
        yard.poll().await;
        upstream.becomes(|_| page(2..6).with("x-ratelimit-remaining", "40"));
        let before = yard.count("SELECT seq FROM poll_states").await;
        let settings = postern_polling::PollSettings::parse(&list(&upstream.url("/")), 5).expect("valid");
        let rehearsal = Rehearsal { settings: settings.clone(), source: Some(source), cursor: None, keys: Keys::Same };
        let found = polling::test(&yard.engine, yard.scope(), rehearsal).await.expect("answers");
        let outcomes: Vec<_> = found.items.iter().map(|item| (item.id.as_deref(), item.outcome)).collect();
        let expected = [(Some("2"), "unchanged"), (Some("3"), "unchanged"), (Some("4"), "new"), (Some("5"), "new")];
        assert_eq!(outcomes, expected);
        assert_eq!((found.status, found.pages.len(), &found.error), (Some(200), 1, &None));
        assert_eq!(found.rate_limit["x-ratelimit-remaining"], "40");
        assert_eq!((yard.events().await.len(), yard.count("SELECT seq FROM poll_states").await), (3, before));
        upstream.becomes(|_| Reply::json("{\"things\":[]}"));
        let rehearsal = Rehearsal { settings, source: None, cursor: None, keys: Keys::Same };
        let found = polling::test(&yard.engine, yard.scope(), rehearsal).await.expect("answers");
        let error = found.error.expect("an error");
        assert_eq!(error.field.as_deref(), Some("poll.items"));
        assert!(error.message.contains("things"), "{}", error.message);
        yard
    })
    .await;
}
