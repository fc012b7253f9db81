//! Bodies at their limit, one byte below and one above, announced and not.

use std::time::Duration;

use serde_json::json;

use super::{
    stand::{Stand, one_after_the_other, webhook},
    wire::{Said, chunked, say},
};
use crate::harness::Database;

const MIB: usize = 1_048_576;
/// Of the API, for configuration.
const CONFIG_BYTES: usize = 65_536;
/// Of POST /events, envelope included.
const PUBLISH_BYTES: usize = 11 * MIB;
const PATIENCE: Duration = Duration::from_secs(20);

/// How the length of a body is told.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Announced,
    Chunked,
}

one_after_the_other! {
    async fn the_front_door_takes_a_body_up_to_the_limit_and_not_one_byte_more(stand: Stand) {
        let (small, small_door) = webhook(&stand.api, json!({ "scheme": "none", "max_body_bytes": 10 })).await;
        let mut refusals = 0;
        for framing in [Framing::Announced, Framing::Chunked] {
            for (door, limit) in [(&stand.front_door, MIB), (&small_door, 10)] {
                for bytes in [limit - 1, limit] {
                    let said = send(&stand, door, framing, &vec![b'x'; bytes]).await;
                    assert_eq!(said.statuses(), [200], "{bytes} bytes, {framing:?}: {}", said.text);
                }
                for bytes in [limit + 1, 4 * MIB] {
                    let said = stand.leaves_no_trace(send(&stand, door, framing, &vec![b'x'; bytes])).await;
                    assert_refused(&said, &format!("{bytes} bytes, {framing:?}"));
                }
            }
            refusals += 2;
            let refusal = stand.refusal(&small, refusals).await;
            assert_eq!(refusal["cause"], "too_large", "{refusal}");
            assert_eq!(refusal["expected"], "a body of at most 10 bytes", "{refusal}");
        }
    }

    async fn the_api_takes_a_body_up_to_the_limit_and_not_one_byte_more(stand: Stand) {
        let source = r#"{"name":"padded","kind":"publish"}"#;
        for framing in [Framing::Announced, Framing::Chunked] {
            for bytes in [CONFIG_BYTES - 1, CONFIG_BYTES] {
                let said = send(&stand, "/api/v1/sources", framing, &padded(source, bytes)).await;
                assert_eq!(said.statuses(), [201], "{bytes} bytes, {framing:?}: {}", said.text);
            }
            let body = padded(source, CONFIG_BYTES + 1);
            let said = stand.leaves_no_trace(send(&stand, "/api/v1/sources", framing, &body)).await;
            assert_refused(&said, &format!("{framing:?}"));

            let body = padded("{}", PUBLISH_BYTES + 1);
            let said = stand.leaves_no_trace(send(&stand, "/api/v1/events", framing, &body)).await;
            assert_refused(&said, &format!("{framing:?}"));
        }
    }

    async fn published_data_is_held_to_the_limit_of_its_source(stand: Stand) {
        let publish = async |bytes: usize| {
            let (publisher, data) = (&stand.publisher, "x".repeat(bytes - 2));
            let body = format!(r#"{{"type":"a.b","source_id":"{publisher}","data":"{data}"}}"#);
            stand.post("/api/v1/events", &[], body.as_bytes()).await
        };
        assert_eq!(publish(MIB - 1).await.status, 202);
        assert_eq!(publish(MIB).await.status, 202);
        let answer = stand.leaves_no_trace(publish(MIB + 1)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("payload_too_large")));
    }
}

/// The same JSON, so many bytes long.
fn padded(json: &str, bytes: usize) -> Vec<u8> {
    let mut body = json.as_bytes().to_vec();
    body.resize(bytes, b' ');
    body
}

async fn send(stand: &Stand, path: &str, framing: Framing, body: &[u8]) -> Said {
    let key =
        if path.starts_with("/api") { format!("authorization: Bearer {}\r\n", stand.api.key()) } else { String::new() };
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n{key}");
    let bytes = match framing {
        Framing::Announced => [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat(),
        Framing::Chunked => [head.as_bytes(), b"transfer-encoding: chunked\r\n\r\n", &chunked(body, 60_000)].concat(),
    };
    say(&stand.base(), bytes, PATIENCE).await
}

/// 413, and the rest is not waited for.
#[track_caller]
fn assert_refused(said: &Said, what: &str) {
    assert_eq!(said.statuses(), [413], "{what}: {}", said.text);
    assert!(said.text.contains("payload_too_large"), "{what}: {}", said.text);
    assert!(said.closed_after.is_some_and(|after| after < Duration::from_secs(15)), "{what}: {:?}", said.closed_after);
}
