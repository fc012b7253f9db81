//! A provider takes so many requests in so many seconds, of all who share a credential: no more are sent.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Polled, Stand, every_s, page},
    upstream::{Asked, Said},
};
use crate::harness::{Database, Server, on_every_database, on_postgres, poll_until, text, until};

const REQUESTS: usize = 12;
const PER_S: u64 = 4;
const REQUESTED: &str = "postern_poll_requests_total";
/// For a few spans of the budget to come and go, on a busy machine.
const SPANS: Duration = Duration::from_secs(90);

fn budget(requests: usize, per_s: u64) -> Value {
    json!({ "budget": { "requests": requests, "per_s": per_s } })
}

/// Each answer holds something new, and `/long` has several pages of it.
fn answers(asked: &Asked) -> Said {
    let last = if asked.path() == "/long" { 8 } else { 1 };
    let page = asked.number("page", 1);
    if page > last {
        return feed::page(&[]);
    }
    feed::page(&[json!({ "id": format!("{}-{page}", asked.header("x-run")) })])
}

fn greedy(path: &str, limits: Value) -> (String, Value) {
    let changes = json!({
        "request": { "headers": { "x-run": "{{run.id}}" } },
        "schedule": every_s(1),
        "paginate": { "kind": "page", "param": "page", "start": 1 },
        "budget_key": "shared",
        "limits": limits,
    });
    (path.to_owned(), changes)
}

/// However a span is laid over the requests, as they arrived.
fn assert_kept(asked: &[Asked], requests: usize, per_s: u64) {
    for (first, next) in asked.iter().zip(asked.iter().skip(requests)) {
        let span = next.at - first.at;
        assert!(span >= Duration::from_secs(per_s), "{} requests within {span:?}", requests + 1);
    }
}

/// Two sources want more than there is; one has long lists, and declares more than the other.
async fn shared(stand: &Stand) -> Vec<Polled> {
    let mut sources = Vec::new();
    for (path, changes) in [greedy("/long", budget(20, PER_S)), greedy("/short", budget(REQUESTS, PER_S))] {
        sources.push(stand.source(&path, changes).await);
    }
    until(SPANS, "a few spans have gone by", || {
        stand.upstream.count() >= 4 * REQUESTS
            && ["/long", "/short"].iter().all(|path| stand.upstream.asked_for(path).len() >= 6)
    })
    .await;
    assert_kept(&stand.upstream.asked(), REQUESTS, PER_S);
    sources
}

on_every_database! {
    async fn sources_that_share_a_budget_never_ask_more_than_it_has(database: Database) {
        let stand = Stand::new(database, answers).await;
        shared(&stand).await;
    }

    /// The run that spends the last of it keeps its place, and nothing is read twice.
    async fn a_list_that_is_longer_than_the_budget_is_read_in_parts(database: Database) {
        let records = Feed::of(25);
        let stand = Stand::new(database, move |asked| feed::numbered(asked, &records.all(), 1)).await;
        let changes = json!({
            "paginate": { "kind": "page", "param": "page", "start": 1 },
            "limits": budget(9, 3),
        });
        let source = stand.source("/records", changes).await;
        let cursor = source.health_is("throttled").await;
        assert_eq!(cursor["next_run_at"], cursor["blocked_until"], "it goes on when there is room: {cursor}");
        let error = &cursor["last_error"];
        assert_eq!(error["field"], "poll.limits.budget", "{cursor}");
        source.health_is("ok").await;
        assert_eq!(source.events().await.len(), 25);
        let mut pages: Vec<usize> = stand.upstream.asked().iter().map(|asked| asked.number("page", 1)).collect();
        pages.sort_unstable();
        assert_eq!(pages, (1..=26).collect::<Vec<_>>(), "each page once, and the empty one behind the last");
        assert_kept(&stand.upstream.asked(), 9, 3);
    }

    async fn the_last_part_of_a_declared_budget_is_for_people(database: Database) {
        let stand = Stand::new(database, answers).await;
        let long = json!({ "schedule": every_s(1), "limits": budget(20, 3_600) });
        let source = stand.source("/short", long).await;
        source.health_is("throttled").await;
        assert_eq!(stand.upstream.count(), 18, "a tenth is kept back");
        for _ in 0..2 {
            source.run_well().await;
        }
        let refused = source.run().await;
        assert_eq!(text(&refused, "state"), "throttled", "{refused}");
        assert_eq!(refused["error"]["field"], "poll.limits.budget", "{refused}");
        assert_eq!(stand.upstream.count(), 20);
    }

    /// A source that says nothing of the budget is bound by what another one says, and a change counts at once.
    async fn a_budget_binds_all_who_share_it_from_when_it_is_declared(database: Database) {
        let stand = Stand::new(database, answers).await;
        let declares = stand.source("/short", json!({ "budget_key": "shared", "limits": budget(2, 3_600) })).await;
        let (_, first) = declares.first_run().await;
        assert_eq!(first["health"], "ok", "{first}");
        let silent = stand.source("/other", json!({ "budget_key": "shared" })).await;
        let free = stand.source("/other", json!({})).await;
        silent.first_run().await;
        free.first_run().await;
        assert_eq!(text(&silent.run().await, "state"), "throttled");
        free.run_well().await;
        let more = json!({ "budget_key": "shared", "limits": budget(4, 3_600) });
        declares.change(stand.settings("/short", more)).await;
        silent.run_well().await;
    }
}

on_postgres! {
    /// Whichever of them took the runs stops, and the other one, which goes on, knows what was asked before.
    async fn replicas_share_one_budget(database: Database) {
        let stand = Stand::new(database, answers).await;
        let other: Server = stand.server.replica().await;
        let mut sources = shared(&stand).await;
        let there = other.api(stand.api.key());
        let (mut busier, other, api) =
            if stand.api.figure(REQUESTED).await < there.figure(REQUESTED).await {
                (other, stand.server, stand.api)
            } else {
                (stand.server, other, there)
            };
        let before = api.figure(REQUESTED).await;
        busier.sigterm().await;
        poll_until(SPANS, "the other one asks", async || {
            (api.figure(REQUESTED).await > before).then_some(())
        })
        .await;
        for source in &mut sources {
            source.api = api.clone();
        }
        // After a while each is slower, and says why.
        for source in &sources {
            let cursor = poll_until(SPANS, "it is slowed down", async || {
                Some(source.cursor().await).filter(|cursor| !cursor["slowed"].is_null())
            })
            .await;
            assert_eq!((&cursor["slowed"]["requests"], &cursor["slowed"]["per_s"]), (&json!(12), &json!(4)), "{cursor}");
            let wanted = cursor["slowed"]["wanted"].as_u64().expect("a number");
            assert!(wanted > 12 && cursor["interval_s"].as_u64() > Some(1), "{cursor}");
        }
        let shown = page(&other, &api, &format!("/sources/{}", sources[0].id)).await;
        assert!(shown.contains("Interval now"), "{shown}");
        assert_kept(&stand.upstream.asked(), REQUESTS, PER_S);
    }
}
