//! Every line of `tests/vectors/ssrf_urls.txt`: what gate 1 says of it, and what becomes of those it lets pass.

use std::{io::Write, net::TcpStream};

use postern_domain::attempt::ResultKind;
use postern_egress::{BlockedReason, Client, Exchange, Options};

use crate::{
    lab::{Arrival, CAP, Server, reply, send},
    lab_dns::{self, Question, Reply},
    tls,
};

const VECTORS: &str = include_str!("../../../../tests/vectors/ssrf_urls.txt");

/// The URL and what is expected of it.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    VECTORS.lines().map(|line| {
        let (url, rest) = line.split_once('\t').expect("a tab");
        (url, rest.trim_start_matches("# ").split(" | ").next().expect("an expectation"))
    })
}

fn client(options: Options) -> Client {
    Client::new(Options { own_hosts: vec!["Gateway.TEST".to_owned()], ..options }).expect("a client")
}

/// The same URL at another port, where the lab listens.
fn at_port(client: &Client, url: &str, port: u16) -> String {
    let checked = client.check_url(url).expect("passes gate 1");
    let mut url = url::Url::parse(checked.as_str()).expect("a URL");
    url.set_port(Some(port)).expect("a port");
    url.into()
}

#[test]
fn gate_1_says_of_every_line_what_is_expected() {
    let client = client(Options::default());
    for (url, expected) in lines() {
        let got = client.check_url(url);
        let reason = match expected {
            "deny:parse" => Some(BlockedReason::Parse),
            "deny:scheme" => Some(BlockedReason::Scheme),
            "deny:userinfo" => Some(BlockedReason::Userinfo),
            "deny:port" => Some(BlockedReason::Port),
            "deny:name" => Some(BlockedReason::Name),
            "deny:self" => Some(BlockedReason::OwnHost),
            address if address.starts_with("deny:ip(") => Some(BlockedReason::Address),
            _ => None,
        };
        assert_eq!(got.as_ref().err().map(|blocked| blocked.reason), reason, "{url:?} should be {expected}: {got:?}");
        if let Some(host) = expected.strip_prefix("resolve(") {
            let checked = got.expect("passes");
            assert!(checked.as_str().starts_with("http://"), "{url}");
            assert!(checked.as_str().contains(host.trim_end_matches(')')), "{url}: {}", checked.as_str());
            assert!(!checked.as_str().contains(['\r', '\n']));
        }
    }
    assert_eq!(lines().filter(|(_, expected)| *expected == "allow").count(), 3);
}

#[tokio::test]
async fn names_that_lead_inside_are_blocked_and_nothing_is_dialled() {
    let dns = lab_dns::start(|question: &Question| match question.name.as_str() {
        name if name.contains("169.254") || name.contains("a9fea9fe") => question.addresses(&["169.254.169.254"]),
        "mixed.rebind.test" => question.addresses(&["93.184.215.14", "127.0.0.1"]),
        "v6only.rebind.test" => question.addresses(&["93.184.215.14", "::1"]),
        "10-0-0-1.sslip.io" => question.addresses(&["10.0.0.1"]),
        _ => question.addresses(&["127.0.0.1", "::1"]),
    });
    let (canary, client) = (Server::canary(), client(Options { dns: Some(dns), ..Options::default() }));
    let mut seen = 0;
    for (url, _) in lines().filter(|(_, expected)| *expected == "deny:resolved-ip") {
        seen += 1;
        for url in [url.to_owned(), at_port(&client, url, canary.address.port())] {
            let exchange = send(&client, &url, 2_000).await;
            assert_eq!(exchange.kind, ResultKind::Blocked, "{url}: {exchange:?}");
        }
    }
    assert_eq!(seen, 14, "lines of that kind");
    assert_eq!(canary.ledger.connections(), 0);
}

/// The hosts `redirect.test` and `bigbody.test`.
fn lab(arrival: &Arrival, stream: &mut TcpStream) -> std::io::Result<()> {
    let endless = |stream: &mut TcpStream, head: &[u8], more: &[u8]| -> std::io::Result<()> {
        stream.write_all(head)?;
        loop {
            stream.write_all(more)?;
        }
    };
    let (path, query) = arrival.target.split_once('?').unwrap_or((&arrival.target, ""));
    match path {
        "/301" | "/302" | "/307" | "/308" => {
            let location = format!("location: {}\r\n", query.trim_start_matches("to="));
            reply(stream, &format!("{} Elsewhere", &path[1..]), &location, b"")
        }
        "/chain/20" => reply(stream, "302 Found", "location: /chain/19\r\n", b""),
        "/altsvc" => reply(stream, "200 OK", "alt-svc: h2=\"127.0.0.1:443\"\r\n", b""),
        "/refresh" => reply(stream, "200 OK", "refresh: 0; url=http://127.0.0.1/\r\n", b"<meta http-equiv=refresh>"),
        "/nul" => reply(stream, "200 OK", "", b"\0"),
        "/retry-after" => reply(stream, "503 No", &format!("retry-after: {}\r\n", query.trim_start_matches("v=")), b""),
        "/10g" => endless(stream, b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536]),
        "/gzipbomb" => endless(
            stream,
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff",
            &[0; 65_536],
        ),
        // At the pace of a network: from loopback's, the client's task reads on for seconds before it looks up.
        "/1xx" => loop {
            stream.write_all(&b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(100))?;
            std::thread::sleep(std::time::Duration::from_millis(1));
        },
        "/headers" => endless(stream, b"HTTP/1.1 200 OK\r\n", &[b"x: ", &[b'y'; 65_536][..], b"\r\n"].concat()),
        other => panic!("the vectors ask for {other}"),
    }
}

