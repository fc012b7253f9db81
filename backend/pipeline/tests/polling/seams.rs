//! What a run must neither lose nor invent where it ends early, waits, or is resumed.

use postern_domain::source::SourceKind;
use serde_json::{Value, json};

use crate::{
    reads::{list, page, with},
    upstream::{Arrival, Reply, Upstream},
    yard,
};

/// A page of this list, so many records to a page; pages are named by `page`, from 1 on.
fn page_of(ids: &[u32], size: usize, arrival: &Arrival) -> Reply {
    let number: usize = arrival.query("page").and_then(|text| text.parse().ok()).unwrap_or(1);
    let ids = ids.iter().skip((number - 1) * size).take(size);
    Reply::json(json!({ "data": ids.map(|id| json!({ "id": id })).collect::<Vec<_>>() }))
}

fn pages(more: Value) -> Value {
    with(json!({ "paginate": { "kind": "page", "param": "page", "start": 1 } }), more)
}

/// From `first` down to one.
fn newest_first(first: u32) -> Vec<u32> {
    (1..=first).rev().collect()
}

#[tokio::test]
async fn a_list_that_is_read_newest_first_loses_no_records_that_are_there() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| page_of(&newest_first(20), 10, arrival));
        let settings = pages(json!({ "emit": "all_changes", "cursor": { "mode": "none", "order": "desc" } }));
        yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        for _ in 0..3 {
            yard.poll_after_s(120).await;
        }
        assert_eq!(yard.events().await.len(), 20, "all of them are there");
        let without_3: Vec<u32> = newest_first(20).into_iter().filter(|id| *id != 3).collect();
        upstream.becomes(move |arrival| page_of(&without_3, 10, arrival));
        for _ in 0..2 {
            yard.poll_after_s(120).await;
        }
        assert_eq!(yard.events().await[20..], ["{\"deleted\":true,\"id\":\"3\"}"], "and the last page counts");
        yard
    })
    .await;
}

/// Its tag tells what is new, not what is gone.
#[tokio::test]
async fn an_unchanged_first_page_hides_no_deletion_behind_it() {
    yard::each(async |yard| {
        let tagged = |ids: Vec<u32>| {
            move |arrival: &Arrival| match (arrival.query("page"), arrival.header("if-none-match")) {
                (Some("1"), Some(_)) => Reply::status(304),
                _ => page_of(&ids, 10, arrival).with("etag", "\"top\""),
            }
        };
        let upstream = Upstream::start(tagged(newest_first(20)));
        let settings = pages(json!({ "emit": "all_changes", "cursor": { "mode": "none", "order": "desc" } }));
        yard.source(with(list(&upstream.url("/")), settings)).await;
        yard.poll().await;
        upstream.becomes(tagged((2..=20).rev().collect()));
        for _ in 0..2 {
            yard.poll_after_s(120).await;
        }
        assert_eq!(yard.events().await.len(), 21);
        yard
    })
    .await;
}

#[tokio::test]
async fn a_list_that_took_two_runs_is_not_whole() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| {
            let next = arrival.query("page").map_or(2, |text| text.parse::<u32>().map_or(0, |page| page + 1));
            let reply = page_of(&newest_first(20), 5, arrival);
            if next > 4 { reply } else { reply.with("link", &format!("</?page={next}>; rel=\"next\"")) }
        });
        let settings = json!({ "emit": "all_changes", "paginate": { "kind": "link", "max_pages": 2 } });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        for _ in 0..12 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await.len(), 20);
        assert_eq!(yard.count("SELECT count(*) FROM poll_records WHERE missed > 0").await, 0);
        yard
    })
    .await;
}

/// A later page without content is the end of a list, as an empty one is.
#[tokio::test]
async fn a_list_that_ends_without_content_is_whole() {
    yard::each(async |yard| {
        let ending = |ids: std::ops::Range<u32>| {
            move |arrival: &Arrival| match arrival.query("page") {
                Some("1") => page(ids.clone()),
                _ => Reply::status(204),
            }
        };
        let upstream = Upstream::start(ending(1..5));
        yard.source(with(list(&upstream.url("/")), pages(json!({ "emit": "all_changes" })))).await;
        yard.poll().await;
        upstream.becomes(ending(1..4));
        for _ in 0..2 {
            yard.poll_after_s(120).await;
        }
        assert_eq!(yard.events().await.len(), 5);
        yard
    })
    .await;
}

