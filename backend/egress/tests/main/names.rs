//! Gate 2: names that lead inside, now or later, are refused, and nothing is dialled.

use postern_domain::attempt::ResultKind;

use crate::{
    lab::{Server, client, reply, send},
    lab_dns::{self, Question, Record, Reply},
};

fn zone(question: &Question) -> Reply {
    match question.name.as_str() {
        "mixed.rebind.test" => question.addresses(&["93.184.215.14", "127.0.0.1"]),
        "v6only.rebind.test" => question.addresses(&["93.184.215.14", "::1"]),
        "mapped.rebind.test" => question.addresses(&["::ffff:127.0.0.1"]),
        "nat64.rebind.test" => question.addresses(&["64:ff9b::7f00:1"]),
        "bare-alias.rebind.test" => Reply::Records(vec![Record::Alias("metadata.google.internal")]),
        "alias.rebind.test" if !question.wants_v6 => Reply::Records(vec![
            Record::Alias("b.rebind.test"),
            Record::Alias("metadata.google.internal"),
            Record::Address("127.0.0.1".parse().expect("an address")),
        ]),
        "hundred.rebind.test" if !question.wants_v6 => {
            let public = (0..100).map(|n| Record::Address(format!("93.184.215.{n}").parse().expect("an address")));
            Reply::Records(public.chain([Record::Address("10.0.0.1".parse().expect("an address"))]).collect())
        }
        "good.test" => question.addresses(&["127.0.0.1"]),
        "half.test" if question.wants_v6 => Reply::Code(2),
        "half.test" => question.addresses(&["127.0.0.1"]),
        "servfail.test" => Reply::Code(2),
        "silent.test" => Reply::Silence,
        "lossy.test" if question.times_before == 0 => Reply::Silence,
        "lossy.test" => question.addresses(&["127.0.0.1"]),
        "empty.test" => Reply::Records(Vec::new()),
        "ttl0.rebind.test" if question.times_before == 0 => question.addresses(&["127.0.0.2"]),
        "ttl0.rebind.test" => question.addresses(&["127.0.0.1"]),
        _ => Reply::Code(3),
    }
}

#[tokio::test]
async fn a_name_with_one_inner_address_is_refused_and_nothing_is_dialled() {
    let (canary, client) = (Server::canary(), client(&[], Some(lab_dns::start(zone))));
    let port = canary.address.port();
    for host in ["mixed", "v6only", "mapped", "nat64", "alias", "bare-alias", "hundred"] {
        let exchange = send(&client, &format!("http://{host}.rebind.test:{port}/"), 2_000).await;
        assert_eq!(exchange.kind, ResultKind::Blocked, "{host}: {exchange:?}");
        assert_eq!((exchange.status, exchange.timings.connect_us), (None, None), "{host}");
        let detail = exchange.detail.expect("a text");
        assert!(!detail.contains("127.") && !detail.contains("10."), "{host}: {detail}");
    }
    assert_eq!(canary.ledger.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused_from_then_on() {
    let canary = Server::canary();
    let good = Server::start_at("127.0.0.2".parse().expect("an address"), |_, stream| {
        reply(stream, "200 OK", "connection: close\r\n", b"")?;
        Err(std::io::ErrorKind::Other.into())
    });
    let client = client(&["127.0.0.2/32"], Some(lab_dns::start(zone)));
    let first = send(&client, &format!("http://ttl0.rebind.test:{}/", good.address.port()), 2_000).await;
    assert_eq!((first.kind, first.status), (ResultKind::Answered, Some(200)), "{first:?}");
    for port in [canary.address.port(), good.address.port()] {
        let second = send(&client, &format!("http://ttl0.rebind.test:{port}/"), 2_000).await;
        assert_eq!(second.kind, ResultKind::Blocked, "{second:?}");
    }
    assert_eq!((canary.ledger.connections(), good.ledger.connections()), (0, 1));
}

#[tokio::test]
async fn what_the_dns_cannot_say_is_a_dns_failure() {
    let (server, client) = (Server::canary(), client(&["127.0.0.0/8"], Some(lab_dns::start(zone))));
    let port = server.address.port();
    let long = format!("http://{}.test:{port}/", "a".repeat(100));
    let longest = format!("http://{}test:{port}/", "abcdefghi.".repeat(26));
    for url in [
        long,
        longest,
        format!("http://none.test:{port}/"),
        format!("http://servfail.test:{port}/"),
        format!("http://empty.test:{port}/"),
    ] {
        let exchange = send(&client, &url, 2_000).await;
        assert_eq!(exchange.kind, ResultKind::Dns, "{url}: {exchange:?}");
    }
    assert_eq!(server.ledger.connections(), 0);
    for host in ["good", "half", "lossy"] {
        let exchange = send(&client, &format!("http://{host}.test:{port}/"), 2_500).await;
        assert_eq!(exchange.status, Some(200), "{host}: {exchange:?}");
    }
}

#[tokio::test]
async fn a_silent_dns_costs_three_seconds_or_the_deadline() {
    let client = client(&[], Some(lab_dns::start(zone)));
    let (patient, hasty) =
        tokio::join!(send(&client, "http://silent.test/", 9_000), send(&client, "http://silent.test/", 300));
    assert_eq!(patient.kind, ResultKind::Dns, "{patient:?}");
    assert!((2_900_000..4_500_000).contains(&patient.timings.total_us), "{patient:?}");
    assert_eq!(hasty.kind, ResultKind::Timeout, "{hasty:?}");
    assert!((300_000..1_500_000).contains(&hasty.timings.total_us), "{hasty:?}");
}

#[tokio::test]
async fn localhost_is_reached_where_loopback_is_allowed_and_only_there() {
    let server = Server::start(|_, stream| reply(stream, "200 OK", "", b""));
    let url = format!("http://LocalHost.:{}/", server.address.port());
    assert!(client(&[], None).check_url(&url).is_err());
    assert!(client(&["10.0.0.0/8"], None).check_url(&url).is_err());
    let allowed = client(&["127.0.0.0/8"], None);
    assert_eq!(send(&allowed, &url, 2_000).await.status, Some(200));
    for other in ["http://sub.localhost/", "http://ip6-localhost/", "http://localhost.localdomain/", "http://intranet/"]
    {
        assert!(allowed.check_url(other).is_err(), "{other}");
    }
}
