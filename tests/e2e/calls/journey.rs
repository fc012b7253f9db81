//! A call from its beginning to the callback.

use serde_json::{Value, json};

use super::stand::Stand;
use crate::{
    harness::{Database, on_every_database, text},
    polling::upstream::Said,
};

on_every_database! {
    async fn a_call_has_its_status_at_once_and_its_end_is_an_event(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({ "answer": 42 }))).await;
        let headers = json!({ "Authorization": "Bearer hush-1", "x-own": "hush-2" });
        let mut wish = stand.wish("/slow?key=hush-3&b=1", json!({ "request": { "headers": headers } }));
        wish["metadata"] = json!({ "order": 7 });
        wish["request"]["body"] = json!({ "password": "hush-4" });
        let answer = stand.post(&wish, &[]).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        let id = text(&answer.json(), "id");
        assert_eq!(answer.header("location"), Some(format!("/api/v1/calls/{id}").as_str()));
        assert_eq!((answer.header("retry-after"), answer.header("cache-control")), (Some("2"), Some("no-store")));
        assert_eq!((&answer.json()["state"], &answer.json()["done"]), (&json!("queued"), &json!(false)));
        let call = stand.ended(&id, "succeeded").await;
        let asked = stand.upstream.asked();
        assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].target.as_str()), (
            1,
            "POST",
            "/slow?key=hush-3&b=1"
        ));
        assert_eq!((asked[0].header("authorization"), asked[0].header("x-own")), ("Bearer hush-1", "hush-2"));
        assert_eq!(asked[0].header("content-type"), "application/json");
        assert!(asked[0].header("user-agent").starts_with("Postern/"));
        assert_eq!(asked[0].body, br#"{"password":"hush-4"}"#);
        assert!(text(&call["request"], "url").ends_with("/slow?key=***&b=***"), "{call}");
        assert_eq!(call["request"]["header_names"], json!(["authorization", "content-type", "x-own"]));
        assert_eq!((&call["response"]["status"], &call["error"], &call["metadata"]), (
            &json!(200),
            &Value::Null,
            &json!({ "order": 7 })
        ));
        assert_eq!((call["attempts"].as_array().map(Vec::len), &call["attempts"][0]["status"]), (Some(1), &json!(200)));
        let steps: Vec<&Value> = call["steps"].as_array().expect("steps").iter().map(|step| &step["to"]).collect();
        assert_eq!(steps, ["queued", "running", "succeeded"]);
        assert_eq!(call["steps"][0]["actor_kind"], "api_key");
        let result = stand.result(&id).await;
        assert_eq!((result.status, result.header("x-upstream-status")), (200, Some("200")));
        assert_eq!((result.header("content-type"), result.header("content-disposition")), (
            Some("application/json"),
            Some("attachment")
        ));
        assert_eq!(result.json(), json!({ "answer": 42 }));
        // The callback is a delivery like any other: signed, on record, of an event that can be found.
        let (told, arrival) = stand.callback(&call).await;
        assert!(arrival.is_signed_with(&stand.signing_secret));
        assert_eq!((&told["call_id"], &told["state"], &told["attempts"]), (&json!(id), &json!("succeeded"), &json!(1)));
        assert_eq!((&told["response"]["status"], &told["response"]["body"]), (&json!(200), &json!({ "answer": 42 })));
        assert_eq!(told["metadata"], json!({ "order": 7 }));
        let event = stand.api.found(&format!("/events/{}", text(&call, "event_id"))).await;
        assert_eq!((&event["type"], &event["source_id"]), (&json!("call.succeeded"), &json!(stand.source)));
        let ended = stand.api.figure("postern_calls_total{state=\"succeeded\"}").await;
        assert!((ended - 1.0).abs() < f64::EPSILON, "{ended}");
        assert!(stand.api.figure("postern_call_seconds_count").await > 0.0);
        let shown = format!("{call}{told}{event}{}", stand.server.log());
        assert!(!shown.contains("hush"), "a secret is shown");
    }

    async fn a_body_is_sent_as_its_content_type_says(database: Database) {
        let stand = Stand::new(database, |asked| Said::bytes("text/html; charset=utf-8", asked.body.clone())).await;
        let csv = json!({ "request": { "headers": { "content-type": "text/csv" }, "body": "a,b\né,1\n" } });
        let call = text(&stand.call("/csv", csv).await, "id");
        let call = stand.ended(&call, "succeeded").await;
        let asked = stand.upstream.asked_for("/csv");
        assert_eq!((asked[0].header("content-type"), asked[0].body.as_slice()), ("text/csv", "a,b\né,1\n".as_bytes()));
        let result = stand.result(&text(&call, "id")).await;
        // A page of somebody else's is saved, and nothing else is done with it.
        assert_eq!((result.header("content-type"), result.body.as_slice()), (
            Some("application/octet-stream"),
            "a,b\né,1\n".as_bytes()
        ));
        let (told, _) = stand.callback(&call).await;
        assert_eq!(told["response"]["body"], Value::Null);
        assert_eq!(told["response"]["result_url"], json!(format!("/api/v1/calls/{}/result", text(&call, "id"))));
        let head = json!({ "request": { "method": "HEAD", "body": null } });
        let call = stand.ended(&text(&stand.call("/head", head).await, "id"), "succeeded").await;
        assert_eq!(call["response"]["body_bytes"], 0);
        assert_eq!(stand.upstream.asked_for("/head")[0].header("content-type"), "");
    }

    async fn a_result_is_kept_up_to_its_size_and_its_time(database: Database) {
        let stand = Stand::new(database, |_| Said::bytes("text/plain", vec![b'x'; 1024 * 1024 + 1])).await;
        let id = text(&stand.call("/large", json!({})).await, "id");
        let call = stand.ended(&id, "succeeded").await;
        assert_eq!((&call["response"]["truncated"], &call["response"]["body_bytes"]), (&json!(true), &json!(1_048_576)));
        assert_eq!(stand.result(&id).await.body.len(), 1024 * 1024);
        let later = text(&stand.call("/later", json!({ "delay_s": 3_600 })).await, "id");
        let early = stand.result(&later).await;
        assert_eq!((early.status, &early.json()["code"]), (409, &json!("wrong_state")));
        stand.cancel(&later).await;
        let none = stand.result(&later).await;
        assert_eq!((none.status, &none.json()["code"]), (424, &json!("no_result")));
        let inspector = stand.server.inspect().await;
        inspector.execute("UPDATE call_bodies SET expires_at = 1 WHERE part = 'result'").await;
        let gone = stand.result(&id).await;
        assert_eq!((gone.status, &gone.json()["code"]), (410, &json!("result_expired")));
        assert_eq!(stand.found(&id).await["state"], "succeeded");
    }

    async fn calls_are_listed_by_state_and_source(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let done = text(&stand.call("/a", json!({})).await, "id");
        stand.ended(&done, "succeeded").await;
        let waits = text(&stand.call("/b", json!({ "delay_s": 3_600 })).await, "id");
        let list = async |query: &str| -> Vec<String> {
            let page = stand.api.found(&format!("/calls?{query}")).await;
            page["data"].as_array().expect("calls").iter().map(|call| text(call, "id")).collect()
        };
        assert_eq!(list("").await, [waits.clone(), done.clone()]);
        assert_eq!(list("state=scheduled").await, std::slice::from_ref(&waits));
        assert_eq!(list(&format!("state=succeeded&source_id={}", stand.source)).await, std::slice::from_ref(&done));
        assert_eq!(list("to=2020-01-01T00:00:00Z").await, Vec::<String>::new());
        let first = stand.api.found("/calls?limit=1").await;
        let cursor = text(&first, "next_cursor");
        assert_eq!(list(&format!("limit=1&cursor={cursor}")).await, [done]);
        assert_eq!(stand.api.get("/calls?state=lost").await.0, 400);
    }

    async fn the_same_call_twice_is_made_once(database: Database) {
        let stand = Stand::new(database, |_| Said::json(&json!({}))).await;
        let wish = stand.wish("/once", json!({}));
        let first = stand.post(&wish, &[("idempotency-key", "k-1")]).await;
        let again = stand.post(&wish, &[("idempotency-key", "k-1")]).await;
        assert_eq!((first.status, again.status, again.header("idempotency-replayed")), (202, 202, Some("true")));
        assert_eq!((first.json(), first.header("location")), (again.json(), again.header("location")));
        stand.ended(&text(&first.json(), "id"), "succeeded").await;
        // Whoever comes again and waits is told what became of it.
        let waited = stand.post(&wish, &[("idempotency-key", "k-1"), ("prefer", "wait=5")]).await;
        assert_eq!((waited.status, waited.json()["state"].clone()), (200, json!("succeeded")));
        assert_eq!(waited.header("idempotency-replayed"), Some("true"));
        let other = stand.post(&stand.wish("/other", json!({})), &[("idempotency-key", "k-1")]).await;
        assert_eq!((other.status, &other.json()["code"]), (409, &json!("idempotency_mismatch")));
        assert_eq!(stand.upstream.count(), 1);
    }
}
