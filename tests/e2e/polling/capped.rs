//! An API that gives no more than so many records for one request, however many there are.

use serde_json::{Value, json};

use super::{
    feed::{self, Feed, moment},
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, text};

const CAP: usize = 20;

/// What lies between the ends of the request, but at most so much of it: the newest, or else the oldest.
fn cut(asked: &Asked, records: &Feed) -> Vec<Value> {
    let (since, until) = (asked.param("since").unwrap_or_default(), asked.param("until").expect("an end"));
    let mut within = records.since(asked);
    within.retain(|record| {
        record["updated_at"].as_str().is_some_and(|at| (since.as_str()..=until.as_str()).contains(&at))
    });
    let left_out = within.len().saturating_sub(CAP);
    match asked.path() {
        "/newest" => within.split_off(left_out),
        _ => {
            within.truncate(CAP);
            within
        }
    }
}

fn capped() -> Value {
    json!({
        "request": { "query": { "since": "{{cursor|default:2026-01-01T00:00:00Z}}", "until": "{{run.until}}" } },
        "cursor": {
            "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0,
            "result_cap": CAP,
        },
    })
}

fn uneven() -> Feed {
    let feed = Feed::of(90);
    for id in 91..=130 {
        feed.push(id, &moment(id * 150));
    }
    feed
}

fn of(records: &Feed) -> impl Fn(&Asked) -> Said + Send + Sync + 'static {
    let records = records.clone();
    move |asked| feed::page(&cut(asked, &records))
}

on_every_database! {
    async fn a_list_that_is_cut_off_is_read_whole(database: Database) {
        let records = uneven();
        let stand = Stand::new(database, of(&records)).await;
        for path in ["/newest", "/oldest"] {
            let mut settings = capped();
            settings["budget_key"] = path.into();
            let source = stand.source(path, settings).await;
            let (run, cursor) = source.first_run().await;
            assert_eq!(text(&run, "state"), "succeeded", "{run}");
            assert_eq!(cursor["cursor"], json!(moment(130 * 150)), "{cursor}");
            let mut ids: Vec<u32> = source.records("id").await.iter().map(|id| id.parse().expect("a number")).collect();
            ids.sort_unstable();
            assert_eq!(ids, (1..=130).collect::<Vec<_>>(), "{path}: nothing lost, nothing doubled");
            // What is new since fits into one request.
            let before = stand.upstream.asked_for(path).len();
            source.run_well().await;
            assert_eq!(stand.upstream.asked_for(path).len(), before + 1);
        }
    }

    /// Cut short between windows by the limit of pages, it goes on where it was.
    async fn a_run_that_ends_between_windows_goes_on_there(database: Database) {
        let records = uneven();
        let stand = Stand::new(database, of(&records)).await;
        let mut settings = capped();
        settings["paginate"] = json!({ "kind": "none", "max_pages": 3 });
        settings["schedule"] = every_s(3_600);
        let source = stand.source("/newest", settings).await;
        source.health_is("ok").await;
        assert_eq!(source.events().await.len(), 130);
        let runs = source.runs().await;
        assert!(runs.iter().filter(|run| run["state"] == "partial").count() >= 3, "{runs:?}");
        let mut windows: Vec<String> = stand.upstream.asked().into_iter().map(|asked| asked.target).collect();
        let asked = windows.len();
        windows.sort_unstable();
        windows.dedup();
        assert_eq!(windows.len(), asked, "no window was asked for twice");
    }

    async fn more_at_one_instant_than_the_api_gives_is_an_error(database: Database) {
        let records = Feed::of(30);
        for id in 31..=60 {
            records.push(id, &moment(40));
        }
        records.push(61, &moment(50));
        let stand = Stand::new(database, of(&records)).await;
        let source = stand.source("/oldest", capped()).await;
        let (run, cursor) = source.first_run().await;
        assert_eq!(text(&run, "state"), "failed", "{run}");
        assert_eq!((&run["error"]["class"], &run["error"]["field"]), (&json!("result_cap"), &json!("poll.cursor.result_cap")));
        assert!(cursor["cursor"].as_str().is_some_and(|at| at <= moment(40).as_str()), "what is behind is not passed: {cursor}");
        assert!(source.events().await.len() >= 30, "what lies before it was read");
        // Once it fits, nothing is missing.
        stand.upstream.answer(move |asked| feed::page(&records.since(asked)));
        let settings = stand.settings("/oldest", json!({ "request": capped()["request"], "cursor": { "mode": "timestamp",
            "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 } }));
        source.change(settings).await;
        source.run_well().await;
        assert_eq!(source.events().await.len(), 61);
    }
}
