//! Configuration as a test needs it, complete and valid.

use std::collections::BTreeMap;

use postern_domain::{
    ApiKeyId, ConnectionId, DestinationId, Secret, SourceId,
    address::AddressList,
    answer::AnswerSpec,
    dedup::DedupSpec,
    destination::{DestinationKind, RateLimit},
    event_type::Pattern,
    intake::{AllowedAddresses, Intake, Replay},
    payload::PayloadFormat,
    permission::Permission,
    retry::RetryPolicy,
    source::{HeaderToken, SourceKind},
};
use postern_seal::{api_key, token};
use postern_store::tenant::{
    ApiKey, Connection, Destination, DestinationState, Record, RetiredToken, RunState, Source,
};
use serde_json::json;

use crate::harness::{NOON, Tenant};

pub(crate) fn source() -> Source {
    Source {
        id: SourceId::fresh(),
        name: "Stripe".to_owned(),
        kind: SourceKind::Webhook,
        provider: Some("stripe".to_owned()),
        scheme: Some("stripe".to_owned()),
        config: json!({ "tolerance_s": 300 }),
        secrets: vec![Secret::new("whsec_one".to_owned()), Secret::new("whsec_two".to_owned())],
        public_keys: vec!["whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=".to_owned()],
        token: Some(Secret::new(token::random_base62(32))),
        public_url: Some("https://example.com/hooks".to_owned()),
        allowed_ips: AllowedAddresses::parse(&["192.0.2.0/24", "provider"]).expect("valid"),
        intake: Intake { allowed_methods: vec!["POST".to_owned()], content_types: Vec::new(), replay: Replay::Refuse },
        header_token: Some(HeaderToken { name: "x-own".to_owned(), value: Secret::new("0123456789abcdef".to_owned()) }),
        retired_token: Some(RetiredToken { hash: vec![7; 32], until: NOON.plus_secs(60) }),
        handshake_until: Some(NOON.plus_secs(3_600)),
        dedup: DedupSpec { key: "header:x-id".to_owned(), window_s: 60 },
        answer: Some(AnswerSpec { status: 202, content_type: "text/plain".to_owned(), body: "ok".to_owned() }),
        max_body_bytes: 1_000,
        rate_limit: Some(RateLimit { per_s: 5, burst: None }),
        poll: None,
        schedule: None,
        state: RunState::Active,
        created_at: NOON,
        updated_at: NOON,
    }
}

pub(crate) fn destination() -> Destination {
    Destination {
        id: DestinationId::fresh(),
        name: "Shop".to_owned(),
        kind: DestinationKind::Http,
        url: Some("https://shop.example.com/in".to_owned()),
        headers: BTreeMap::from([("x-token".to_owned(), Secret::new("hush".to_owned()))]),
        signing_secret: Secret::new("whsec_AAAA".to_owned()),
        rate_limit: None,
        concurrency: 3,
        timeout_ms: 4_000,
        retry: RetryPolicy { schedule_s: vec![1, 2], jitter_pct: 0 },
        fail_next: 0,
        queue: None,
        state: DestinationState::Active,
        state_reason: None,
        failing_since: None,
        created_at: NOON,
        updated_at: NOON,
    }
}

pub(crate) fn connection(source: &Source, destination: &Destination) -> Connection {
    Connection {
        id: ConnectionId::fresh(),
        source: source.id,
        destination: destination.id,
        event_types: vec![Pattern::parse("payment.*").expect("valid")],
        payload: PayloadFormat::Envelope,
        delay_s: 0,
        state: RunState::Active,
        created_at: NOON,
        updated_at: NOON,
    }
}

pub(crate) fn api_key() -> ApiKey {
    let made = api_key::generate();
    ApiKey {
        id: ApiKeyId::fresh(),
        name: "CI".to_owned(),
        public_id: made.public_id,
        hash: made.hash,
        scopes: vec![Permission::EventsRead, Permission::KeysWrite],
        allowed_ips: AddressList::default(),
        created_by: "operator".to_owned(),
        created_at: NOON,
        expires_at: Some(NOON.plus_secs(60)),
        last_used_at: None,
    }
}

/// One of each, connected.
pub(crate) struct Configured {
    pub(crate) source: Source,
    pub(crate) destination: Destination,
    pub(crate) connection: Connection,
    pub(crate) key: ApiKey,
}

pub(crate) async fn configure(tenant: &Tenant) -> Configured {
    let (source, destination, key) = (source(), destination(), api_key());
    let connection = connection(&source, &destination);
    insert(tenant, &source).await;
    insert(tenant, &destination).await;
    insert(tenant, &connection).await;
    insert(tenant, &key).await;
    Configured { source, destination, connection, key }
}

pub(crate) async fn insert<R: Record>(tenant: &Tenant, new: &R) {
    let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
    tx.insert(new).await.expect("inserted");
    tx.commit().await.expect("committed");
}
