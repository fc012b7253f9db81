//! Leases of who pulls: one at a time, by the database's clock, fenced by their receipt, and nobody's but theirs.

use postern_domain::{
    ApiKeyId, AttemptId, ConnectionId, DeliveryId, DestinationId, TenantId, TenantScope, attempt::ResultKind,
    delivery::DeadReason, id::fresh_uuid,
};
use postern_store::{
    TenantStore,
    engine::{Accepted, Lost, Settlement, Verdict, Written},
    pull::{PullTerms, Pulled, PulledDelivery},
};

use crate::{
    engine::Lane,
    harness::{Db, NOON, each},
};

const HOUR_MS: i64 = 3_600_000;
const HALF_DAY_MS: i64 = 12 * HOUR_MS;

impl Lane {
    fn store(&self, db: &Db) -> TenantStore {
        db.store.tenant(TenantScope::from_owned_row(self.tenant))
    }

    fn terms(&self, max: usize, lease_ms: i64) -> PullTerms {
        PullTerms {
            destination: self.destination,
            lanes: vec![self.connection],
            now: NOON,
            lease_ms,
            max_in_flight: 1_000,
            max_bytes: 1_000_000,
            asked_by: format!("api_key:{}", ApiKeyId::fresh()),
            tokens: (0..max).map(|_| AttemptId::fresh()).collect(),
        }
    }

    /// Up to `max`, each for so long.
    async fn pull(&self, db: &Db, max: usize, lease_ms: i64) -> Vec<PulledDelivery> {
        leased(self.store(db).pull(&self.terms(max, lease_ms)).await.expect("pulls"))
    }

    /// What a receipt settles.
    fn ended(&self, (delivery, token): (DeliveryId, AttemptId), verdict: Verdict, kind: ResultKind) -> Settlement {
        let mut settlement = self.settlement(delivery, token, verdict);
        settlement.attempt.kind = kind;
        settlement.attempt.status = None;
        settlement
    }

    /// Whether it still was the receipt of that delivery.
    async fn acknowledge(&self, db: &Db, pulled: (DeliveryId, AttemptId)) -> bool {
        let row = self.ended(pulled, Verdict::Delivered, ResultKind::Acknowledged);
        db.store.settle_pulls(&[row]).await.expect("settles").is_empty()
    }
}

fn leased(pulled: Pulled) -> Vec<PulledDelivery> {
    match pulled {
        Pulled::Leased(rows) => rows,
        Pulled::Full => panic!("it is full"),
    }
}

fn ids(rows: &[PulledDelivery]) -> Vec<DeliveryId> {
    rows.iter().map(|row| row.delivery).collect()
}

#[tokio::test]
async fn what_is_leased_is_nobody_elses_until_the_lease_ends() {
    each(|db| async move {
        let lane = Lane::new();
        let (event, first) = lane.owe(&db, None).await;
        let (_, second) = lane.owe(&db, None).await;
        let mine = lane.pull(&db, 1, HOUR_MS).await;
        assert_eq!(ids(&mine), [first.id], "first due, first leased");
        assert_eq!((mine[0].event, mine[0].event_type.as_str()), (event.id, "payment.received"));
        assert_eq!(mine[0].body.as_deref(), Some(b"{}".as_slice()));
        assert_eq!(mine[0].leased_until.ms_since(mine[0].leased_at), HOUR_MS);
        let theirs = lane.pull(&db, 9, HOUR_MS).await;
        assert_eq!(ids(&theirs), [second.id]);
        assert!(lane.pull(&db, 9, HOUR_MS).await.is_empty());
        assert!(db.store.ended_pulls(None, 9).await.expect("looks").is_empty(), "neither has run out");
        assert!(lane.acknowledge(&db, (first.id, mine[0].token)).await);
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'delivered' AND attempts = 1").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE kind = 'acknowledged'").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM queue WHERE state = 'leased'").await, 1);
        db
    })
    .await;
}

