//! Sources that run by themselves: who runs them, and what is remembered of it.

use std::collections::HashSet;

use postern_domain::{RunId, SourceId, id::fresh_uuid, source::SourceKind};
use postern_store::{
    Retention,
    engine::{Lost, config::ConfigChange},
    polling::{Asked, CursorMove, Health, Keys, Plan, Restart, RunKind, RunStatus, SealedSettings, Trigger},
    read::{ListError, Window},
    tenant::{RunState, Source},
};
use serde_json::json;

use crate::{
    harness::{NOON, each},
    poller::{Poller, add_source, plan, terms},
};

#[tokio::test]
async fn two_replicas_claim_each_source_once() {
    each(|db| async move {
        let tenant = db.tenant("acme").await;
        for _ in 0..60 {
            add_source(&tenant, NOON).await;
        }
        let (one, two) = (fresh_uuid(), fresh_uuid());
        let mut claimed: Vec<SourceId> = Vec::new();
        for _ in 0..20 {
            let few = |instance| postern_store::polling::ClaimTerms { most: 7, ..terms(instance, NOON) };
            let (few_one, few_two) = (few(one), few(two));
            let (first, second) = tokio::join!(db.store.claim_polls(&few_one), db.store.claim_polls(&few_two));
            for run in first.expect("claims").into_iter().chain(second.expect("claims")) {
                assert_eq!(run.scheduled_at, NOON);
                claimed.push(run.state.source);
            }
        }
        assert_eq!(claimed.len(), 60);
        assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 60);
        db
    })
    .await;
}

#[tokio::test]
async fn a_tenant_with_many_does_not_keep_another_waiting() {
    each(|db| async move {
        let (busy, quiet) = (db.tenant("busy").await, db.tenant("quiet").await);
        for _ in 0..30 {
            add_source(&busy, NOON.plus_secs(-3_600)).await;
        }
        let lonely = add_source(&quiet, NOON).await;
        let terms = postern_store::polling::ClaimTerms { most: 3, per_tenant: 5, ..terms(fresh_uuid(), NOON) };
        let claimed = db.store.claim_polls(&terms).await.expect("claims");
        assert_eq!(claimed.len(), 3);
        assert!(claimed.iter().any(|run| run.state.source == lonely));
        // What is under way counts: the busy one has two, and may have five.
        let terms = postern_store::polling::ClaimTerms { most: 100, ..terms };
        assert_eq!(db.store.claim_polls(&terms).await.expect("claims").len(), 3);
        assert!(db.store.claim_polls(&terms).await.expect("claims").is_empty());
        db
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_not_due_or_paused_is_not_claimed() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let early = terms(poller.instance, NOON.plus_ms(-1));
        assert!(db.store.claim_polls(&early).await.expect("claims").is_empty());
        let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
        let source: Source = tx.find(poller.source).await.expect("answers").expect("there");
        let paused = Source { state: RunState::Paused, ..source.clone() };
        tx.update(&source, &paused).await.expect("updated");
        tx.set_poll_plan(&Plan { next_run_at: None, ..plan(poller.source, NOON) }).await.expect("planned");
        assert_eq!(
            tx.ask_run(poller.source, RunId::fresh(), Trigger::Manual).await.expect("answers"),
            Some(Asked::Paused)
        );
        tx.commit().await.expect("committed");
        let later = terms(poller.instance, NOON.plus_secs(3_600));
        assert!(db.store.claim_polls(&later).await.expect("claims").is_empty());
        db
    })
    .await;
}