fn assert_as_expected(url: &str, expected: &str, exchange: &Exchange) {
    let Exchange { kind, status, body, truncated, .. } = exchange;
    let is_capped = *kind == ResultKind::Answered && *truncated && body.len() == CAP;
    let holds = match expected {
        "fail:dns" => *kind == ResultKind::Dns,
        "fail:tls" => *kind == ResultKind::Tls,
        "fail:3xx-not-followed" => {
            status.is_some_and(|status| (300..400).contains(&status)) && exchange.headers.contains_key("location")
        }
        "deliver-once,never-follow" => *status == Some(200),
        "recorded-as-delivered" => *status == Some(200) && &body[..] == b"\0" && !truncated,
        "fail:no-panic,delay<=cap" => *status == Some(503) && exchange.retry_after.is_none(),
        "recorded,body-capped" if url.ends_with("/headers") => *kind == ResultKind::TooLarge,
        "recorded,body-capped" if url.ends_with("/1xx") => *kind == ResultKind::Timeout,
        "recorded,body-capped" if url.ends_with("/gzipbomb") => is_capped && body.starts_with(b"\x1f\x8b\x08"),
        "recorded,body-capped" => is_capped,
        other => panic!("what is {other}?"),
    };
    assert!(holds, "{url} should be {expected}: {exchange:?}");
}

#[tokio::test]
async fn receivers_that_play_tricks_are_recorded_and_not_followed() {
    let dns = lab_dns::start(|question| match question.name.as_str() {
        "redirect.test" | "bigbody.test" | "self-signed.badssl.test" => question.addresses(&["127.0.0.1"]),
        _ => Reply::Code(3),
    });
    let allow = vec!["127.0.0.0/8".parse().expect("a block")];
    let client = client(Options { allow, dns: Some(dns), ..Options::default() });
    let (server, secure) = (Server::start(lab), tls::self_signed());
    let mut sent = 0;
    let is_lab = |expected: &str| ["fail:", "recorded", "deliver-"].iter().any(|start| expected.starts_with(start));
    for (url, expected) in lines().filter(|(_, expected)| is_lab(expected)) {
        let target = if expected == "fail:tls" { &secure } else { &server };
        let exchange = send(&client, &at_port(&client, url, target.address.port()), 1_000).await;
        assert_as_expected(url, expected, &exchange);
        sent += usize::from(!["fail:tls", "fail:dns"].contains(&expected));
        assert_eq!(server.ledger.requests(), sent, "{url} is asked for once, and nothing after it");
    }
    assert!(sent >= 14, "{sent}");
}

#[test]
fn options_change_the_rules_as_far_as_they_say() {
    let allow = vec!["127.0.0.0/8".parse().expect("a block"), "fd00::/8".parse().expect("a block")];
    let own_hosts = ["hooks.example.com", "192.0.2.7:8443", "[2001:db8::1]"].map(str::to_owned).to_vec();
    let client = Client::new(Options { allow, own_hosts, ..Options::default() }).expect("a client");
    let reason = |url: &str| client.check_url(url).err().map(|blocked| blocked.reason);
    for (url, expected) in [
        ("http://127.0.0.1:22/", None),
        ("http://[fd00::1]:6379/", None),
        ("http://127.0.0.1:0/", Some(BlockedReason::Port)),
        ("http://[::1]/", Some(BlockedReason::Address)),
        ("http://[::ffff:127.0.0.1]/", Some(BlockedReason::Address)),
        ("http://10.0.0.1/", Some(BlockedReason::Address)),
        ("http://example.com:22/", Some(BlockedReason::Port)),
        ("https://HOOKS.example.com.:1234/in", Some(BlockedReason::OwnHost)),
        ("https://www.hooks.example.com/in", None),
        ("https://192.0.2.7:8443/", Some(BlockedReason::OwnHost)),
        ("https://192.0.2.7/", Some(BlockedReason::Address)),
        ("https://[2001:db8:0::1]:99/", Some(BlockedReason::OwnHost)),
        ("http:///", Some(BlockedReason::Parse)),
    ] {
        assert_eq!(reason(url), expected, "{url}");
    }
    assert_eq!(reason(&format!("https://example.com/{}", "a".repeat(2_048))), Some(BlockedReason::TooLong));
    let strict = Client::new(Options { https_only: true, ..Options::default() }).expect("a client");
    assert_eq!(
        strict.check_url("http://example.com/").err().map(|blocked| blocked.reason),
        Some(BlockedReason::Scheme)
    );
    assert!(strict.check_url("https://example.com/").is_ok());
    assert!(Client::new(Options { own_hosts: vec!["not a host".to_owned()], ..Options::default() }).is_err());
}