#[tokio::test]
async fn a_stale_receipt_ends_nothing() {
    each(|db| async move {
        let lane = Lane::new();
        let (_, delivery) = lane.owe(&db, None).await;
        let stale = lane.pull(&db, 1, 0).await;
        let ended = db.store.ended_pulls(Some(lane.destination), 9).await.expect("looks");
        assert_eq!(ended.iter().map(|pull| (pull.token, pull.has_ended)).collect::<Vec<_>>(), [(stale[0].token, true)]);
        let again = Verdict::Again { due_at: NOON, retries: 1 };
        let row = lane.ended((delivery.id, stale[0].token), again, ResultKind::LeaseExpired);
        // Two who look at one moment both find it; it is taken back once.
        assert!(db.store.settle_pulls(std::slice::from_ref(&row)).await.expect("settles").is_empty());
        assert_eq!(db.store.settle_pulls(&[row]).await.expect("settles"), [delivery.id]);
        let current = lane.pull(&db, 1, HOUR_MS).await;
        assert_eq!((current[0].delivery, current[0].retries, current[0].attempts), (delivery.id, 1, 1));
        assert_ne!(current[0].token, stale[0].token);

        let store = lane.store(&db);
        assert!(!lane.acknowledge(&db, (delivery.id, stale[0].token)).await);
        assert!(store.held_pulls(lane.destination, &[stale[0].token]).await.expect("looks").is_empty());
        let spans = (HOUR_MS, HALF_DAY_MS);
        assert_eq!(store.extend_pull(lane.destination, stale[0].token, spans).await.expect("extends"), None);
        let told = store.settled_pulls(lane.destination, &[stale[0].token]).await.expect("looks");
        assert_eq!(told, [(stale[0].token, ResultKind::LeaseExpired)], "what it was stays on record");
        assert_eq!(db.count("SELECT count(*) FROM queue WHERE state = 'leased'").await, 1, "the second still holds it");

        assert!(lane.acknowledge(&db, (delivery.id, current[0].token)).await);
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'delivered' AND attempts = 2").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM attempts").await, 2);
        db
    })
    .await;
}

#[tokio::test]
async fn neither_a_dead_replica_nor_a_new_server_voids_a_lease_of_who_pulls() {
    each(|db| async move {
        let lane = Lane::new();
        lane.owe(&db, None).await;
        lane.owe(&db, None).await;
        lane.pull(&db, 1, HOUR_MS).await;
        let run_out = lane.pull(&db, 1, 0).await;
        for lost in [Lost::AllBut(fresh_uuid()), Lost::Of(lane.instance), Lost::Of(uuid::Uuid::nil()), Lost::Expired] {
            assert_eq!(db.store.recover(lost, NOON.plus_secs(1)).await.expect("recovers"), 0, "{lost:?}");
        }
        assert_eq!(db.count("SELECT count(*) FROM queue WHERE state = 'leased'").await, 2);
        assert_eq!(db.count("SELECT count(*) FROM attempts").await, 0);
        // What ran out is found by those that take it back, and it alone.
        let ended = db.store.ended_pulls(None, 9).await.expect("looks");
        assert_eq!(ended.iter().map(|pull| pull.token).collect::<Vec<_>>(), [run_out[0].token]);
        db
    })
    .await;
}

#[tokio::test]
async fn no_more_is_leased_than_may_be_and_no_more_than_one_answer_can_hold() {
    each(|db| async move {
        let lane = Lane::new();
        for _ in 0..5 {
            lane.owe(&db, None).await;
        }
        let store = lane.store(&db);
        let most = |max_in_flight, max_bytes| PullTerms { max_in_flight, max_bytes, ..lane.terms(9, HOUR_MS) };
        // Each counts as two bytes, and one is leased however large it is.
        assert_eq!(leased(store.pull(&most(9, 1)).await.expect("pulls")).len(), 1);
        assert_eq!(leased(store.pull(&most(9, 4)).await.expect("pulls")).len(), 2);
        assert_eq!(leased(store.pull(&most(4, 99)).await.expect("pulls")).len(), 1, "as many as there is room for");
        assert!(matches!(store.pull(&most(4, 99)).await.expect("pulls"), Pulled::Full));
        let look = store.look_at_queue(lane.destination, &[lane.connection], (NOON, 4)).await.expect("looks");
        assert_eq!((look.in_flight, look.has_due, look.has_ended), (4, true, false));
        let depth = store.queue_depth(lane.destination, NOON).await.expect("looks");
        assert_eq!(depth.in_flight, 4);
        db
    })
    .await;
}

#[tokio::test]
async fn together_consumers_stay_within_what_was_agreed() {
    each(|db| async move {
        let lane = Lane::new();
        for _ in 0..40 {
            lane.owe(&db, None).await;
        }
        let store = lane.store(&db);
        let ask = || async {
            let terms = PullTerms { max_in_flight: 25, ..lane.terms(10, HOUR_MS) };
            match store.pull(&terms).await.expect("pulls") {
                Pulled::Leased(rows) => ids(&rows),
                Pulled::Full => Vec::new(),
            }
        };
        let got = futures_util::future::join_all((0..8).map(|_| ask())).await.concat();
        let distinct: std::collections::HashSet<_> = got.iter().collect();
        assert_eq!((got.len(), distinct.len()), (25, 25), "none twice, and no more than may be");
        db
    })
    .await;
}