#[tokio::test]
async fn quiet_runs_of_a_day_are_one_row() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let runs = || async {
            let list = poller.tenant.store.runs(poller.source, &Window::newest(10)).await.expect("lists");
            list.rows.into_iter().map(|run| (run.status, run.runs, run.counts.requests)).collect::<Vec<_>>()
        };
        let mut at = NOON;
        for _ in 0..3 {
            let claimed = poller.claim(&db, at).await;
            let lost = db.store.end_runs(&[poller.end(&claimed, RunStatus::NotModified)]).await.expect("ends");
            assert!(lost.is_empty());
            at = at.plus_secs(60);
        }
        // The streak is shown, and costs no row until it is over.
        assert_eq!(runs().await, [(RunStatus::Quiet, 3, 3)]);
        assert_eq!(db.count("SELECT count(*) FROM poll_runs").await, 0);
        let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
        assert_eq!(state.next_run_at, Some(at));
        assert_eq!(state.validators.etag.as_deref(), Some("\"one\""));
        assert_eq!(state.running, None);
        // The next day begins another.
        at = at.plus_secs(86_400);
        let claimed = poller.claim(&db, at).await;
        db.store.end_runs(&[poller.end(&claimed, RunStatus::NotModified)]).await.expect("ends");
        assert_eq!(runs().await, [(RunStatus::Quiet, 1, 1), (RunStatus::Quiet, 3, 3)]);
        // One that found something ends it.
        let claimed = poller.claim(&db, at.plus_secs(60)).await;
        db.store.end_runs(&[poller.end(&claimed, RunStatus::Succeeded)]).await.expect("ends");
        let seen = [(RunStatus::Succeeded, 1, 1), (RunStatus::Quiet, 1, 1), (RunStatus::Quiet, 3, 3)];
        assert_eq!(runs().await, seen);
        assert_eq!(db.count("SELECT count(*) FROM poll_runs").await, 3);
        db
    })
    .await;
}

#[tokio::test]
async fn a_run_that_was_asked_for_is_found_by_its_id() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let store = &poller.tenant.store;
        let asked = RunId::fresh();
        let mut tx = store.begin(&poller.tenant.actor).await.expect("begins");
        assert_eq!(
            tx.ask_run(poller.source, asked, Trigger::Manual).await.expect("answers"),
            Some(Asked::Queued(asked))
        );
        // Asked again, it is the same.
        let again = tx.ask_run(poller.source, RunId::fresh(), Trigger::Manual).await.expect("answers");
        assert_eq!(again, Some(Asked::Queued(asked)));
        tx.commit().await.expect("committed");
        let status = || async { store.run(poller.source, asked).await.expect("answers").map(|run| run.status) };
        assert_eq!(status().await, Some(RunStatus::Queued));
        let claimed = poller.claim(&db, NOON.plus_secs(5)).await;
        assert_eq!((claimed.run, claimed.trigger), (asked, Trigger::Manual));
        assert_eq!(status().await, Some(RunStatus::Running));
        db.store.end_runs(&[poller.end(&claimed, RunStatus::NotModified)]).await.expect("ends");
        assert_eq!(status().await, Some(RunStatus::NotModified));
        assert_eq!(db.count("SELECT count(*) FROM audit_entries WHERE action = 'source.run_asked'").await, 1);
        db
    })
    .await;
}

