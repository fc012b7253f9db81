//! Two servers poll from one database: each run happens once, whatever becomes of one of them.

use std::{collections::HashMap, time::Duration};

use serde_json::json;

use super::{
    feed::{self, Feed},
    stand::{Stand, every_s},
    upstream::{Asked, Gate, Said},
};
use crate::{
    crash::turn,
    harness::{Database, on_postgres, poll_until, until},
};

const SOURCES: usize = 30;
/// Longer than a replica may be silent before the others take it for dead.
const TAKEN_OVER: Duration = Duration::from_secs(75);

/// Each answer holds something new, so that each run has a row of its own.
fn always_new(asked: &Asked) -> Said {
    Said::json(&json!({ "data": [{ "id": asked.header("x-run") }] }))
}

on_postgres! {
    async fn two_replicas_make_each_run_once_also_while_one_is_killed(database: Database) {
        let _turn = turn().await;
        let stand = Stand::new(database, always_new).await;
        let mut other = stand.server.replica().await;
        for number in 0..SOURCES {
            let changes = json!({
                "request": { "headers": { "x-run": "{{run.id}}" } },
                "schedule": every_s(1),
                "budget_key": format!("{number}"),
            });
            stand.source(&format!("/list-{number}"), changes).await;
        }
        until(Duration::from_secs(60), "both are at work", || stand.upstream.count() >= 8 * SOURCES).await;
        other.kill9().await;
        let at_kill = stand.upstream.count();
        // Each source goes on, also those that the killed one had under way.
        let goes_on = || (0..SOURCES).all(|number| {
            let path = format!("/list-{number}");
            let asked = stand.upstream.asked();
            asked.iter().skip(at_kill).filter(|asked| asked.path() == path).count() >= 4
        });
        until(TAKEN_OVER, "every source goes on", goes_on).await;

        let mut server = stand.server;
        server.sigterm().await;
        let inspector = server.inspect_remains().await;
        let mut requests: HashMap<String, usize> = HashMap::new();
        for asked in stand.upstream.asked() {
            *requests.entry(asked.header("x-run").to_owned()).or_default() += 1;
        }
        let doubled: Vec<_> = requests.iter().filter(|(_, count)| **count > 1).collect();
        assert!(doubled.is_empty(), "runs that were made twice: {doubled:?}");
        let twice = "SELECT count(*) FROM (SELECT 1 FROM poll_runs WHERE trigger = 'schedule' AND state <> 'lost_lease' \
                     GROUP BY source_id, scheduled_at HAVING count(*) > 1) t";
        assert_eq!(inspector.number(twice).await, 0, "instants that were run twice");
        let finished = inspector.number("SELECT coalesce(sum(runs), 0)::bigint FROM poll_runs WHERE state = 'succeeded'").await;
        let events = inspector.number("SELECT count(*) FROM events").await;
        let lost = inspector.number("SELECT count(*) FROM poll_runs WHERE state = 'lost_lease'").await;
        eprintln!("{} requests, {finished} runs, {events} events, {lost} runs lost with the killed one", requests.len());
        // A run that was killed between its page and its end has its event all the same.
        let emitted = inspector.number("SELECT coalesce(sum(emitted), 0)::bigint FROM poll_runs").await;
        assert_eq!(emitted, events, "each event is some run's");
        assert!((finished..=finished + lost).contains(&events), "{finished} runs and {lost} lost made {events} events");
        let unfinished = i64::try_from(requests.len()).expect("few") - finished;
        assert!((0..=lost).contains(&unfinished), "each request belongs to a run on record");
    }

    /// It wakes up in the middle of a run that somebody else has made meanwhile.
    async fn a_replica_that_freezes_in_a_run_commits_nothing_when_it_wakes(database: Database) {
        let _turn = turn().await;
        let gate = Gate::closed();
        let (records, holds) = (Feed::of(5), gate.clone());
        let feed = records.clone();
        // The first request waits at the gate, with five records more than there are.
        let stand = Stand::new(database, move |_| {
            if feed.len() == 5 {
                feed.grow(1);
                let more: Vec<_> = (1..=10).map(|id| json!({ "id": id })).collect();
                return feed::page(&more).behind(&holds);
            }
            feed::page(&feed.all())
        })
        .await;
        let source = stand.source("/records", json!({ "schedule": every_s(1) })).await;
        until(Duration::from_secs(20), "a run is under way", || stand.upstream.count() == 1).await;
        stand.server.sigstop();
        let other = stand.server.replica().await;
        let there = other.api(stand.api.key());
        let inspector = stand.inspect().await;
        poll_until(TAKEN_OVER, "the other one has taken over", async || {
            (inspector.number("SELECT count(*) FROM events").await == 6).then_some(())
        })
        .await;
        let runs_before = stand.upstream.count();
        gate.open();
        stand.server.sigcont();
        until(Duration::from_secs(30), "polling goes on", || stand.upstream.count() >= runs_before + 5).await;
        assert_eq!(inspector.number("SELECT count(*) FROM events").await, 6, "what it had read counts for nothing");
        let lost = there.found(&format!("/sources/{}/runs?limit=250", source.id)).await;
        let states: Vec<_> = lost["data"].as_array().expect("runs").iter().map(|run| run["state"].clone()).collect();
        assert!(states.contains(&json!("lost_lease")), "{states:?}");
    }
}
