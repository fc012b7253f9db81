//! The engine's promises: what is committed, claimed, settled and recovered, and that a lost lease decides nothing.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use postern_domain::{
    AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, TenantId, Timestamp,
    attempt::{ResultKind, Timings},
    delivery::DeadReason,
    id::fresh_uuid,
};
use postern_seal::token::sha256;
use postern_store::{
    Retention, StoreError,
    engine::{
        AcceptBatch, Accepted, AttemptRow, ClaimTerms, Claimed, DedupInput, DeliveryRow, EventRow, LaneWish, Lost,
        Settlement, Verdict, Written,
    },
};
use uuid::Uuid;

use crate::harness::{Db, NOON, each};

const LEASE_MS: i64 = 60_000;

/// One source, one lane, and this process.
pub(crate) struct Lane {
    pub(crate) tenant: TenantId,
    pub(crate) source: SourceId,
    pub(crate) connection: ConnectionId,
    pub(crate) destination: DestinationId,
    pub(crate) instance: Uuid,
}

impl Lane {
    pub(crate) fn new() -> Self {
        Self {
            tenant: TenantId::fresh(),
            source: SourceId::fresh(),
            connection: ConnectionId::fresh(),
            destination: DestinationId::fresh(),
            instance: fresh_uuid(),
        }
    }

    pub(crate) fn event(&self, key: Option<&str>, body: &str) -> EventRow {
        let dedup = key.map(|key| {
            let mut hash = [0; 16];
            hash.copy_from_slice(&sha256(key)[..16]);
            DedupInput { text: key.to_owned(), hash, expires_at: NOON.plus_secs(60) }
        });
        EventRow {
            id: EventId::fresh(),
            tenant: self.tenant,
            source: self.source,
            event_type: "payment.received".to_owned(),
            dedup,
            body_key: None,
            content_type: Some("application/json".to_owned()),
            headers: "{}".to_owned(),
            remote: "192.0.2.1".to_owned(),
            received_at: NOON,
            not_before: None,
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_sha256: sha256(body),
            filtered: 0,
        }
    }

    pub(crate) fn delivery(&self, event: &EventRow, lease: Option<AttemptId>) -> DeliveryRow {
        DeliveryRow {
            id: DeliveryId::fresh(),
            tenant: self.tenant,
            event: event.id,
            source: self.source,
            connection: self.connection,
            destination: self.destination,
            due_at: NOON,
            body_bytes: 2,
            lease,
        }
    }

    pub(crate) async fn batch(&self, db: &Db, events: Vec<EventRow>, deliveries: Vec<DeliveryRow>) -> AcceptBatch {
        let config_version = db.store.config_version().await.expect("a version");
        AcceptBatch {
            config_version,
            now: NOON,
            instance: self.instance,
            lease_ms: LEASE_MS,
            events,
            deliveries,
            repeated: false,
        }
    }

    /// Commits one event with one delivery, leased or pending.
    pub(crate) async fn owe(&self, db: &Db, lease: Option<AttemptId>) -> (EventRow, DeliveryRow) {
        let event = self.event(None, "{}");
        let delivery = self.delivery(&event, lease);
        let batch = self.batch(db, vec![event.clone()], vec![delivery.clone()]).await;
        assert_eq!(db.store.commit(&batch).await.expect("commits"), Accepted::Written(Written::default()));
        (event, delivery)
    }

    pub(crate) async fn claim(&self, db: &Db, most: u32, now: Timestamp) -> Vec<Claimed> {
        let tokens = (0..most).map(|_| AttemptId::fresh()).collect();
        let terms = ClaimTerms { now, instance: self.instance, lease_ms: LEASE_MS, tokens };
        let wish = LaneWish { connection: self.connection, most };
        db.store.claim(&[wish], &terms).await.expect("claims")
    }

