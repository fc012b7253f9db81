//! At the front door raw bytes stay bytes: what no text column takes is kept as it came, alike on every database.

use reqwest::Method;
use serde_json::json;

use super::{
    stand::{Stand, one_after_the_other, webhook},
    wire::say,
};
use crate::harness::{Database, STRIPE_SECRET, sign};

one_after_the_other! {
    async fn any_bytes_are_taken_and_given_back_as_they_came(stand: Stand) {
        let bodies: [&[u8]; 9] = [
            b"",
            b"\0",
            b"a\0b\xff\xfe",
            b"\xed\xa0\x80 \xc0\x80",
            b"\xef\xbb\xbf{}",
            br#"{"a":1,"a":2}"#,
            br#"{"type":"a\u0000b","n":1e400,"m":-0,"k":1.10,"s":"\ud800"}"#,
            b"{",
            &[b'['; 100_000],
        ];
        for body in bodies {
            let answer = stand.post(&stand.front_door, &[], body).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            let path = format!("/api/v1/events/{id}/payload");
            let payload = stand.api.send(Method::GET, &path, &[], None).await.expect("an answer");
            assert_eq!((payload.status, payload.body.as_slice()), (200, body));
            assert_eq!(stand.api.get(&format!("/events/{id}")).await.0, 200);
        }
    }

    async fn names_and_keys_with_nul_are_made_fit_to_store(stand: Stand) {
        let (_, front_door) = webhook(&stand.api, json!({ "provider": "stripe", "secrets": [STRIPE_SECRET] })).await;
        let long = "x".repeat(100_000);
        let events = [
            (r#"{"id":"evt_\u0000a","type":"pay\u0000ment\u0007.paid"}"#.to_owned(), "payment.paid"),
            (format!(r#"{{"id":"{long}","type":"{long}"}}"#), &long[..200]),
            (r#"{"id":"\ud83c\udf89","type":"\ud83c\udf89"}"#.to_owned(), "\u{1f389}"),
            (r#"{"id":{},"type":null}"#.to_owned(), ""),
        ];
        for (body, event_type) in events {
            let headers = sign::stripe(STRIPE_SECRET, sign::now_s(), body.as_bytes());
            for duplicate in [false, true] {
                let answer = stand.api.post_raw(&front_door, &headers, body.as_bytes()).await.expect("an answer");
                assert_eq!(answer.status, 200, "{}", answer.json());
                let has_id = !body.contains(r#""id":{}"#);
                assert_eq!(answer.json()["duplicate"], duplicate && has_id, "{event_type}");
                let event = stand.api.found(&format!("/events/{}", answer.json()["id"].as_str().expect("an id"))).await;
                assert_eq!(event["type"], event_type);
            }
        }
        assert_eq!(stand.api.found("/requests?outcome=duplicate").await["next_cursor"], json!(null));
    }

    async fn headers_that_are_no_text_harm_nobody(stand: Stand) {
        let door = stand.front_door.as_bytes();
        let head = [b"POST ", door, b" HTTP/1.1\r\nhost: \xff\xfe\r\ncontent-type: text/\xffplain\r\nuser-agent: \x80\xc0\t\"'\\\r\n"].concat();
        let rest = b"x-odd: \xed\xa0\x80\r\nx-odd: again\r\ncookie: a=b\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        let said = say(&stand.base(), [head.as_slice(), rest].concat(), std::time::Duration::from_secs(10)).await;
        assert!([[200], [400]].iter().any(|statuses| said.statuses() == statuses), "{}", said.text);
        for event in stand.api.found("/events").await["data"].as_array().expect("events") {
            let event = stand.api.found(&format!("/events/{}", event["id"].as_str().expect("an id"))).await;
            assert_eq!(event["headers"]["cookie"], "[hidden]", "{event}");
        }
    }

    async fn odd_paths_and_queries_find_nothing(stand: Stand) {
        let api = &stand.api;
        let long = "a".repeat(10_000);
        for path in ["%00", "%ff", "..%2f..", ";", "%0d%0aset-cookie:a", "'", "\u{1f389}", &long] {
            for collection in ["/api/v1/sources", "/api/v1/events", "/in"] {
                let path = format!("{collection}/{path}");
                let answer = stand.leaves_no_trace(api.send(Method::POST, &path, &[], None)).await.expect("an answer");
                assert!([404, 405].contains(&answer.status), "{path}: {} {}", answer.status, answer.json());
                let answer = api.send(Method::GET, &path, &[], None).await.expect("an answer");
                assert_eq!(answer.status, 404, "{path}: {}", answer.json());
                assert_eq!(answer.header("set-cookie"), None);
            }
        }
        for query in ["q=%00", "q=%ff", "source_id=%00", "type=%00", "from=%00", "cursor=%00", "%00=1", "q=a&q=b", "q", "=", "nowhere=1"] {
            let (status, answer) = api.get(&format!("/events?{query}")).await;
            assert!([200, 400, 404].contains(&status), "{query}: {answer}");
            assert_eq!(status == 200, ["q", "q=%ff"].contains(&query), "{query}: {answer}");
        }
    }
}
