//! PostgreSQL goes away under load and comes back.

use std::{process::Command, time::Duration};

use sea_orm::sqlx::{postgres::PgPoolOptions, query, query_scalar};

use super::{PER_S, tally::balance, turn};
use crate::harness::{Database, Load, Receiver, Reply, Route, Server, on_postgres, poll_until, until};

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
    /// The rows are leased by then, and waiting for the lease to run out would be a minute lost.
    async fn a_claim_whose_second_half_fails_is_given_back_at_once(database: Database) {
        let url = database.url().expect("PostgreSQL");
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        api.done(&format!("/connections/{}/pause", route.connection)).await;
        for number in 0..3 {
            let id = route.accepted(&format!("evt_{number}")).await;
            route.event_is(&id, "held").await;
        }
        let beside = PgPoolOptions::new().max_connections(2).connect(&url).await.expect("PostgreSQL");
        let mut lock = beside.begin().await.expect("a transaction");
        query("LOCK TABLE event_bodies IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("a lock");
        api.done(&format!("/connections/{}/resume", route.connection)).await;
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE '%AS wanted (id)%'";
        poll_until(Duration::from_secs(20), "the claim reads the bodies and is cut off", async || {
            let gone: i64 = query_scalar(cut).fetch_one(&beside).await.expect("a count");
            (gone > 0).then_some(())
        })
        .await;
        lock.rollback().await.expect("the lock is gone");
        until(Duration::from_secs(20), "all arrive", || receiver.count() == 3).await;
        let inspector = server.inspect().await;
        assert_eq!(inspector.number("SELECT count(*) FROM attempts WHERE kind = 'interrupted'").await, 0);
    }

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
