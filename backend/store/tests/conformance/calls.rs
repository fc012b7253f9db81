//! Calls: claimed once and fairly, fenced at every step, and ended together with their event or not at all.

use postern_domain::{Actor, CallId, SourceId, call::CallState, id::fresh_uuid};
use postern_store::{
    calls::{CallFence, CallFilter, CallSettle, CallSettled, CallStep, CallTerms},
    engine::Lost,
    read::{ListError, Window},
};

use crate::{
    caller::{Caller, End},
    harness::{Db, NOON, each},
};

/// All that the end of a call writes.
async fn rows(db: &Db) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in ["events", "event_bodies", "dedup_keys", "queue", "call_attempts", "call_bodies", "call_steps"] {
        rows.push(db.count(&format!("SELECT count(*) FROM {table}")).await);
    }
    rows.push(db.count("SELECT count(*) FROM calls WHERE event_id IS NOT NULL").await);
    rows.push(
        db.count("SELECT count(*) FROM calls WHERE state IN ('succeeded', 'failed', 'expired', 'cancelled')").await,
    );
    rows
}

#[tokio::test]
async fn a_call_is_claimed_once_and_its_request_is_sealed() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        assert_eq!(
            (call.state, call.version, call.url.as_str()),
            (CallState::Queued, 1, "https://api.example.com/slow?key=***")
        );
        assert_eq!(caller.found(call.id).await, call);
        let claimed = caller.claim(&db, NOON).await;
        assert_eq!(db.store.claim_calls(&caller.terms(NOON)).await.expect("claims"), []);
        assert_eq!(caller.found(call.id).await, claimed.call);
        assert_eq!((claimed.call.state, claimed.call.version, claimed.timeout_ms), (CallState::Running, 2, 60_000));
        let request = db.store.call_request(caller.tenant.id, call.id).await.expect("opens").expect("there");
        assert_eq!(request, caller.wish().request);
        assert_eq!(format!("{request:?}"), "[sealed]");
        let secret = if db.is_postgres() { "position('hush'::bytea IN body)" } else { "instr(body, x'68757368')" };
        assert_eq!(db.count(&format!("SELECT count(*) FROM call_bodies WHERE {secret} > 0")).await, 0);
        let told = "SELECT count(*) FROM calls WHERE url LIKE '%hush%' OR header_names LIKE '%hush%'";
        assert_eq!(db.count(told).await, 0);
        let other = db.tenant("other").await;
        assert!(db.store.call_request(other.id, call.id).await.is_err(), "sealed for its tenant");
        let steps = caller.tenant.store.call_steps(call.id).await.expect("reads");
        assert_eq!(steps.len(), 2);
        assert_eq!(
            (steps[0].from, steps[0].to, &steps[0].actor.id),
            (None, CallState::Queued, &caller.tenant.actor.id)
        );
        db
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_call_and_its_event_are_written_together_and_once() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let end = caller.success(&db, &claimed).await;
        assert_eq!(caller.settle(&db, &end).await, CallSettled::Written);
        let found = caller.found(call.id).await;
        assert_eq!((found.state, found.event, found.lease), (CallState::Succeeded, Some(end.end.event), None));
        assert_eq!((found.response, found.metadata), (end.end.response.clone(), call.metadata.clone()));
        let event = caller.tenant.store.find_event(end.end.event).await.expect("reads").expect("there");
        assert_eq!(event.event.event_type, "call.succeeded");
        assert_eq!(db.count("SELECT count(*) FROM queue").await, 1);
        let result = caller.tenant.store.call_result(call.id).await.expect("reads").expect("there");
        assert_eq!((result.status, result.body.as_deref()), (200, Some(b"done".as_slice())));
        let attempts = caller.tenant.store.call_attempts(call.id).await.expect("reads");
        assert_eq!((attempts.len(), attempts[0].id, attempts[0].status), (1, claimed.token, Some(200)));
        // The answer was lost: the same again succeeds and changes nothing.
        let before = rows(&db).await;
        let mut again = end;
        again.accept.repeated = true;
        assert_eq!(caller.settle(&db, &again).await, CallSettled::Written);
        assert_eq!(rows(&db).await, before);
        // Another end of the same call writes nothing.
        let other = caller.success(&db, &claimed).await;
        assert_eq!(caller.settle(&db, &other).await, CallSettled::LostLease);
        assert_eq!(rows(&db).await, before);
        db
    })
    .await;
}

