//! A destination as the API takes and shows it.

use std::collections::BTreeMap;

use postern_domain::{
    Secret, Timestamp,
    destination::{DestinationKind, RateLimit},
    queue::QueueSettings,
    retry::RetryPolicy,
};
use postern_pipeline::configure::destination::{DestinationChange, NewDestination};
use postern_store::tenant::{Destination, DestinationState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::v1::{
    patch::{nullable, present},
    schema,
};

/// A destination to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDestination)]
pub(crate) struct CreateDestination {
    /// For people, 1 to 100 characters.
    pub(crate) name: String,
    #[serde(default = "http")]
    #[schema(value_type = Option<schema::DestinationKind>)]
    pub(crate) kind: DestinationKind,
    /// Needed for kind `http`.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// Sent with every attempt. Values are never shown again.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// None unless given.
    #[serde(default)]
    #[schema(value_type = Option<schema::RateLimit>)]
    pub(crate) rate_limit: Option<RateLimit>,
    #[serde(default)]
    #[schema(default = 32, minimum = 1, maximum = 256)]
    pub(crate) concurrency: Option<u32>,
    #[serde(default)]
    #[schema(default = 15_000, minimum = 100, maximum = 45_000)]
    pub(crate) timeout_ms: Option<u32>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Retry>)]
    pub(crate) retry: Option<RetryPolicy>,
    /// Of a bin: the next so many deliveries are answered 500.
    #[serde(default)]
    pub(crate) fail_next: Option<u32>,
    /// Of a queue, which has no `url`, `headers`, `rate_limit`, `concurrency`, `timeout_ms` and `retry`.
    #[serde(default)]
    #[schema(value_type = Option<schema::Queue>)]
    pub(crate) queue: Option<QueueSettings>,
}

const fn http() -> DestinationKind {
    DestinationKind::Http
}

/// What is to be different of a destination. A missing field stays; `null` takes a value away where there may be none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DestinationChange)]
pub(crate) struct PatchDestination {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) url: Option<String>,
    /// All of them.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<schema::RateLimit>)]
    pub(crate) rate_limit: Option<Option<RateLimit>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 1, maximum = 256)]
    pub(crate) concurrency: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 100, maximum = 45_000)]
    pub(crate) timeout_ms: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Retry>, nullable = false)]
    pub(crate) retry: Option<RetryPolicy>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) fail_next: Option<u32>,
    /// Of a queue: all of it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Queue>, nullable = false)]
    pub(crate) queue: Option<QueueSettings>,
}

/// A destination. Of its headers only the names are shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Destination)]
pub(crate) struct DestinationView {
    id: String,
    #[schema(value_type = schema::DestinationKind)]
    kind: DestinationKind,
    name: String,
    url: Option<String>,
    header_names: Vec<String>,
    #[schema(value_type = Option<schema::RateLimit>)]
    rate_limit: Option<RateLimit>,
    /// This and what follows, up to `retry`, of what is sent to only.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Retry>)]
    retry: Option<RetryPolicy>,
    /// Of a queue only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Queue>)]
    queue: Option<QueueSettings>,
    /// Of a bin only.
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_next: Option<u32>,
    #[schema(value_type = schema::DestinationState)]
    state: &'static str,
    state_reason: Option<String>,
    #[schema(value_type = schema::Health)]
    health: &'static str,
    /// Since when every attempt has failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Shown once, when it is made: by it the receiver checks `webhook-signature`.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl DestinationView {
    pub(crate) fn of(destination: &Destination) -> Self {
        let sends = destination.kind != DestinationKind::Queue;
        Self {
            id: destination.id.to_string(),
            kind: destination.kind,
            name: destination.name.clone(),
            url: destination.url.clone(),
            header_names: destination.headers.keys().cloned().collect(),
            rate_limit: destination.rate_limit,
            concurrency: sends.then_some(destination.concurrency),
            timeout_ms: sends.then_some(destination.timeout_ms),
            retry: sends.then(|| destination.retry.clone()),
            queue: destination.queue,
            fail_next: (destination.kind == DestinationKind::Bin).then_some(destination.fail_next),
            state: destination.state.as_str(),
            state_reason: destination.state_reason.clone(),
            health: health(destination),
            failing_since: destination.failing_since,
            signing_secret: None,
            created_at: destination.created_at,
            updated_at: destination.updated_at,
        }
    }

    pub(crate) fn with_secret(destination: &Destination) -> Self {
        // Nothing is sent to a queue, so there is nothing to check by it.
        let sends = destination.kind != DestinationKind::Queue;
        let signing_secret = sends.then(|| destination.signing_secret.expose().clone());
        Self { signing_secret, ..Self::of(destination) }
    }
}

fn health(destination: &Destination) -> &'static str {
    match (destination.state, destination.failing_since) {
        (DestinationState::Paused, _) => "paused",
        (DestinationState::Held, _) => "held",
        (DestinationState::Active, Some(_)) => "failing",
        (DestinationState::Active, None) => "healthy",
    }
}

fn sealed(headers: BTreeMap<String, String>) -> BTreeMap<String, Secret<String>> {
    headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

impl From<CreateDestination> for NewDestination {
    fn from(body: CreateDestination) -> Self {
        Self {
            name: body.name,
            kind: body.kind,
            url: body.url,
            headers: sealed(body.headers),
            rate_limit: body.rate_limit,
            concurrency: body.concurrency,
            timeout_ms: body.timeout_ms,
            retry: body.retry,
            fail_next: body.fail_next,
            queue: body.queue,
        }
    }
}

impl From<PatchDestination> for DestinationChange {
    fn from(body: PatchDestination) -> Self {
        Self {
            name: body.name,
            url: body.url,
            headers: body.headers.map(sealed),
            rate_limit: body.rate_limit,
            concurrency: body.concurrency,
            timeout_ms: body.timeout_ms,
            retry: body.retry,
            fail_next: body.fail_next,
            queue: body.queue,
        }
    }
}