    pub(crate) fn settlement(&self, delivery: DeliveryId, token: AttemptId, verdict: Verdict) -> Settlement {
        let attempt = AttemptRow {
            id: token,
            tenant: self.tenant,
            delivery,
            destination: self.destination,
            number: 1,
            actor_kind: "engine".to_owned(),
            actor_id: String::new(),
            started_at: NOON,
            timings: Timings { total_us: 1_500, ..Timings::default() },
            method: "POST".to_owned(),
            url: "https://shop.example.com/in".to_owned(),
            sent: None,
            request_headers: "{}".to_owned(),
            response_headers: Some("{}".to_owned()),
            kind: ResultKind::Answered,
            status: Some(if verdict == Verdict::Delivered { 200 } else { 500 }),
            body: Bytes::from_static(b"no\0t text"),
            truncated: false,
            detail: None,
        };
        Settlement { verdict, attempt, settled_at: NOON.plus_secs(1) }
    }
}

#[tokio::test]
async fn a_committed_event_has_its_deliveries_and_a_repeated_commit_changes_nothing() {
    each(|db| async move {
        let lane = Lane::new();
        let event = lane.event(Some("one"), "{}");
        let delivery = lane.delivery(&event, None);
        let batch = lane.batch(&db, vec![event], vec![delivery]).await;
        let repeated = AcceptBatch { repeated: true, ..batch.clone() };
        for batch in [&batch, &repeated] {
            assert_eq!(db.store.commit(batch).await.expect("commits"), Accepted::Written(Written::default()));
        }
        assert_eq!(db.count("SELECT count(*) FROM events").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM event_bodies").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM queue").await, 1);
        // Meanwhile it was delivered; the repeat must not bring it back.
        let claimed = lane.claim(&db, 1, NOON).await;
        let done = lane.settlement(claimed[0].delivery, claimed[0].token, Verdict::Delivered);
        db.store.settle(&[done]).await.expect("settles");
        db.store.commit(&repeated).await.expect("commits");
        assert_eq!(db.count("SELECT count(*) FROM queue").await, 0);
        db
    })
    .await;
}

#[tokio::test]
async fn a_duplicate_is_told_the_first_event_and_whether_its_body_is_the_same() {
    each(|db| async move {
        let lane = Lane::new();
        let first = lane.event(Some("one"), "{}");
        let batch = lane.batch(&db, vec![first.clone()], vec![lane.delivery(&first, None)]).await;
        db.store.commit(&batch).await.expect("commits");
        let (same, other, fresh) =
            (lane.event(Some("one"), "{}"), lane.event(Some("one"), "[]"), lane.event(Some("two"), "{}"));
        for (event, same_body) in [(same, true), (other, false)] {
            let deliveries = vec![lane.delivery(&event, None), lane.delivery(&fresh, None)];
            let batch = lane.batch(&db, vec![fresh.clone(), event], deliveries).await;
            let Accepted::Written(Written { duplicates, .. }) = db.store.commit(&batch).await.expect("commits") else {
                panic!("stale")
            };
            assert_eq!(duplicates.len(), 1);
            assert_eq!((duplicates[0].0, duplicates[0].1.id, duplicates[0].1.same_body), (1, first.id, same_body));
        }
        assert_eq!(db.count("SELECT count(*) FROM events").await, 2);
        db
    })
    .await;
}