#[tokio::test]
async fn who_lost_the_lease_writes_neither_state_nor_event() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let late = caller.success(&db, &claimed).await;
        // Somebody else found it lost, and gave it another try.
        let lost = db.store.lost_calls(Lost::Of(caller.instance), None, 10).await.expect("looks");
        assert_eq!(lost, std::slice::from_ref(&claimed.call));
        let back = CallStep { to: CallState::RetryWait, ..late.step.clone() };
        let again = CallSettle { due_at: Some(NOON), end: None, accept: None, step: &back, ..caller.settling(&late) };
        assert_eq!(db.store.settle_call(&again).await.expect("settles"), CallSettled::Written);
        let before = rows(&db).await;
        assert_eq!(caller.settle(&db, &late).await, CallSettled::LostLease);
        let now = caller.claim(&db, NOON).await;
        assert_eq!((now.call.state, now.call.version), (CallState::Running, claimed.call.version + 3));
        assert_eq!(caller.settle(&db, &late).await, CallSettled::LostLease);
        let steps = "SELECT count(*) FROM call_steps";
        let (grown, steps) = (rows(&db).await, db.count(steps).await);
        assert_eq!((&grown[..6], steps), (&before[..6], before[6] + 2), "the claim wrote its steps and nothing else");
        db
    })
    .await;
}

#[tokio::test]
async fn an_event_that_cannot_be_written_leaves_the_call_as_it_was() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let end = caller.success(&db, &claimed).await;
        let before = rows(&db).await;
        for table in ["event_bodies", "queue", "call_steps"] {
            db.sql(&format!("ALTER TABLE {table} RENAME TO away")).await;
            assert!(db.store.settle_call(&caller.settling(&end)).await.is_err(), "without {table}");
            db.sql(&format!("ALTER TABLE away RENAME TO {table}")).await;
            assert_eq!(rows(&db).await, before, "without {table}");
            assert_eq!(caller.found(call.id).await, claimed.call, "without {table}");
        }
        let stale =
            End { accept: postern_store::engine::AcceptBatch { config_version: 0, ..end.accept.clone() }, ..end };
        assert_eq!(caller.settle(&db, &stale).await, CallSettled::StaleConfig);
        assert_eq!(rows(&db).await, before);
        let end = caller.success(&db, &claimed).await;
        assert_eq!(caller.settle(&db, &end).await, CallSettled::Written);
        // The schema itself knows no end without an event.
        let none = db.connection().await;
        let sql = "UPDATE calls SET event_id = NULL";
        assert!(sea_orm::ConnectionTrait::execute_unprepared(&none, sql).await.is_err());
        none.close().await.expect("closes");
        db
    })
    .await;
}

#[tokio::test]
async fn one_that_is_called_off_meanwhile_is_decided_anew() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let off = CallStep {
            version: claimed.call.version + 1,
            from: Some(CallState::Running),
            to: CallState::Cancelling,
            at: NOON,
            actor: caller.tenant.actor.clone(),
            why: "cancelled".to_owned(),
        };
        assert!(db.store.call_off(call.id, claimed.call.version, &off).await.expect("answers"));
        assert!(!db.store.call_off(call.id, claimed.call.version, &off).await.expect("answers"), "only once");
        assert_eq!(db.store.called_off(caller.instance).await.expect("looks"), [call.id]);
        assert_eq!(db.store.called_off(fresh_uuid()).await.expect("looks"), []);
        let end = caller.success(&db, &claimed).await;
        let CallSettled::Moved(moved) = caller.settle(&db, &end).await else { panic!("it has moved") };
        assert_eq!((moved.state, moved.version), (CallState::Cancelling, claimed.call.version + 1));
        let fence = CallFence { version: moved.version, ..end.fence };
        let step = CallStep { version: moved.version + 1, from: Some(moved.state), ..end.step.clone() };
        assert_eq!(caller.settle(&db, &End { fence, step, ..end }).await, CallSettled::Written);
        let steps = caller.tenant.store.call_steps(call.id).await.expect("reads");
        let states: Vec<CallState> = steps.iter().map(|step| step.to).collect();
        assert_eq!(states, [CallState::Queued, CallState::Running, CallState::Cancelling, CallState::Succeeded]);
        assert_eq!(steps[2].actor.id, caller.tenant.actor.id);
        db
    })
    .await;
}

