//! A server with an upstream to poll, and what a test does with a source over and over: run it, look at it.

use std::time::Duration;

use serde_json::{Value, json};

use super::upstream::{Asked, Said, Upstream};
use crate::harness::{Api, Browser, Database, Inspector, Options, Receiver, Server, connect, member, poll_until, text};

/// For one run to come and go, on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// Sources run when the test says so: by their timetable only on the next 29 February.
const SELDOM: &str = "0 3 29 2 *";

pub(super) struct Stand {
    pub(super) server: Server,
    pub(super) api: Api,
    pub(super) upstream: Upstream,
}

impl Stand {
    pub(super) async fn new(database: Database, answers: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let server = Server::start_with(options(database)).await;
        let api = server.bootstrap().await;
        Self { server, api, upstream: Upstream::start(answers).await }
    }

    /// The settings of a source that reads one page of records at `path`, whole from the beginning; `changes` replace
    /// what is usual, field by field.
    pub(super) fn settings(&self, path: &str, changes: Value) -> Value {
        settings(&self.upstream.url(path), changes)
    }

    /// A source that polls `path`, and no timetable of its own.
    pub(super) async fn source(&self, path: &str, changes: Value) -> Polled {
        Polled::create(&self.api, self.settings(path, changes)).await
    }

    /// The same, connected to a receiver before its first run ends.
    pub(super) async fn route(&self, path: &str, changes: Value) -> (Polled, Receiver) {
        let gate = self.upstream.hold();
        let source = self.source(path, changes).await;
        let receiver = Receiver::start().await;
        source.deliver_to(&receiver).await;
        gate.open();
        (source, receiver)
    }

    pub(super) async fn page(&self, path: &str) -> String {
        page(&self.server, &self.api, path).await
    }

    pub(super) async fn inspect(&self) -> Inspector {
        self.server.inspect().await
    }
}

/// The page of a thing, as `/sources/{id}`, as somebody sees it who may only look.
pub(super) async fn page(server: &Server, api: &Api, path: &str) -> String {
    const VIEWER: &str = "viewer@example.com";
    member(api, VIEWER, "viewer").await;
    let mut viewer = Browser::logged_in(server, VIEWER).await;
    let home = viewer.get("/").await.header("location").expect("a way home").to_owned();
    let page = viewer.get(&format!("{}{path}", home.trim_end_matches('/'))).await;
    assert_eq!(page.status, 200, "{home}{path}");
    String::from_utf8_lossy(&page.body).into_owned()
}

/// Of every server here: shorter intervals than an operator would permit.
pub(super) fn options(database: Database) -> Options {
    Options::new(database).env("POSTERN_MIN_POLL_INTERVAL_S", "1")
}

/// As [`Stand::settings`], for any URL.
pub(super) fn settings(url: &str, changes: Value) -> Value {
    let mut settings = json!({
        "request": { "method": "GET", "url": url },
        "schedule": { "cron": SELDOM, "timezone": "UTC" },
        "items": "$.data",
        "id": "$.id",
        "emit": "new",
        "first_run": "backfill",
    });
    if !changes["schedule"].is_null() {
        settings["schedule"] = Value::Null;
    }
    merge(&mut settings, changes);
    settings
}

/// For [`settings`]: every so many seconds, all in step.
pub(super) fn every_s(interval_s: u32) -> Value {
    json!({ "interval_s": interval_s, "jitter_pct": 0 })
}

/// Objects are merged; anything else replaces what was there.
pub(super) fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}

/// A source that polls.
#[derive(Clone, Debug)]
pub(super) struct Polled {
    pub(super) api: Api,
    pub(super) id: String,
}

impl Polled {
    pub(super) async fn create(api: &Api, poll: Value) -> Self {
        let source = api.created("/sources", json!({ "name": "polled", "kind": "poll", "poll": poll })).await;
        Self { api: api.clone(), id: text(&source, "id") }
    }

