//! What a change of the settings does to the cursor, and what people do to it.

use serde_json::{Value, json};

use super::{
    feed::{self, Feed, moment},
    stand::{Polled, Stand},
    upstream::Said,
};
use crate::harness::{Database, on_every_database, text};

/// Reads on from the cursor; the page is whatever is not older.
fn incremental() -> Value {
    json!({
        "request": { "query": { "since": "{{cursor|default:2026-01-01T00:00:00Z}}" } },
        "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
    })
}

async fn stand_with(database: Database, records: &Feed) -> Stand {
    let feed = records.clone();
    Stand::new(database, move |asked| feed::page(&feed.since(asked))).await
}

/// What a dry run says of each item.
async fn outcomes(source: &Polled, asked: Value) -> Vec<String> {
    let (status, dry) = source.move_cursor(asked).await;
    assert_eq!(status, 200, "{dry}");
    dry["items"].as_array().expect("items").iter().map(|item| text(item, "outcome")).collect()
}

on_every_database! {
    async fn an_edit_a_pause_and_a_resume_keep_the_cursor(database: Database) {
        let records = Feed::of(10);
        let stand = stand_with(database, &records).await;
        let source = stand.source("/records", incremental()).await;
        source.run_well().await;
        records.grow(1);
        let before = stand.upstream.count();
        let mut edited = stand.settings("/records", incremental());
        edited["request"]["headers"] = json!({ "user-agent": "edited" });
        edited["schedule"] = json!({ "interval_s": 7_200 });
        edited["emit"] = json!("new_and_updated");
        source.change(edited).await;
        source.api.patch(&format!("/sources/{}", source.id), json!({ "name": "edited" })).await;
        source.api.done(&format!("/sources/{}/pause", source.id)).await;
        source.api.done(&format!("/sources/{}/resume", source.id)).await;
        // The changes may have made runs of their own by now.
        source.run_well().await;
        assert_eq!(stand.upstream.asked()[before].param("since"), Some(moment(10)));
        assert_eq!(stand.upstream.asked().last().expect("requests").header("user-agent"), "edited");
        assert_eq!(source.events().await.len(), 11, "nothing again, and what is new");
    }

    /// What was read before belongs to something else then.
    async fn another_url_begins_again_without_emitting_what_is_there(database: Database) {
        let records = Feed::of(10);
        let stand = stand_with(database, &records).await;
        let mut changes = incremental();
        changes["first_run"] = json!("skip_existing");
        let source = stand.source("/records", changes.clone()).await;
        source.run_well().await;
        source.change(stand.settings("/others", changes)).await;
        source.run_well().await;
        assert_eq!(source.events().await.len(), 0);
        records.grow(1);
        source.run_well().await;
        assert_eq!(source.records("id").await, ["11"]);
    }

    async fn a_cursor_that_the_provider_no_longer_knows_is_made_up_for(database: Database) {
        let records = Feed::of(5);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| feed::page(&feed.since(asked))).await;
        let source = stand.source("/records", incremental()).await;
        source.run_well().await;
        let (feed, expired) = (records.clone(), moment(5));
        stand.upstream.answer(move |asked| {
            if asked.param("since").is_some_and(|since| since == expired) {
                return Said::status(410);
            }
            feed::page(&feed.since(asked))
        });
        records.grow(3);
        let run = source.run().await;
        let seen = source.cursor().await;
        assert!(["resync", "ok"].contains(&seen["health"].as_str().expect("a health")), "{run} {seen}");
        source.run_well().await;
        source.health_is("ok").await;
        assert_eq!(source.events().await.len(), 8, "nothing twice, nothing missing");
    }

    async fn a_rewind_reads_again_and_emits_nothing_twice(database: Database) {
        let records = Feed::of(10);
        let stand = stand_with(database, &records).await;
        let source = stand.source("/records", incremental()).await;
        source.run_well().await;
        // First what it would do, which changes nothing.
        assert_eq!(outcomes(&source, json!({ "to": moment(4), "dry_run": true })).await, ["unchanged"; 7]);
        let replay = json!({ "to": moment(4), "dry_run": true, "replay": true });
        assert_eq!(outcomes(&source, replay.clone()).await, ["new"; 7], "all is news again");
        assert_eq!(source.cursor().await["cursor"], json!(moment(10)));

        let before = stand.upstream.count();
        let (status, moved) = source.move_cursor(json!({ "to": moment(4), "reason": "the shop asked" })).await;
        assert_eq!(status, 200, "{moved}");
        let history = source.cursor().await;
        let latest = &history["data"][0];
        assert_eq!((&latest["to"], &latest["reason"]), (&json!(moment(4)), &json!("the shop asked")), "{history}");
        // A rewind makes a run by itself, which may be this one, or over by now.
        source.run_well().await;
        assert_eq!(stand.upstream.asked()[before].param("since"), Some(moment(4)));
        assert_eq!(source.events().await.len(), 10, "read again, not emitted again");

        let (status, moved) =
            source.move_cursor(json!({ "to": moment(8), "reason": "once more", "replay": true })).await;
        assert_eq!(status, 200, "{moved}");
        source.run_well().await;
        assert_eq!(source.events().await.len(), 13, "asked for, they are emitted again");
        assert_eq!(outcomes(&source, replay).await, ["new"; 7], "also a second time");
    }

    async fn a_post_carries_the_cursor_and_the_page_in_its_body(database: Database) {
        let records = Feed::of(25);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| {
            assert_eq!((asked.method.as_str(), asked.header("content-type")), ("POST", "application/json"));
            let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
            let since = body["filter"]["since"].as_str().unwrap_or_default();
            let mut records = feed.all();
            records.retain(|record| record["updated_at"].as_str() >= Some(since));
            let page = usize::try_from(body["page"].as_u64().unwrap_or(1)).expect("few");
            feed::page(feed::slice(&records, (page - 1) * 10, 10))
        })
        .await;
        let changes = json!({
            "request": { "method": "POST", "body": { "filter": { "since": "{{cursor}}" }, "kind": "order" } },
            "paginate": { "kind": "page", "param": "/page", "start": 1 },
            "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
        });
        let source = stand.source("/search", changes).await;
        source.run_well().await;
        records.grow(2);
        let before = stand.upstream.count();
        source.run_well().await;
        let body: Value = serde_json::from_slice(&stand.upstream.asked()[before].body).expect("JSON");
        assert_eq!(body["filter"]["since"], json!(moment(25)));
        assert_eq!(source.events().await.len(), 27);
    }

    async fn a_test_poll_tells_everything_and_stores_nothing(database: Database) {
        let records = Feed::of(4);
        let stand = stand_with(database, &records).await;
        let source = stand.source("/records", json!({})).await;
        source.run_well().await;
        records.grow(2);
        let inspector = stand.inspect().await;
        let stored = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM poll_runs) + \
                      (SELECT count(*) FROM poll_records) + (SELECT count(*) FROM sources)";
        let before = inspector.number(stored).await;
        let settings = stand.settings("/records", json!({}));
        let (status, told) =
            source.api.post("/sources/poll/test", json!({ "poll": settings, "source_id": source.id })).await;
        assert_eq!((status, &told["ok"], &told["status"]), (200, &json!(true), &json!(200)), "{told}");
        assert_eq!(told["pages"][0]["items"], 6, "{told}");
        let news = told["items"].as_array().expect("items").iter().filter(|item| item["outcome"] == "new").count();
        assert_eq!(news, 2, "{told}");
        let (status, told) = source.api.post("/sources/poll/test", json!({ "poll": settings })).await;
        assert_eq!(status, 200, "{told}");
        assert!(told["items"].as_array().expect("items").iter().all(|item| item["outcome"] == "new"), "{told}");
        // Each fault names the field that mends it.
        for (changes, field) in [
            (json!({ "items": "$.orders" }), "poll.items"),
            (json!({ "id": "$.number" }), "poll.id"),
            (json!({ "request": { "url": "http://127.0.0.1:9/" } }), "poll.request.url"),
        ] {
            let settings = stand.settings("/records", changes);
            let (status, told) = source.api.post("/sources/poll/test", json!({ "poll": settings })).await;
            assert_eq!((status, &told["ok"], &told["error"]["field"]), (200, &json!(false), &json!(field)), "{told}");
            assert!(told["error"]["message"].is_string(), "{told}");
        }
        assert_eq!(inspector.number(stored).await, before, "a test leaves nothing behind");
    }
}
