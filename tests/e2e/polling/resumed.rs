//! A run whose process died between two pages: it is on record, and the next goes on where it was cut off.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    feed::{self, Feed},
    stand::{Polled, Stand},
    upstream::Gate,
};
use crate::{
    crash::turn,
    harness::{Database, Server, on_every_database, poll_until, text, until},
};

/// Longer than a replica may be silent before the others take it for dead.
const TAKEN_OVER: Duration = Duration::from_secs(75);

on_every_database! {
    async fn a_run_whose_server_is_killed_is_taken_over_at_its_page(database: Database) {
        let _turn = turn().await;
        let (records, gate) = (Feed::of(25), Gate::closed());
        let (feed, holds) = (records.clone(), gate.clone());
        let mut stand = Stand::new(database.clone(), move |asked| {
            let said = feed::numbered(asked, &feed.all(), 10);
            if asked.number("page", 1) == 2 { said.behind(&holds) } else { said }
        })
        .await;
        let changes = json!({ "paginate": { "kind": "page", "param": "page", "start": 1 } });
        let source = stand.source("/records", changes).await;
        until(Duration::from_secs(20), "a run waits for its second page", || stand.upstream.count() == 2).await;
        // On PostgreSQL another replica takes it over; on SQLite it is the next process.
        let other: Option<Server> = if database.is_sqlite() { None } else { Some(stand.server.replica().await) };
        stand.server.kill9().await;
        gate.open();
        let api = match &other {
            Some(other) => other.api(stand.api.key()),
            None => {
                stand.server.restart().await;
                stand.server.api(stand.api.key())
            }
        };
        let source = Polled { api, ..source };
        let runs = poll_until(TAKEN_OVER, "the next run is at its end", async || {
            let runs = source.runs().await;
            runs.iter().any(|run| run["state"] == "succeeded").then_some(runs)
        })
        .await;
        let states: Vec<&Value> = runs.iter().map(|run| &run["state"]).collect();
        assert_eq!(states, ["succeeded", "lost_lease"], "newest first");
        assert_eq!((&runs[0]["emitted"], &runs[1]["emitted"]), (&json!(15), &json!(10)), "{runs:?}");
        let pages: Vec<usize> = stand.upstream.asked().iter().map(|asked| asked.number("page", 1)).collect();
        assert_eq!(pages[..4], [1, 2, 2, 3], "it goes on from the page that was cut off: {pages:?}");
        let mut ids: Vec<u32> = source.records("id").await.iter().map(|id| id.parse().expect("a number")).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=25).collect::<Vec<u32>>(), "each once");
        assert!(text(&runs[1], "id") != text(&runs[0], "id"));
    }
}
