//! A tenant that calls, and what a try of a call writes, as a test needs it.

use std::collections::BTreeMap;

use bytes::Bytes;
use postern_domain::{
    Actor, CallId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, Timestamp,
    attempt::{ResultKind, Timings},
    call::{CallPolicy, CallRetry, CallState, shown_url},
    id::fresh_uuid,
    source::SourceKind,
};
use postern_seal::token::sha256;
use postern_store::{
    calls::{
        Call, CallAttemptRow, CallEnd, CallFence, CallRequest, CallResponse, CallSettle, CallSettled, CallStep,
        CallTerms, ClaimedCall, NewCall,
    },
    engine::{AcceptBatch, DedupInput, DeliveryRow, EventRow},
    tenant::Source,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    harness::{Db, NOON, Tenant},
    sample,
};

/// A tenant with a source of kind `publish`, a connection from it, and a replica that makes its calls.
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    pub(crate) source: SourceId,
    pub(crate) instance: Uuid,
    destination: DestinationId,
    connection: ConnectionId,
}

/// The end of a call before it is written; change what the test is about.
pub(crate) struct End {
    pub(crate) id: CallId,
    pub(crate) fence: CallFence,
    pub(crate) step: CallStep,
    pub(crate) attempt: Option<CallAttemptRow>,
    pub(crate) attempts: i32,
    pub(crate) end: CallEnd,
    pub(crate) accept: AcceptBatch,
}

impl Caller {
    pub(crate) async fn new(db: &Db, name: &str) -> Self {
        let tenant = db.tenant(name).await;
        let source = Source {
            kind: SourceKind::Publish,
            provider: None,
            scheme: None,
            secrets: Vec::new(),
            token: None,
            header_token: None,
            ..sample::source()
        };
        sample::insert(&tenant, &source).await;
        let destination = sample::destination();
        sample::insert(&tenant, &destination).await;
        let connection = sample::connection(&source, &destination);
        sample::insert(&tenant, &connection).await;
        let (destination, connection) = (destination.id, connection.id);
        Self { tenant, source: source.id, instance: fresh_uuid(), destination, connection }
    }

    pub(crate) fn wish(&self) -> NewCall {
        let url = "https://api.example.com/slow?key=hush".to_owned();
        NewCall {
            id: CallId::fresh(),
            source: self.source,
            method: "POST".to_owned(),
            url: shown_url(&url),
            request: CallRequest {
                url,
                headers: BTreeMap::from([("authorization".to_owned(), "Bearer hush".to_owned())]),
                body: Bytes::from_static(b"{\"password\":\"hush\"}"),
            },
            not_before: NOON,
            deadline_at: NOON.plus_secs(3_600),
            policy: CallPolicy { timeout_s: 60, retry: CallRetry::usual(false), result_ttl_s: 600 },
            metadata: Some(json!({ "order": 7 })),
            redrive_of: None,
            request_expires_at: NOON.plus_secs(7_200),
        }
    }

    pub(crate) async fn call(&self) -> Call {
        self.make(self.wish()).await
    }

    pub(crate) async fn make(&self, new: NewCall) -> Call {
        let mut tx = self.tenant.store.begin(&self.tenant.actor).await.expect("begins");
        let call = tx.insert_call(&new).await.expect("inserted");
        tx.commit().await.expect("committed");
        call
    }

    pub(crate) const fn terms(&self, now: Timestamp) -> CallTerms {
        CallTerms { now, instance: self.instance, margin_ms: 30_000, most: 100, per_tenant: 100 }
    }

    pub(crate) async fn claim(&self, db: &Db, now: Timestamp) -> ClaimedCall {
        let mut claimed = db.store.claim_calls(&self.terms(now)).await.expect("claims");
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    pub(crate) async fn found(&self, id: CallId) -> Call {
        self.tenant.store.find_call(id).await.expect("answers").expect("there")
    }

    /// It answered 200, and the call has succeeded.
    pub(crate) async fn success(&self, db: &Db, claimed: &ClaimedCall) -> End {
        let attempt = CallAttemptRow {
            id: claimed.token,
            number: 1,
            started_at: NOON,
            ended_at: NOON.plus_secs(1),
            kind: ResultKind::Answered,
            status: Some(200),
            unknown: false,
            timings: Timings::default(),
            response_bytes: 4,
            detail: None,
        };
        let fence = CallFence { version: claimed.call.version, token: Some(claimed.token) };
        let mut end = self.end(db, &claimed.call, fence, CallState::Succeeded).await;
        end.attempt = Some(attempt);
        end.attempts = 1;
        let headers = json!({ "content-type": "text/plain" });
        let content_type = Some("text/plain".to_owned());
        end.end.response = Some(CallResponse { status: 200, headers, content_type, body_bytes: 4, truncated: false });
        end.end.result = Bytes::from_static(b"done");
        end
    }

    pub(crate) async fn end(&self, db: &Db, call: &Call, fence: CallFence, to: CallState) -> End {
        let event = self.event(call.id, to);
        let delivery = DeliveryRow {
            id: DeliveryId::fresh(),
            tenant: self.tenant.id,
            event: event.id,
            source: self.source,
            connection: self.connection,
            destination: self.destination,
            due_at: NOON,
            body_bytes: 2,
            lease: None,
        };
        let step = CallStep {
            version: fence.version + 1,
            from: Some(call.state),
            to,
            at: NOON.plus_secs(1),
            actor: Actor::engine(),
            why: "the test says so".to_owned(),
        };
        let end = CallEnd {
            completed_at: NOON.plus_secs(1),
            expires_at: NOON.plus_secs(601),
            response: None,
            result: Bytes::new(),
            error: None,
            event: event.id,
        };
        let accept = AcceptBatch {
            config_version: db.store.config_version().await.expect("a version"),
            now: NOON,
            instance: self.instance,
            lease_ms: 60_000,
            events: vec![event],
            deliveries: vec![delivery],
            repeated: false,
        };
        End { id: call.id, fence, step, attempt: None, attempts: call.attempts, end, accept }
    }

    fn event(&self, call: CallId, state: CallState) -> EventRow {
        let key = format!("{call}.{state}");
        let mut hash = [0; 16];
        hash.copy_from_slice(&sha256(&key)[..16]);
        EventRow {
            id: EventId::fresh(),
            tenant: self.tenant.id,
            source: self.source,
            event_type: format!("call.{state}"),
            dedup: Some(DedupInput { text: key, hash, expires_at: NOON.plus_secs(60) }),
            body_key: None,
            content_type: Some("application/json".to_owned()),
            headers: "{}".to_owned(),
            remote: String::new(),
            received_at: NOON,
            not_before: None,
            body: Bytes::from_static(b"{}"),
            body_sha256: sha256("{}"),
            filtered: 0,
        }
    }

    pub(crate) async fn settle(&self, db: &Db, end: &End) -> CallSettled {
        db.store.settle_call(&self.settling(end)).await.expect("settles")
    }

    pub(crate) fn settling<'a>(&self, end: &'a End) -> CallSettle<'a> {
        CallSettle {
            id: end.id,
            tenant: self.tenant.id,
            fence: end.fence,
            step: &end.step,
            attempt: end.attempt.as_ref(),
            due_at: None,
            attempts: end.attempts,
            retries: 0,
            end: Some(&end.end),
            accept: Some(&end.accept),
        }
    }
}