    pub(super) async fn deliver_to(&self, receiver: &Receiver) {
        let destination = json!({ "name": "a receiver", "url": receiver.url() });
        let destination = self.api.created("/destinations", destination).await;
        connect(&self.api, &self.id, &text(&destination, "id")).await;
    }

    fn path(&self, rest: &str) -> String {
        format!("/sources/{}{rest}", self.id)
    }

    /// Runs it now, to the end; gives the run.
    pub(super) async fn run(&self) -> Value {
        let asked = self.api.created(&self.path("/poll"), json!({})).await;
        self.ended(&text(&asked, "id")).await
    }

    /// Runs it, and it must not fail.
    pub(super) async fn run_well(&self) -> Value {
        let run = self.run().await;
        let state = text(&run, "state");
        assert!(["succeeded", "not_modified", "quiet", "partial"].contains(&state.as_str()), "{run}");
        run
    }

    /// Waits for the end of its first run, which comes by itself; gives it, and how the source is then.
    pub(super) async fn first_run(&self) -> (Value, Value) {
        poll_until(SOON, "its first run has ended", async || {
            let run = self.runs().await.pop().filter(|run| text(run, "state") != "running")?;
            Some((run, self.cursor().await))
        })
        .await
    }

    /// Waits for the end of a run.
    pub(super) async fn ended(&self, run: &str) -> Value {
        let what = format!("run {run} has ended");
        poll_until(SOON, &what, async || {
            let found = self.runs().await.into_iter().find(|row| row["id"] == run)?;
            (!["queued", "running"].contains(&text(&found, "state").as_str())).then_some(found)
        })
        .await
    }

    /// The latest runs, latest first.
    pub(super) async fn runs(&self) -> Vec<Value> {
        let page = self.api.found(&self.path("/runs?limit=250")).await;
        page["data"].as_array().expect("runs").clone()
    }

    /// The cursor, with health and what is to come.
    pub(super) async fn cursor(&self) -> Value {
        self.api.found(&self.path("/cursor")).await
    }

    pub(super) async fn move_cursor(&self, body: Value) -> (u16, Value) {
        self.api.post(&self.path("/cursor"), body).await
    }

    pub(super) async fn shown(&self) -> Value {
        self.api.found(&self.path("")).await
    }

    /// Changes settings, and that must be accepted.
    pub(super) async fn change(&self, poll: Value) -> Value {
        let (status, answer) = self.api.patch(&self.path(""), json!({ "poll": poll })).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(super) async fn health(&self) -> String {
        text(&self.cursor().await, "health")
    }

    /// Waits for a state of health; gives the cursor's view.
    pub(super) async fn health_is(&self, health: &str) -> Value {
        let what = format!("the source is {health}");
        poll_until(SOON, &what, async || Some(self.cursor().await).filter(|cursor| cursor["health"] == health)).await
    }

    /// All its events, latest first.
    pub(super) async fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let path = format!("/events?source_id={}&limit=250{cursor}", self.id);
            let page = self.api.found(&path).await;
            events.extend(page["data"].as_array().expect("events").iter().cloned());
            next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        }
        events
    }

    /// The bodies of its events, oldest first.
    pub(super) async fn payloads(&self) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        for event in self.events().await.iter().rev() {
            let path = format!("/api/v1/events/{}/payload", text(event, "id"));
            let answer = self.api.send(reqwest::Method::GET, &path, &[], None).await.expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.json());
            payloads.push(answer.body);
        }
        payloads
    }

    /// One field of each event's record, oldest first, as text.
    pub(super) async fn records(&self, field: &str) -> Vec<String> {
        let read = |payload: &Vec<u8>| -> String {
            let record: Value = serde_json::from_slice(payload).expect("JSON");
            record[field].as_str().map_or_else(|| record[field].to_string(), str::to_owned)
        };
        self.payloads().await.iter().map(read).collect()
    }
}
