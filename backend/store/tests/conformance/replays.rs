//! Bodies that come again under another id, where ids are not signed: told, or refused, whoever writes at the same time.

use postern_domain::{EventId, intake::Replay};
use postern_seal::token::sha256;
use postern_store::engine::{AcceptBatch, Accepted, BodyKey, EventRow, Written};

use crate::{
    engine::Lane,
    harness::{Db, NOON, each},
};

impl Lane {
    fn guarded(&self, replay: Replay, key: &str, body: &str) -> EventRow {
        let mut hash = [1; 16];
        hash[1..].copy_from_slice(&sha256(body)[..15]);
        EventRow { body_key: Some(BodyKey { hash, replay }), ..self.event(Some(key), body) }
    }

    async fn commit(&self, db: &Db, events: &[EventRow]) -> Written {
        let deliveries = events.iter().map(|event| self.delivery(event, None)).collect();
        written(db, &self.batch(db, events.to_vec(), deliveries).await).await
    }
}

async fn written(db: &Db, batch: &AcceptBatch) -> Written {
    match db.store.commit(batch).await.expect("commits") {
        Accepted::Written(written) => written,
        Accepted::StaleConfig => panic!("stale"),
    }
}

fn told(written: &Written) -> Vec<(usize, EventId, bool)> {
    written.duplicates.iter().map(|(place, first)| (*place, first.id, first.same_body)).collect()
}

#[tokio::test]
async fn a_body_that_comes_again_under_another_id_is_told_and_written() {
    each(|db| async move {
        let lane = Lane::new();
        let guarded = |key: &str, body: &str| lane.guarded(Replay::Flag, key, body);
        let (first, twin) = (guarded("one", "{}"), guarded("two", "{}"));
        let batch = lane.batch(&db, vec![first.clone(), twin.clone(), lane.event(None, "{}")], vec![]).await;
        let repeated = AcceptBatch { repeated: true, ..batch.clone() };
        for batch in [batch, repeated] {
            let told = Written { replays: vec![(1, first.id)], ..Written::default() };
            assert_eq!(written(&db, &batch).await, told);
        }
        // A duplicate is no replay, whatever its body; what is new and has a body of its own is neither.
        let again = [guarded("one", "{}"), guarded("three", "[]"), guarded("four", "{}"), guarded("two", "[]")];
        let found = lane.commit(&db, &again).await;
        assert_eq!(told(&found), [(0, first.id, true), (3, twin.id, false)]);
        assert_eq!((found.replays, found.refused), (vec![(2, first.id)], vec![]));
        assert_eq!(db.count("SELECT count(*) FROM events").await, 5);
        let late = lane.batch(&db, vec![guarded("six", "{}")], vec![]).await;
        let late = AcceptBatch { now: NOON.plus_secs(60), ..late };
        assert_eq!(written(&db, &late).await, Written::default(), "its window is over");
        db
    })
    .await;
}

#[tokio::test]
async fn a_refused_body_leaves_nothing_behind() {
    each(|db| async move {
        let lane = Lane::new();
        let guarded = |key: &str, body: &str| lane.guarded(Replay::Refuse, key, body);
        let (first, second) = (guarded("one", "{}"), guarded("two", "{}"));
        let batch = [first.clone(), second, lane.event(Some("plain"), "{}"), guarded("three", "[]")];
        let found = lane.commit(&db, &batch).await;
        assert_eq!(found, Written { refused: vec![(1, first.id)], ..Written::default() });
        for table in ["events", "event_bodies", "queue"] {
            assert_eq!(db.count(&format!("SELECT count(*) FROM {table}")).await, 3, "{table}");
        }
        assert_eq!(db.count("SELECT count(*) FROM dedup_keys").await, 5, "two of each guarded one, and one");
        let again = [guarded("two", "{}"), guarded("one", "{}"), guarded("one", "7"), guarded("four", "7")];
        let found = lane.commit(&db, &again).await;
        assert_eq!(found.refused, [(0, first.id)], "a body of a duplicate was not taken in, and is new");
        assert_eq!(told(&found), [(1, first.id, true), (2, first.id, false)]);
        assert_eq!(lane.commit(&db, &[guarded("two", "8")]).await, Written::default(), "its id was not kept");
        let late = lane.batch(&db, vec![guarded("five", "{}")], vec![]).await;
        let late = AcceptBatch { now: NOON.plus_secs(60), ..late };
        for repeated in [false, true] {
            let late = AcceptBatch { repeated, ..late.clone() };
            assert_eq!(written(&db, &late).await, Written::default(), "its window is over");
        }
        db
    })
    .await;
}

#[tokio::test]
async fn of_two_replays_at_the_same_moment_one_is_refused() {
    each(|db| async move {
        for round in 0..20 {
            let lane = Lane::new();
            let body = round.to_string();
            let [one, two] = ["one", "two"].map(|key| lane.guarded(Replay::Refuse, key, &body));
            let [first, second] = [&one, &two].map(std::slice::from_ref);
            let (first, second) = tokio::join!(lane.commit(&db, first), lane.commit(&db, second));
            let mut refused = [first.refused, second.refused].concat();
            assert_eq!(refused.len(), 1, "exactly one passes");
            assert!(refused.pop().is_some_and(|(_, holder)| [one.id, two.id].contains(&holder)));
        }
        assert_eq!(db.count("SELECT count(*) FROM events").await, 20);
        db
    })
    .await;
}
