//! A lease as the API takes and shows it.

use postern_domain::{AttemptId, Timestamp};
use postern_pipeline::queue::{
    lease::{Leased, Wish},
    receipt::{Acknowledged, GivenBack, Refusal},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::v1::kept::{BodyView, Truncated};

/// What to lease.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseRequest {
    /// Deliveries at most. There may be fewer, also because all bodies of an answer together are kept to some 4 MiB.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 100)]
    max: u32,
    /// How long the lease lasts; as the queue says, unless given. With 0 it has ended when the answer comes.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 43_200)]
    visibility_s: Option<u32>,
    /// How long to wait for something to be due.
    #[serde(default)]
    #[schema(default = 0, minimum = 0, maximum = 20)]
    wait_s: u32,
}

const fn one() -> u32 {
    1
}

impl From<LeaseRequest> for Wish {
    fn from(body: LeaseRequest) -> Self {
        Self { max: body.max, visibility_s: body.visibility_s, wait_s: body.wait_s }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LeasedPage {
    pub(crate) data: Vec<LeasedView>,
}

/// A delivery under a lease.
#[derive(Serialize, ToSchema)]
#[schema(as = LeasedDelivery)]
pub(crate) struct LeasedView {
    /// What ends this lease and no other; also the id of the attempt.
    receipt: String,
    delivery_id: String,
    /// From 1; it begins anew when the delivery is retried by hand.
    receive_count: u32,
    #[schema(value_type = String, format = DateTime)]
    leased_until: Timestamp,
    connection_id: String,
    event: LeasedEventView,
}

/// The event as its connection hands it on: `data` for JSON, `body` for anything else.
#[derive(Serialize, ToSchema)]
#[schema(as = LeasedEvent)]
pub(crate) struct LeasedEventView {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    source_id: String,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// Of the payload: as it came in, or that of the envelope.
    content_type: Option<String>,
    /// Where the content type says JSON and the payload is: the JSON as it is written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// Otherwise.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    body: Option<BodyView>,
}

impl LeasedView {
    pub(crate) fn of(leased: Leased) -> Self {
        let data = is_json(leased.content_type.as_deref())
            .then(|| serde_json::from_slice::<Box<RawValue>>(&leased.body).ok())
            .flatten();
        let body = data.is_none().then(|| BodyView::of(leased.body.to_vec(), Truncated::No));
        Self {
            receipt: leased.receipt.to_string(),
            delivery_id: leased.delivery.to_string(),
            receive_count: leased.receive_count,
            leased_until: leased.leased_until,
            connection_id: leased.connection.to_string(),
            event: LeasedEventView {
                id: leased.event.to_string(),
                kind: leased.event_type,
                source_id: leased.source.to_string(),
                received_at: leased.received_at,
                content_type: leased.content_type,
                data,
                body,
            },
        }
    }
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Which deliveries are done with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AckRequest {
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100)]
    pub(crate) receipts: Vec<AttemptId>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AckPage {
    pub(crate) data: Vec<AckView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AckResult)]
pub(crate) struct AckView {
    receipt: String,
    /// `acknowledged`, also when this receipt had acknowledged it before; `lease_lost` when the lease ended first, so that
    /// somebody else has the delivery or will have it; `not_found` when this queue never gave out such a receipt, or it is
    /// past its retention.
    #[schema(value_type = AckOutcome)]
    result: &'static str,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "described, never made")]
pub(crate) enum AckOutcome {
    Acknowledged,
    LeaseLost,
    NotFound,
}

impl AckView {
    pub(crate) fn of((receipt, became): (AttemptId, Acknowledged)) -> Self {
        let result = match became {
            Acknowledged::Yes => "acknowledged",
            Acknowledged::LeaseLost => "lease_lost",
            Acknowledged::NotFound => "not_found",
        };
        Self { receipt: receipt.to_string(), result }
    }
}

/// What is given back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NackRequest {
    #[schema(value_type = String)]
    pub(crate) receipt: AttemptId,
    /// When it can be leased again; as the queue says, unless given.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 43_200)]
    delay_s: Option<u32>,
    /// Why, in words: it stands with the attempt.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

impl From<NackRequest> for Refusal {
    fn from(body: NackRequest) -> Self {
        Self { receipt: body.receipt, delay_s: body.delay_s, reason: body.reason }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = NackResult)]
pub(crate) struct NackView {
    receipt: String,
    /// `pending`, or `dead` when it was received as often as the queue allows.
    #[schema(value_type = NackOutcome)]
    state: &'static str,
    /// When it can be leased again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "described, never made")]
pub(crate) enum NackOutcome {
    Pending,
    Dead,
}

impl NackView {
    pub(crate) fn of(receipt: AttemptId, became: GivenBack) -> Self {
        let (state, next_attempt_at) = match became {
            GivenBack::Again(at) => ("pending", Some(at)),
            GivenBack::Dead => ("dead", None),
        };
        Self { receipt: receipt.to_string(), state, next_attempt_at }
    }
}

/// Which lease is to last longer, and how long from now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendRequest {
    #[schema(value_type = String)]
    pub(crate) receipt: AttemptId,
    #[schema(minimum = 1, maximum = 43_200)]
    pub(crate) seconds: u32,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ExtendedLease)]
pub(crate) struct ExtendView {
    pub(crate) receipt: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) leased_until: Timestamp,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use postern_domain::{ConnectionId, DeliveryId, EventId, SourceId};

    use super::*;

    fn event(content_type: Option<&str>, body: &'static [u8]) -> String {
        let leased = Leased {
            receipt: AttemptId::fresh(),
            delivery: DeliveryId::fresh(),
            connection: ConnectionId::fresh(),
            receive_count: 1,
            leased_until: Timestamp::from_secs(1),
            event: EventId::fresh(),
            event_type: "a.b".to_owned(),
            source: SourceId::fresh(),
            received_at: Timestamp::from_secs(0),
            content_type: content_type.map(str::to_owned),
            body: Bytes::from_static(body),
        };
        serde_json::to_string(&LeasedView::of(leased).event).expect("JSON")
    }

    fn read(content_type: Option<&str>, body: &'static [u8]) -> serde_json::Value {
        serde_json::from_str(&event(content_type, body)).expect("JSON")
    }

    #[test]
    fn json_is_handed_on_as_json_and_the_rest_as_text_or_base64() {
        let json = event(Some("application/json; charset=utf-8"), br#" {"z": 1.10, "a":[12345678901234567890123]} "#);
        assert!(json.ends_with(r#","data":{"z": 1.10, "a":[12345678901234567890123]}}"#), "{json}");
        assert_eq!(read(Some("application/cloudevents+json"), b"7")["data"], 7);
        let broken = read(Some("application/json"), b"{\"n\":");
        assert_eq!((broken["body"].as_str(), broken.get("data")), (Some("{\"n\":"), None));
        let text = read(Some("text/plain"), b"{}");
        assert_eq!((text["body"].as_str(), text.get("encoding")), (Some("{}"), None));
        let bytes = read(None, &[0xff, 0x00]);
        assert_eq!((bytes["body"].as_str(), bytes["encoding"].as_str()), (Some("/wA="), Some("base64")));
    }
}
