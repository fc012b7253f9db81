//! Heads that are too large or ask for what is not there.

use std::time::Duration;

use serde_json::json;

use super::{
    stand::{Stand, one_after_the_other},
    wire::say,
};
use crate::harness::Database;

const LISTEN: Duration = Duration::from_secs(15);
const ALLOW: &str = "POST, PUT, PATCH, HEAD, OPTIONS";

one_after_the_other! {
    async fn a_head_has_96_headers_and_128_kib_at_most(stand: Stand) {
        // Host, connection and content-length are three of them.
        let many = |count: usize| (3..count).map(|n| format!("x-{n}: a\r\n")).collect::<String>();
        let large = |bytes: usize| format!("x-large: {}\r\n", "a".repeat(bytes));
        let request = |path: &str, more: &str| {
            format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n{more}\r\n{{}}").into_bytes()
        };
        let good = say(&stand.base(), request(&stand.front_door, &many(96)), LISTEN).await;
        assert_eq!(good.statuses(), [200], "{}", good.text);
        let good = say(&stand.base(), request(&stand.front_door, &large(65_536)), LISTEN).await;
        assert_eq!(good.statuses(), [200], "{}", good.text);
        for more in [many(97), many(100), many(1_000), large(131_072), large(1_048_576)] {
            for path in [&stand.front_door, "/api/v1/sources"] {
                let said = stand.leaves_no_trace(say(&stand.base(), request(path, &more), LISTEN)).await;
                assert!([[431], [400]].iter().any(|statuses| said.statuses() == statuses), "{}", said.text);
                assert!(said.closed_after.is_some(), "{}", said.text);
            }
        }
    }

    async fn the_front_door_says_which_methods_it_takes(stand: Stand) {
        let ask = async |method: &str| {
            let request = format!("{method} {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", stand.front_door);
            stand.leaves_no_trace(say(&stand.base(), request.into_bytes(), LISTEN)).await
        };
        for (count, method) in ["GET", "DELETE", "TRACE", "PROPFIND", "MADEUP"].into_iter().enumerate() {
            let said = ask(method).await;
            assert_eq!((said.statuses().as_slice(), said.header("allow")), ([405].as_slice(), Some(ALLOW)), "{}", said.text);
            let refusal = stand.refusal(&stand.source, count + 1).await;
            assert_eq!((&refusal["cause"], &refusal["method"]), (&json!("method"), &json!(method)), "{refusal}");
        }
        assert_eq!(ask("HEAD").await.statuses(), [200]);
        let options = ask("OPTIONS").await;
        assert_eq!((options.statuses().as_slice(), options.header("allow")), ([204].as_slice(), Some(ALLOW)));
        for method in ["POST", "PUT", "PATCH"] {
            let request = format!("{method} {} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}", stand.front_door);
            assert_eq!(say(&stand.base(), request.into_bytes(), LISTEN).await.statuses(), [200], "{method}");
        }
    }

    async fn a_head_that_contradicts_itself_is_refused(stand: Stand) {
        let good = r#"{"name":"plain","kind":"publish"}"#.as_bytes();
        let (other, long) = (format!("Bearer {}", stand.api.key()), "k".repeat(201));
        let doubled: [&[(&str, &str)]; 4] = [
            &[("authorization", &other)],
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
            &[("idempotency-key", "")],
            &[("idempotency-key", &long)],
        ];
        for headers in doubled {
            let answer = stand.leaves_no_trace(stand.post("/api/v1/sources", headers, good)).await;
            assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("malformed_request")), "{headers:?}");
        }
    }
}
