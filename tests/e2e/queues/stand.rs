//! A source that is published to, a queue, and what a consumer says to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Api, Database, Server, connect, poll_until, text};

/// For the sweep, which comes now and then, and for what another replica did.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Stand {
    pub(super) server: Server,
    pub(super) queue: Queue,
}

/// A queue as one who has a key sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) api: Api,
    pub(super) id: String,
    pub(super) source: String,
    pub(super) connection: String,
}

impl Stand {
    /// `settings` are those of the queue that matter to the test.
    pub(super) async fn new(database: Database, settings: Value) -> Self {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let queue = Queue::new(&api, settings).await;
        Self { server, queue }
    }
}

impl Queue {
    pub(super) async fn new(api: &Api, settings: Value) -> Self {
        let made = api.created("/destinations", json!({ "name": "jobs", "kind": "queue", "queue": settings })).await;
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let id = text(&made, "id");
        let connection = connect(api, &source, &id).await;
        Self { api: api.clone(), id, source, connection }
    }

    /// The same, of a key that can do nothing but pull, or at another replica.
    pub(super) fn through(&self, api: &Api) -> Self {
        Self { api: api.clone(), ..self.clone() }
    }

    /// Gives the event's id.
    pub(super) async fn publish(&self, number: u32) -> String {
        let event = json!({ "type": "job.made", "source_id": self.source, "data": { "number": number } });
        text(&self.api.created("/events", event).await, "id")
    }

    /// What came of a call: `lease`, `ack`, `nack`, `extend`.
    pub(super) async fn call(&self, verb: &str, body: Value) -> (u16, Value) {
        self.api.post(&format!("/destinations/{}/{verb}", self.id), body).await
    }

    pub(super) async fn lease(&self, wish: Value) -> Vec<Value> {
        let (status, answer) = self.call("lease", wish).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"].as_array().expect("a list").clone()
    }

    /// The one that waits.
    pub(super) async fn lease_one(&self, wish: Value) -> Value {
        let mut leased = self.lease(wish).await;
        assert_eq!(leased.len(), 1, "{leased:?}");
        leased.remove(0)
    }

    /// What became of one receipt.
    pub(super) async fn ack(&self, receipt: &str) -> String {
        let (status, answer) = self.call("ack", json!({ "receipts": [receipt] })).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["data"][0]["receipt"], receipt);
        text(&answer["data"][0], "result")
    }

    pub(super) async fn delivery(&self, id: &str) -> Value {
        self.api.found(&format!("/deliveries/{id}")).await
    }

    /// Waits until the delivery has this state; gives it.
    pub(super) async fn delivery_is(&self, id: &str, state: &str) -> Value {
        poll_until(PATIENCE, &format!("delivery {id} is {state}"), async || {
            Some(self.delivery(id).await).filter(|delivery| delivery["state"] == state)
        })
        .await
    }
}

/// How each try ended, in the order of the tries.
pub(super) fn kinds(delivery: &Value) -> Vec<String> {
    let attempts = delivery["attempts"].as_array().expect("attempts");
    attempts.iter().map(|attempt| text(&attempt["result"], "kind")).collect()
}
