//! A source that polls, and what its runs write, as a test needs it.

use bytes::Bytes;
use postern_domain::{
    ConnectionId, DeliveryId, DestinationId, EventId, SourceId, Timestamp, id::fresh_uuid, source::SourceKind,
};
use postern_seal::token::sha256;
use postern_store::{
    engine::{AcceptBatch, DedupInput, DeliveryRow, EventRow},
    polling::{
        ClaimTerms, ClaimedRun, Health, PageCommit, PageCommitted, Patience, Plan, Progress, RecordRow, Restart,
        RunCounts, RunEnd, RunKind, RunRow, RunStatus, RunTimes, SealedSettings, StateAfter, Validators,
    },
    tenant::Source,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    harness::{Db, NOON, Tenant},
    sample,
};

pub(crate) const LEASE_MS: i64 = 60_000;

/// A tenant whose source polls and is due at noon, and a replica that runs it.
pub(crate) struct Poller {
    pub(crate) tenant: Tenant,
    pub(crate) source: SourceId,
    pub(crate) instance: Uuid,
    destination: DestinationId,
    connection: ConnectionId,
}

/// A page before it is committed; change what the test is about.
pub(crate) struct Page {
    pub(crate) token: Uuid,
    pub(crate) seq: i64,
    pub(crate) accept: AcceptBatch,
    pub(crate) held: bool,
    pub(crate) origin: Option<&'static str>,
    pub(crate) records: Vec<RecordRow>,
    pub(crate) forget: Vec<[u8; 16]>,
    pub(crate) progress: Progress,
    pub(crate) run: RunRow,
}

pub(crate) fn poll_source() -> Source {
    Source {
        kind: SourceKind::Poll,
        provider: None,
        scheme: None,
        secrets: Vec::new(),
        token: None,
        header_token: None,
        poll: Some(SealedSettings::new(json!({ "request": { "url": "https://api.example.com/v1?key=hush" } }))),
        ..sample::source()
    }
}

/// Adds a source that polls and is due at `at`.
pub(crate) async fn add_source(tenant: &Tenant, at: Timestamp) -> SourceId {
    let source = poll_source();
    let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
    tx.insert(&source).await.expect("inserted");
    tx.set_poll_plan(&plan(source.id, at)).await.expect("planned");
    tx.commit().await.expect("committed");
    source.id
}

pub(crate) const fn plan(source: SourceId, at: Timestamp) -> Plan {
    Plan { source, kind: RunKind::Poll, next_run_at: Some(at), restart: Restart::Keep, patience: Patience::Keep }
}

pub(crate) fn hash(id: &str) -> [u8; 16] {
    sha256(id)[..16].try_into().expect("16 bytes")
}

pub(crate) fn record(id: &str) -> RecordRow {
    RecordRow {
        hash: hash(id),
        id: id.to_owned(),
        version: Some("1".to_owned()),
        content_hash: hash("content"),
        rev: 0,
        stable: 0,
        missed: 0,
        waiting_since: None,
        seen_day: None,
    }
}

pub(crate) fn terms(instance: Uuid, now: Timestamp) -> ClaimTerms {
    ClaimTerms { now, instance, lease_ms: LEASE_MS, most: 100, per_tenant: 100 }
}

impl Poller {
    pub(crate) async fn new(db: &Db, name: &str) -> Self {
        let tenant = db.tenant(name).await;
        let source = add_source(&tenant, NOON).await;
        let destination = sample::destination();
        sample::insert(&tenant, &destination).await;
        let connection = sample::connection(&Source { id: source, ..poll_source() }, &destination);
        sample::insert(&tenant, &connection).await;
        Self { tenant, source, instance: fresh_uuid(), destination: destination.id, connection: connection.id }
    }

