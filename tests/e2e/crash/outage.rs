//! PostgreSQL goes away under load and comes back.

use std::{process::Command, time::Duration};

use super::{PER_S, tally::balance, turn};
use crate::harness::{Database, Load, Receiver, Reply, Route, Server, on_postgres, until};

/// Cargo runs tests in the folder of their crate.
const SCRIPT: &str = "../../deploy/dev/postgres.sh";

/// A PostgreSQL that the test may break.
struct PrivatePostgres {
    folder: String,
    superuser: String,
}

impl PrivatePostgres {
    fn start() -> Self {
        let said = script(&["start"]);
        let (folder, superuser) = said.trim().split_once(' ').expect("a folder and a URL");
        Self { folder: folder.to_owned(), superuser: superuser.to_owned() }
    }

    fn halt(&self) {
        script(&["halt", &self.folder]);
    }

    fn resume(&self) {
        script(&["resume", &self.folder]);
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let _ = Command::new(SCRIPT).args(["stop", &self.folder]).status();
    }
}

fn script(arguments: &[&str]) -> String {
    let output = Command::new(SCRIPT).args(arguments).output().expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

on_postgres! {
    /// Without a restart of ours, and without a duplicate: the process knows what it sent.
    async fn a_database_that_crashes_and_returns_loses_nothing(_shared: Database) {
        let _turn = turn().await;
        let postgres = PrivatePostgres::start();
        let server = Server::start(Database::postgres_at(&postgres.superuser)).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Slow(Duration::from_millis(30)));
        let route = Route::to(&api, &receiver).await;
        let load = Load::start(std::slice::from_ref(&route), PER_S);
        until(Duration::from_secs(30), "it is under load", || receiver.count() >= 200).await;

        postgres.halt();
        let refused = || load.refusals().keys().any(|refusal| refusal.starts_with("503"));
        until(Duration::from_secs(20), "the front door says to come back", refused).await;
        let ready = api.send(reqwest::Method::GET, "/readyz", &[], None).await.expect("an answer");
        assert_eq!(ready.status, 503);
        let alive = api.send(reqwest::Method::GET, "/healthz", &[], None).await.expect("an answer");
        assert_eq!(alive.status, 200);
        let before = load.accepted_count();
        postgres.resume();
        until(Duration::from_secs(20), "events are accepted again", || load.accepted_count() > before + 200).await;
        let tally = balance(&load, &[&receiver], &server.inspect().await).await;
        let refusals = load.refusals();
        eprintln!("an outage of PostgreSQL: {tally:?}, refused {refusals:?}");
        assert!(!refusals.keys().any(|refusal| refusal.ends_with('-')), "a refusal says when to come back: {refusals:?}");
        assert_eq!((tally.extra_arrivals, tally.interrupted), (0, 0), "{tally:?}");
    }
}