#[tokio::test]
async fn a_key_is_free_again_when_its_window_is_over() {
    each(|db| async move {
        let lane = Lane::new();
        let first = lane.event(Some("one"), "{}");
        db.store.commit(&lane.batch(&db, vec![first], vec![]).await).await.expect("commits");
        let second = lane.event(Some("one"), "{}");
        let mut batch = lane.batch(&db, vec![second], vec![]).await;
        batch.now = NOON.plus_secs(61);
        assert_eq!(db.store.commit(&batch).await.expect("commits"), Accepted::Written(Written::default()));
        assert_eq!(db.store.expire_keys(NOON.plus_secs(61)).await.expect("expires"), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_by_a_stale_configuration() {
    each(|db| async move {
        let lane = Lane::new();
        let event = lane.event(Some("one"), "{}");
        let mut batch = lane.batch(&db, vec![event.clone()], vec![lane.delivery(&event, None)]).await;
        batch.config_version -= 1;
        assert_eq!(db.store.commit(&batch).await.expect("answers"), Accepted::StaleConfig);
        for table in ["events", "event_bodies", "dedup_keys", "queue"] {
            assert_eq!(db.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        db
    })
    .await;
}

#[tokio::test]
async fn what_the_database_refuses_is_an_error_of_the_data_and_leaves_no_trace() {
    each(|db| async move {
        let lane = Lane::new();
        let event = lane.event(None, "{}");
        let mut delivery = lane.delivery(&event, None);
        delivery.due_at = Timestamp::from_micros(1);
        let twice = vec![delivery.clone(), DeliveryRow { id: DeliveryId::fresh(), ..delivery }];
        let batch = lane.batch(&db, vec![event], twice).await;
        db.sql("CREATE UNIQUE INDEX once ON queue (event_id)").await;
        assert!(matches!(db.store.commit(&batch).await, Err(StoreError::Data { .. })));
        assert_eq!(db.count("SELECT count(*) FROM events").await, 0);
        db
    })
    .await;
}

#[tokio::test]
async fn a_claim_takes_what_is_due_first_and_no_more_than_was_asked_for() {
    each(|db| async move {
        let lane = Lane::new();
        for _ in 0..5 {
            lane.owe(&db, None).await;
        }
        let lanes = db.store.lanes_due().await.expect("lanes");
        assert_eq!(lanes.iter().map(|due| (due.connection, due.due_at)).collect::<Vec<_>>(), [(lane.connection, NOON)]);
        assert!(lane.claim(&db, 3, NOON.plus_ms(-1)).await.is_empty(), "nothing is due yet");
        let first = lane.claim(&db, 3, NOON).await;
        assert_eq!(first.len(), 3);
        assert!(first.iter().all(|row| row.body.as_deref() == Some(b"{}") && row.event_type == "payment.received"));
        assert_eq!(lane.claim(&db, 3, NOON).await.len(), 2);
        assert!(lane.claim(&db, 3, NOON).await.is_empty());
        assert!(db.store.lanes_due().await.expect("lanes").is_empty());
        db
    })
    .await;
}

#[tokio::test]
async fn a_claim_without_an_answer_is_given_back_and_nobody_elses() {
    each(|db| async move {
        let lane = Lane::new();
        for _ in 0..3 {
            lane.owe(&db, None).await;
        }
        let mine = lane.claim(&db, 2, NOON).await;
        let kept = lane.claim(&db, 1, NOON).await;
        let tokens: Vec<AttemptId> = mine.iter().map(|row| row.token).chain([AttemptId::fresh()]).collect();
        assert_eq!(db.store.unclaim(&tokens).await.expect("gives back"), 2);
        assert_eq!(db.store.unclaim(&tokens).await.expect("gives back"), 0);
        let again = lane.claim(&db, 3, NOON).await;
        assert_eq!(again.len(), 2, "{} is still leased", kept[0].delivery);
        assert!(again.iter().all(|row| row.attempts == 0), "nothing was tried under the lease");
        db
    })
    .await;
}

#[tokio::test]
async fn every_lane_with_something_pending_is_found() {
    each(|db| async move {
        let mut expected = Vec::new();
        for _ in 0..7 {
            let lane = Lane::new();
            lane.owe(&db, None).await;
            lane.owe(&db, None).await;
            expected.push(lane.connection);
        }
        Lane::new().owe(&db, Some(AttemptId::fresh())).await;
        let mut found: Vec<_> = db.store.lanes_due().await.expect("lanes").iter().map(|due| due.connection).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        db
    })
    .await;
}

#[tokio::test]
async fn what_is_delivered_or_dead_leaves_the_queue_and_what_failed_waits_in_it() {
    each(|db| async move {
        let lane = Lane::new();
        let mut rows = Vec::new();
        let again = Verdict::Again { due_at: NOON.plus_secs(5), retries: 1 };
        for verdict in [Verdict::Delivered, Verdict::Dead(DeadReason::Exhausted), again] {
            let token = AttemptId::fresh();
            let (_, delivery) = lane.owe(&db, Some(token)).await;
            rows.push(lane.settlement(delivery.id, token, verdict));
        }
        assert!(db.store.settle(&rows).await.expect("settles").is_empty());
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'delivered' AND attempts = 1").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'dead' AND reason = 'exhausted'").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'answered'").await, 3);
        assert_eq!(db.count("SELECT count(*) FROM attempt_bodies").await, 3);
        assert!(lane.claim(&db, 9, NOON.plus_secs(4)).await.is_empty());
        let due = lane.claim(&db, 9, NOON.plus_secs(5)).await;
        assert_eq!(due.iter().map(|row| (row.retries, row.attempts)).collect::<Vec<_>>(), [(1, 1)]);
        db
    })
    .await;
}

#[tokio::test]
async fn a_lost_lease_decides_nothing_and_its_attempt_stays_on_record() {
    each(|db| async move {
        let lane = Lane::new();
        let token = AttemptId::fresh();
        let (_, delivery) = lane.owe(&db, Some(token)).await;
        assert_eq!(db.store.recover(Lost::Of(lane.instance), NOON.plus_secs(1)).await.expect("recovers"), 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'interrupted' AND number = 1").await, 1);
        let taken_over = lane.claim(&db, 1, NOON.plus_secs(1)).await;
        assert_eq!((taken_over.len(), taken_over[0].attempts), (1, 1));
        let late = lane.settlement(delivery.id, token, Verdict::Delivered);
        assert_eq!(db.store.settle(&[late]).await.expect("settles"), [delivery.id]);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'superseded' AND status = 200").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts").await, 1, "one try, one row");
        assert_eq!(db.count("SELECT count(*) FROM queue WHERE state = 'leased'").await, 1);
        let winner = lane.settlement(delivery.id, taken_over[0].token, Verdict::Delivered);
        assert!(db.store.settle(&[winner]).await.expect("settles").is_empty());
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE attempts = 2").await, 1);
        db
    })
    .await;
}

#[tokio::test]
async fn one_lost_lease_in_a_batch_takes_nothing_from_the_others() {
    each(|db| async move {
        let lane = Lane::new();
        let (lost, held, failed) = (AttemptId::fresh(), AttemptId::fresh(), AttemptId::fresh());
        let (_, first) = lane.owe(&db, Some(lost)).await;
        assert_eq!(db.store.recover(Lost::Of(lane.instance), NOON.plus_secs(1)).await.expect("recovers"), 1);
        let (_, second) = lane.owe(&db, Some(held)).await;
        let (_, third) = lane.owe(&db, Some(failed)).await;
        let again = Verdict::Again { due_at: NOON.plus_secs(5), retries: 1 };
        let all = [
            lane.settlement(second.id, held, Verdict::Delivered),
            lane.settlement(first.id, lost, Verdict::Delivered),
            lane.settlement(third.id, failed, again),
        ];
        assert_eq!(db.store.settle(&all).await.expect("settles"), [first.id]);
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'delivered'").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'answered'").await, 2);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'superseded'").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM queue WHERE state = 'pending'").await, 2);
        // The answer to the same was lost: it is settled again, and nothing comes twice.
        assert_eq!(db.store.settle(&all).await.expect("settles").len(), 3);
        assert_eq!(db.count("SELECT count(*) FROM attempts").await, 3);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'answered'").await, 2);
        db
    })
    .await;
}