#[tokio::test]
async fn the_run_of_a_dead_replica_is_on_record_and_made_again() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let now = NOON.plus_secs(10);
        assert_eq!(db.store.recover_polls(Lost::Of(fresh_uuid()), now).await.expect("answers"), 0);
        assert_eq!(db.store.recover_polls(Lost::AllBut(poller.instance), now).await.expect("answers"), 0);
        assert_eq!(db.store.recover_polls(Lost::Expired, now).await.expect("answers"), 0);
        assert_eq!(db.store.recover_polls(Lost::Of(poller.instance), now).await.expect("answers"), 1);
        let run = poller.tenant.store.run(poller.source, claimed.run).await.expect("answers").expect("there");
        assert_eq!((run.status, run.ended_at), (RunStatus::LostLease, Some(now)));
        let again = poller.claim(&db, now).await;
        assert_eq!(again.scheduled_at, now);
        assert_ne!(again.run, claimed.run);
        // What the dead one writes, should it live, is refused.
        let lost = db.store.end_runs(&[poller.end(&claimed, RunStatus::Succeeded)]).await.expect("answers");
        assert_eq!(lost, [poller.source]);
        assert!(!db.store.extend_poll(poller.source, claimed.token, 60_000).await.expect("answers"));
        assert!(db.store.extend_poll(poller.source, again.token, -60_000).await.expect("answers"));
        assert_eq!(db.store.recover_polls(Lost::Expired, now).await.expect("answers"), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn a_moved_cursor_cancels_the_run_and_is_remembered() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let page = poller.page(&db, &claimed, &["a", "b"]).await;
        poller.commit(&db, &page).await;
        let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
        let reason = "missed some".to_owned();
        let wish = CursorMove { source: poller.source, to: Some(json!("a")), reason, keys: Keys::Fresh };
        let state = tx.move_cursor(&wish).await.expect("answers").expect("there");
        tx.commit().await.expect("committed");
        assert_eq!((state.progress.cursor, state.epoch, state.running), (Some(json!("a")), 1, None));
        assert_eq!(db.count("SELECT count(*) FROM poll_records").await, 0);
        let run = poller.tenant.store.run(poller.source, claimed.run).await.expect("answers").expect("there");
        assert_eq!((run.status, run.counts.emitted), (RunStatus::Cancelled, 2));
        assert_eq!(db.store.end_runs(&[poller.end(&claimed, RunStatus::Succeeded)]).await.expect("answers").len(), 1);
        let moves = poller.tenant.store.cursor_moves(poller.source, &Window::newest(5)).await.expect("lists").rows;
        let step = &moves[0];
        assert_eq!((&step.from, &step.to, step.reason.as_str()), (&Some(json!("b")), &Some(json!("a")), "missed some"));
        assert_eq!(step.actor_kind, "api_key");
        assert_eq!(poller.claim(&db, NOON.plus_secs(1)).await.trigger, Trigger::Rewind);
        db
    })
    .await;
}

#[tokio::test]
async fn other_settings_begin_anew_where_they_must() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        poller.commit(&db, &poller.page(&db, &claimed, &["a"]).await).await;
        db.store
            .end_runs(&[{
                let mut end = poller.end(&claimed, RunStatus::Succeeded);
                end.after.progress.cursor = Some(json!("a"));
                end.after.health = Health::SchemaDrift;
                end
            }])
            .await
            .expect("ends");
        let (mut states, mut seen) = (Vec::new(), Vec::new());
        for restart in [Restart::Keep, Restart::Prime, Restart::Fresh] {
            let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
            tx.set_poll_plan(&Plan { restart, ..plan(poller.source, NOON) }).await.expect("planned");
            tx.commit().await.expect("committed");
            let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
            let known = db.count("SELECT count(*) FROM poll_records").await;
            states.push((state.progress.cursor, state.primed, state.health, state.validators.etag));
            seen.push((state.epoch, known));
        }
        assert_eq!(seen, [(0, 1), (0, 1), (1, 0)], "only who asks for something else forgets");
        assert_eq!(states[0], (Some(json!("a")), true, Health::Ok, None));
        assert_eq!(states[1], (None, false, Health::Priming, None));
        assert_eq!(states[2], states[1]);
        let told = "SELECT count(*) FROM audit_entries WHERE action = 'source.cursor_moved'";
        assert_eq!(db.count(told).await, 1);
        db
    })
    .await;
}

#[tokio::test]
async fn settings_are_sealed_and_reach_the_engine() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let of_source = |change| match change {
            ConfigChange::Source(id, row) if id == poller.source => row,
            _ => None,
        };
        let source = db.config_since(0).await.into_iter().find_map(of_source).expect("there, and not deleted");
        assert_eq!(source.kind, SourceKind::Poll);
        let url = json!({ "request": { "url": "https://api.example.com/v1?key=hush" } });
        assert_eq!(source.poll.as_ref().map(SealedSettings::value), Some(&url));
        let read = poller.tenant.store.sources().find(poller.source).await.expect("answers").expect("there");
        assert_eq!(read.poll.as_ref().map(SealedSettings::value), Some(&url));
        assert_eq!(db.count("SELECT count(*) FROM audit_entries WHERE data LIKE '%hush%'").await, 0);
        db
    })
    .await;
}

