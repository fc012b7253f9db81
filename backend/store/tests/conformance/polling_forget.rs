//! Records that no run lists any more are forgotten, in batches, and no others.

use postern_store::{
    Retention,
    polling::{RecordRow, RunStatus, day_of},
};

use crate::{
    harness::{Db, NOON, each},
    poller::{Poller, hash, record},
};

const RETENTION: Retention = Retention { payload_days: 7, metadata_days: 3_000 };

fn seen(id: &str, days_ago: Option<i32>) -> RecordRow {
    RecordRow { seen_day: days_ago.map(|days| day_of(NOON) - days), ..record(id) }
}

async fn left(db: &Db) -> i64 {
    db.count("SELECT count(*) FROM poll_records").await
}

async fn sweep(db: &Db, in_days: i64) -> u64 {
    db.store.expire_polls(NOON.plus_secs(in_days * 86_400), RETENTION).await.expect("expires")
}

/// A source with these records, and what its run says at its end.
async fn source(db: &Db, records: Vec<RecordRow>, forget_before: Option<i32>) -> Poller {
    let poller = Poller::new(db, "acme").await;
    let claimed = poller.claim(db, NOON).await;
    let mut page = poller.page(db, &claimed, &[]).await;
    page.records = records;
    poller.commit(db, &page).await;
    let mut end = poller.end(&claimed, RunStatus::Succeeded);
    end.after.forget_before = forget_before;
    assert!(db.store.end_runs(&[end]).await.expect("ends").is_empty());
    poller
}

#[tokio::test]
async fn what_was_not_seen_since_the_day_that_a_run_named_is_forgotten() {
    each(|db| async move {
        let mut records: Vec<RecordRow> = (0..1_201).map(|number| seen(&format!("old {number}"), Some(401))).collect();
        records.extend([seen("edge", Some(400)), seen("young", Some(3)), seen("unknown", None)]);
        let poller = source(&db, records, Some(day_of(NOON) - 400)).await;
        assert_eq!((sweep(&db, 0).await, left(&db).await), (1_201, 3));
        // Time alone makes nothing old: only a run that has read it all.
        assert_eq!((sweep(&db, 1_000).await, left(&db).await), (0, 3));
        let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
        assert_eq!(state.forget_before, Some(day_of(NOON) - 400));
        db
    })
    .await;
}

#[tokio::test]
async fn without_a_run_that_read_it_all_nothing_is_forgotten() {
    each(|db| async move {
        source(&db, vec![seen("old", Some(3_000))], None).await;
        assert_eq!((sweep(&db, 1_000).await, left(&db).await), (0, 1));
        db
    })
    .await;
}

#[tokio::test]
async fn a_record_that_is_written_without_a_day_keeps_its_own() {
    each(|db| async move {
        let poller = source(&db, vec![seen("a", Some(50)), seen("b", None)], None).await;
        let claimed = poller.claim(&db, NOON.plus_secs(60)).await;
        let mut page = poller.page(&db, &claimed, &[]).await;
        page.records = vec![RecordRow { missed: 1, ..seen("a", None) }, seen("b", Some(0))];
        poller.commit(&db, &page).await;
        let mut known = db.store.poll_records(poller.source, &[hash("a"), hash("b")]).await.expect("reads");
        known.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(known, [RecordRow { missed: 1, ..seen("a", Some(50)) }, seen("b", Some(0))]);
        db
    })
    .await;
}

/// It may poll again, and would then emit all of them anew.
#[tokio::test]
async fn a_source_that_polls_no_more_is_remembered_for_as_long() {
    each(|db| async move {
        let poller = source(&db, vec![seen("a", Some(0)), seen("b", Some(10))], None).await;
        let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
        tx.drop_poll_plan(poller.source).await.expect("dropped");
        tx.commit().await.expect("committed");
        assert_eq!((sweep(&db, 390).await, left(&db).await), (0, 2));
        assert_eq!((sweep(&db, 391).await, left(&db).await), (1, 1));
        db
    })
    .await;
}
