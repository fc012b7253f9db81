//! What a person may do to a delivery, on both databases.

use postern_domain::{Actor, ApiKeyId, DeliveryId, delivery::DeliveryState};
use postern_store::{
    TenantStore,
    read::Delivery,
    tenant::{Cancelled, Retried},
};
use sea_orm::{ConnectionTrait, Statement};

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

/// `due_at`, `retries` and `asked_by` as they are in the queue.
async fn queued(db: &Db, id: DeliveryId) -> (i64, i32, Option<String>) {
    let sql = "SELECT due_at, retries, asked_by FROM queue WHERE delivery_id = $1";
    let statement = Statement::from_sql_and_values(db.db.get_database_backend(), sql, [id.uuid().into()]);
    let row = db.db.query_one_raw(statement).await.expect("answers").expect("is in the queue");
    let asked_by = row.try_get("", "asked_by").expect("text");
    (row.try_get("", "due_at").expect("a number"), row.try_get("", "retries").expect("a number"), asked_by)
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
            assert_eq!(queued(&db, id).await, (db.clock.now().as_micros(), 0, Some(ASKED_BY.to_owned())));
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
        assert_eq!(queued(&db, id).await, (db.clock.now().as_micros(), 3, Some(ASKED_BY.to_owned())));
        seed::run(&db, "UPDATE queue SET due_at = 5 WHERE delivery_id = $1", vec![id.uuid().into()]).await;
        assert_eq!(retry(&owner.store(), id).await, Some(Retried::Due));
        assert_eq!(queued(&db, id).await.0, 5);
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
            let sql = format!("UPDATE {table} SET deleted_at = 1 WHERE tenant_id = $1");
            seed::run(&db, &sql, vec![owner.tenant.uuid().into()]).await;
            for id in [dead, waiting] {
                assert_eq!(retry(&owner.store(), id).await, Some(Retried::Unrouted));
            }
        }
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "a").await;
        let dead = seed::delivery(&db, &owner, event, ("dead", 2)).await;
        seed::run(&db, "DELETE FROM event_bodies WHERE event_id = $1", vec![event.uuid().into()]).await;
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