#[tokio::test]
async fn another_tenant_sees_and_changes_nothing() {
    each(|db| async move {
        let (mine, other) = (Poller::new(&db, "mine").await, db.tenant("other").await);
        let claimed = db.store.claim_polls(&terms(mine.instance, NOON)).await.expect("claims").remove(0);
        mine.commit(&db, &mine.page(&db, &claimed, &["a"]).await).await;
        let (store, window) = (&other.store, Window::newest(10));
        assert!(matches!(store.runs(mine.source, &window).await, Err(ListError::UnknownSource)));
        assert!(matches!(store.cursor_moves(mine.source, &window).await, Err(ListError::UnknownSource)));
        assert!(matches!(store.quarantine(mine.source, &window).await, Err(ListError::UnknownSource)));
        assert_eq!(store.run(mine.source, claimed.run).await.expect("answers"), None);
        assert_eq!(store.poll_state(mine.source).await.expect("answers"), None);
        assert_eq!(store.advice_inputs(mine.source, NOON).await.expect("answers"), None);
        let mut tx = store.begin(&other.actor).await.expect("begins");
        let wish = CursorMove { source: mine.source, to: None, reason: String::new(), keys: Keys::Same };
        assert!(tx.move_cursor(&wish).await.expect("answers").is_none());
        assert!(tx.ask_run(mine.source, RunId::fresh(), Trigger::Manual).await.expect("answers").is_none());
        assert_eq!(tx.release_held(mine.source).await.expect("answers"), None);
        assert_eq!(tx.discard_held(mine.source).await.expect("answers"), None);
        tx.drop_poll_plan(mine.source).await.expect("answers");
        tx.commit().await.expect("committed");
        assert!(mine.tenant.store.poll_state(mine.source).await.expect("answers").is_some());
        db
    })
    .await;
}

#[tokio::test]
async fn a_deleted_source_is_run_no_more_and_its_traces_go() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        poller.commit(&db, &poller.page(&db, &claimed, &["a"]).await).await;
        let mut tx = poller.tenant.store.begin(&poller.tenant.actor).await.expect("begins");
        let source: Source = tx.find(poller.source).await.expect("answers").expect("there");
        tx.delete_source(&source).await.expect("deleted");
        tx.commit().await.expect("committed");
        assert_eq!(poller.tenant.store.poll_state(poller.source).await.expect("answers"), None);
        let run = poller.tenant.store.run(poller.source, claimed.run).await.expect("answers").expect("kept");
        assert_eq!(run.status, RunStatus::Cancelled);
        let retention = Retention { payload_days: 7, metadata_days: 30 };
        let gone = db.store.expire_polls(NOON.plus_secs(60), retention).await.expect("expires");
        assert_eq!((gone, db.count("SELECT count(*) FROM poll_records").await), (1, 0));
        // A run is found by the moment its id was made at, which is now.
        let later = postern_domain::id::made_at(claimed.run.uuid()).plus_secs(40 * 86_400);
        assert_eq!(db.store.expire_polls(later, retention).await.expect("expires"), 1);
        assert_eq!(db.count("SELECT count(*) FROM poll_runs").await, 0);
        db
    })
    .await;
}

#[tokio::test]
async fn an_instant_of_a_schedule_survives_its_run() {
    each(|db| async move {
        let tenant = db.tenant("acme").await;
        let source = Source {
            kind: SourceKind::Schedule,
            poll: None,
            schedule: Some(json!({ "interval_s": 60 })),
            ..crate::poller::poll_source()
        };
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        tx.insert(&source).await.expect("inserted");
        tx.set_poll_plan(&Plan { kind: RunKind::Schedule, ..plan(source.id, NOON) }).await.expect("planned");
        tx.commit().await.expect("committed");
        let instance = fresh_uuid();
        for now in [NOON.plus_secs(1), NOON.plus_secs(2)] {
            let claimed = db.store.claim_polls(&terms(instance, now)).await.expect("claims");
            assert_eq!((claimed[0].state.kind, claimed[0].scheduled_at), (RunKind::Schedule, NOON));
            db.store.recover_polls(Lost::Of(instance), now).await.expect("recovers");
        }
        db
    })
    .await;
}