    pub(crate) async fn claim(&self, db: &Db, now: Timestamp) -> ClaimedRun {
        let mut claimed = db.store.claim_polls(&terms(self.instance, now)).await.expect("claims");
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    /// A page of the run with these news, each for one destination.
    pub(crate) async fn page(&self, db: &Db, claimed: &ClaimedRun, ids: &[&str]) -> Page {
        let events: Vec<EventRow> = ids.iter().map(|id| self.event(id)).collect();
        let deliveries = events.iter().map(|event| self.delivery(event.id)).collect();
        let config_version = db.store.config_version().await.expect("a version");
        let accept = AcceptBatch {
            config_version,
            now: NOON,
            instance: self.instance,
            lease_ms: LEASE_MS,
            events,
            deliveries,
            repeated: false,
        };
        let emitted = i64::try_from(ids.len()).expect("few");
        let counts = RunCounts { requests: 1, pages: 1, records: emitted, emitted, ..RunCounts::default() };
        Page {
            token: claimed.token,
            seq: claimed.state.seq,
            accept,
            held: false,
            origin: None,
            records: ids.iter().map(|id| record(id)).collect(),
            forget: Vec::new(),
            progress: Progress { cursor: Some(json!(ids.last())), ..Progress::default() },
            run: RunRow { counts, ..self.run(claimed) },
        }
    }

    pub(crate) async fn commit(&self, db: &Db, page: &Page) -> PageCommitted {
        db.store.commit_page(&self.wish(page)).await.expect("commits")
    }

    pub(crate) fn wish<'a>(&self, page: &'a Page) -> PageCommit<'a> {
        PageCommit {
            source: self.source,
            tenant: self.tenant.id,
            token: page.token,
            seq: page.seq,
            accept: &page.accept,
            origin: page.origin,
            held: page.held,
            records: &page.records,
            forget: &page.forget,
            progress: &page.progress,
            run: &page.run,
            quarantine: &[],
            lags: &[],
            lease_ms: LEASE_MS,
        }
    }

    pub(crate) fn run(&self, claimed: &ClaimedRun) -> RunRow {
        let times = RunTimes { scheduled_at: claimed.scheduled_at, started_at: claimed.started_at };
        RunRow::begun(claimed.run, (self.tenant.id, claimed.state.source), claimed.trigger, times)
    }

    /// The run ended well a second after it began, and the source is due again a minute after.
    pub(crate) fn end(&self, claimed: &ClaimedRun, status: RunStatus) -> RunEnd {
        let ended_at = claimed.started_at.plus_secs(1);
        let quiet = status == RunStatus::NotModified;
        let counts = RunCounts { requests: 1, not_modified: i64::from(quiet), ..RunCounts::default() };
        RunEnd {
            source: claimed.state.source,
            token: claimed.token,
            quiet,
            run: RunRow { status, ended_at: Some(ended_at), counts, ..self.run(claimed) },
            after: StateAfter {
                next_run_at: Some(claimed.started_at.plus_secs(60)),
                health: Health::Ok,
                errors: 0,
                blocked_until: None,
                last_ok_at: Some(ended_at),
                last_change_at: None,
                last_error: None,
                progress: claimed.state.progress.clone(),
                validators: Validators { etag: Some("\"one\"".to_owned()), ..Validators::default() },
                interval_ms: None,
                rate: None,
                primed: true,
                alarm: None,
                last_lost_at: None,
                forget_before: None,
                skipped_overlap: 0,
            },
            moved: None,
        }
    }

    fn event(&self, id: &str) -> EventRow {
        let body = format!("{{\"id\":\"{id}\"}}");
        EventRow {
            id: EventId::fresh(),
            tenant: self.tenant.id,
            source: self.source,
            event_type: "order.updated".to_owned(),
            dedup: Some(DedupInput { text: id.to_owned(), hash: hash(id), expires_at: NOON.plus_secs(3_600) }),
            body_key: None,
            content_type: Some("application/json".to_owned()),
            headers: "{}".to_owned(),
            remote: String::new(),
            received_at: NOON,
            not_before: None,
            body_sha256: sha256(&body),
            body: Bytes::from(body),
            filtered: 0,
        }
    }

    fn delivery(&self, event: EventId) -> DeliveryRow {
        DeliveryRow {
            id: DeliveryId::fresh(),
            tenant: self.tenant.id,
            event,
            source: self.source,
            connection: self.connection,
            destination: self.destination,
            due_at: NOON,
            body_bytes: 2,
            lease: None,
        }
    }
}
