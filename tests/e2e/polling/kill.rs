//! kill -9 at random moments while lists are polled that grow meanwhile.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    growing::{Growing, followed, late},
    stand::{Polled, Stand},
};
use crate::{
    crash::{kills, random_ms, turn},
    harness::{Database, Receiver, connect, on_every_database, poll_until, text, until},
};

const SEED: u64 = 0x706f_6c6c_696e_6721;
/// Enough of them that some are always between their request and their commit.
const LISTS: usize = 20;
/// Each answer takes so long.
const ANSWER: Duration = Duration::from_millis(40);
/// For a lease of a killed server to be taken over, and all to be read to the end.
const CATCH_UP: Duration = Duration::from_secs(120);

on_every_database! {
    async fn nothing_is_lost_and_nothing_is_doubled(database: Database) {
        let _turn = turn().await;
        let lists = Growing::start();
        let answers = lists.clone();
        let mut stand = Stand::new(database.clone(), move |asked| late(answers.answer(asked), ANSWER)).await;
        let receiver = Receiver::start().await;
        // No run ends before its source is connected.
        let gate = stand.upstream.hold();
        let destination = json!({ "name": "a receiver", "url": receiver.url() });
        let destination = text(&stand.api.created("/destinations", destination).await, "id");
        let mut sources: Vec<Polled> = Vec::new();
        for list in 0..LISTS {
            let mut changes = followed();
            changes["budget_key"] = json!(format!("list-{list}"));
            let source = stand.source(&format!("/list-{list}"), changes).await;
            connect(&stand.api, &source.id, &destination).await;
            sources.push(source);
        }
        gate.open();
        let (mut chance, kills) = (SEED, kills());
        for number in 0..kills {
            // Some live long enough to recover what the ones before left.
            let long = number % 10 == 5;
            let life = random_ms(&mut chance, 150, 900) + Duration::from_secs(if long { 3 } else { 0 });
            sleep(life).await;
            stand.server.kill9().await;
            stand.server.restart().await;
        }
        let expected = usize::try_from(lists.stop()).expect("few") * LISTS;
        let inspector = stand.inspect().await;
        let events = async || usize::try_from(inspector.number("SELECT count(*) FROM events").await).expect("a count");
        let all = async || (events().await >= expected).then_some(());
        poll_until(CATCH_UP, "everything is read to the end", all).await;
        let asked = stand.upstream.count() + 2 * LISTS;
        until(CATCH_UP, "it is read once more", || stand.upstream.count() >= asked).await;
        assert_eq!(events().await, expected, "doubled, or lost");
        let delivered = "SELECT count(*) FROM deliveries WHERE state = 'delivered'";
        let all = async || (usize::try_from(inspector.number(delivered).await) == Ok(expected)).then_some(());
        poll_until(CATCH_UP, "everything is delivered", all).await;
        let arrived = distinct(&receiver);
        assert_eq!(arrived.len(), expected);
        for (record, ids) in arrived {
            assert_eq!(ids.len(), 1, "{record} became several events: {ids:?}");
        }
        let lost = inspector.number("SELECT count(*) FROM poll_runs WHERE state = 'lost_lease'").await;
        eprintln!("{kills} kills: {expected} records, {} requests, {lost} runs interrupted", stand.upstream.count());
        assert!(lost > 0, "no kill found anything under way: the test tests nothing");
    }
}

/// The events' ids that each record arrived with.
fn distinct(receiver: &Receiver) -> HashMap<String, HashSet<String>> {
    let mut records: HashMap<String, HashSet<String>> = HashMap::new();
    for arrival in receiver.arrivals() {
        let record: Value = serde_json::from_slice(&arrival.body).expect("JSON");
        records.entry(text(&record, "id")).or_default().insert(arrival.id().to_owned());
    }
    records
}
