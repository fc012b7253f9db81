//! What a source remembers of the webhooks beside its poll: the alarm that stands, and what came late.

use postern_domain::{EventId, RequestId, Timestamp};
use postern_store::{
    engine::requests::RequestRow,
    polling::{AlarmRaised, PageCommit, RunStatus, WebhookCounts},
    tenant::{Altered, AuditFilter},
};
use serde_json::{Value, json};

use crate::{
    harness::{Db, NOON, Tenant, each},
    poller::Poller,
};

async fn raise(tenant: &Tenant, poller: &Poller, due_at: Option<Timestamp>) -> Altered {
    let alarm = json!({ "kind": "loss", "clean_runs": 0 });
    let raised = AlarmRaised { source: poller.source, alarm, due_at, data: json!({ "lost": 2 }) };
    let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
    let altered = tx.raise_alarm(raised).await.expect("answers");
    tx.commit().await.expect("committed");
    altered
}

async fn alarm(poller: &Poller) -> (Option<Value>, Option<Timestamp>, Option<Timestamp>) {
    let state = poller.tenant.store.poll_state(poller.source).await.expect("answers").expect("there");
    (state.alarm, state.alarm_ended_at, state.next_run_at)
}

fn request(poller: &Poller, outcome: &'static str, (event, after_ms): (EventId, i64)) -> RequestRow {
    RequestRow {
        id: RequestId::fresh(),
        tenant: poller.tenant.id,
        source: poller.source,
        at: NOON.plus_ms(after_ms),
        outcome,
        cause: "duplicate".to_owned(),
        expected: String::new(),
        remote: String::new(),
        method: "POST".to_owned(),
        headers: "{}".to_owned(),
        body_bytes: 2,
        dedup_key: None,
        event: Some(event),
    }
}

#[tokio::test]
async fn an_alarm_stands_once_until_it_is_ended() {
    each(|db| async move {
        let (poller, other) = (Poller::new(&db, "acme").await, db.tenant("other").await);
        assert_eq!(raise(&other, &poller, None).await, Altered::No, "of another tenant");
        let claimed = poller.claim(&db, NOON).await;
        let tenant = &poller.tenant;
        assert_eq!(raise(tenant, &poller, Some(NOON)).await, Altered::Yes);
        assert_eq!(raise(tenant, &poller, Some(NOON)).await, Altered::No);
        // The run that was under way knows nothing of it.
        db.store.end_runs(&[poller.end(&claimed, RunStatus::Succeeded)]).await.expect("ends");
        let later = NOON.plus_secs(60);
        assert_eq!(alarm(&poller).await, (Some(json!({ "kind": "loss", "clean_runs": 0 })), None, Some(later)));
        let claimed = poller.claim(&db, later).await;
        let mut end = poller.end(&claimed, RunStatus::Succeeded);
        (end.after.alarm, end.after.last_lost_at) = (Some(json!({ "kind": "loss", "clean_runs": 1 })), Some(later));
        db.store.end_runs(&[end.clone()]).await.expect("ends");
        assert_eq!(alarm(&poller).await.0, end.after.alarm);
        let claimed = poller.claim(&db, later.plus_secs(60)).await;
        assert_eq!(claimed.state.last_lost_at, Some(later));
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        assert_eq!(tx.end_alarm(poller.source, json!({})).await.expect("answers"), Altered::Yes);
        assert_eq!(tx.end_alarm(poller.source, json!({})).await.expect("answers"), Altered::No);
        tx.commit().await.expect("committed");
        // Nor does one raise it again by what it had read before.
        let mut end = poller.end(&claimed, RunStatus::Succeeded);
        end.after.alarm = Some(json!({ "kind": "loss", "clean_runs": 2 }));
        db.store.end_runs(&[end]).await.expect("ends");
        let (standing, ended_at, _) = alarm(&poller).await;
        assert!(standing.is_none() && ended_at.is_some());
        let told = tenant.store.audit(&AuditFilter::default(), None, 100).await.expect("answers");
        let told: Vec<&str> = told.iter().rev().map(|entry| entry.action.as_str()).collect();
        let alarms: Vec<&&str> = told.iter().filter(|action| action.contains("alarm")).collect();
        assert_eq!(alarms, [&"source.alarm_raised", &"source.alarm_ended"]);
        db
    })
    .await;
}

