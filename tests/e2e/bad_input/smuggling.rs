//! A request whose end could be read in two ways is refused, and what follows it is not taken for another.

use std::time::Duration;

use super::{
    stand::{Stand, one_after_the_other},
    wire::say,
};
use crate::harness::Database;

/// Header lines and body; a whole second request follows.
const SHAPES: [(&str, &str); 33] = [
    ("content-length: 6\r\ntransfer-encoding: chunked", "0\r\n\r\nG"),
    ("transfer-encoding: chunked\r\ncontent-length: 3", "1\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked\r\ntransfer-encoding: identity", "0\r\n\r\n"),
    ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "0\r\n\r\n"),
    ("transfer-encoding: chunked, chunked", "0\r\n\r\n"),
    ("transfer-encoding: chunked, identity", "0\r\n\r\n"),
    ("transfer-encoding: gzip, chunked", "0\r\n\r\n"),
    ("transfer-encoding: identity", ""),
    ("transfer-encoding: xchunked", "0\r\n\r\n"),
    ("transfer-encoding: \"chunked\"", "0\r\n\r\n"),
    ("transfer-encoding: \x0bchunked", "0\r\n\r\n"),
    ("transfer-encoding : chunked", "0\r\n\r\n"),
    ("transfer-encoding:\r\n chunked\r\ncontent-length: 5", "0\r\n\r\n"),
    ("content-length: +5", "hello"),
    ("content-length: -1", ""),
    ("content-length: 0x5", "hello"),
    ("content-length: 5, 5", "hello"),
    ("content-length: 5\r\ncontent-length: 6", "hello"),
    ("content-length: 5\r\ncontent-length: 5", "hello"),
    ("content-length: ", ""),
    ("content-length: 18446744073709551616", ""),
    ("content-length : 5", "hello"),
    ("x-folded: a\r\n b\r\ncontent-length: 5", "hello"),
    ("x-nul: a\0b\r\ncontent-length: 5", "hello"),
    ("x-return: a\rcontent-length: 3\r\ncontent-length: 5", "hello"),
    ("host: b\r\ncontent-length: 5", "hello"),
    ("transfer-encoding: chunked", "+1\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "0x1\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "10000000000000001\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "1\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "1;a\nb\r\nA\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "1\r\nAB\r\n0\r\n\r\n"),
];
const LISTEN: Duration = Duration::from_secs(15);

one_after_the_other! {
    async fn a_request_with_two_readings_is_refused_and_the_connection_closed(stand: Stand) {
        let second = request(&stand, "host: a\r\ncontent-length: 6", "second");
        for (lines, body) in SHAPES {
            let bytes = [request(&stand, &format!("host: a\r\n{lines}"), body), second.clone()].concat();
            assert_refused(&stand, bytes, &format!("{lines:?} {body:?}")).await;
        }
        let door = &stand.front_door;
        for first in [
            format!("POST {door} HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello"),
            format!("POST {door} HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            format!("POST {door} HTTP/1.2\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello"),
            format!("POST {door} HTTP/2.0\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello"),
            format!("POST {door}\r\n\r\n"),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        ] {
            assert_refused(&stand, [first.as_bytes(), &second].concat(), &first).await;
        }
    }

    async fn requests_that_follow_each_other_properly_are_each_answered(stand: Stand) {
        let one = request(&stand, "host: a\r\ntransfer-encoding: chunked", "5\r\nfirst\r\n0\r\n\r\n");
        let two = request(&stand, "host: a\r\nconnection: close\r\ncontent-length: 6", "second");
        let said = say(&stand.base(), [one, two].concat(), LISTEN).await;
        assert_eq!(said.statuses(), [200, 200], "{}", said.text);
        assert_eq!(stand.api.found("/events").await["data"].as_array().map(Vec::len), Some(2));
    }
}

fn request(stand: &Stand, lines: &str, body: &str) -> Vec<u8> {
    format!("POST {} HTTP/1.1\r\n{lines}\r\n\r\n{body}", stand.front_door).into_bytes()
}

async fn assert_refused(stand: &Stand, bytes: Vec<u8>, what: &str) {
    let said = stand.leaves_no_trace(say(&stand.base(), bytes, LISTEN)).await;
    assert_eq!(said.statuses(), [400], "{what}: {}", said.text);
    assert!(said.closed_after.is_some(), "{what}: not closed");
}