/// Answers what has at least the number that `from` asks for.
fn from_on(last: u32) -> impl Fn(&Arrival) -> Reply {
    move |arrival| page(arrival.query("from").and_then(|text| text.parse().ok()).unwrap_or(1)..last + 1)
}

fn by_number(upstream: &Upstream, from: &str, more: Value) -> Value {
    let settings = json!({
        "request": { "url": upstream.url("/"), "query": { "from": from } },
        "cursor": { "mode": "integer", "value": "$.id", "order": "asc" }
    });
    with(list(&upstream.url("/")), with(settings, more))
}

#[tokio::test]
async fn a_record_that_waits_is_listed_again_by_requests_from_the_next_one_on() {
    yard::each(async |yard| {
        let upstream = Upstream::start(from_on(3));
        let settings = by_number(&upstream, "{{cursor.next|default:1}}", json!({ "reconcile": { "grace_s": 120 } }));
        let source = yard.try_source(SourceKind::Webhook, settings).await.expect("made");
        yard.poll().await;
        yard.receive(source, &json!({ "id": 5 })).await;
        upstream.becomes(from_on(5));
        yard.poll_after_s(60).await;
        assert_eq!(yard.events().await.len(), 4, "the fourth may still come");
        yard.poll_after_s(125).await;
        assert_eq!(yard.events().await[4..], ["{\"id\":4}"]);
        yard.poll_after_s(60).await;
        let asked = upstream.arrivals().pop().expect("asked");
        assert_eq!((asked.query("from"), yard.events().await.len()), (Some("6"), 5), "then it goes on");
        yard
    })
    .await;
}

#[tokio::test]
async fn an_unstable_record_is_listed_again_by_requests_from_the_next_one_on() {
    yard::each(async |yard| {
        let upstream = Upstream::start(from_on(3));
        yard.source(by_number(&upstream, "{{cursor.next|default:1}}", json!({ "stable_polls": 1 }))).await;
        yard.poll().await;
        assert_eq!(yard.events().await.len(), 0);
        yard.poll_after_s(60).await;
        assert_eq!(yard.events().await.len(), 3);
        yard
    })
    .await;
}

fn feed(more: Value) -> Value {
    pages(with(json!({ "cursor": { "mode": "none", "order": "desc" } }), more))
}

#[tokio::test]
async fn what_waits_behind_a_page_without_news_is_looked_at_again() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| page_of(&newest_first(5), 10, arrival));
        let settings = with(list(&upstream.url("/")), feed(json!({ "reconcile": { "grace_s": 120 } })));
        let source = yard.try_source(SourceKind::Webhook, settings).await.expect("made");
        yard.poll().await;
        // A burst of more than a page, of which one on the second page is lost.
        for id in (6..=25).filter(|id| *id != 10) {
            yard.receive(source, &json!({ "id": id })).await;
        }
        upstream.becomes(|arrival| page_of(&newest_first(25), 10, arrival));
        yard.poll_after_s(300).await;
        assert_eq!(yard.events().await.len(), 24, "the tenth may still come");
        yard.poll_after_s(125).await;
        assert_eq!(yard.events().await[24..], ["{\"id\":10}"]);
        let before = upstream.arrivals().len();
        yard.poll_after_s(300).await;
        assert_eq!(upstream.arrivals().len(), before + 1, "nothing waits, so the first page is enough");
        yard
    })
    .await;
}

/// Read on for one that waits, a run takes nothing else from there: it may be older than the source.
#[tokio::test]
async fn what_a_run_passes_on_its_way_to_what_waits_is_no_news() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| page_of(&newest_first(60), 10, arrival));
        let paginate = json!({ "kind": "page", "param": "page", "start": 1, "max_pages": 2 });
        let settings = with(feed(json!({ "first_run": { "last_n": 5 } })), json!({ "paginate": paginate }));
        let id = yard.source(with(list(&upstream.url("/")), settings.clone())).await;
        yard.poll().await;
        let settings = with(settings, json!({ "stable_polls": 1 }));
        yard.change(id, with(list(&upstream.url("/")), settings)).await;
        upstream.becomes(|arrival| page_of(&newest_first(75), 10, arrival));
        for _ in 0..2 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await.len(), 5, "the others have yet to hold");
        let without_65: Vec<u32> = newest_first(75).into_iter().filter(|id| *id != 65).collect();
        upstream.becomes(move |arrival| page_of(&without_65, 10, arrival));
        for _ in 0..8 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await.len(), 5 + 14, "but that one, and nothing from before the source");
        assert_eq!(yard.texts("SELECT candidate FROM poll_states").await, [None], "it is not looked for for ever");
        yard
    })
    .await;
}

