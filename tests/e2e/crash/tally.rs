//! The books at the end: what was accepted, what arrived, and what the database says about it.

use std::{collections::HashMap, time::Duration};

use crate::harness::{Arrival, Inspector, Load, Receiver, poll_until};

/// For the last retries and recoveries.
const DRAIN: Duration = Duration::from_secs(60);

/// What arrived more than once, and how many attempts are known to have been cut off.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) events: usize,
    pub(crate) extra_arrivals: usize,
    pub(crate) interrupted: usize,
    pub(crate) superseded: usize,
}

/// Stops the load, waits until nothing is left to deliver, and checks what must hold however rough it was: all that was
/// accepted arrived, under one id and with its own body; no event without its delivery; nothing that nobody sent.
pub(crate) async fn balance(load: &Load, receivers: &[&Receiver], inspector: &Inspector) -> Tally {
    let accepted = load.stop().await;
    let empty = async || (inspector.number("SELECT count(*) FROM queue").await == 0).then_some(());
    if tokio::time::timeout(DRAIN, poll_until(DRAIN * 2, "the queue is empty", empty)).await.is_err() {
        let left = "SELECT state, 'attempts ' || attempts || ', retries ' || retries || ', due ' || due_at || ', leased ' || \
                    coalesce(CAST(leased_at AS text), 'no') || ', a row of ' || count(*) OVER (PARTITION BY state) \
                    FROM queue LIMIT 20";
        panic!("the queue is not empty after {DRAIN:?}: {:?}", inspector.pairs(left).await);
    }
    let arrivals: Vec<Arrival> = receivers.iter().flat_map(|receiver| receiver.arrivals()).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for arrival in &arrivals {
        let body: serde_json::Value = serde_json::from_slice(&arrival.body).expect("the body as it was sent");
        let own_id = body["id"].as_str().unwrap_or_default();
        let id = accepted.get(own_id).unwrap_or_else(|| panic!("{own_id} arrived and was never accepted"));
        assert_eq!(arrival.id(), id, "{own_id} arrived under another id");
        *counts.entry(arrival.id()).or_default() += 1;
    }
    let lost: Vec<_> = accepted.values().filter(|id| !counts.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} accepted events never arrived: {lost:?}", lost.len(), accepted.len());
    let number = async |sql: &str| usize::try_from(inspector.number(sql).await).expect("a count");
    assert_eq!(number("SELECT count(*) FROM events").await, accepted.len(), "each event was accepted once");
    let delivered = "SELECT count(DISTINCT event_id) FROM deliveries WHERE state = 'delivered'";
    assert_eq!(number(delivered).await, accepted.len(), "no event without its delivery");
    assert_eq!(number("SELECT count(*) FROM deliveries").await, accepted.len(), "one delivery for each event");
    let mut repeated: Vec<&str> = counts.iter().filter(|(_, count)| **count > 1).map(|(id, _)| *id).collect();
    repeated.sort_unstable();
    for id in repeated.iter().take(3) {
        explain(id, &arrivals, inspector).await;
    }
    Tally {
        events: accepted.len(),
        extra_arrivals: arrivals.len() - counts.len(),
        interrupted: number("SELECT count(*) FROM attempts WHERE kind = 'interrupted'").await,
        superseded: number("SELECT count(*) FROM attempts WHERE kind = 'superseded'").await,
    }
}

/// For whoever looks at a failed test: when an event arrived, and which attempts are on record.
async fn explain(id: &str, arrivals: &[Arrival], inspector: &Inspector) {
    let first = arrivals.iter().map(|arrival| arrival.at).min().expect("at least one");
    let at: Vec<_> = arrivals.iter().filter(|arrival| arrival.id() == id).map(|arrival| arrival.at - first).collect();
    let uuid = id.parse::<postern_domain::EventId>().expect("an event's id").uuid();
    let blob = format!("x'{}'", uuid.simple());
    let text = format!("'{uuid}'");
    let event = inspector.either(&blob, &text);
    let attempts = inspector
        .pairs(&format!(
            "SELECT CAST(number AS text), kind || ' at ' || CAST(started_at AS text) || ' for ' || \
             CAST(duration_us AS text) || ' us' FROM attempts \
             WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id = {event}) ORDER BY number"
        ))
        .await;
    eprintln!("{id} arrived {at:?} after the first of all; attempts {attempts:?}");
}
