//! What happened, counted, on both databases.

use postern_domain::{
    Actor, DeliveryId, EventId, Timestamp,
    activity::{Counts, STRETCH_S, Stretch, Within},
    id::made_at,
};
use postern_store::{Retention, TenantStore, activity::Bars};

use crate::{
    harness::{Db, each},
    seed::{self, Owner},
};

const KEPT: Retention = Retention { payload_days: 30, metadata_days: 90 };
/// By then every stretch is counted that had begun when the test did.
const OVER_S: i64 = 2 * STRETCH_S + 90;

/// Ids tell the true time; the time of these tests begins with their first event.
async fn first_event(db: &Db, owner: &Owner) -> (EventId, Timestamp) {
    let event = seed::event(db, owner, "a.b").await;
    (event, made_at(event.uuid()))
}

async fn counted(store: &TenantStore, begun: Timestamp, now: Timestamp) -> Counts {
    let bars = Bars { begin: Stretch::of(begun).start(), step_s: STRETCH_S, count: 3 };
    let activity = store.activity(bars, now).await.expect("answers");
    assert_eq!(activity.before, Counts::default());
    activity.total()
}

async fn count(db: &Db, now: Timestamp) -> u64 {
    db.store.count_activity(now, KEPT).await.expect("counts")
}

async fn something_of_everything(db: &Db, owner: &Owner, event: EventId) {
    for (state, attempts) in
        [("delivered", 1), ("delivered", 3), ("dead", 4), ("cancelled", 0), ("pending", 1), ("leased", 0)]
    {
        seed::delivery(db, owner, event, (state, attempts)).await;
    }
    for outcome in ["refused", "duplicate", "duplicate"] {
        seed::request(db, owner, outcome).await;
    }
}

#[tokio::test]
async fn what_is_read_live_and_what_was_counted_agree_and_are_the_tenants_own() {
    each(async |db| {
        let (a, b) = (seed::owner(&db).await, seed::owner(&db).await);
        let (event, begun) = first_event(&db, &a).await;
        something_of_everything(&db, &a, event).await;
        seed::event(&db, &b, "a.b").await;
        let mut expected =
            Counts { events: 1, duplicates: 2, refused: 1, delivered: 2, retried: 1, ..Counts::default() };
        (expected.dead, expected.cancelled, expected.latencies[0]) = (1, 1, 2);
        let soon = begun.plus_secs(2);
        assert_eq!(counted(&a.store(), begun, soon).await, expected, "nothing is counted yet");
        let over = begun.plus_secs(OVER_S);
        for _ in 0..2 {
            count(&db, over).await;
            assert_eq!(counted(&a.store(), begun, over).await, expected);
        }
        assert_eq!(counted(&b.store(), begun, over).await, Counts { events: 1, ..Counts::default() });
        assert_eq!(expected.within(95), Some(Within::Ms(1)));
        db
    })
    .await;
}

#[tokio::test]
async fn bars_and_the_time_before_them_are_told_apart() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (_, begun) = first_event(&db, &owner).await;
        let over = begun.plus_secs(OVER_S);
        count(&db, over).await;
        let store = owner.store();
        let begin = Stretch::of(begun).end();
        let bars = Bars { begin, step_s: STRETCH_S, count: 3 };
        let activity = store.activity(bars, over).await.expect("answers");
        assert_eq!((activity.before.events, activity.total().events), (1, 0));
        assert_eq!(activity.counted_to, over);
        let bars = Bars { begin: begin.plus_secs(-4 * STRETCH_S), step_s: 2 * STRETCH_S, count: 4 };
        let activity = store.activity(bars, over).await.expect("answers");
        assert_eq!(activity.bars.iter().map(|bar| bar.events).collect::<Vec<_>>(), [0, 1, 0, 0]);
        db
    })
    .await;
}

#[tokio::test]
async fn what_was_committed_late_is_counted_with_the_next_count() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (_, begun) = first_event(&db, &owner).await;
        let over = begun.plus_secs(OVER_S);
        count(&db, over).await;
        seed::event(&db, &owner, "a.b").await;
        count(&db, over.plus_secs(1)).await;
        assert_eq!(counted(&owner.store(), begun, over).await.events, 1, "it is not due");
        count(&db, over.plus_secs(200)).await;
        assert_eq!(counted(&owner.store(), begun, over).await.events, 2);
        db
    })
    .await;
}

