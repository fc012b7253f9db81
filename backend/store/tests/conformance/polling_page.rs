//! One page of a run: all of it, or nothing.

use postern_domain::{delivery::EventOutcome, id::made_at};
use postern_store::{
    Retention,
    engine::{FirstEvent, Lost},
    polling::{Channel, LagCount, PageCommit, PageCommitted, QuarantineRow, RunStatus},
    read::{EventFilter, Window},
};
use serde_json::json;

use crate::{
    harness::{Db, NOON, each},
    poller::{Poller, hash, record},
};

const NONE: PageCommitted = PageCommitted::Written { duplicates: Vec::new() };

/// Everything that a page may write.
async fn rows(db: &Db) -> i64 {
    let mut rows = 0;
    for table in ["events", "event_bodies", "dedup_keys", "queue", "poll_records", "poll_runs", "poll_held"] {
        rows += db.count(&format!("SELECT count(*) FROM {table}")).await;
    }
    rows
}

#[tokio::test]
async fn a_page_is_written_with_its_records_and_cursor() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let mut page = poller.page(&db, &claimed, &["a", "b"]).await;
        page.records.push(record("nul\0"));
        assert_eq!(poller.commit(&db, &page).await, NONE);
        let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
        assert_eq!((state.seq, state.progress.cursor), (claimed.state.seq + 1, Some(json!("b"))));
        let known = db.store.poll_records(poller.source, &[hash("a"), hash("nul\0"), hash("c")]).await.expect("reads");
        let mut names: Vec<&str> = known.iter().map(|record| record.id.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "nul\u{fffd}"]);
        let all = db.store.poll_records_after(poller.source, None, 10).await.expect("reads");
        let rest = db.store.poll_records_after(poller.source, Some(all[0].hash), 10).await.expect("reads");
        assert_eq!((all.len(), &rest[..]), (3, &all[1..]));
        let run = poller.tenant.store.run(poller.source, claimed.run).await.expect("answers").expect("there");
        assert_eq!((run.status, run.counts.emitted), (RunStatus::Running, 2));
        assert_eq!(db.count("SELECT count(*) FROM queue").await, 2);
        // The next page: a record that changed, and one that is forgotten.
        let mut next = poller.page(&db, &claimed, &["c"]).await;
        next.seq += 1;
        next.records.push(postern_store::polling::RecordRow { rev: 1, ..record("a") });
        next.forget.push(hash("b"));
        assert_eq!(poller.commit(&db, &next).await, NONE);
        let known = db.store.poll_records(poller.source, &[hash("a"), hash("b")]).await.expect("reads");
        assert_eq!(known, [postern_store::polling::RecordRow { rev: 1, ..record("a") }]);
        db
    })
    .await;
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing_at_all() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let late = poller.claim(&db, NOON).await;
        let page = poller.page(&db, &late, &["a"]).await;
        db.store.recover_polls(Lost::Of(poller.instance), NOON).await.expect("recovers");
        let before = rows(&db).await;
        assert_eq!(poller.commit(&db, &page).await, PageCommitted::LostLease);
        let now = poller.claim(&db, NOON).await;
        assert_eq!(poller.commit(&db, &page).await, PageCommitted::LostLease);
        // Nor does one who holds it and counts wrong.
        let mut ahead = poller.page(&db, &now, &["a"]).await;
        ahead.seq += 1;
        assert_eq!(poller.commit(&db, &ahead).await, PageCommitted::LostLease);
        assert_eq!(rows(&db).await, before);
        let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
        assert_eq!((state.seq, state.progress.cursor), (0, None));
        db
    })
    .await;
}

#[tokio::test]
async fn a_page_that_fails_at_its_end_leaves_nothing() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let page = poller.page(&db, &claimed, &["a", "b"]).await;
        db.sql("ALTER TABLE poll_runs RENAME TO poll_runs_away").await;
        db.store.commit_page(&poller.wish(&page)).await.expect_err("the last statement fails");
        db.sql("ALTER TABLE poll_runs_away RENAME TO poll_runs").await;
        assert_eq!(rows(&db).await, 0);
        let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
        assert_eq!((state.seq, state.progress.cursor), (0, None));
        assert_eq!(poller.commit(&db, &page).await, NONE);
        db
    })
    .await;
}

#[tokio::test]
async fn under_an_old_configuration_nothing_is_written() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let mut page = poller.page(&db, &claimed, &["a"]).await;
        page.accept.config_version -= 1;
        assert_eq!(poller.commit(&db, &page).await, PageCommitted::StaleConfig);
        assert_eq!(rows(&db).await, 0);
        page.accept.config_version += 1;
        assert_eq!(poller.commit(&db, &page).await, NONE);
        db
    })
    .await;
}

#[tokio::test]
async fn duplicates_are_counted_and_named_also_when_the_answer_was_lost() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let first = poller.page(&db, &claimed, &["a"]).await;
        poller.commit(&db, &first).await;
        let mut page = poller.page(&db, &claimed, &["b", "a", "c"]).await;
        page.seq += 1;
        let told = FirstEvent { id: first.accept.events[0].id, same_body: true };
        let written = PageCommitted::Written { duplicates: vec![(1, told)] };
        assert_eq!(poller.commit(&db, &page).await, written);
        let before = rows(&db).await;
        assert_eq!(poller.commit(&db, &page).await, written);
        assert_eq!(rows(&db).await, before);
        assert_eq!(db.count("SELECT count(*) FROM events").await, 3);
        let run = poller.tenant.store.run(poller.source, claimed.run).await.expect("answers").expect("there");
        assert_eq!((run.counts.emitted, run.counts.duplicates), (2, 1));
        let known = db.store.known_keys(poller.source, &[hash("a"), hash("z")], NOON).await.expect("reads");
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].event, known[0].received_at, &known[0].origin), (told.id, Some(NOON), &None));
        db
    })
    .await;
}

