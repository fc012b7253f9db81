//! No request leaves for an address that the operator did not allow: every line of `tests/vectors/ssrf_urls.txt`, when
//! a destination is written down, when it was planted in the database, and when only its name's addresses give it away.

mod canary;
mod names;
mod planted;
mod written;

use crate::harness::{Database, Options, Server, on_every_database};

const VECTORS: &str = include_str!("../../vectors/ssrf_urls.txt");

on_every_database! {
    /// One server for all of them: to start one takes longer than most.
    async fn every_line_of_the_vectors_is_refused_where_it_must_be(database: Database) {
        let server = start(strict(database).env("POSTERN_EGRESS_DNS", names::dns().to_string())).await;
        written::a_url_that_gives_itself_away_is_refused_when_it_is_written_down(&server).await;
        planted::a_url_planted_in_the_database_is_blocked_at_delivery(&server).await;
        names::a_name_with_an_inner_address_is_blocked_at_delivery(&server).await;
        names::a_name_that_the_dns_does_not_know_is_a_dns_failure(&server).await;
    }
}

/// One line of the vectors.
#[derive(Clone, Copy, Debug)]
struct Vector {
    url: &'static str,
    expected: &'static str,
}

impl Vector {
    /// The URL alone gives it away.
    fn is_refused_as_written(self) -> bool {
        ["deny:parse", "deny:scheme", "deny:userinfo", "deny:port", "deny:name", "deny:self"].contains(&self.expected)
            || self.expected.starts_with("deny:ip(")
    }

    /// Only the addresses of its name do.
    fn is_refused_as_resolved(self) -> bool {
        self.expected == "deny:resolved-ip"
    }

    /// The same URL at another port; nothing when it cannot be read at all.
    fn at_port(self, port: u16) -> Option<String> {
        let mut url = url::Url::parse(self.url).ok()?;
        url.set_port(Some(port)).ok()?;
        Some(url.into())
    }
}

fn vectors() -> Vec<Vector> {
    let line = |line: &'static str| {
        let (url, rest) = line.split_once('\t').expect("a tab");
        Vector { url, expected: rest.trim_start_matches("# ").split(" | ").next().expect("an expectation") }
    };
    VECTORS.lines().map(line).collect()
}

/// As the vectors assume it: nothing private is allowed, and `gateway.test:8080` is its own name.
fn strict(database: Database) -> Options {
    Options::new(database).env("POSTERN_EGRESS_ALLOW", "").env("POSTERN_PUBLIC_URL", "https://gateway.test:8080")
}

async fn start(options: Options) -> Server {
    Server::start_with(options).await
}
