//! Calling calls off.

use serde_json::json;

use super::stand::{SOON, Stand};
use crate::{
    harness::{Database, on_every_database, text, until},
    polling::upstream::Said,
};

on_every_database! {
    async fn what_waits_is_cancelled_at_once(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let id = text(&stand.call("/later", json!({ "delay_s": 3_600 })).await, "id");
        let (status, call) = stand.cancel(&id).await;
        assert_eq!((status, &call["state"], &call["error"]["type"]), (200, &json!("cancelled"), &json!("cancelled")));
        let last = call["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
        assert_eq!((&last["to"], &last["actor_kind"]), (&json!("cancelled"), &json!("api_key")));
        let (told, _) = stand.callback(&call).await;
        assert_eq!(told["state"], "cancelled");
        let (status, again) = stand.cancel(&id).await;
        assert_eq!((status, &again["version"], &again["event_id"]), (200, &call["version"], &call["event_id"]));
        assert_eq!(stand.upstream.count(), 0);
        let again = stand.api.done(&format!("/calls/{id}/redrive")).await;
        stand.ended(&text(&again, "id"), "succeeded").await;
        let (status, refused) = stand.cancel(&text(&again, "id")).await;
        assert_eq!((status, &refused["code"]), (409, &json!("wrong_state")));
    }

    async fn a_request_under_way_is_broken_off(database: Database) {
        let stand = Stand::new(database, |_| Said::Nothing).await;
        let id = text(&stand.call("/never", json!({})).await, "id");
        until(SOON, "it is asked", || stand.upstream.count() == 1).await;
        let (status, call) = stand.cancel(&id).await;
        assert_eq!(status, 200, "{call}");
        assert!(["cancelling", "cancelled"].contains(&text(&call, "state").as_str()), "{call}");
        let call = stand.ended(&id, "cancelled").await;
        assert_eq!((&call["attempts"][0]["kind"], &call["attempts"][0]["unknown"]), (&json!("interrupted"), &json!(true)));
        let steps: Vec<_> = call["steps"].as_array().expect("steps").iter().map(|step| &step["to"]).collect();
        assert_eq!(steps, ["queued", "running", "cancelling", "cancelled"]);
        stand.callback(&call).await;
    }

    async fn the_same_cancel_twice_is_done_once(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let id = text(&stand.call("/later", json!({ "delay_s": 3_600 })).await, "id");
        let path = format!("/api/v1/calls/{id}/cancel");
        let cancel = async |path: &str| {
            let key = [("idempotency-key", "c-1")];
            stand.api.send(reqwest::Method::POST, path, &key, None).await.expect("an answer")
        };
        let (first, again) = (cancel(&path).await, cancel(&path).await);
        assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (200, 200, Some("true")));
        assert_eq!(first.json(), again.json());
        let other = text(&stand.call("/other", json!({ "delay_s": 3_600 })).await, "id");
        let reused = cancel(&format!("/api/v1/calls/{other}/cancel")).await;
        assert_eq!((reused.status, &reused.json()["code"]), (409, &json!("idempotency_mismatch")));
        assert_eq!(stand.found(&other).await["state"], "scheduled");
    }
}