#[tokio::test]
async fn a_checkpoint_moves_what_the_log_holds_into_the_file() {
    each(|db| async move {
        let (event, _) = Lane::new().owe(&db, None).await;
        let is_in = |file: &std::path::Path| {
            let bytes = std::fs::read(file).expect("a file");
            bytes.windows(16).any(|window| window == event.id.uuid().as_bytes())
        };
        if let Some(file) = db.file() {
            assert!(!is_in(&file), "it is in the log, and the log is short");
        }
        db.store.checkpoint().await.expect("moves");
        if let Some(file) = db.file() {
            assert!(is_in(&file));
        }
        db
    })
    .await;
}

#[tokio::test]
async fn whatever_is_committed_makes_the_log_grow() {
    each(|db| async move {
        if db.file().is_none() {
            return db;
        }
        let grown = async |by: &str| {
            let waited = tokio::time::timeout(Duration::from_secs(10), db.store.log_has_grown()).await;
            waited.unwrap_or_else(|_| panic!("{by} makes it grow"));
        };
        grown("migrating").await;
        let tenant = db.tenant("a").await;
        grown("a tenant").await;
        crate::poller::add_source(&tenant, NOON).await;
        grown("a source").await;
        let claimed = db.store.claim_polls(&crate::poller::terms(fresh_uuid(), NOON)).await.expect("claims");
        assert_eq!(claimed.len(), 1);
        grown("a claim of a poll").await;
        assert!(db.store.log_has_grown().now_or_never().is_none(), "nothing was committed since");
        db
    })
    .await;
}

