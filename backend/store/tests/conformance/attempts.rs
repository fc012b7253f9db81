//! The walk over all attempts of a tenant, on both databases.

use postern_domain::{
    AttemptId, ConnectionId, DestinationId, SourceId, attempt::ResultKind, delivery::DeliveryState, id::made_at,
};
use postern_store::{
    TenantStore,
    read::{AttemptFilter, ListError, ListedAttempt, Span},
};

use crate::{harness::each, seed};

/// All that fit, with how many pieces they came in. What is made later is not waited for.
async fn walk(store: &TenantStore, filter: &AttemptFilter) -> (Vec<ListedAttempt>, usize) {
    let (mut found, mut after, mut pieces, below) = (Vec::new(), None, 0, AttemptId::fresh());
    loop {
        let slice = store.list_attempts(filter, after, below).await.expect("a piece");
        found.extend(slice.rows);
        pieces += 1;
        after = slice.next;
        if after.is_none() {
            return (found, pieces);
        }
    }
}

async fn ids(store: &TenantStore, filter: AttemptFilter) -> Vec<AttemptId> {
    walk(store, &filter).await.0.iter().map(|attempt| attempt.id).collect()
}

#[tokio::test]
async fn attempts_come_whole_and_in_order_while_others_are_made() {
    each(async |db| {
        let (owner, other) = (seed::owner(&db).await, seed::owner(&db).await);
        let event = seed::event(&db, &owner, "a.b").await;
        let delivery = seed::delivery(&db, &owner, event, ("delivered", 1)).await;
        let theirs = seed::delivery(&db, &other, event, ("delivered", 1)).await;
        let mut own = Vec::new();
        for _ in 0..4 {
            let made: Vec<AttemptId> = (0..431).map(|_| AttemptId::fresh()).collect();
            seed::put_attempts(&db, &owner, delivery, &made).await;
            seed::attempt(&db, &other, theirs, (1, b"x")).await;
            own.extend(made);
        }
        let (store, below) = (owner.store(), AttemptId::fresh());
        let (mut found, mut after, mut pieces) = (Vec::new(), None, 0);
        loop {
            let slice = store.list_attempts(&AttemptFilter::default(), after, below).await.expect("a piece");
            assert!(slice.rows.len() <= 500, "{} rows are held at once", slice.rows.len());
            found.extend(slice.rows.iter().map(|attempt| attempt.id));
            seed::attempt(&db, &owner, delivery, (2, b"late")).await;
            pieces += 1;
            after = slice.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found == own, pieces), (true, 4));
        assert_eq!(walk(&other.store(), &AttemptFilter::default()).await.0.len(), 4);
        db
    })
    .await;
}

#[tokio::test]
async fn a_small_tenant_walks_past_those_of_a_large_one_in_steps() {
    each(async |db| {
        let (small, large) = (seed::owner(&db).await, seed::owner(&db).await);
        let event = seed::event(&db, &small, "a.b").await;
        let delivery = seed::delivery(&db, &small, event, ("delivered", 1)).await;
        let theirs = seed::delivery(&db, &large, event, ("delivered", 1)).await;
        let mut own = Vec::new();
        for _ in 0..3 {
            let made = AttemptId::fresh();
            seed::put_attempts(&db, &small, delivery, &[made]).await;
            own.push(made);
            for _ in 0..5 {
                let made: Vec<AttemptId> = (0..431).map(|_| AttemptId::fresh()).collect();
                seed::put_attempts(&db, &large, theirs, &made).await;
            }
        }
        let (found, pieces) = walk(&small.store(), &AttemptFilter::default()).await;
        assert_eq!(found.iter().map(|attempt| attempt.id).collect::<Vec<_>>(), own);
        assert!(pieces > 1, "one statement looked at 6 000 attempts");
        db
    })
    .await;
}

#[tokio::test]
async fn an_attempt_says_where_it_came_from_and_what_became_of_it() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "payment.received").await;
        let waiting = seed::delivery(&db, &owner, event, ("pending", 1)).await;
        let done = seed::delivery(&db, &owner, event, ("dead", 1)).await;
        let gone = postern_domain::DeliveryId::fresh();
        seed::attempt(&db, &owner, waiting, (1, b"no")).await;
        seed::put_attempts(&db, &owner, done, &[AttemptId::fresh()]).await;
        seed::put_attempts(&db, &owner, gone, &[AttemptId::fresh()]).await;
        let (found, _) = walk(&owner.store(), &AttemptFilter::default()).await;
        let [first, second, third] = found.as_slice() else { panic!("three attempts") };
        let way = first.way.as_ref().expect("the delivery is there");
        assert_eq!(
            (way.event, way.event_type.as_deref(), way.state),
            (event, Some("payment.received"), DeliveryState::Pending)
        );
        assert_eq!(
            (way.source, way.connection, first.destination),
            (owner.source, owner.connection, owner.destination)
        );
        assert_eq!((first.kind, first.status, first.timings.dns_us), (ResultKind::Answered, Some(503), Some(20)));
        assert!(first.destination_name.is_some());
        assert_eq!((second.kind, second.status, second.detail.as_deref()), (ResultKind::Dns, None, Some("no")));
        assert_eq!(second.way.as_ref().map(|way| way.state), Some(DeliveryState::Dead));
        assert!(third.delivery == gone && third.way.is_none(), "past the retention of its delivery");

        // Held is what is shown of a pending one whose destination is paused; a name outlives its destination.
        let destination = db.literal(owner.destination.uuid());
        db.sql(&format!("UPDATE destinations SET state = 'paused', deleted_at = 1 WHERE id = {destination}")).await;
        db.sql(&format!("DELETE FROM events WHERE id = {}", db.literal(event.uuid()))).await;
        let (found, _) = walk(&owner.store(), &AttemptFilter::default()).await;
        let way = found[0].way.as_ref().expect("the delivery is there");
        assert_eq!((way.state, way.event_type.as_deref()), (DeliveryState::Held, None));
        assert!(found[0].destination_name.is_some());
        db
    })
    .await;
}