#[tokio::test]
async fn claims_are_fair_and_neither_early_nor_late() {
    each(|db| async move {
        let (busy, quiet) = (Caller::new(&db, "busy").await, Caller::new(&db, "quiet").await);
        for _ in 0..5 {
            busy.call().await;
        }
        let mut later = quiet.wish();
        later.not_before = NOON.plus_secs(10);
        let later = quiet.make(later).await;
        assert_eq!(later.state, CallState::Scheduled);
        let mut over = quiet.wish();
        over.deadline_at = NOON.plus_secs(1);
        let over = quiet.make(over).await;
        let terms = CallTerms { most: 2, per_tenant: 2, ..busy.terms(NOON) };
        let claimed = db.store.claim_calls(&terms).await.expect("claims");
        assert_eq!(claimed.iter().filter(|claim| claim.call.tenant == busy.tenant.id).count(), 1, "turns");
        let short = claimed.iter().find(|claim| claim.call.id == over.id).expect("the other tenant's");
        assert_eq!(short.timeout_ms, 1_000, "not beyond its deadline");
        let more = db.store.claim_calls(&CallTerms { most: 10, ..terms }).await.expect("claims");
        assert_eq!(more.len(), 1, "two of one tenant at most");
        let late = NOON.plus_secs(3_600);
        assert_eq!(db.store.claim_calls(&CallTerms { per_tenant: 9, ..busy.terms(late) }).await.expect("claims"), []);
        let overdue = db.store.overdue_calls(late, 100).await.expect("looks");
        assert_eq!(overdue.len(), 4);
        let claimed = db.store.claim_calls(&quiet.terms(NOON.plus_secs(10))).await.expect("claims");
        let begun = claimed.iter().find(|claim| claim.call.id == later.id).expect("its time has come");
        assert_eq!(begun.call.version, 3, "queued, then running");
        db
    })
    .await;
}

#[tokio::test]
async fn two_replicas_never_claim_one_call_twice() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        for _ in 0..20 {
            caller.call().await;
        }
        let terms = |_| CallTerms { instance: fresh_uuid(), most: 7, ..caller.terms(NOON) };
        let claims = (0..6).map(|number| {
            let (store, terms) = (db.store.clone(), terms(number));
            async move { store.claim_calls(&terms).await.expect("claims") }
        });
        let claimed: Vec<CallId> =
            futures_util::future::join_all(claims).await.into_iter().flatten().map(|claim| claim.call.id).collect();
        let distinct: std::collections::HashSet<CallId> = claimed.iter().copied().collect();
        assert_eq!(distinct.len(), claimed.len());
        let running = db.count("SELECT count(*) FROM calls WHERE state = 'running'").await;
        assert_eq!(usize::try_from(running), Ok(claimed.len()));
        db
    })
    .await;
}

#[tokio::test]
async fn lost_leases_are_found_by_holder_and_by_time() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        caller.claim(&db, NOON).await;
        let lost = async |lost| -> Vec<CallId> {
            let found = db.store.lost_calls(lost, None, 10).await.expect("looks");
            found.into_iter().map(|call| call.id).collect()
        };
        assert_eq!(lost(Lost::AllBut(caller.instance)).await, []);
        assert_eq!(lost(Lost::AllBut(fresh_uuid())).await, [call.id]);
        assert_eq!(lost(Lost::Of(caller.instance)).await, [call.id]);
        assert_eq!(lost(Lost::Expired).await, []);
        db.sql("UPDATE calls SET leased_until = 1").await;
        assert_eq!(lost(Lost::Expired).await, [call.id]);
        let next = db.store.lost_calls(Lost::Expired, Some(call.id), 10).await.expect("looks");
        assert_eq!(next, []);
        db
    })
    .await;
}