#[tokio::test]
async fn a_delivery_is_counted_as_what_becomes_of_it() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (event, begun) = first_event(&db, &owner).await;
        let waiting = seed::delivery(&db, &owner, event, ("pending", 1)).await;
        let later = |hours: i64| begun.plus_secs(hours * 3_600);
        count(&db, later(2)).await;
        count(&db, later(4)).await;
        assert_eq!(counted(&owner.store(), begun, later(4)).await.ended(), 0);
        settle(&db, waiting, "dead").await;
        count(&db, later(6)).await;
        assert_eq!(counted(&owner.store(), begun, later(6)).await.dead, 1);
        count(&db, later(9)).await;
        let start = Stretch::of(begun).start().as_micros();
        let done = format!("SELECT count(*) FROM activity_stretches WHERE start_at = {start} AND due_at IS NULL");
        assert_eq!(db.count(&done).await, 1, "nothing of it can change by itself");

        let mut tx = owner.store().begin(&Actor::operator()).await.expect("begins");
        tx.retry_delivery(waiting).await.expect("answers");
        tx.commit().await.expect("commits");
        count(&db, later(10)).await;
        assert_eq!(counted(&owner.store(), begun, later(10)).await.dead, 0, "it is tried again");
        settle(&db, waiting, "delivered").await;
        count(&db, later(20)).await;
        let counts = counted(&owner.store(), begun, later(20)).await;
        assert_eq!((counts.dead, counts.delivered, counts.retried), (0, 1, 1));
        db
    })
    .await;
}

/// What the engine does with the last attempt.
async fn settle(db: &Db, delivery: DeliveryId, state: &str) {
    let (id, at) = (db.literal(delivery.uuid()), made_at(delivery.uuid()).as_micros());
    db.sql(&format!(
        "INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, retries, attempts, \
         body_bytes, finished_at) SELECT delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, \
         '{state}', retries, attempts + 1, body_bytes, {at} FROM queue WHERE delivery_id = {id}"
    ))
    .await;
    db.sql(&format!("DELETE FROM queue WHERE delivery_id = {id}")).await;
}

#[tokio::test]
async fn a_count_that_nobody_finished_is_made_by_the_next() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (_, begun) = first_event(&db, &owner).await;
        let over = begun.plus_secs(OVER_S);
        count(&db, over).await;
        // A process has claimed everything and died.
        db.sql("DELETE FROM activity").await;
        let until = over.plus_secs(100).as_micros();
        db.sql(&format!("UPDATE activity_stretches SET counted_at = NULL, due_at = {until}")).await;
        count(&db, over.plus_secs(99)).await;
        assert_eq!(db.count("SELECT count(*) FROM activity").await, 0, "it is still claimed");
        assert_eq!(counted(&owner.store(), begun, over).await.events, 1, "it is read live meanwhile");
        let (one, other) = tokio::join!(count(&db, over.plus_secs(101)), count(&db, over.plus_secs(101)));
        assert!(one + other > 0);
        assert_eq!(counted(&owner.store(), begun, over).await.events, 1, "two that count at once count once");
        db
    })
    .await;
}

#[tokio::test]
async fn counts_go_with_the_rows_they_count() {
    const DAY_S: i64 = 86_400;
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (_, begun) = first_event(&db, &owner).await;
        let short = Retention { payload_days: 1, metadata_days: 1 };
        let over = begun.plus_secs(OVER_S);
        db.store.count_activity(over, short).await.expect("counts");
        db.store.drop_old_activity(over, short).await.expect("drops");
        assert_eq!(db.count("SELECT count(*) FROM activity").await, 1, "it is kept");
        let later = begun.plus_secs(2 * DAY_S);
        db.store.drop_old_activity(later, short).await.expect("drops");
        for table in ["activity", "activity_stretches"] {
            assert_eq!(db.count(&format!("SELECT count(*) FROM {table}")).await, 0);
        }
        // Rows that are about to be dropped are not counted anew.
        db.store.count_activity(later, short).await.expect("counts");
        assert_eq!(counted(&owner.store(), begun, later).await, Counts::default());
        db
    })
    .await;
}

#[tokio::test]
async fn where_counting_is_behind_it_says_how_far_it_has_come() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let (_, begun) = first_event(&db, &owner).await;
        let later = begun.plus_secs(86_400);
        let bars = Bars { begin: Stretch::of(begun).start(), step_s: 86_400, count: 2 };
        let activity = owner.store().activity(bars, later).await.expect("answers");
        assert_eq!((activity.total().events, activity.counted_to), (0, Stretch::of(begun).start()));
        count(&db, later).await;
        let activity = owner.store().activity(bars, later).await.expect("answers");
        assert_eq!((activity.total().events, activity.counted_to), (1, later));
        db
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_counted_by_its_state() {
    each(async |db| {
        let (a, b) = (seed::owner(&db).await, seed::owner(&db).await);
        let (event, _) = first_event(&db, &a).await;
        let oldest = seed::delivery(&db, &a, event, ("pending", 1)).await;
        for state in ["leased", "pending", "delivered"] {
            seed::delivery(&db, &a, event, (state, 1)).await;
        }
        let waiting = a.store().waiting().await.expect("answers");
        assert_eq!((waiting.pending, waiting.leased, waiting.held, waiting.more), (2, 1, 0, false));
        assert_eq!(waiting.oldest, Some(made_at(oldest.uuid())));
        db.sql(&format!("UPDATE destinations SET state = 'paused' WHERE id = {}", db.literal(a.destination.uuid())))
            .await;
        let waiting = a.store().waiting().await.expect("answers");
        assert_eq!((waiting.pending, waiting.leased, waiting.held), (0, 1, 2));
        assert_eq!(b.store().waiting().await.expect("answers").total(), 0);
        db
    })
    .await;
}
