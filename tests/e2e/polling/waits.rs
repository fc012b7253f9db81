//! A provider that wants to be left alone, in every way to say so.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, poll_until, sign::now_s, text};

/// What is said, and between which waits in seconds the next run may come. The interval is a second, the floor too, and
/// the cap a day. What cannot be read is as if nothing was said: then the wait is whatever the backoff makes it.
const SAID: [(u16, &str, &str, i64, i64); 15] = [
    (429, "retry-after", "20", 19, 21),
    (429, "retry-after", "0", 0, 3),
    (429, "retry-after", "1000000000", 86_390, 86_402),
    (429, "retry-after", "99999999999999999999999", 0, 86_402),
    (429, "retry-after", "soon", 0, 3_600),
    (429, "retry-after", "-7", 0, 3_600),
    (429, "retry-after", "DATE+30", 28, 31),
    (429, "retry-after", "DATE-30", 0, 3),
    (429, "retry-after", "1m30s", 89, 91),
    (429, "x-ratelimit-reset", "EPOCH+40", 38, 41),
    (429, "x-ratelimit-reset", "EPOCH_MS+50", 48, 51),
    (429, "x-ratelimit-reset", "60", 58, 61),
    (503, "retry-after", "25", 24, 26),
    (503, "retry-after", "DATE+35", 33, 36),
    (200, "ratelimit-reset", "45", 43, 46),
];

fn written(value: &str) -> String {
    let after = |seconds: &str| now_s() + seconds.parse::<i64>().expect("seconds");
    if let Some(seconds) = value.strip_prefix("DATE") {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(after(seconds).unsigned_abs());
        return http_date(at);
    }
    if let Some(seconds) = value.strip_prefix("EPOCH_MS") {
        return (after(seconds) * 1_000).to_string();
    }
    value.strip_prefix("EPOCH").map_or_else(|| value.to_owned(), |seconds| after(seconds).to_string())
}

fn http_date(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let moment = sea_orm::prelude::DateTimeUtc::from_timestamp(i64::try_from(seconds).expect("not that late"), 0);
    moment.expect("a moment").format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn told(asked: &Asked) -> Said {
    let place: usize = asked.path().trim_start_matches("/case/").parse().expect("a number");
    let (status, header, value, ..) = SAID[place];
    let said = match status {
        200 => Said::json(&json!({ "data": [{ "id": 1 }] }))
            .header("ratelimit-remaining", "0")
            .header("ratelimit-limit", "100"),
        _ => Said::status(status),
    };
    said.header(header, written(value))
}

/// Seconds from now until it runs again by its timetable.
fn next_in_s(cursor: &Value) -> i64 {
    let at: sea_orm::prelude::DateTimeWithTimeZone = text(cursor, "next_run_at").parse().expect("a moment");
    at.timestamp() - now_s()
}

on_every_database! {
    async fn every_form_of_retry_after_is_kept_with_a_floor_and_a_cap(database: Database) {
        let stand = Stand::new(database, told).await;
        let mut sources = Vec::new();
        for place in 0..SAID.len() {
            let name = format!("/case/{place}");
            // Each has a budget of its own, or the first would hold back all of them.
            let changes = json!({ "schedule": every_s(1), "budget_key": name });
            sources.push(stand.source(&name, changes).await);
        }
        for ((status, header, value, least, most), source) in SAID.iter().zip(&sources) {
            let what = format!("{status} with `{header}: {value}` is heard");
            let cursor = poll_until(Duration::from_secs(30), &what, async || {
                let cursor = source.cursor().await;
                ["throttled", "backoff"].contains(&text(&cursor, "health").as_str()).then_some(cursor)
            })
            .await;
            // It may have been a while since it was said.
            let wait = next_in_s(&cursor);
            assert!((*least - 15..=*most).contains(&wait), "{status} `{header}: {value}`: {wait} s, {cursor}");
            if *least > 3 {
                assert_eq!(cursor["health"], "throttled", "{value}: {cursor}");
            }
        }
        let last = &sources[SAID.len() - 1];
        assert_eq!(last.events().await.len(), 1, "the page that used up the budget counts");
    }

    /// By hand it is not asked either.
    async fn what_the_provider_forbade_nobody_asks_before_its_time(database: Database) {
        let stand = Stand::new(database, |_| Said::status(429).header("retry-after", "3600")).await;
        let source = stand.source("/busy", json!({ "schedule": every_s(1) })).await;
        source.health_is("throttled").await;
        let before = stand.upstream.asked_for("/busy").len();
        // Asked for, it waits; and what shares its host and credential is held back with it.
        source.api.created(&format!("/sources/{}/poll", source.id), json!({})).await;
        stand.upstream.answer(|_| Said::json(&json!({ "data": [] })));
        let shared = stand.source("/busy", json!({})).await;
        let own = stand.source("/idle", json!({ "budget_key": "another" })).await;
        shared.health_is("throttled").await;
        for _ in 0..3 {
            own.run_well().await;
        }
        assert_eq!(stand.upstream.asked_for("/busy").len(), before);
        let waiting = &source.runs().await[0];
        assert!(["queued", "throttled"].contains(&text(waiting, "state").as_str()), "{waiting}");
    }

    /// It comes back by itself, and what was added meanwhile comes too.
    async fn after_the_wait_everything_is_read(database: Database) {
        let records = Feed::of(3);
        let stand = Stand::new(database, |_| Said::status(503).header("retry-after", "2")).await;
        let source = stand.source("/later", json!({ "schedule": every_s(1) })).await;
        source.health_is("throttled").await;
        stand.upstream.answer(move |_| feed::page(&records.all()));
        source.health_is("ok").await;
        assert_eq!(source.events().await.len(), 3);
        let asked = stand.upstream.asked();
        let gaps = asked.windows(2).map(|pair| pair[1].at - pair[0].at);
        assert!(gaps.take(asked.len() - 1).all(|gap| gap >= Duration::from_millis(900)), "it did not wait");
    }
}
