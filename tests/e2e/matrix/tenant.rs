//! Two tenants that own one of everything, so that each can be tried with the other's ids.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Api, Receiver, Reply, Route, connect, poll_until, text};

/// A tenant and the ids of what it owns.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) api: Api,
    pub(super) source: String,
    pub(super) publisher: String,
    /// A source that polls.
    pub(super) poller: String,
    /// A webhook source that polls beside.
    pub(super) beside: String,
    pub(super) destination: String,
    pub(super) bin: String,
    pub(super) queue: String,
    /// Of what is leased from it, for as long as the test takes.
    pub(super) receipts: Vec<String>,
    pub(super) connection: String,
    pub(super) event: String,
    pub(super) delivery: String,
    /// Of a delivery that waits, so that it can be called off.
    pub(super) waiting: String,
    /// Of a call that was answered, and failed.
    pub(super) call: String,
    /// Of one that waits.
    pub(super) waiting_call: String,
    pub(super) key: String,
    pub(super) member: String,
}

impl Tenant {
    pub(super) async fn new(api: Api) -> Self {
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        let event = route.accepted("evt_matrix").await;
        let delivery = text(&route.event_is(&event, "delivered").await["deliveries"][0], "id");
        let publisher = api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await;
        let poller = json!({ "name": "asks", "kind": "poll", "poll": super::table::polling() });
        let poller = api.created("/sources", poller).await;
        let polling = super::table::polling();
        let beside = json!({ "name": "both", "kind": "webhook", "scheme": "none", "poll": polling });
        let beside = api.created("/sources", beside).await;
        let bin = api.created("/destinations", json!({ "name": "bin", "kind": "bin" })).await;
        let key = api.created("/api-keys", json!({ "name": "spare", "scopes": ["events:read"] })).await;
        let email = format!("{}@example.com", text(&bin, "id"));
        let member = api.created("/members", json!({ "email": email, "role": "viewer" })).await;
        let waiting = waiting(&api, &receiver).await;
        let (queue, receipts) = queue(&api).await;
        let (call, waiting_call) = calls(&api, &receiver).await;
        Self {
            api,
            source: route.source,
            publisher: text(&publisher, "id"),
            poller: text(&poller, "id"),
            beside: text(&beside, "id"),
            destination: route.destination,
            bin: text(&bin, "id"),
            queue,
            receipts,
            connection: route.connection,
            event,
            delivery,
            waiting,
            call,
            waiting_call,
            key: text(&key, "id"),
            member: text(&member, "id"),
        }
    }

    /// The id of ours that stands for `{id}` below a collection, or in a field of this name.
    pub(super) fn id(&self, wanted: &str) -> &str {
        match wanted {
            "source_id" | "sources" => &self.source,
            "destination_id" | "destinations" => &self.destination,
            "connection_id" | "connections" => &self.connection,
            "event_id" | "events" => &self.event,
            "deliveries" => &self.delivery,
            "calls" => &self.call,
            "api-keys" => &self.key,
            "members" => &self.member,
            other => panic!("which id of a tenant is meant by `{other}`? Say so here"),
        }
    }

    /// All that its lists show, to see whether anything was changed.
    pub(super) async fn state(&self) -> Vec<Value> {
        let mut state = Vec::new();
        let lists = [
            "sources",
            "destinations",
            "connections",
            "api-keys",
            "members",
            "events",
            "deliveries",
            "calls",
            "requests",
        ];
        for list in lists.into_iter().chain(["audit"]) {
            let mut found = self.api.found(&format!("/{list}?limit=250")).await;
            for row in found["data"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                // Of a key; that it is used to look is no change.
                row.remove("last_used_at");
                // Of a source: it runs by itself.
                row.remove("polling");
            }
            state.push(found);
        }
        state
    }
}

/// A call that has failed with an answer, and one that waits.
async fn calls(api: &Api, receiver: &Receiver) -> (String, String) {
    receiver.first([Reply::Status(404)]);
    let wish = |delay_s: u32| json!({ "request": { "method": "GET", "url": receiver.url() }, "delay_s": delay_s });
    let failed = text(&api.created("/calls", wish(0)).await, "id");
    poll_until(Duration::from_secs(15), "the call has failed", async || {
        Some(api.found(&format!("/calls/{failed}")).await).filter(|call| call["state"] == "failed")
    })
    .await;
    (failed, text(&api.created("/calls", wish(3_600)).await, "id"))
}

/// A delivery that waits, because its destination is paused.
async fn waiting(api: &Api, receiver: &Receiver) -> String {
    let route = Route::to(api, receiver).await;
    api.done(&format!("/destinations/{}/pause", route.destination)).await;
    let event = route.accepted("evt_waiting").await;
    let found = route.event_is(&event, "held").await;
    text(&found["deliveries"][0], "id")
}

/// A queue of which two are leased and one waits.
async fn queue(api: &Api) -> (String, Vec<String>) {
    let queue = text(&api.created("/destinations", json!({ "name": "queue", "kind": "queue" })).await, "id");
    let source = text(&api.created("/sources", json!({ "name": "jobs", "kind": "publish" })).await, "id");
    connect(api, &source, &queue).await;
    for number in 0..3 {
        api.created("/events", json!({ "type": "a.b", "data": number, "source_id": source })).await;
    }
    let wish = json!({ "max": 2, "visibility_s": 43_200 });
    let (status, leased) = api.post(&format!("/destinations/{queue}/lease"), wish).await;
    assert_eq!(status, 200, "{leased}");
    let leased = leased["data"].as_array().expect("a list").clone();
    (queue, leased.iter().map(|one| text(one, "receipt")).collect())
}
