//! What comes back, from servers that mean well and from those that do not.

use std::{
    io::Write,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use postern_domain::attempt::ResultKind;
use postern_egress::MAX_KEPT_HEADER_BYTES;

use crate::lab::{CAP, Server, client, reply, request, send};

const LOOPBACK: &[&str] = &["127.0.0.0/8"];

#[tokio::test]
async fn a_request_arrives_as_it_was_given_and_the_connection_is_used_again() {
    let server = Server::start(|arrival, stream| {
        let echo = format!("{}|{}|{}", arrival.target, arrival.head, String::from_utf8_lossy(&arrival.body));
        reply(stream, "202 Accepted", "x-one: 1\r\n", echo.as_bytes())
    });
    let client = client(LOOPBACK, None);
    let mut outbound = request(&client, &server.url("/a?b=c"), 2_000);
    outbound.headers = HeaderMap::from_iter([
        (http::header::HOST, HeaderValue::from_static("internal.example")),
        (http::header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
        (http::header::CONTENT_LENGTH, HeaderValue::from_static("999")),
        (http::HeaderName::from_static("webhook-id"), HeaderValue::from_static("evt_1")),
    ]);
    let first = client.send(outbound.clone()).await;
    assert_eq!((first.kind, first.status, first.truncated), (ResultKind::Answered, Some(202), false));
    assert_eq!((first.headers["x-one"].as_bytes(), first.detail, first.retry_after), (&b"1"[..], None, None));
    let echo = String::from_utf8_lossy(&first.body).into_owned();
    assert!(echo.starts_with("/a?b=c|post ") && echo.ends_with("|{}"), "{echo}");
    assert!(echo.contains("webhook-id: evt_1") && echo.contains("user-agent: postern/test"), "{echo}");
    assert!(echo.contains(&format!("host: {}", server.address)) && echo.contains("content-length: 2\r\n"), "{echo}");
    assert!(!echo.contains("internal.example") && !echo.contains("chunked") && !echo.contains("referer"), "{echo}");
    let connected = first.timings.connect_us.expect("a connect");
    assert!(connected <= first.timings.first_byte_us.expect("an answer") && first.timings.dns_us.is_none());
    for _ in 0..50 {
        let again = client.send(outbound.clone()).await;
        assert_eq!((again.status, again.timings.connect_us), (Some(202), None));
        assert!(again.timings.first_byte_us.is_some_and(|first_byte| first_byte <= again.timings.total_us));
    }
    assert_eq!((server.ledger.connections(), server.ledger.requests()), (1, 51));
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_dropped() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let server = Server::start(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 65_536])?;
            counter.fetch_add(65_536, Ordering::SeqCst);
        }
    });
    let exchange = send(&client(LOOPBACK, None), &server.url("/"), 5_000).await;
    assert_eq!((exchange.kind, exchange.status), (ResultKind::Answered, Some(200)));
    assert_eq!((exchange.body.len(), exchange.truncated), (CAP, true));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(sent.load(Ordering::SeqCst) < 64 << 20, "only what the kernel buffers was taken");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_whole() {
    let server = Server::start(|arrival, stream| {
        let more = usize::from(arrival.target == "/more");
        reply(stream, "500 Internal Server Error", "", &vec![b'x'; CAP + more])
    });
    let client = client(LOOPBACK, None);
    for (path, truncated) in [("/exact", false), ("/more", true)] {
        let exchange = send(&client, &server.url(path), 2_000).await;
        assert_eq!((exchange.status, exchange.body.len(), exchange.truncated), (Some(500), CAP, truncated), "{path}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_no_answer() {
    let server = Server::start(|arrival, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        for n in 0..if arrival.target == "/many" { 101 } else { 10 } {
            let line = if arrival.target == "/many" { "y".to_owned() } else { "y".repeat(1 << 20) };
            stream.write_all(format!("x-{n}: {line}\r\n").as_bytes())?;
        }
        stream.write_all(b"content-length: 0\r\n\r\n")
    });
    let client = client(LOOPBACK, None);
    for path in ["/long", "/many"] {
        let exchange = send(&client, &server.url(path), 5_000).await;
        assert_eq!((exchange.kind, exchange.status), (ResultKind::TooLarge, None), "{path}: {exchange:?}");
    }
}

#[tokio::test]
async fn of_a_large_head_the_headers_that_fit_are_kept() {
    let server = Server::start(|_, stream| {
        let large = format!("x-large: {}\r\nretry-after: 9\r\n", "y".repeat(MAX_KEPT_HEADER_BYTES));
        reply(stream, "503 Service Unavailable", &large, b"")
    });
    let exchange = send(&client(LOOPBACK, None), &server.url("/"), 2_000).await;
    assert_eq!((exchange.status, exchange.retry_after), (Some(503), Some(9)));
    assert!(!exchange.headers.contains_key("x-large") && exchange.headers.contains_key("content-length"));
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stalls_is_still_an_answer() {
    let server = Server::start(|arrival, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")?;
        if arrival.target == "/stalls" {
            thread::sleep(Duration::from_secs(5));
        }
        Err(std::io::ErrorKind::Other.into())
    });
    let client = client(LOOPBACK, None);
    for path in ["/breaks", "/stalls"] {
        let exchange = send(&client, &server.url(path), 400).await;
        assert_eq!((exchange.kind, exchange.status), (ResultKind::Answered, Some(200)), "{path}: {exchange:?}");
        assert_eq!((&exchange.body[..], exchange.truncated), (&b"half"[..], true), "{path}");
        assert!(exchange.timings.total_us < 2_000_000, "{path}");
    }
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout() {
    let server = Server::start(|_, _| {
        thread::sleep(Duration::from_secs(5));
        Ok(())
    });
    let exchange = send(&client(LOOPBACK, None), &server.url("/"), 300).await;
    assert_eq!((exchange.kind, exchange.status, exchange.truncated), (ResultKind::Timeout, None, false));
    assert!((300_000..2_000_000).contains(&exchange.timings.total_us) && exchange.timings.connect_us.is_some());
    assert_eq!(exchange.detail.as_deref(), Some("no answer within 300 ms"));
}

#[tokio::test]
async fn a_closed_port_and_a_server_that_hangs_up_are_connect_failures() {
    let client = client(LOOPBACK, None);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let refused = send(&client, &format!("http://{closed}/"), 2_000).await;
    assert_eq!((refused.kind, refused.detail.as_deref()), (ResultKind::Connect, Some("the connection was refused")));
    assert!(!refused.may_have_left, "there was no connection");
    let hangs_up = Server::start(|_, _| Err(std::io::ErrorKind::Other.into()));
    let dropped = send(&client, &hangs_up.url("/"), 2_000).await;
    assert_eq!(dropped.kind, ResultKind::Connect, "{dropped:?}");
    assert!(dropped.may_have_left, "it had read the request");
    assert_eq!(hangs_up.ledger.requests(), 1, "it may have arrived, so the client does not send it again");
    let garbage = Server::start(|_, stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"));
    let odd = send(&client, &garbage.url("/"), 2_000).await;
    assert_eq!((odd.kind, odd.detail.as_deref()), (ResultKind::Connect, Some("the answer is not HTTP")));
}

#[tokio::test]
async fn many_at_once_to_one_server_all_get_their_answers() {
    let server = Server::start(|arrival, stream| reply(stream, "200 OK", "", arrival.target.as_bytes()));
    let client = client(LOOPBACK, None);
    for _ in 0..3 {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..64 {
            let (client, url) = (client.clone(), server.url(&format!("/{n}")));
            tasks.spawn(async move { (n, send(&client, &url, 5_000).await) });
        }
        while let Some(done) = tasks.join_next().await {
            let (n, exchange) = done.expect("no panic");
            assert_eq!((exchange.status, &exchange.body[..]), (Some(200), format!("/{n}").as_bytes()));
        }
    }
    assert_eq!(server.ledger.requests(), 192);
}
