//! What is wrong with a JSON body is said with its place or its field, alike on every database.

use serde_json::json;

use super::stand::{Stand, one_after_the_other};
use crate::harness::{Database, text};

const GOOD: &str = r#"{"name":"plain","kind":"publish"}"#;

one_after_the_other! {
    async fn what_is_not_json_is_refused_with_its_place(stand: Stand) {
        let deep = "[".repeat(60_000);
        let nested = format!("{{\"name\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let broken: [(&str, &str); 21] = [
            ("", "line 1, column 0"),
            ("{", "line 1, column 1"),
            (r#"{"name":"x","#, "line 1, column 12"),
            (r#"{"name":"x","kind":"publish",}"#, "line 1, column 30"),
            ("{\n  \"name\": \"x\",\n  \"kind\": oops\n}", "line 3, column"),
            (r#"{"name":"plain","kind":"publish"} x"#, "line 1, column 35"),
            (r#"{"name":"plain","kind":"publish"}{}"#, "line 1, column 34"),
            ("{'name':'x'}", "line 1, column 2"),
            ("{name:1}", "line 1, column 2"),
            (r#"{"name":01}"#, "line 1"),
            (r#"{"name":+1}"#, "line 1"),
            (r#"{"name":NaN}"#, "line 1"),
            (r#"{"name":1e}"#, "line 1"),
            (r#"{"name":"\x"}"#, "line 1"),
            (r#"{"name":"\ud800"}"#, "line 1"),
            ("{\"name\":\"a\nb\"}", "line"),
            ("{\"name\":\"x\" /* why */}", "line 1"),
            ("\u{feff}{}", "line 1, column 1"),
            ("nul", "line 1"),
            (&deep, "line 1, column"),
            (&nested, "line 1, column"),
        ];
        for (body, place) in broken {
            for list in ["sources", "destinations", "connections", "api-keys", "calls"] {
                assert_no_json(&stand, list, body, place).await;
            }
        }
        // Of an event its own fields are looked at; its data is the publisher's business, as long as it is JSON.
        for (body, place) in [
            ("", "line 1, column 0"),
            (r#"{"type":"a.b","data":{},}"#, "line 1, column 25"),
            (r#"{"type":"a.b","data":{}} x"#, "line 1, column 26"),
            ("{\n\"type\": \"a.b\",\n\"data\": {\"n\": oops}}", "line 3, column 15"),
            (r#"{"type":"a.b","data":[1,]}"#, "line 1, column 25"),
            (r#"{"type":"a.b","data":01}"#, "line 1"),
            (r#"{"type":"\ud800","data":1}"#, "line 1"),
        ] {
            assert_no_json(&stand, "events", body, place).await;
        }
    }

    async fn a_body_that_broke_off_is_never_taken_for_a_whole_one(stand: Stand) {
        let event = format!(r#"{{"type":"a.b","source_id":"{}","data":{{"n":[1,2.5,null,true]}}}}"#, stand.publisher);
        for (path, whole) in [("/api/v1/sources", GOOD), ("/api/v1/events", &event)] {
            for bytes in 0..whole.len() {
                let answer = stand.post(path, &[], &whole.as_bytes()[..bytes]).await;
                assert_eq!(answer.status, 400, "{}: {}", &whole[..bytes], answer.json());
            }
            assert!([201, 202].contains(&stand.post(path, &[], whole.as_bytes()).await.status));
        }
        assert_eq!(stand.api.found("/events").await["data"].as_array().map(Vec::len), Some(1));
        assert_eq!(stand.api.found("/sources").await["data"].as_array().map(Vec::len), Some(3));
    }

    async fn fields_that_cannot_be_accepted_are_named(stand: Stand) {
        let event = |rest: &str| format!(r#"{{"type":"a.b","source_id":"{}",{rest}}}"#, stand.publisher);
        let cases: [(&str, String, &str); 23] = [
            ("sources", r#"{"name":"x","kind":"publish","colour":1}"#.into(), "colour"),
            ("sources", r#"{"name":"x","kind":"publish","poll":{}}"#.into(), "poll"),
            ("sources", r#"{"name":"x","kind":"publish","dedup":{"key":"body","colour":1}}"#.into(), "dedup.colour"),
            ("sources", r#"{"kind":"publish"}"#.into(), "name"),
            ("sources", r#"{"name":"x"}"#.into(), "kind"),
            ("sources", r#"{"name":1,"kind":"publish"}"#.into(), "name"),
            ("sources", r#"{"name":null,"kind":"publish"}"#.into(), "name"),
            ("sources", r#"{"name":"","kind":"publish"}"#.into(), "name"),
            ("sources", format!(r#"{{"name":"{}","kind":"publish"}}"#, "x".repeat(101)), "name"),
            ("sources", r#"{"name":"x","kind":"pigeon"}"#.into(), "kind"),
            ("sources", r#"{"name":"x","kind":"schedule"}"#.into(), "schedule"),
            ("sources", r#"{"name":"x","kind":"publish","max_body_bytes":-1}"#.into(), "max_body_bytes"),
            ("sources", r#"{"name":"x","kind":"publish","max_body_bytes":1.5}"#.into(), "max_body_bytes"),
            ("sources", r#"{"name":"x","kind":"publish","max_body_bytes":99999999999999999999}"#.into(), "max_body_bytes"),
            ("sources", r#"{"name":"x","kind":"publish","rate_limit":{"per_s":0}}"#.into(), "rate_limit.per_s"),
            ("destinations", r#"{"name":"x","url":"https://example.com/","timeout_ms":45001}"#.into(), "timeout_ms"),
            ("destinations", r#"{"name":"x","url":"https://example.com/","headers":{"host":"a"}}"#.into(), "headers.host"),
            ("destinations", r#"{"name":"x","url":"https://example.com/","headers":{"x":"a\r\nb: c"}}"#.into(), "headers.x"),
            ("connections", r#"{"source_id":"x","destination_id":"y","filter":{}}"#.into(), "filter"),
            ("api-keys", r#"{"name":"x","scopes":["all"]}"#.into(), "scopes"),
            ("events", event(r#""data":{},"deliver_at":"2030-01-01T00:00:00Z""#), "deliver_at"),
            ("events", event(r#""dedup_key":"a""#), "data"),
            ("events", event(r#""data":{},"dedup_key":"""#), "dedup_key"),
        ];
        for (list, body, field) in cases {
            let answer = stand.leaves_no_trace(stand.post(&format!("/api/v1/{list}"), &[], body.as_bytes())).await;
            let problem = answer.json();
            assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid_fields")), "{body}: {problem}");
            assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        }
    }

    /// PostgreSQL keeps no NUL in a text, SQLite does; so neither gets one.
    async fn doubled_keys_nul_and_broken_utf8_are_refused_wherever_they_stand(stand: Stand) {
        let publisher = stand.publisher.clone();
        let event = |data: &str| format!(r#"{{"type":"a.b","source_id":"{publisher}","data":{data}}}"#).into_bytes();
        let cases: [(&str, Vec<u8>, &str); 13] = [
            ("sources", r#"{"name":"x","name":"y","kind":"publish"}"#.into(), "`name` stands twice"),
            ("sources", r#"{"name":"x","n\u0061me":"y","kind":"publish"}"#.into(), "`name` stands twice"),
            ("sources", r#"{"name":"x","kind":"publish","config":{"a":[{"b":1,"b":2}]}}"#.into(), "`b` stands twice"),
            ("events", r#"{"type":"a","type":"b","data":1}"#.into(), "`type`"),
            ("events", r#"{"type":"a\u0000","data":1}"#.into(), "`type`"),
            ("events", r#"{"type":"a","data":1,"dedup_key":"\u0000"}"#.into(), "`dedup_key`"),
            ("sources", r#"{"name":"a\u0000b","kind":"publish"}"#.into(), "U+0000"),
            ("sources", r#"{"name":"x","kind":"publish","a\u0000":1}"#.into(), "U+0000"),
            ("api-keys", r#"{"name":"\u0000","scopes":["events:read"]}"#.into(), "U+0000"),
            ("sources", b"{\"name\":\"\xff\",\"kind\":\"publish\"}".to_vec(), "Byte 10"),
            ("sources", b"{\"name\":\"\xc0\x80\",\"kind\":\"publish\"}".to_vec(), "Byte 10"),
            ("sources", b"{\"name\":\"\xed\xa0\x80\",\"kind\":\"publish\"}".to_vec(), "Byte 10"),
            ("events", event("\"\u{1f389}\"").into_iter().filter(|byte| *byte != 0x9f).collect(), "UTF-8"),
        ];
        for (list, body, detail) in cases {
            let answer = stand.leaves_no_trace(stand.post(&format!("/api/v1/{list}"), &[], &body)).await;
            let shown = String::from_utf8_lossy(&body);
            let problem = answer.json();
            assert_eq!((answer.status, &problem["code"]), (422, &json!("invalid_fields")), "{shown}: {problem}");
            assert!(problem["detail"].as_str().unwrap_or_default().contains(detail), "{shown}: {problem}");
        }
        let raw_nul = stand.leaves_no_trace(stand.post("/api/v1/sources", &[], b"{\"name\":\"a\0b\",\"kind\":\"publish\"}")).await;
        assert_eq!(raw_nul.status, 400, "{}", raw_nul.json());
    }

    async fn published_data_is_json_and_otherwise_the_publishers_business(stand: Stand) {
        let nines = "9".repeat(5_000);
        let numbers = ["1e400", "-1e400", "1e-400", &nines, "-0", "1.10", "12345678901234567890123"];
        let odd = [r#"{"a":1,"a":2}"#, r#"{"a\u0000":"\u0000"}"#, r#"[ "\ud83c\udf89" , null ]"#, "\"\u{1f389}\""];
        for data in numbers.into_iter().chain(odd) {
            let body = format!(r#"{{"type":"a.b","source_id":"{}","data":{data}}}"#, stand.publisher);
            let answer = stand.post("/api/v1/events", &[], body.as_bytes()).await;
            assert_eq!(answer.status, 202, "{data}: {}", answer.json());
            let path = format!("/api/v1/events/{}/payload", text(&answer.json(), "id"));
            let payload = stand.api.send(reqwest::Method::GET, &path, &[], None).await.expect("an answer");
            assert_eq!(String::from_utf8_lossy(&payload.body), data);
        }
        assert_eq!(stand.api.get("/events").await.0, 200);
    }
}

async fn assert_no_json(stand: &Stand, list: &str, body: &str, place: &str) {
    let answer = stand.leaves_no_trace(stand.post(&format!("/api/v1/{list}"), &[], body.as_bytes())).await;
    let shown: String = body.chars().take(60).collect();
    let problem = answer.json();
    assert_eq!((answer.status, &problem["code"]), (400, &json!("invalid_json")), "{shown:?} to {list}: {problem}");
    assert!(problem["detail"].as_str().unwrap_or_default().contains(place), "{shown:?} to {list}: {problem}");
}