#[tokio::test]
async fn what_a_moved_cursor_finds_says_nothing_of_webhooks_however_the_run_came() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(0..0));
        let more = json!({
            "reconcile": { "grace_s": 0 }, "paginate": { "kind": "page", "param": "page", "start": 1, "max_pages": 1 }
        });
        let settings = by_number(&upstream, "{{cursor|default:1}}", more);
        let source = yard.try_source(SourceKind::Webhook, settings).await.expect("made");
        yard.poll().await;
        // The provider shows what it had before the source, and a run was asked for already.
        upstream.becomes(|arrival| page_of(&[1, 2, 3, 4], 2, arrival));
        yard.ask(source).await;
        yard.move_cursor(source, json!(1)).await;
        for _ in 0..4 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await.len(), 4);
        assert_eq!(yard.count("SELECT coalesce(sum(lost), 0) FROM poll_runs").await, 0, "also when it took many runs");
        upstream.becomes(|arrival| page_of(&[4, 5], 2, arrival));
        for _ in 0..2 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.count("SELECT coalesce(sum(lost), 0) FROM poll_runs").await, 1, "and then it counts again");
        yard
    })
    .await;
}

#[tokio::test]
async fn the_last_few_of_a_first_run_wait_for_nothing() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| page(1..11));
        let first_run = json!({ "first_run": { "last_n": 3 }, "stable_polls": 1 });
        let settings = with(by_number(&upstream, "{{cursor|default:1}}", json!({})), first_run);
        yard.source(settings.clone()).await;
        yard.poll().await;
        assert_eq!(yard.events().await, ["{\"id\":8}", "{\"id\":9}", "{\"id\":10}"]);
        let settings = with(settings, json!({ "stable_polls": 0 }));
        yard.try_source(SourceKind::Webhook, settings).await.expect("made");
        yard.poll().await;
        assert_eq!(yard.events().await.len(), 6, "nor for a webhook");
        yard
    })
    .await;
}

#[tokio::test]
async fn a_first_run_of_the_last_few_reads_a_list_without_an_order_to_its_end() {
    yard::each(async |yard| {
        let ids: Vec<u32> = (1..=50).collect();
        let upstream = Upstream::start(move |arrival| page_of(&ids, 10, arrival));
        let paginate = json!({ "kind": "page", "param": "page", "start": 1, "max_pages": 2 });
        let settings = json!({ "first_run": { "last_n": 3 }, "paginate": paginate });
        yard.source(with(list(&upstream.url("/")), settings)).await;
        for _ in 0..12 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await.len(), 3, "{:?}", yard.events().await);
        yard
    })
    .await;
}

/// What deletions are looked for in is read to its end always, so it has to be known to its end.
#[tokio::test]
async fn a_first_run_of_the_last_few_knows_all_that_later_runs_will_read() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|arrival| page_of(&newest_first(50), 10, arrival));
        let paginate = json!({ "kind": "page", "param": "page", "start": 1, "max_pages": 2 });
        let settings = feed(json!({ "first_run": { "last_n": 3 }, "emit": "all_changes" }));
        yard.source(with(list(&upstream.url("/")), with(settings, json!({ "paginate": paginate })))).await;
        for _ in 0..12 {
            yard.poll_after_s(60).await;
        }
        assert_eq!(yard.events().await, ["{\"id\":48}", "{\"id\":49}", "{\"id\":50}"]);
        yard
    })
    .await;
}

#[tokio::test]
async fn the_last_few_of_a_first_run_survive_one_that_fails() {
    yard::each(async |yard| {
        let broken = |arrival: &Arrival| match arrival.query("page") {
            Some("3") => Reply::status(500),
            _ => page_of(&(1..=30).collect::<Vec<_>>(), 10, arrival),
        };
        let upstream = Upstream::start(broken);
        let settings = json!({
            "request": { "url": upstream.url("/"), "query": { "from": "{{cursor|default:1}}" } },
            "cursor": { "mode": "integer", "value": "$.id", "order": "asc" }, "first_run": { "last_n": 12 }
        });
        yard.source(with(list(&upstream.url("/")), pages(settings))).await;
        yard.poll().await;
        upstream.becomes(|arrival| match arrival.query("page") {
            // What the cursor has not passed.
            Some("1") => from_on(30)(arrival),
            _ => page(0..0),
        });
        yard.poll_after_s(120).await;
        assert_eq!(yard.events().await.len(), 12);
        assert_eq!(yard.events().await[0], "{\"id\":19}");
        yard
    })
    .await;
}