#[tokio::test]
async fn an_alarm_moves_up_a_run_that_is_far_off() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        db.store.end_runs(&[poller.end(&claimed, RunStatus::Succeeded)]).await.expect("ends");
        assert_eq!(raise(&poller.tenant, &poller, Some(NOON.plus_secs(9))).await, Altered::Yes);
        assert_eq!(alarm(&poller).await.2, Some(NOON.plus_secs(9)));
        db
    })
    .await;
}

#[tokio::test]
async fn runs_within_the_window_are_summed() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        for (place, (lost, confirmed)) in [(5, 10), (1, 99)].into_iter().enumerate() {
            let at = NOON.plus_secs(60 * i64::try_from(place).expect("few"));
            let mut end = poller.end(&poller.claim(&db, at).await, RunStatus::Succeeded);
            (end.run.counts.lost, end.run.counts.confirmed, end.run.counts.unmatched) = (lost, confirmed, 3);
            db.store.end_runs(&[end]).await.expect("ends");
        }
        let counts = async |since| db.store.webhook_counts(poller.source, since).await.expect("answers");
        assert_eq!(counts(NOON).await, WebhookCounts { lost: 6, confirmed: 109 });
        assert_eq!(counts(NOON.plus_secs(30)).await, WebhookCounts { lost: 1, confirmed: 99 });
        assert_eq!(counts(NOON.plus_secs(600)).await, WebhookCounts::default());
        let inputs = poller.tenant.store.advice_inputs(poller.source, NOON).await.expect("answers").expect("there");
        assert_eq!((inputs.runs.counts.lost, inputs.runs.counts.unmatched), (6, 6));
        db
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_came_late_is_known_by_the_request_it_was() {
    each(|db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let found = poller.page(&db, &claimed, &["a", "b"]).await;
        let wish = PageCommit { origin: Some("reconciled"), ..poller.wish(&found) };
        db.store.commit_page(&wish).await.expect("commits");
        let mut usual = poller.page(&db, &claimed, &["c"]).await;
        usual.seq += 1;
        poller.commit(&db, &usual).await;
        let (a, b, c) = (found.accept.events[0].id, found.accept.events[1].id, usual.accept.events[0].id);
        let rows = [(a, 5_000), (a, 9_000), (c, 1_000)].map(|came| request(&poller, "duplicate", came));
        db.store.record_requests(&rows).await.expect("written");
        db.store.record_requests(&[request(&poller, "flagged", (b, 1_000))]).await.expect("written");
        let mut end = poller.end(&claimed, RunStatus::Succeeded);
        end.run.counts.lost = 2;
        db.store.end_runs(&[end]).await.expect("ends");
        assert_eq!(late_by_ms(&poller, a).await, Some(5_000), "the first that came");
        assert_eq!((late_by_ms(&poller, b).await, late_by_ms(&poller, c).await), (None, None));
        let since = NOON.plus_secs(-60);
        let inputs = poller.tenant.store.advice_inputs(poller.source, since).await.expect("answers").expect("there");
        assert_eq!((inputs.duplicates, inputs.late), (3, 1));
        db
    })
    .await;
}

async fn late_by_ms(poller: &Poller, id: EventId) -> Option<i64> {
    poller.tenant.store.find_event(id).await.expect("answers").expect("there").late_by_ms()
}

#[tokio::test]
async fn webhooks_are_told_from_what_the_poll_brought() {
    each(|db: Db| async move {
        let poller = Poller::new(&db, "acme").await;
        let claimed = poller.claim(&db, NOON).await;
        let usual = poller.page(&db, &claimed, &["a", "b"]).await;
        poller.commit(&db, &usual).await;
        let mut found = poller.page(&db, &claimed, &["c"]).await;
        found.seq += 1;
        let wish = PageCommit { origin: Some("reconciled"), ..poller.wish(&found) };
        db.store.commit_page(&wish).await.expect("commits");
        assert_eq!(db.store.webhook_arrivals(poller.source).await.expect("answers"), [NOON, NOON]);
        db
    })
    .await;
}
