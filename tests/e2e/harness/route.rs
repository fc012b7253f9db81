//! The usual arrangement of a test: a source, a destination, and the connection between them.

use serde_json::{Value, json};

use super::{
    Api, Receiver,
    api::Answer,
    sign::{self, stripe_body},
};

/// The secret of every Stripe source that a [`Route`] makes.
pub(crate) const STRIPE_SECRET: &str = "whsec_e2e_0123456789abcdef0123456789abcdef";

/// A Stripe source connected to one HTTP destination.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) api: Api,
    pub(crate) source: String,
    /// `/in/{token}`.
    pub(crate) front_door: String,
    pub(crate) destination: String,
    pub(crate) connection: String,
    /// With which deliveries are signed.
    pub(crate) signing_secret: String,
}

impl Route {
    /// To `receiver`, with a schedule of one retry after a second, and another.
    pub(crate) async fn to(api: &Api, receiver: &Receiver) -> Self {
        Self::with(api, receiver, json!({})).await
    }

    /// `fields` are those of the destination that matter to the test; they replace what is usual.
    pub(crate) async fn with(api: &Api, receiver: &Receiver, fields: Value) -> Self {
        let mut destination = json!({
            "name": "a receiver",
            "url": receiver.url(),
            "retry": { "schedule_s": [1, 1], "jitter_pct": 0 },
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            destination[name] = value.clone();
        }
        let destination = api.created("/destinations", destination).await;
        let (source, front_door) = stripe_source(api).await;
        let destination_id = text(&destination, "id");
        let connection = connect(api, &source, &destination_id).await;
        let signing_secret = text(&destination, "signing_secret");
        Self { api: api.clone(), source, front_door, destination: destination_id, connection, signing_secret }
    }

    /// Posts a Stripe event with this id, signed; gives the answer.
    pub(crate) async fn send(&self, id: &str, event_type: &str) -> Answer {
        let body = stripe_body(id, event_type);
        let headers = sign::stripe(STRIPE_SECRET, sign::now_s(), &body);
        self.api.post_raw(&self.front_door, &headers, &body).await.expect("an answer")
    }

    /// The same, and it must be accepted as new; gives the event's id.
    pub(crate) async fn accepted(&self, id: &str) -> String {
        let answer = self.send(id, "payment.paid").await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        assert_eq!(answer.json()["duplicate"], false);
        text(&answer.json(), "id")
    }

    /// The event as the API shows it.
    pub(crate) async fn event(&self, id: &str) -> Value {
        self.api.found(&format!("/events/{id}")).await
    }

    /// Waits for the outcome of an event; gives the event.
    pub(crate) async fn event_is(&self, id: &str, outcome: &str) -> Value {
        let what = format!("event {id} is {outcome}");
        super::poll_until(std::time::Duration::from_secs(15), &what, async || {
            Some(self.event(id).await).filter(|event| event["outcome"] == outcome)
        })
        .await
    }
}

/// A Stripe source; gives its id and the path of its front door.
pub(crate) async fn stripe_source(api: &Api) -> (String, String) {
    let fields = json!({ "name": "Stripe", "kind": "webhook", "provider": "stripe", "secrets": [STRIPE_SECRET] });
    let source = api.created("/sources", fields).await;
    let url = text(&source, "ingest_url");
    let token = url.rsplit('/').next().unwrap_or_default();
    (text(&source, "id"), format!("/in/{token}"))
}

/// Connects the two; gives the connection's id.
pub(crate) async fn connect(api: &Api, source: &str, destination: &str) -> String {
    let connection = api.created("/connections", json!({ "source_id": source, "destination_id": destination })).await;
    text(&connection, "id")
}

/// A field that must be a text.
#[track_caller]
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}")).to_owned()
}
