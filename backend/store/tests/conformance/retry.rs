//! What a person may do to a delivery, on both databases.

use postern_domain::{Actor, ApiKeyId, DeliveryId, delivery::DeliveryState};
use postern_store::{
    TenantStore,
    read::Delivery,
    tenant::{Cancelled, Retried},
};

use crate::{
    harness::{Db, each},
    seed,
};

async fn retry(store: &TenantStore, id: DeliveryId) -> Option<Retried> {
    let actor = Actor::api_key(ApiKeyId::from_uuid(uuid::Uuid::nil()), None);
    let mut tx = store.begin(&actor).await.expect("begins");
    let outcome = tx.retry_delivery(id).await.expect("answers");
    tx.commit().await.expect("commits");
    outcome
}

async fn cancel(store: &TenantStore, id: DeliveryId) -> Option<Cancelled> {
    let mut tx = store.begin(&Actor::operator()).await.expect("begins");
    let outcome = tx.cancel_delivery(id).await.expect("answers");
    tx.commit().await.expect("commits");
    outcome
}

async fn find(store: &TenantStore, id: DeliveryId) -> Delivery {
    store.find_delivery(id).await.expect("answers").expect("is there").delivery
}

/// Whether it is in the queue as given: `due_at`, `retries`, and asked for by [`ASKED_BY`].
async fn is_queued(db: &Db, id: DeliveryId, due_at: i64, retries: i32) -> bool {
    let id = db.literal(id.uuid());
    let sql = format!(
        "SELECT count(*) FROM queue WHERE delivery_id = {id} AND due_at = {due_at} AND retries = {retries} \
         AND asked_by = '{ASKED_BY}' AND state = 'pending'"
    );
    db.count(&sql).await == 1
}

async fn on_record(db: &Db, action: &str, id: DeliveryId) -> i64 {
    db.count(&format!("SELECT count(*) FROM audit_entries WHERE action = '{action}' AND target = '{id}'")).await
}

const ASKED_BY: &str = "api_key:key_00000000000000000000000000";

#[tokio::test]
async fn what_is_finished_is_tried_again_from_the_start() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        for state in ["dead", "delivered", "cancelled"] {
            let id = seed::delivery(&db, &owner, event, (state, 4)).await;
            assert_eq!(retry(&store, id).await, Some(Retried::Due), "{state}");
            assert!(is_queued(&db, id, db.clock.now().as_micros(), 0).await);
            assert_eq!(on_record(&db, "delivery.retried", id).await, 1);
            let now = find(&store, id).await;
            assert_eq!((now.state, now.attempts, now.finished_at), (DeliveryState::Pending, 4, None));
        }
        db
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_tried_now_and_keeps_its_schedule() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "a").await;
        let id = seed::delivery(&db, &owner, event, ("pending", 2)).await;
        assert_eq!(retry(&owner.store(), id).await, Some(Retried::Due));
        assert!(is_queued(&db, id, db.clock.now().as_micros(), 3).await);
        db.sql(&format!("UPDATE queue SET due_at = 5 WHERE delivery_id = {}", db.literal(id.uuid()))).await;
        assert_eq!(retry(&owner.store(), id).await, Some(Retried::Due));
        assert!(is_queued(&db, id, 5, 3).await);
        db
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_is_left_alone() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let id = seed::delivery(&db, &owner, event, ("leased", 2)).await;
        assert_eq!(retry(&store, id).await, Some(Retried::InFlight));
        assert_eq!(cancel(&store, id).await, Some(Cancelled::InFlight));
        assert_eq!(on_record(&db, "delivery.retried", id).await + on_record(&db, "delivery.cancelled", id).await, 0);
        assert_eq!(find(&store, id).await.state, DeliveryState::Leased);
        db
    })
    .await;
}

#[tokio::test]
async fn what_has_no_way_or_no_payload_is_not_tried_again() {
    each(async |db| {
        for table in ["connections", "destinations"] {
            let owner = seed::owner(&db).await;
            let event = seed::event(&db, &owner, "a").await;
            let dead = seed::delivery(&db, &owner, event, ("dead", 2)).await;
            let waiting = seed::delivery(&db, &owner, event, ("pending", 2)).await;
            db.sql(&format!("UPDATE {table} SET deleted_at = 1 WHERE tenant_id = {}", owner.literal(&db))).await;
            for id in [dead, waiting] {
                assert_eq!(retry(&owner.store(), id).await, Some(Retried::Unrouted));
            }
        }
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "a").await;
        let dead = seed::delivery(&db, &owner, event, ("dead", 2)).await;
        db.sql(&format!("DELETE FROM event_bodies WHERE event_id = {}", db.literal(event.uuid()))).await;
        assert_eq!(retry(&owner.store(), dead).await, Some(Retried::PayloadExpired));
        assert_eq!(find(&owner.store(), dead).await.state, DeliveryState::Dead);
        db
    })
    .await;
}

#[tokio::test]
async fn only_what_waits_can_be_called_off() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let id = seed::delivery(&db, &owner, event, ("pending", 2)).await;
        assert_eq!(cancel(&store, id).await, Some(Cancelled::Done));
        assert_eq!(on_record(&db, "delivery.cancelled", id).await, 1);
        let now = find(&store, id).await;
        assert_eq!((now.state, now.attempts, now.finished_at), (DeliveryState::Cancelled, 2, Some(db.clock.now())));
        for state in ["delivered", "dead", "cancelled"] {
            let id = seed::delivery(&db, &owner, event, (state, 1)).await;
            assert_eq!(cancel(&store, id).await, Some(Cancelled::Finished));
        }
        db
    })
    .await;
}

#[tokio::test]
async fn another_tenants_delivery_cannot_be_touched() {
    each(async |db| {
        let (owner, other) = (seed::owner(&db).await, seed::owner(&db).await);
        let event = seed::event(&db, &owner, "a").await;
        for state in ["dead", "pending", "leased"] {
            let id = seed::delivery(&db, &owner, event, (state, 1)).await;
            assert_eq!(retry(&other.store(), id).await, None);
            assert_eq!(cancel(&other.store(), id).await, None);
            assert_eq!(find(&owner.store(), id).await.state.as_str(), state);
        }
        assert_eq!(retry(&owner.store(), DeliveryId::fresh()).await, None);
        db
    })
    .await;
}

#[tokio::test]
async fn a_wish_for_a_retry_is_granted_once() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let store = owner.store();
        let event = seed::event(&db, &owner, "a").await;
        let id = seed::delivery(&db, &owner, event, ("dead", 1)).await;
        let both = tokio::join!(retry(&store, id), retry(&store, id));
        assert_eq!(both, (Some(Retried::Due), Some(Retried::Due)));
        assert_eq!(find(&store, id).await.state, DeliveryState::Pending);
        db
    })
    .await;
}