#[tokio::test]
async fn calls_are_listed_by_source_and_state_for_their_tenant_only() {
    each(|db| async move {
        let (caller, other) = (Caller::new(&db, "acme").await, Caller::new(&db, "other").await);
        let first = caller.call().await;
        caller.claim(&db, NOON).await;
        let second = caller.call().await;
        other.call().await;
        let list = async |filter| -> Vec<CallId> {
            let slice = caller.tenant.store.list_calls(filter, &Window::newest(10)).await.expect("lists");
            slice.rows.into_iter().map(|call| call.id).collect()
        };
        let of = |state, source| CallFilter { state, source };
        assert_eq!(list(of(None, None)).await, [second.id, first.id]);
        assert_eq!(list(of(Some(CallState::Running), None)).await, [first.id]);
        assert_eq!(list(of(Some(CallState::Queued), Some(caller.source))).await, [second.id]);
        let theirs = caller.tenant.store.list_calls(of(None, Some(other.source)), &Window::newest(10)).await;
        assert!(matches!(theirs, Err(ListError::UnknownSource)));
        let nobodys = caller.tenant.store.list_calls(of(None, Some(SourceId::fresh())), &Window::newest(10)).await;
        assert!(matches!(nobodys, Err(ListError::UnknownSource)));
        let page = caller.tenant.store.list_calls(of(None, None), &Window::newest(1)).await.expect("lists");
        assert_eq!((page.rows[0].id, page.next), (second.id, Some(second.id.uuid())));
        let window = Window { after: page.next, ..Window::newest(1) };
        let rest = caller.tenant.store.list_calls(of(None, None), &window).await.expect("lists");
        assert_eq!((rest.rows[0].id, rest.next), (first.id, None));
        assert_eq!(other.tenant.store.find_call(first.id).await.expect("answers"), None);
        assert_eq!(other.tenant.store.call_steps(first.id).await.expect("answers"), []);
        assert_eq!(other.tenant.store.call_result(first.id).await.expect("answers"), None);
        db
    })
    .await;
}

#[tokio::test]
async fn results_requests_and_calls_go_when_their_time_is_over() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let end = caller.success(&db, &claimed).await;
        caller.settle(&db, &end).await;
        caller.call().await;
        let retention = postern_store::Retention { payload_days: 30, metadata_days: 90 };
        let expire = async |at| db.store.expire_calls(at, retention).await.expect("expires");
        assert_eq!(expire(NOON.plus_secs(600)).await, 0);
        db.clock.advance_ms(601_000);
        let result = caller.tenant.store.call_result(call.id).await.expect("reads").expect("there");
        assert_eq!(result.body, None, "its time is over, swept or not");
        assert_eq!(expire(NOON.plus_secs(601)).await, 1);
        assert_eq!(expire(NOON.plus_secs(7_200)).await, 2, "both requests");
        assert_eq!(db.store.call_request(caller.tenant.id, call.id).await.expect("reads"), None);
        assert_eq!(caller.found(call.id).await.state, CallState::Succeeded);
        let days = |days: i64| NOON.plus_secs(days * 86_400);
        assert_eq!(expire(days(90)).await, 0);
        assert_eq!(expire(days(92)).await, 5, "the call, its attempt and its steps");
        assert_eq!(caller.tenant.store.find_call(call.id).await.expect("answers"), None);
        assert_eq!(db.count("SELECT count(*) FROM calls").await, 1, "one that has not ended stays");
        db
    })
    .await;
}

#[tokio::test]
async fn it_is_known_when_too_many_wait() {
    each(|db| async move {
        let (caller, other) = (Caller::new(&db, "acme").await, Caller::new(&db, "other").await);
        for _ in 0..3 {
            caller.call().await;
        }
        other.call().await;
        let mut tx = caller.tenant.store.begin(&caller.tenant.actor).await.expect("begins");
        assert!(tx.has_waiting_calls(3).await.expect("answers"));
        assert!(!tx.has_waiting_calls(4).await.expect("answers"), "another tenant's do not count");
        drop(tx);
        db
    })
    .await;
}

#[tokio::test]
async fn who_waits_ends_without_a_lease_and_only_as_it_was() {
    each(|db| async move {
        let caller = Caller::new(&db, "acme").await;
        let call = caller.call().await;
        let fence = CallFence { version: call.version, token: None };
        let expired = caller.end(&db, &call, fence, CallState::Expired).await;
        let cancelled = caller.end(&db, &call, fence, CallState::Cancelled).await;
        assert_eq!(caller.settle(&db, &expired).await, CallSettled::Written);
        let before = rows(&db).await;
        assert_eq!(caller.settle(&db, &cancelled).await, CallSettled::LostLease);
        assert_eq!(rows(&db).await, before);
        assert_eq!(caller.found(call.id).await.event, Some(expired.end.event));
        // One that runs is nobody's to end but its holder's.
        let running = caller.call().await;
        let claimed = caller.claim(&db, NOON).await;
        let fence = CallFence { version: claimed.call.version, token: None };
        let ended = caller.end(&db, &running, fence, CallState::Cancelled).await;
        assert_eq!(caller.settle(&db, &ended).await, CallSettled::LostLease);
        assert_eq!(caller.found(running.id).await.lease.map(|lease| lease.token), Some(claimed.token));
        assert_eq!(Actor::engine(), ended.step.actor);
        db
    })
    .await;
}