#[tokio::test]
async fn a_receipt_is_of_one_queue_of_one_tenant() {
    each(|db| async move {
        let lane = Lane::new();
        lane.owe(&db, None).await;
        let stranger = db.store.tenant(TenantScope::from_owned_row(TenantId::fresh()));
        let foreign = stranger.pull(&lane.terms(9, HOUR_MS)).await.expect("pulls");
        assert!(leased(foreign).is_empty(), "not even by its own connection");
        let pulled = lane.pull(&db, 1, HOUR_MS).await;
        let receipt = [pulled[0].token];
        let other = DestinationId::fresh();
        for (store, destination) in [(&stranger, lane.destination), (&lane.store(&db), other)] {
            assert!(store.held_pulls(destination, &receipt).await.expect("looks").is_empty());
            let extended = store.extend_pull(destination, pulled[0].token, (HOUR_MS, HALF_DAY_MS)).await;
            assert_eq!(extended.expect("extends"), None);
        }
        assert!(lane.acknowledge(&db, (pulled[0].delivery, pulled[0].token)).await);
        for (store, destination) in [(&stranger, lane.destination), (&lane.store(&db), other)] {
            assert!(store.settled_pulls(destination, &receipt).await.expect("looks").is_empty());
        }
        assert_eq!(lane.store(&db).settled_pulls(lane.destination, &receipt).await.expect("looks").len(), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_made_longer_but_not_beyond_its_end_and_never_shorter() {
    each(|db| async move {
        let lane = Lane::new();
        lane.owe(&db, None).await;
        let pulled = lane.pull(&db, 1, HOUR_MS).await;
        let (store, token, began) = (lane.store(&db), pulled[0].token, pulled[0].leased_at);
        let extend = async |ms| {
            let until = store.extend_pull(lane.destination, token, (ms, HALF_DAY_MS)).await.expect("extends");
            until.expect("held").ms_since(began)
        };
        assert_eq!(extend(1_000).await, HOUR_MS, "never shorter");
        let longer = extend(2 * HOUR_MS).await;
        assert!((2 * HOUR_MS..2 * HOUR_MS + 60_000).contains(&longer), "from now on: {longer}");
        assert_eq!(extend(13 * HOUR_MS).await, HALF_DAY_MS);
        let held = store.held_pulls(lane.destination, &[token]).await.expect("looks");
        assert_eq!(held[0].leased_until.ms_since(began), HALF_DAY_MS);
        db
    })
    .await;
}

#[tokio::test]
async fn the_last_receive_ends_a_delivery_and_a_long_one_is_remembered_at_its_length() {
    each(|db| async move {
        let lane = Lane::new();
        let (_, delivery) = lane.owe(&db, None).await;
        let pulled = lane.pull(&db, 1, 0).await;
        let last = Verdict::Dead(DeadReason::Exhausted);
        let mut row = lane.ended((delivery.id, pulled[0].token), last, ResultKind::LeaseExpired);
        row.settled_at = row.attempt.started_at.plus_ms(HALF_DAY_MS);
        assert!(db.store.settle_pulls(&[row]).await.expect("settles").is_empty());
        assert_eq!(db.count("SELECT count(*) FROM deliveries WHERE state = 'dead' AND reason = 'exhausted'").await, 1);
        assert_eq!(db.count("SELECT ended_at - started_at FROM attempts").await, HALF_DAY_MS * 1_000);
        db
    })
    .await;
}

#[tokio::test]
async fn a_queue_takes_what_comes_by_all_its_connections_in_the_order_in_which_it_is_due() {
    each(|db| async move {
        let lane = Lane::new();
        let other = ConnectionId::fresh();
        let mut expected = Vec::new();
        for (place, connection) in [lane.connection, other, lane.connection, other].into_iter().enumerate() {
            let event = lane.event(None, "{}");
            let mut delivery = lane.delivery(&event, None);
            delivery.connection = connection;
            delivery.due_at = NOON.plus_secs(-60 + i64::try_from(place).expect("few"));
            expected.push(delivery.id);
            let batch = lane.batch(&db, vec![event], vec![delivery]).await;
            assert_eq!(db.store.commit(&batch).await.expect("commits"), Accepted::Written(Written::default()));
        }
        let terms = PullTerms { lanes: vec![lane.connection, other], ..lane.terms(3, HOUR_MS) };
        let pulled = leased(lane.store(&db).pull(&terms).await.expect("pulls"));
        assert_eq!(ids(&pulled), expected[..3]);
        // A connection that is paused is not named, and keeps what it has.
        assert!(lane.pull(&db, 9, HOUR_MS).await.is_empty());
        let terms = PullTerms { lanes: vec![other], ..terms };
        let pulled = leased(
            lane.store(&db).pull(&PullTerms { tokens: vec![AttemptId::fresh()], ..terms }).await.expect("pulls"),
        );
        assert_eq!(ids(&pulled), expected[3..]);
        db
    })
    .await;
}
