//! kill -9 at random moments while calls are made: the end of a call and its event appear together or not at all.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::stand::{Stand, wish};
use crate::{
    crash::{kills, random_ms, turn},
    harness::{Api, Database, Inspector, on_every_database, poll_until, text},
    polling::{
        growing::late,
        upstream::{Asked, Said, Upstream},
    },
};

const SEED: u64 = 0x6361_6c6c_7321_2121;
/// Each hands over one call after the other.
const CALLERS: usize = 4;
/// Each answer takes so long, so that a kill finds some under way.
const ANSWER: Duration = Duration::from_millis(60);
const CATCH_UP: Duration = Duration::from_secs(180);

/// What a caller does over and over. Those of `careful` must never arrive twice.
const KINDS: [&str; 4] = ["good", "refused", "flaky", "careful"];

on_every_database! {
    async fn no_end_is_without_its_event_and_no_event_without_its_end(database: Database) {
        let _turn = turn().await;
        let seen: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let mut stand = Stand::new(database, move |asked| late(answer(asked, &seen), ANSWER)).await;
        let stop = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| tokio::spawn(hand_over(stand.api.clone(), stand.upstream.clone(), number, Arc::clone(&stop))))
            .collect();
        let (mut chance, kills) = (SEED, kills());
        for number in 0..kills {
            // Some live long enough to recover what the ones before left.
            let long = number % 10 == 5;
            let life = random_ms(&mut chance, 150, 900) + Duration::from_secs(if long { 3 } else { 0 });
            sleep(life).await;
            stand.server.kill9().await;
            stand.server.restart().await;
        }
        stop.store(true, Ordering::SeqCst);
        let mut made = Vec::new();
        for caller in callers {
            made.extend(caller.await.expect("no panic"));
        }
        let inspector = stand.server.inspect().await;
        let open = "SELECT count(*) FROM calls WHERE event_id IS NULL";
        poll_until(CATCH_UP, "every call has ended", async || (inspector.number(open).await == 0).then_some(())).await;
        balance(&stand, &inspector, &made).await;
        let interrupted = inspector.number("SELECT count(*) FROM call_attempts WHERE kind = 'interrupted'").await;
        eprintln!("{kills} kills: {} calls, {} requests, {interrupted} interrupted", made.len(), stand.upstream.count());
        assert!(interrupted > 0, "no kill found anything under way: the test tests nothing");
    }
}

fn answer(asked: &Asked, seen: &Mutex<HashMap<String, usize>>) -> Said {
    let mut seen = seen.lock().expect("not poisoned");
    let times = seen.entry(asked.target.clone()).or_default();
    *times += 1;
    match (asked.path(), *times) {
        ("/refused", _) => Said::status(409),
        ("/flaky", 1) => Said::status(503),
        _ => Said::json(&json!({ "times": *times })),
    }
}

/// Hands over calls until it is told to stop, each again under its key until it is taken in. Gives what each was and
/// became known as.
async fn hand_over(api: Api, upstream: Upstream, caller: usize, stop: Arc<AtomicBool>) -> Vec<(String, String)> {
    let mut made = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let kind = KINDS[number % KINDS.len()];
        let key = format!("{caller}-{number}");
        number += 1;
        let mut changes = json!({ "retry": { "max": 20, "base_s": 1, "cap_s": 1 } });
        if kind != "careful" {
            changes["request"]["headers"]["idempotency-key"] = json!(key);
        }
        let body = wish(&upstream, &format!("/{kind}?key={key}"), changes).to_string().into_bytes();
        loop {
            let headers = [("idempotency-key", key.as_str())];
            let answer = api.send(reqwest::Method::POST, "/api/v1/calls", &headers, Some(body.clone())).await;
            match answer {
                Ok(answer) if answer.status == 202 => {
                    made.push((text(&answer.json(), "id"), kind.to_owned()));
                    break;
                }
                // It was killed, or does not answer yet.
                Ok(answer) => assert!([503, 500].contains(&answer.status), "{}: {}", answer.status, answer.json()),
                Err(_) => {}
            }
            sleep(Duration::from_millis(20)).await;
        }
        sleep(Duration::from_millis(10)).await;
    }
    made
}

async fn balance(stand: &Stand, inspector: &Inspector, made: &[(String, String)]) {
    let count = async |sql: &str| usize::try_from(inspector.number(sql).await).expect("a count");
    assert_eq!(count("SELECT count(*) FROM calls").await, made.len(), "a call was lost, or doubled");
    let paired = "SELECT count(*) FROM calls JOIN events ON events.id = calls.event_id \
                  AND events.type = 'call.' || calls.state AND events.tenant_id = calls.tenant_id";
    assert_eq!(count(paired).await, made.len(), "an end without its event");
    assert_eq!(count("SELECT count(*) FROM events").await, made.len(), "an event without its end");
    let last = "SELECT count(*) FROM calls JOIN call_steps ON call_steps.call_id = calls.id \
                AND call_steps.version = calls.version AND call_steps.to_state = calls.state";
    assert_eq!(count(last).await, made.len(), "a state without its step");
    let gaps = "SELECT count(*) FROM calls WHERE version <> (SELECT count(*) FROM call_steps WHERE call_id = calls.id)";
    assert_eq!(count(gaps).await, 0, "a step is missing");
    let results = "SELECT count(*) FROM calls WHERE (response IS NOT NULL) <> EXISTS (SELECT 1 FROM call_bodies \
                   WHERE call_id = calls.id AND part = 'result')";
    assert_eq!(count(results).await, 0, "an answer without its body");
    let tried =
        "SELECT count(*) FROM calls WHERE attempts <> (SELECT count(*) FROM call_attempts WHERE call_id = calls.id)";
    assert_eq!(count(tried).await, 0, "an attempt is missing");
    // Each callback arrives.
    let undelivered = "SELECT count(*) FROM events WHERE NOT EXISTS (SELECT 1 FROM deliveries \
                       WHERE deliveries.event_id = events.id AND deliveries.state = 'delivered')";
    let all = async || (inspector.number(undelivered).await == 0).then_some(());
    poll_until(CATCH_UP, "every callback is delivered", all).await;
    let mut told: HashMap<String, Value> = HashMap::new();
    for arrival in stand.receiver.arrivals() {
        let body: Value = serde_json::from_slice(&arrival.body).expect("JSON");
        let before = told.insert(text(&body, "call_id"), body.clone());
        assert!(before.is_none_or(|before| before == body), "one call told two things: {body}");
    }
    for (id, kind) in made {
        let told = told.get(id).unwrap_or_else(|| panic!("nothing was told of {id}"));
        let state = text(told, "state");
        match kind.as_str() {
            "refused" => assert_eq!((state.as_str(), &told["error"]["upstream_status"]), ("failed", &json!(409))),
            // Made once at most: either it was answered, or nobody knows.
            "careful" if state == "failed" => assert_eq!(told["error"]["type"], "unknown_outcome", "{told}"),
            _ => assert_eq!(state, "succeeded", "{told}"),
        }
    }
    let mut careful: HashMap<String, usize> = HashMap::new();
    for asked in stand.upstream.asked_for("/careful") {
        *careful.entry(asked.target.clone()).or_default() += 1;
    }
    assert!(careful.values().all(|times| *times == 1), "what may not be done twice was asked twice");
}
