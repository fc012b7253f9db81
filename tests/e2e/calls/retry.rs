//! What is tried again, and what is not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::stand::Stand;
use crate::{
    harness::{Database, on_every_database, text},
    polling::upstream::{Asked, Said},
};

/// Says these first, one after the other, and then 200.
fn first(said: Vec<Said>) -> impl Fn(&Asked) -> Said + Send + Sync + 'static {
    let count = Arc::new(AtomicUsize::new(0));
    move |_| {
        let place = count.fetch_add(1, Ordering::SeqCst);
        said.get(place).cloned().unwrap_or_else(|| Said::json(&json!({ "at": "last" })))
    }
}

on_every_database! {
    async fn an_upstream_that_is_busy_is_asked_again(database: Database) {
        let busy = vec![Said::status(503).header("retry-after", "1"), Said::status(429)];
        let stand = Stand::new(database, first(busy)).await;
        let id = text(&stand.call("/busy", json!({})).await, "id");
        let call = stand.ended(&id, "succeeded").await;
        let statuses: Vec<_> = call["attempts"].as_array().expect("attempts").iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, [503, 429, 200]);
        let steps: Vec<_> = call["steps"].as_array().expect("steps").iter().map(|step| &step["to"]).collect();
        let expected = ["queued", "running", "retry_wait", "queued", "running", "retry_wait", "queued", "running",
            "succeeded"];
        assert_eq!(steps, expected);
        let (told, _) = stand.callback(&call).await;
        assert_eq!((&told["attempts"], &told["state"]), (&json!(3), &json!("succeeded")));
    }

    async fn one_that_stays_busy_fails_with_its_last_answer(database: Database) {
        let stand = Stand::new(database, |_| Said::Whole(502, Vec::new(), b"sorry".to_vec())).await;
        let id = text(&stand.call("/down", json!({ "retry": { "max": 1 } })).await, "id");
        let waiting = stand.is(&id, "retry_wait").await;
        assert!(waiting["next_attempt_at"].is_string() && waiting["response"].is_null(), "{waiting}");
        let call = stand.ended(&id, "failed").await;
        assert_eq!((&call["error"]["type"], &call["error"]["upstream_status"], &call["error"]["retryable"]), (
            &json!("upstream_status"),
            &json!(502),
            &json!(true)
        ));
        let result = stand.result(&id).await;
        assert_eq!((result.status, result.header("x-upstream-status"), result.body.as_slice()), (
            200,
            Some("502"),
            b"sorry".as_slice()
        ));
        let (told, arrival) = stand.callback(&call).await;
        assert_eq!((&told["state"], &told["error"]["type"]), (&json!("failed"), &json!("upstream_status")));
        assert_eq!(arrival.id(), text(&call, "event_id"));
        // It is made again as a call of its own.
        stand.upstream.answer(|_| Said::json(&json!({})));
        let again = stand.api.done(&format!("/calls/{id}/redrive")).await;
        assert_eq!((&again["redrive_of"], &again["state"]), (&json!(id), &json!("queued")));
        let again = stand.ended(&text(&again, "id"), "succeeded").await;
        assert_eq!(stand.upstream.asked().last().expect("asked").body, br#"{"n":1}"#);
        let (status, refused) = stand.api.post(&format!("/calls/{}/redrive", text(&again, "id")), json!({})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("wrong_state")));
        assert_eq!(stand.found(&id).await["state"], "failed", "what has ended stays as it is");
    }

    async fn a_refusal_is_final(database: Database) {
        let stand = Stand::new(database, |asked| {
            let status = asked.number("status", 404);
            Said::status(u16::try_from(status).expect("a status")).header("location", "http://127.0.0.1:9/")
        })
        .await;
        for status in [302, 400, 404, 409] {
            let id = text(&stand.call(&format!("/no?status={status}"), json!({})).await, "id");
            let call = stand.ended(&id, "failed").await;
            assert_eq!((&call["error"]["upstream_status"], &call["error"]["retryable"]), (&json!(status), &json!(false)));
            assert_eq!(call["attempt_count"], 1);
        }
        assert_eq!(stand.upstream.count(), 4, "no redirect was followed");
    }

    async fn an_unknown_outcome_is_tried_again_only_where_that_does_no_harm(database: Database) {
        let stand = Stand::new(database, first(vec![Said::Close])).await;
        let careful = text(&stand.call("/close", json!({})).await, "id");
        let call = stand.ended(&careful, "failed").await;
        assert_eq!((&call["error"]["type"], &call["attempts"][0]["unknown"]), (&json!("unknown_outcome"), &json!(true)));
        assert_eq!(stand.upstream.count(), 1);
        for wish in [
            json!({ "request": { "method": "PUT" } }),
            json!({ "request": { "headers": { "Idempotency-Key": "a" } } }),
            json!({ "retry": { "on_unknown": true } }),
        ] {
            stand.upstream.answer(first(vec![Said::Close]));
            let call = stand.ended(&text(&stand.call("/close", wish).await, "id"), "succeeded").await;
            let unknown: Vec<_> = call["attempts"].as_array().expect("some").iter().map(|one| &one["unknown"]).collect();
            assert_eq!(unknown, [true, false]);
        }
        // Where nobody listens nothing was done.
        let nobody = json!({ "request": { "url": "http://127.0.0.1:9/" }, "retry": { "max": 1 } });
        let call = stand.ended(&text(&stand.call("/", nobody).await, "id"), "failed").await;
        assert_eq!((&call["error"]["type"], &call["error"]["retryable"]), (&json!("connect"), &json!(true)));
        assert_eq!(call["attempt_count"], 2);
    }

    async fn a_call_ends_at_its_deadline(database: Database) {
        let stand = Stand::new(database, |_| Said::Nothing).await;
        let read = json!({ "request": { "method": "GET", "body": null }, "deadline_s": 1 });
        let call = stand.ended(&text(&stand.call("/never", read).await, "id"), "expired").await;
        assert_eq!((&call["error"]["type"], &call["attempts"][0]["kind"]), (&json!("expired"), &json!("timeout")));
        let write = json!({ "timeout_s": 1 });
        let call = stand.ended(&text(&stand.call("/never", write).await, "id"), "failed").await;
        assert_eq!(call["error"]["type"], "unknown_outcome");
        // One that nobody could begin in time.
        let late = text(&stand.call("/late", json!({ "delay_s": 3_600 })).await, "id");
        let inspector = stand.server.inspect().await;
        inspector.execute("UPDATE calls SET deadline_at = 1 WHERE due_at IS NOT NULL").await;
        let call = stand.ended(&late, "expired").await;
        let (told, _) = stand.callback(&call).await;
        assert_eq!((&told["state"], &told["response"], &told["attempts"]), (&json!("expired"), &json!(null), &json!(0)));
        assert_eq!(stand.upstream.asked_for("/late").len(), 0);
    }

    async fn a_call_that_is_to_wait_begins_at_its_time(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let answer = stand.post(&stand.wish("/later", json!({ "delay_s": 1 })), &[]).await;
        let call = answer.json();
        assert_eq!((&call["state"], &call["next_attempt_at"]), (&json!("scheduled"), &call["not_before"]));
        let call = stand.ended(&text(&call, "id"), "succeeded").await;
        assert!(text(&call, "started_at") >= text(&call, "not_before"), "{call}");
        let steps: Vec<_> = call["steps"].as_array().expect("steps").iter().map(|step| &step["to"]).collect();
        assert_eq!(steps, ["scheduled", "queued", "running", "succeeded"]);
    }
}
