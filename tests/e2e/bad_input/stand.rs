//! A server with a front door that takes anything, and a count of all that it has stored.

use std::{fmt::Debug, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Database, Inspector, Options, Server, poll_until, text};

const SOON: std::time::Duration = std::time::Duration::from_secs(10);
/// All that input can leave behind. What is refused is on record in `requests`, which is no trace but the answer to
/// "why".
const TABLES: [&str; 11] = [
    "events",
    "event_bodies",
    "dedup_keys",
    "queue",
    "deliveries",
    "attempts",
    "sources",
    "destinations",
    "connections",
    "api_keys",
    "audit_entries",
];

pub(super) struct Stand {
    pub(super) server: Arc<Server>,
    pub(super) api: Api,
    /// Of `front_door`.
    pub(super) source: String,
    /// The path of a webhook source without a scheme.
    pub(super) front_door: String,
    /// Takes what is published.
    pub(super) publisher: String,
    inspector: Inspector,
}

impl Stand {
    pub(super) async fn new(database: Database) -> Self {
        Self::with(Options::new(database)).await
    }

    pub(super) async fn with(options: Options) -> Self {
        Self::at(&Arc::new(Server::start_with(options).await), "first").await
    }

    /// A tenant of its own at a server that others use too, one after the other.
    pub(super) async fn at(server: &Arc<Server>, tenant: &str) -> Self {
        let api = server.tenant(tenant).await;
        let (source, front_door) = webhook(&api, json!({ "scheme": "none" })).await;
        let publisher = api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await;
        let inspector = server.inspect().await;
        let publisher = text(&publisher, "id");
        Self { server: Arc::clone(server), api, source, front_door, publisher, inspector }
    }

    pub(super) fn base(&self) -> String {
        self.api.base()
    }

    /// How many rows there are of what input can leave behind.
    pub(super) async fn rows(&self) -> i64 {
        let counts = TABLES.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
        self.inspector.number(&format!("SELECT {counts}")).await
    }

    /// Does what must not leave a trace.
    pub(super) async fn leaves_no_trace<T: Debug>(&self, act: impl Future<Output = T>) -> T {
        let before = self.rows().await;
        let done = act.await;
        assert_eq!(self.rows().await, before, "something was stored, and the answer was {done:?}");
        done
    }

    /// POST with any bytes to any path; with the key below `/api`.
    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let api = if path.starts_with("/api") { self.api.clone() } else { self.api.with_key("") };
        let answer = api.send(Method::POST, path, headers, Some(body.to_vec())).await;
        answer.unwrap_or_else(|cause| panic!("POST {path}: {cause:?}"))
    }

    /// The latest refusal of a source, once there are so many.
    pub(super) async fn refusal(&self, source: &str, count: usize) -> Value {
        let path = format!("/requests?outcome=refused&limit=250&source_id={source}");
        let what = format!("refusal {count} is on record");
        poll_until(SOON, &what, async || {
            let page = self.api.found(&path).await;
            let rows = page["data"].as_array().expect("rows");
            (rows.len() >= count).then(|| rows[0].clone())
        })
        .await
    }

    /// The server's memory in MiB.
    pub(super) fn memory_mib(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: i64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1_024
    }
}

/// Makes a webhook source; gives its id and the path of its front door.
pub(super) async fn webhook(api: &Api, fields: Value) -> (String, String) {
    let mut source = json!({ "name": "a source", "kind": "webhook" });
    for (name, value) in fields.as_object().into_iter().flatten() {
        source[name] = value.clone();
    }
    let made = api.created("/sources", source).await;
    let url = text(&made, "ingest_url");
    (text(&made, "id"), format!("/in/{}", url.rsplit('/').next().expect("a token")))
}

/// Turns several `async fn name(stand: Stand) { … }` into one test for each database: to start a server takes longer
/// than most of them. Each has a tenant of its own.
macro_rules! one_after_the_other {
    ($($(#[$doc:meta])* async fn $name:ident($stand:ident: Stand) $body:block)+) => {
        $($(#[$doc])* async fn $name($stand: Stand) $body)+

        crate::harness::on_every_database! {
            async fn one_after_the_other(database: Database) {
                let server = std::sync::Arc::new(crate::harness::Server::start(database).await);
                $(
                    eprintln!("--- {}", stringify!($name));
                    $name(Stand::at(&server, stringify!($name)).await).await;
                )+
            }
        }
    };
}

pub(super) use one_after_the_other;
