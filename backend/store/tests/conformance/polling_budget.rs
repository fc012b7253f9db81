//! A budget is one row for all who take of it.

use postern_store::Retention;
use serde_json::{Value, json};

use crate::harness::{NOON, each};

/// One more, as long as there are fewer than ten.
fn one_more(taken: Option<Value>) -> (Option<Value>, bool) {
    let before = taken.and_then(|taken| taken.as_i64()).unwrap_or(0);
    (Some(json!(before + 1)).filter(|_| before < 10), before < 10)
}

#[tokio::test]
async fn nobody_takes_what_another_has_taken() {
    each(|db| async move {
        let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
        let take = |tenant, name| db.store.take_of_budget((tenant, name), |taken, _| one_more(taken));
        let mut given = 0;
        for _ in 0..5 {
            let (a, b, c) = tokio::join!(take(acme.id, "a"), take(acme.id, "a"), take(acme.id, "a"));
            given += [a, b, c].into_iter().filter(|taken| *taken.as_ref().expect("answers")).count();
        }
        assert_eq!(given, 10, "the last five found nothing");
        assert!(take(acme.id, "b").await.expect("answers"), "another budget");
        assert!(take(other.id, "a").await.expect("answers"), "the same name of another tenant");
        assert_eq!(db.count("SELECT count(*) FROM poll_budgets").await, 3);
        db
    })
    .await;
}

#[tokio::test]
async fn what_is_no_longer_taken_of_is_forgotten() {
    each(|db| async move {
        let acme = db.tenant("acme").await;
        let at = db.store.take_of_budget((acme.id, "a"), |taken, now| (one_more(taken).0, now)).await.expect("answers");
        if !db.is_postgres() {
            assert_eq!(at, NOON, "the clock of the database, where it has one");
        }
        let retention = Retention { payload_days: 7, metadata_days: 30 };
        assert_eq!(db.store.expire_polls(at.plus_secs(86_400), retention).await.expect("expires"), 0);
        assert_eq!(db.store.expire_polls(at.plus_secs(3 * 86_400), retention).await.expect("expires"), 1);
        db
    })
    .await;
}
