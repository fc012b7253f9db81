//! Names whose addresses give them away, with a DNS server that the test runs itself.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use serde_json::json;

use self::lab_dns::{Question, Record, Reply};
use super::{
    canary::Canary,
    planted::{assert_blocked, deliver_to, publish},
    start, strict, vectors,
};
use crate::harness::{Api, Database, Server, connect, on_every_database, poll_until, text};

#[path = "../../../backend/egress/tests/main/lab_dns.rs"]
mod lab_dns;

/// Beyond the vectors: forms that carry an inner address in an outer one, and an answer that hides one among many.
const MORE: [&str; 5] =
    ["hundred.rebind.test", "mapped.rebind.test", "nat64.rebind.test", "alias.rebind.test", "cgnat.test"];

fn zone(question: &Question) -> Reply {
    match question.name.as_str() {
        name if name.contains("169.254") || name.contains("169-254") || name.contains("a9fea9fe") => {
            question.addresses(&["169.254.169.254"])
        }
        "mixed.rebind.test" => question.addresses(&["93.184.215.14", "127.0.0.1"]),
        "v6only.rebind.test" => question.addresses(&["93.184.215.14", "::1"]),
        "mapped.rebind.test" => question.addresses(&["::ffff:127.0.0.1"]),
        "nat64.rebind.test" => question.addresses(&["64:ff9b::7f00:1"]),
        "cgnat.test" => question.addresses(&["100.64.0.1"]),
        "10-0-0-1.sslip.io" => question.addresses(&["10.0.0.1"]),
        "cname-chain.rebind.test" | "alias.rebind.test" if !question.wants_v6 => Reply::Records(vec![
            Record::Alias("b.rebind.test"),
            Record::Alias("metadata.google.internal"),
            Record::Address("127.0.0.1".parse().expect("an address")),
        ]),
        "hundred.rebind.test" if !question.wants_v6 => {
            let public = (0..100).map(|n| Record::Address(format!("93.184.215.{n}").parse().expect("an address")));
            Reply::Records(public.chain([Record::Address("10.0.0.1".parse().expect("an address"))]).collect())
        }
        "none.test" => Reply::Code(3),
        "servfail.test" => Reply::Code(2),
        "silent.test" => Reply::Silence,
        "flips.test" if question.times_before == 0 => question.addresses(&["127.0.0.2"]),
        _ => question.addresses(&["127.0.0.1", "::1"]),
    }
}

on_every_database! {
    /// The record has no time to live: once allowed, the next time another address, which is not.
    async fn a_name_that_changes_its_mind_is_blocked_from_then_on(database: Database) {
        let options = strict(database).env("POSTERN_EGRESS_DNS", dns().to_string()).env("POSTERN_EGRESS_ALLOW", "127.0.0.2/32");
        let server = start(options).await;
        let api = server.bootstrap().await;
        let good = welcoming("127.0.0.2:0".parse().expect("an address"));
        let canary = Canary::start_at(SocketAddr::new("127.0.0.1".parse().expect("an address"), good.port()));
        let canary = canary.expect("the same port of another address");
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let url = format!("http://flips.test:{}/", canary.port);
        let destination = json!({ "name": "flips", "url": url, "retry": { "schedule_s": [] } });
        connect(&api, &source, &text(&api.created("/destinations", destination).await, "id")).await;
        let first = publish(&api, &source).await;
        assert_eq!(first["deliveries"][0]["attempts"][0]["result"]["status"], 200, "{first}");
        let second = publish(&api, &source).await;
        assert_blocked(&second["deliveries"][0]);
        canary.assert_untouched();
    }
}

/// Starts the server that these names are asked of.
pub(super) fn dns() -> SocketAddr {
    lab_dns::start(zone)
}

pub(super) async fn a_name_with_an_inner_address_is_blocked_at_delivery(server: &Server) {
    let (api, canary) = (server.tenant("names").await, Canary::start());
    let named: Vec<_> = vectors().into_iter().filter(|vector| vector.is_refused_as_resolved()).collect();
    assert_eq!(named.len(), 14, "lines of that kind");
    let mut urls: Vec<String> = named.iter().map(|vector| vector.url.to_owned()).collect();
    urls.extend(named.iter().map(|vector| vector.at_port(canary.port).expect("a URL")));
    urls.extend(MORE.map(|name| format!("http://{name}:{}/", canary.port)));
    deliver_to(server, &api, &urls).await.iter().for_each(assert_blocked);
    called(&api, &urls).await;
    canary.assert_untouched();
}

/// Each call of them fails at once, and is not tried again.
async fn called(api: &Api, urls: &[String]) {
    for url in urls {
        let wish = json!({ "request": { "method": "GET", "url": url } });
        let id = text(&api.created("/calls", wish).await, "id");
        let call = poll_until(Duration::from_secs(15), "the call has ended", async || {
            Some(api.found(&format!("/calls/{id}")).await).filter(|call| call["done"] == true)
        })
        .await;
        assert_eq!((&call["error"]["type"], &call["attempt_count"]), (&json!("blocked"), &json!(1)), "{url}: {call}");
    }
}

pub(super) async fn a_name_that_the_dns_does_not_know_is_a_dns_failure(server: &Server) {
    let (api, canary) = (server.tenant("unknown").await, Canary::start());
    let unknown = vectors().into_iter().filter(|vector| vector.expected == "fail:dns");
    let mut urls: Vec<String> = unknown.filter_map(|vector| vector.at_port(canary.port)).collect();
    urls.extend(["none.test", "servfail.test"].map(|name| format!("http://{name}:{}/", canary.port)));
    assert_eq!(urls.len(), 3);
    for delivery in deliver_to(server, &api, &urls).await {
        assert_eq!(delivery["attempts"][0]["result"]["kind"], "dns", "{delivery}");
    }
    canary.assert_untouched();
}

/// Answers 200 and closes, so that the next request needs a connection, and the name's address, of its own.
fn welcoming(address: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(address).expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 8_192];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    address
}
