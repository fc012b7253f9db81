//! Whoever sends too slowly is not waited for, and keeps nobody else waiting.

use std::time::Duration;

use serde_json::json;

use super::{
    stand::Stand,
    wire::{Said, say_slowly},
};
use crate::harness::{Database, on_every_database};

/// Far longer than any deadline.
const LISTEN: Duration = Duration::from_secs(40);
const DRIP: Duration = Duration::from_millis(400);

on_every_database! {
    async fn slow_heads_and_bodies_are_cut_off_at_their_deadlines(database: Database) {
        let stand = Stand::new(database).await;
        let (door, key, before) = (&stand.front_door, stand.api.key(), stand.rows().await);
        let head = format!("POST {door} HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n");
        let api = format!(
            "POST /api/v1/sources HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n"
        );
        let unread = |path: &str| format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunks = || "1\r\nx\r\n".repeat(100);
        let silence = format!("POST {door} HTTP/1.1\r\nhost: a\r\n");
        let (slow_head, silent_head, slow_body, slow_chunks, silent_body, slow_api, nowhere, nobody, quick) = tokio::join!(
            drip(&stand, "", format!("{head}x-more: {}", "a".repeat(200)), 1),
            drip(&stand, &silence, String::new(), 1),
            drip(&stand, &head, "x".repeat(200), 1),
            drip(&stand, unread(door), chunks(), 6),
            drip(&stand, &head, String::new(), 1),
            drip(&stand, &api, " ".repeat(200), 1),
            drip(&stand, unread("/in/nowhere"), chunks(), 6),
            drip(&stand, unread("/api/v1/sources"), chunks(), 6),
            others_are_served(&stand),
        );
        assert_cut_off(&slow_head, 408, 5, "a slow head");
        assert_cut_off(&silent_head, 408, 5, "a head without an end");
        assert_cut_off(&slow_body, 408, 15, "a slow body");
        assert_cut_off(&slow_chunks, 408, 15, "slow chunks");
        assert_cut_off(&silent_body, 408, 15, "a body that never comes");
        assert_cut_off(&slow_api, 408, 10, "a slow body to the API");
        assert_cut_off(&nowhere, 404, 1, "an endless body that nobody asked for");
        assert_cut_off(&nobody, 401, 1, "an endless body of nobody");
        assert_eq!(stand.rows().await - before, 2 * quick, "an event and its body for each that was quick, and nothing else");
        let refusal = stand.refusal(&stand.source, 3).await;
        assert_eq!(refusal["cause"], json!("body_timeout"), "{refusal}");
    }
}

/// Says `first` at once and the rest a few bytes at a time.
async fn drip(stand: &Stand, first: impl AsRef<str>, rest: String, at_once: usize) -> Said {
    let mut pieces = vec![first.as_ref().as_bytes().to_vec()];
    pieces.extend(rest.as_bytes().chunks(at_once).map(<[u8]>::to_vec));
    say_slowly(&stand.base(), pieces, DRIP, LISTEN).await
}

/// How many requests went in at their usual pace meanwhile.
async fn others_are_served(stand: &Stand) -> i64 {
    let begun = std::time::Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(12) {
        let asked = std::time::Instant::now();
        assert_eq!(stand.post(&stand.front_door, &[], b"{}").await.status, 200);
        assert!(asked.elapsed() < Duration::from_secs(5), "others wait for the slow ones: {:?}", asked.elapsed());
        count += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    count
}

#[track_caller]
fn assert_cut_off(said: &Said, status: u16, deadline_s: u64, what: &str) {
    assert_eq!(said.statuses(), [status], "{what}: {said:?}");
    let after = said.closed_after.unwrap_or_else(|| panic!("{what} was not cut off: {said:?}"));
    // The disconnect may take two seconds more, and the machine is shared.
    let bounds = Duration::from_millis(deadline_s * 1_000 - 500)..Duration::from_secs(deadline_s + 10);
    assert!(bounds.contains(&after), "{what} was cut off after {after:?}");
}
