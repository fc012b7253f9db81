//! One destination: how it does, its secret, what a bin received, and what waits in a queue.

use askama::Template;

use crate::{
    Sample, links,
    parts::{BinRow, ConnectionRow, DeliveryRow, Fact, Header, SecretPanel},
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/destination.html")]
pub struct DestinationDetail {
    pub shell: Shell,
    pub id: String,
    pub name: String,
    pub is_bin: bool,
    /// Empty for a bin and a queue.
    pub url: String,
    pub state: State,
    pub paused: bool,
    /// What is wrong, in words: `410 Gone: held until somebody resumes it`.
    pub trouble: Option<String>,
    /// Limits, timeout, the retry schedule.
    pub facts: Vec<Fact>,
    /// Sent with every attempt.
    pub headers: Vec<Header>,
    /// By which the receiver knows that it was us.
    pub secret: SecretPanel,
    pub connections: Vec<ConnectionRow>,
    /// The last few.
    pub deliveries: Vec<DeliveryRow>,
    /// Of a bin, what it received, newest first.
    pub received: Vec<BinRow>,
    /// Of a queue.
    pub queue: Option<QueuePanel>,
}

/// How a queue does, and how it is pulled from.
#[derive(Clone, Debug)]
pub struct QueuePanel {
    /// Waiting, in flight, oldest waiting.
    pub depth: Vec<Fact>,
    /// As command lines.
    pub lease_curl: String,
    pub ack_curl: String,
}

impl DestinationDetail {
    /// The path of a verb: `edit`, `delete`, `pause`, `resume`, `reveal`.
    #[must_use]
    pub fn verb(&self, verb: &str) -> String {
        links::verb(&links::destination(&self.shell.tenant_id, &self.id), verb)
    }

    /// To a new connection that leads here.
    #[must_use]
    pub fn connect_href(&self) -> String {
        links::with_query(&self.shell.to("connections/new"), &[("destination_id", &self.id)])
    }

    #[must_use]
    pub fn deliveries_href(&self) -> String {
        links::with_query(&links::deliveries(&self.shell.tenant_id), &[("destination", &self.id)])
    }
}

impl Sample for DestinationDetail {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Destinations),
            id: sample::id("dst", 0),
            name: taste.name("billing"),
            is_bin: taste != Taste::Usual,
            url: taste.text("https://billing.example/hooks"),
            state: State::Failing,
            paused: taste == Taste::Hostile,
            trouble: taste.some("410 Gone: held until somebody resumes it."),
            facts: rows::facts(taste),
            headers: rows::headers(taste),
            secret: SecretPanel {
                masked: taste.list(|taste, _| taste.name("whsec_••••c41d")),
                shown: if taste == Taste::Hostile { taste.list(|taste, _| taste.name("")) } else { Vec::new() },
            },
            connections: taste.list(rows::connection),
            deliveries: taste.list(rows::delivery),
            received: taste.list(rows::received),
            queue: (taste == Taste::Usual).then(|| QueuePanel {
                depth: rows::facts(taste),
                lease_curl: "curl -X POST https://postern.example/api/v1/destinations/dst_1/lease".to_owned(),
                ack_curl: "curl -X POST https://postern.example/api/v1/destinations/dst_1/ack".to_owned(),
            }),
        })
    }
}
