//! Sources that want more than their provider gives run less often, all of them.

use postern_pipeline::polling;
use serde_json::{Value, json};

use crate::{
    upstream::{Reply, Upstream},
    yard,
};

const SOURCES: usize = 6;
/// Half of what six sources want that run each minute.
const LIMIT: &str = "3";

fn list(url: &str) -> Value {
    json!({
        "request": { "url": url }, "schedule": { "interval_s": 60, "jitter_pct": 0 }, "items": "$[*]", "id": "$.id",
        "first_run": "backfill"
    })
}

/// The provider says so with each answer, and lets through what it is asked.
fn told() -> Reply {
    Reply::json("[]").with("ratelimit-limit", LIMIT).with("ratelimit-remaining", "50").with("ratelimit-reset", "60")
}

#[tokio::test]
async fn a_limit_that_answers_tell_of_is_shared_by_all_who_want_it() {
    yard::each(async |yard| {
        let upstream = Upstream::start(|_| told());
        let mut sources = Vec::new();
        for number in 0..SOURCES {
            sources.push(yard.source(list(&upstream.url(&format!("/{number}")))).await);
        }
        yard.poll().await;
        yard.poll_after_s(60).await;
        yard.engine.watch_polls().await.expect("watched");
        // The first run that knows of it is still one of the timetable.
        yard.poll_after_s(60).await;
        let overview =
            polling::overview(&yard.engine, yard.scope(), sources[0]).await.expect("answers").expect("polls");
        let slowed = overview.slowed.expect("slower");
        assert_eq!((slowed.wanted, slowed.requests, slowed.per_s), (6, 3, 60));
        let interval_ms = overview.interval_ms.expect("an interval");
        assert!((120_000..130_000).contains(&interval_ms), "twice as long, and the span's margin: {interval_ms}");
        assert_eq!(overview.upcoming[1].ms_since(overview.upcoming[0]), interval_ms);

        let before = upstream.arrivals().len();
        for _ in 0..80 {
            yard.poll_after_s(15).await;
        }
        let arrivals = upstream.arrivals();
        let made = arrivals.len() - before;
        assert!((48..=60).contains(&made), "three a minute for twenty minutes: {made}");
        for number in 0..SOURCES {
            let path = format!("/{number}");
            let of_one = arrivals.iter().skip(before).filter(|arrival| arrival.target == path).count();
            assert!((8..=10).contains(&of_one), "`{path}` had {of_one} of {made}");
        }

        // With room for all they are as they were.
        upstream.becomes(|_| {
            Reply::json("[]")
                .with("ratelimit-limit", "100")
                .with("ratelimit-remaining", "50")
                .with("ratelimit-reset", "60")
        });
        yard.poll_after_s(130).await;
        yard.engine.watch_polls().await.expect("watched");
        yard.poll_after_s(130).await;
        let overview =
            polling::overview(&yard.engine, yard.scope(), sources[0]).await.expect("answers").expect("polls");
        assert_eq!((overview.slowed, overview.interval_ms), (None, Some(60_000)));
        yard
    })
    .await;
}
