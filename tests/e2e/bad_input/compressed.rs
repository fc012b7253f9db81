//! Compressed bodies are refused unread: nothing that is small here may become large inside.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::stand::{Stand, one_after_the_other};
use crate::harness::Database;

const BOMBS: &str = include_str!("../../vectors/bombs.txt");
/// What a hundred small requests may leave in a process; one of the larger bombs would be eight times as much.
const MEMORY_MIB: i64 = 32;

one_after_the_other! {
    async fn a_compressed_body_is_refused_unread(stand: Stand) {
        let before = stand.memory_mib();
        for line in BOMBS.lines() {
            let mut columns = line.split('\t');
            let (encoding, bomb) = (columns.next().expect("an encoding"), columns.next().expect("a bomb"));
            let bomb = STANDARD.decode(bomb).expect("base64");
            for path in [&stand.front_door, "/api/v1/sources", "/api/v1/events"] {
                for _ in 0..8 {
                    let headers = [("content-encoding", encoding), ("content-type", "application/json")];
                    let answer = stand.leaves_no_trace(stand.post(path, &headers, &bomb)).await;
                    assert_eq!(answer.status, 415, "{encoding} to {path}: {}", answer.json());
                    assert_eq!(answer.json()["code"], "unsupported_media_type", "{encoding} to {path}");
                }
            }
        }
        let grown = stand.memory_mib() - before;
        assert!(grown < MEMORY_MIB, "the server has grown by {grown} MiB");
        let refusal = stand.refusal(&stand.source, BOMBS.lines().count()).await;
        assert_eq!((&refusal["cause"], &refusal["expected"]), (&json!("content_encoding"), &json!("no content-encoding")));
    }

    async fn no_spelling_of_a_content_encoding_gets_through(stand: Stand) {
        let good = r#"{"name":"plain","kind":"publish"}"#.as_bytes();
        let hidden: [&[(&str, &str)]; 7] = [
            &[("content-encoding", "GZIP")],
            &[("content-encoding", "x-gzip")],
            &[("content-encoding", "identity, gzip")],
            &[("content-encoding", "identity"), ("content-encoding", "gzip")],
            &[("content-encoding", "aes128gcm")],
            &[("content-encoding", "nonsense")],
            &[("content-encoding", "")],
        ];
        for headers in hidden {
            for path in [&stand.front_door, "/api/v1/sources"] {
                let answer = stand.leaves_no_trace(stand.post(path, headers, good)).await;
                assert_eq!(answer.status, 415, "{headers:?} to {path}: {}", answer.json());
            }
        }
        for (path, status) in [(stand.front_door.as_str(), 200), ("/api/v1/sources", 201)] {
            let answer = stand.post(path, &[("content-encoding", "Identity")], good).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.json());
        }
    }

    async fn a_body_of_another_type_is_refused_by_the_api(stand: Stand) {
        let good = r#"{"name":"plain","kind":"publish"}"#.as_bytes();
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""] {
            let answer = stand.leaves_no_trace(stand.post("/api/v1/sources", &[("content-type", content_type)], good)).await;
            assert_eq!(answer.status, 415, "{content_type}: {}", answer.json());
        }
    }
}