#[tokio::test]
async fn filters_let_through_what_fits_them() {
    each(async |db| {
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "a.b").await;
        let mut made = Vec::new();
        for state in ["pending", "delivered", "dead"] {
            let delivery = seed::delivery(&db, &owner, event, (state, 1)).await;
            let id = AttemptId::fresh();
            seed::put_attempts(&db, &owner, delivery, &[id]).await;
            made.push((delivery, id));
        }
        let (store, all) = (owner.store(), AttemptFilter::default());
        for (state, expected) in [
            (DeliveryState::Pending, vec![made[0].1]),
            (DeliveryState::Delivered, vec![made[1].1]),
            (DeliveryState::Dead, vec![made[2].1]),
            (DeliveryState::Cancelled, vec![]),
        ] {
            assert_eq!(ids(&store, AttemptFilter { state: Some(state), ..all }).await, expected, "{state:?}");
        }
        let every: Vec<AttemptId> = made.iter().map(|(_, id)| *id).collect();
        let ends = AttemptFilter {
            source: Some(owner.source),
            destination: Some(owner.destination),
            connection: Some(owner.connection),
            ..all
        };
        assert_eq!(ids(&store, ends).await, every);
        for other in [
            AttemptFilter { source: Some(SourceId::fresh()), ..all },
            AttemptFilter { destination: Some(DestinationId::fresh()), ..all },
            AttemptFilter { connection: Some(ConnectionId::fresh()), ..all },
        ] {
            assert_eq!(ids(&store, other).await, []);
        }
        // The start counts, to the microsecond, not the id, which is older.
        let started = |id: AttemptId| postern_domain::Timestamp::from_micros(made_at(id.uuid()).as_micros() + 500);
        let (first, last) = (started(made[0].1), started(made[2].1));
        let span = |from, to| AttemptFilter { started: Span { from: Some(from), to: Some(to) }, ..all };
        let after = |at: postern_domain::Timestamp| postern_domain::Timestamp::from_micros(at.as_micros() + 1);
        assert_eq!(ids(&store, span(first, after(last))).await, every);
        assert!(!ids(&store, span(first, last)).await.contains(&made[2].1));
        assert!(!ids(&store, span(after(first), after(last))).await.contains(&made[0].1));
        let born = |place: usize| Some(made_at(made[place].0.uuid()));
        let young = AttemptFilter { made: Span { from: born(2).map(|at| at.plus_ms(1)), to: None }, ..all };
        assert_eq!(ids(&store, young).await, []);
        let old = AttemptFilter { made: Span { from: born(0), to: born(2).map(|at| at.plus_ms(1)) }, ..all };
        assert_eq!(ids(&store, old).await, every);
        db
    })
    .await;
}

#[tokio::test]
async fn what_another_tenant_has_cannot_be_filtered_by() {
    each(async |db| {
        let (owner, other) = (seed::owner(&db).await, seed::owner(&db).await);
        let (store, all) = (owner.store(), AttemptFilter::default());
        let check = async |filter| store.check_attempt_filter(&filter).await;
        let own = AttemptFilter {
            source: Some(owner.source),
            destination: Some(owner.destination),
            connection: Some(owner.connection),
            ..all
        };
        assert!(check(own).await.is_ok());
        for source in [other.source, SourceId::fresh()] {
            assert!(matches!(
                check(AttemptFilter { source: Some(source), ..all }).await,
                Err(ListError::UnknownSource)
            ));
        }
        for destination in [other.destination, DestinationId::fresh()] {
            let found = check(AttemptFilter { destination: Some(destination), ..all }).await;
            assert!(matches!(found, Err(ListError::UnknownDestination)));
        }
        for connection in [other.connection, ConnectionId::fresh()] {
            let found = check(AttemptFilter { connection: Some(connection), ..all }).await;
            assert!(matches!(found, Err(ListError::UnknownConnection)));
        }
        db
    })
    .await;
}
