//! A server, an upstream to be called, and a receiver of what becomes of the calls.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Api, Arrival, Database, Receiver, Server, connect, poll_until, text},
    polling::upstream::{Asked, Said, Upstream},
};

/// For a call to come to its end, on a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(30);

pub(super) struct Stand {
    pub(super) server: Server,
    pub(super) api: Api,
    pub(super) upstream: Upstream,
    pub(super) receiver: Receiver,
    /// Of kind `publish`; connected to the receiver.
    pub(super) source: String,
    pub(super) signing_secret: String,
}

impl Stand {
    pub(super) async fn new(database: Database, answers: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let retry = json!({ "schedule_s": [1, 1, 1, 1, 1, 1, 1, 1], "jitter_pct": 0 });
        let destination = json!({ "name": "callbacks", "url": receiver.url(), "retry": retry });
        let destination = api.created("/destinations", destination).await;
        connect(&api, &source, &text(&destination, "id")).await;
        let signing_secret = text(&destination, "signing_secret");
        Self { server, api, upstream: Upstream::start(answers).await, receiver, source, signing_secret }
    }

    /// What is asked for to have `path` called; `changes` replace what is usual.
    pub(super) fn wish(&self, path: &str, changes: Value) -> Value {
        wish(&self.upstream, path, changes)
    }

    /// Hands a call over; gives it as it was answered.
    pub(super) async fn call(&self, path: &str, changes: Value) -> Value {
        self.api.created("/calls", self.wish(path, changes)).await
    }

    /// The same, with headers of its own; gives the whole answer.
    pub(super) async fn post(&self, wish: &Value, headers: &[(&str, &str)]) -> Answer {
        let body = Some(wish.to_string().into_bytes());
        self.api.send(Method::POST, "/api/v1/calls", headers, body).await.expect("an answer")
    }

    pub(super) async fn found(&self, id: &str) -> Value {
        self.api.found(&format!("/calls/{id}")).await
    }

    /// Waits for this state; gives the call.
    pub(super) async fn is(&self, id: &str, state: &str) -> Value {
        let what = format!("call {id} is {state}");
        poll_until(SOON, &what, async || Some(self.found(id).await).filter(|call| call["state"] == state)).await
    }

    /// Waits for its end, which must be this; gives the call.
    pub(super) async fn ended(&self, id: &str, state: &str) -> Value {
        let what = format!("call {id} has ended");
        let call =
            poll_until(SOON, &what, async || Some(self.found(id).await).filter(|call| call["done"] == true)).await;
        assert_eq!(call["state"], state, "{call}");
        call
    }

    /// Waits for the callback of a call that has ended; gives its body and how it arrived.
    pub(super) async fn callback(&self, call: &Value) -> (Value, Arrival) {
        let event = text(call, "event_id");
        let what = format!("the event {event} arrived");
        let arrival = poll_until(SOON, &what, async || self.receiver.of(&event).into_iter().next()).await;
        (serde_json::from_slice(&arrival.body).expect("JSON"), arrival)
    }

    pub(super) async fn result(&self, id: &str) -> Answer {
        let path = format!("/api/v1/calls/{id}/result");
        self.api.send(Method::GET, &path, &[], None).await.expect("an answer")
    }

    pub(super) async fn cancel(&self, id: &str) -> (u16, Value) {
        let path = format!("/api/v1/calls/{id}/cancel");
        let answer = self.api.send(Method::POST, &path, &[], None).await.expect("an answer");
        (answer.status, answer.json())
    }
}

pub(super) fn wish(upstream: &Upstream, path: &str, changes: Value) -> Value {
    let mut wish = json!({
        "request": { "method": "POST", "url": upstream.url(path), "body": { "n": 1 } },
        "retry": { "base_s": 1 },
    });
    merge(&mut wish, changes);
    wish
}

/// Objects are merged; anything else replaces what was there.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}