#[tokio::test]
async fn held_events_wait_until_they_are_let_go_or_thrown_away() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        for (seq, name, action) in [(0, "a", "released"), (1, "b", "discarded")] {
            let mut page = poller.page(&db, &claimed, &[name]).await;
            (page.held, page.seq) = (true, seq);
            assert_eq!(poller.commit(&db, &page).await, NONE);
            let lanes = db.store.lanes_due().await.expect("looks");
            assert!(
                lanes
                    .iter()
                    .all(|lane| lane.due_at == if seq == 0 { postern_store::polling::HELD_UNTIL } else { NOON })
            );
            let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
            assert_eq!(state.held, 1);
            let event = poller.tenant.store.find_event(page.accept.events[0].id).await.expect("answers");
            assert_eq!(event.expect("there").event.outcome, EventOutcome::Held);
            let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
            let events = match action {
                "released" => tx.release_held(poller.source).await,
                _ => tx.discard_held(poller.source).await,
            };
            assert_eq!(events.expect("answers"), Some(1));
            tx.commit().await.expect("committed");
            assert_eq!(
                db.count(&format!("SELECT count(*) FROM audit_entries WHERE action = 'source.held_{action}'")).await,
                1
            );
        }
        assert_eq!(db.store.lanes_due().await.expect("looks")[0].due_at, NOON);
        assert_eq!(db.count("SELECT count(*) FROM queue").await, 1);
        let discarded = "SELECT count(*) FROM deliveries WHERE state = 'cancelled' AND reason = 'discarded'";
        assert_eq!(db.count(discarded).await, 1);
        db
    })
    .await;
}

#[tokio::test]
async fn an_event_tells_by_which_way_it_came() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        poller.commit(&db, &poller.page(&db, &claimed, &["a"]).await).await;
        let mut page = poller.page(&db, &claimed, &["b"]).await;
        (page.origin, page.seq) = (Some("reconciled"), 1);
        poller.commit(&db, &page).await;
        let store = &poller.tenant.store;
        let events = store.list_events(&EventFilter::default(), &Window::newest(5)).await.expect("lists").rows;
        let origins: Vec<&str> = events.iter().map(|event| event.origin.as_str()).collect();
        assert_eq!(origins, ["reconciled", "poll"]);
        let event = store.find_event(events[0].id).await.expect("answers").expect("there");
        assert_eq!(event.event.origin, "reconciled");
        db
    })
    .await;
}

#[tokio::test]
async fn runs_that_did_not_read_the_list_are_counted_by_themselves() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let states = [RunStatus::Succeeded, RunStatus::Failed, RunStatus::Throttled, RunStatus::Cancelled];
        for (minute, status) in (0..).zip(states) {
            let claimed = poller.claim(&db, NOON.plus_secs(60 * minute)).await;
            let end = poller.end(&claimed, status);
            db.store.end_runs(&[end]).await.expect("ends");
        }
        let inputs = poller.tenant.store.advice_inputs(poller.source, NOON).await.expect("answers").expect("there");
        assert_eq!((inputs.runs.runs, inputs.runs.failed), (4, 3));
        db
    })
    .await;
}

#[tokio::test]
async fn what_was_measured_is_summed_up() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let page = poller.page(&db, &claimed, &["a", "b"]).await;
        let item = QuarantineRow { at: NOON, reason: "no id".to_owned(), sample: vec![b'x'; 70_000] };
        let lags = [LagCount::of(NOON, Channel::Poll, 1_000), LagCount::of(NOON, Channel::Poll, 1_001)];
        let wish = PageCommit { quarantine: &[item], lags: &lags, ..poller.wish(&page) };
        assert_eq!(db.store.commit_page(&wish).await.expect("commits"), NONE);
        let mut end = poller.end(&claimed, RunStatus::Succeeded);
        end.run.counts = page.run.counts;
        db.store.end_runs(&[end]).await.expect("ends");
        let quiet = poller.claim(&db, NOON.plus_secs(60)).await;
        db.store.end_runs(&[poller.end(&quiet, RunStatus::NotModified)]).await.expect("ends");
        let store = &poller.tenant.store;
        let inputs = store.advice_inputs(poller.source, NOON.plus_secs(-60)).await.expect("answers").expect("there");
        assert_eq!((inputs.runs.runs, inputs.runs.empty, inputs.runs.counts.requests), (2, 1, 2));
        assert_eq!((inputs.polled_events, inputs.pushed_events), (2, 0));
        assert_eq!(inputs.poll_lags.count(), 2);
        assert_eq!(inputs.poll_lags.percentile_ms(50), Some(1_024.0));
        assert_eq!(inputs.first_at, Some(NOON));
        let items = store.quarantine(poller.source, &Window::newest(5)).await.expect("lists").rows;
        assert_eq!((items.len(), items[0].sample.len(), items[0].run), (1, 65_536, claimed.run));
        // All of it is kept for its days; the streak that is not over has no row yet.
        let retention = Retention { payload_days: 7, metadata_days: 30 };
        let later = made_at(claimed.run.uuid()).plus_secs(40 * 86_400);
        assert_eq!(db.store.expire_polls(NOON.plus_secs(86_400), retention).await.expect("expires"), 0);
        assert_eq!(db.store.expire_polls(later, retention).await.expect("expires"), 3);
        for table in ["poll_runs", "poll_quarantine", "poll_lags"] {
            assert_eq!(db.count(&format!("SELECT count(*) FROM {table}")).await, 0);
        }
        db
    })
    .await;
}