#[tokio::test]
async fn a_released_lease_is_due_again_without_an_attempt() {
    each(|db| async move {
        let lane = Lane::new();
        let token = AttemptId::fresh();
        let (_, delivery) = lane.owe(&db, Some(token)).await;
        db.store.settle(&[lane.settlement(delivery.id, token, Verdict::Released)]).await.expect("settles");
        assert_eq!(db.count("SELECT count(*) FROM attempts").await, 0);
        assert_eq!(lane.claim(&db, 1, NOON).await.len(), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn recovery_takes_the_leases_of_the_lost_and_of_nobody_else() {
    each(|db| async move {
        let (lost, living) = (Lane::new(), Lane::new());
        lost.owe(&db, Some(AttemptId::fresh())).await;
        living.owe(&db, Some(AttemptId::fresh())).await;
        assert_eq!(db.store.recover(Lost::Of(lost.instance), NOON).await.expect("recovers"), 1);
        assert_eq!(db.store.recover(Lost::AllBut(living.instance), NOON).await.expect("recovers"), 0);
        assert_eq!(living.claim(&db, 1, NOON).await.len(), 0);
        assert_eq!(lost.claim(&db, 1, NOON).await.len(), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn an_instance_that_was_struck_off_learns_of_it() {
    each(|db| async move {
        let (here, gone) = (fresh_uuid(), fresh_uuid());
        db.store.enter(here).await.expect("enters");
        db.store.enter(gone).await.expect("enters");
        let beat = db.store.beat(here, 12_000).await.expect("beats");
        assert_eq!((beat.known, beat.live), (true, if db.is_postgres() { 2 } else { 1 }));
        if db.is_postgres() {
            db.sql(&format!("UPDATE instances SET beat_at = beat_at - 13000000 WHERE id = '{gone}'")).await;
            assert_eq!(db.store.dead_instances(12_000).await.expect("looks"), [gone]);
            assert!(!db.store.declare_dead(here, 12_000).await.expect("answers"), "it is alive");
            assert!(db.store.declare_dead(gone, 12_000).await.expect("answers"));
            assert_eq!(db.store.dead_instances(12_000).await.expect("looks"), [gone], "until its leases are void");
            db.store.strike_off(gone).await.expect("strikes");
            assert!(!db.store.beat(gone, 12_000).await.expect("beats").known, "it cannot come back under this name");
            assert!(db.store.dead_instances(12_000).await.expect("looks").is_empty());
        }
        db
    })
    .await;
}

#[tokio::test]
async fn what_outlived_its_event_is_ended_visibly_before_its_days_are_dropped() {
    each(|db| async move {
        let lane = Lane::new();
        // Ids carry the real day; the retention is looked at from forty days later.
        let (_, waiting) = lane.owe(&db, None).await;
        let later = postern_domain::id::made_at(waiting.id.uuid()).plus_secs(40 * 86_400);
        let retention = Retention { payload_days: 30, metadata_days: 90 };
        db.store.open_partitions(postern_domain::id::made_at(waiting.id.uuid())).await.expect("partitions");
        assert_eq!(db.store.expire_unsettled(later, retention).await.expect("ends"), 1);
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'dead' AND reason = 'expired'").await, 1);
        assert!(!db.is_postgres() || db.store.days_open_ahead(NOON).await.expect("looks") >= 2);
        db.store.drop_expired(later, retention).await.expect("drops");
        assert_eq!(db.count("SELECT count(*) FROM events").await, 1, "metadata stays for 90 days");
        if !db.is_postgres() {
            assert_eq!(db.count("SELECT count(*) FROM event_bodies").await, 0, "the payload is gone");
        }
        db
    })
    .await;
}

#[tokio::test]
async fn two_claims_at_once_never_take_the_same_delivery() {
    each(|db| async move {
        let lane = Lane::new();
        for _ in 0..40 {
            lane.owe(&db, None).await;
        }
        let (first, second) = tokio::join!(lane.claim(&db, 25, NOON), lane.claim(&db, 25, NOON));
        let mut ids: Vec<_> = first.iter().chain(&second).map(|row| row.delivery).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), first.len() + second.len());
        db
    })
    .await;
}
