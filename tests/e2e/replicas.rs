//! Several `postern serve` on one database.

use std::{collections::HashMap, time::Duration};

use crate::{
    crash::{tally::balance, turn},
    harness::{Database, Inspector, Load, Receiver, Reply, Route, Server, on_postgres, poll_until, until},
};

const PER_S: u32 = 150;
/// Longer than a replica may be silent before the others take it for dead.
const FROZEN: Duration = Duration::from_secs(16);

/// How many deliveries a replica has made.
const DELIVERED: &str = "postern_delivered_total";

/// Every finished delivery, and what is recorded of it.
async fn finished(inspector: &Inspector) -> HashMap<String, String> {
    let sql = "SELECT id::text, state || ' ' || attempts::text || ' ' || finished_at::text FROM deliveries";
    inspector.pairs(sql).await.into_iter().collect()
}

on_postgres! {
    async fn two_replicas_share_the_work_without_doubling(database: Database) {
        let _turn = turn().await;
        let one = Server::start(database).await;
        let api = one.bootstrap().await;
        let other = one.replica().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Slow(Duration::from_millis(20)));
        // Some fail at first, so that there is something to claim for both.
        receiver.fail_first(60, 503);
        let route = Route::to(&api, &receiver).await;
        let load = Load::start(std::slice::from_ref(&route), PER_S);
        let there = other.api(api.key());
        load.aim_at(&[&api, &there]);
        until(Duration::from_secs(60), "it is under load for a while", || load.accepted_count() >= 900).await;
        let inspector = one.inspect().await;
        let tally = balance(&load, &[&receiver], &inspector).await;
        assert_eq!((tally.interrupted, tally.superseded), (0, 0), "{tally:?}");
        assert_eq!(tally.extra_arrivals, 60, "each of the failed ones came once more, and nothing else did");
        assert!(api.figure(DELIVERED).await > 200.0 && there.figure(DELIVERED).await > 200.0, "both did their part");
        let twice = "SELECT count(*) FROM (SELECT 1 FROM attempts WHERE status = 200 GROUP BY delivery_id HAVING count(*) > 1) t";
        assert_eq!(inspector.number(twice).await, 0);
    }

    async fn a_replica_that_freezes_and_wakes_up_changes_nothing(database: Database) {
        let _turn = turn().await;
        let one = Server::start(database).await;
        let api = one.bootstrap().await;
        let frozen = one.replica().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Slow(Duration::from_millis(150)));
        let route = Route::to(&api, &receiver).await;
        let load = Load::start(std::slice::from_ref(&route), PER_S);
        let there = frozen.api(api.key());
        load.aim_at(&[&api, &there]);
        until(Duration::from_secs(60), "it is under load", || load.accepted_count() >= 300).await;

        let inspector = one.inspect().await;
        frozen.sigstop();
        load.aim_at(&[&api]);
        let begun = std::time::Instant::now();
        let interrupted = "SELECT count(*) FROM attempts WHERE kind = 'interrupted'";
        let taken_over = poll_until(FROZEN, "its leases are taken over", async || {
            let count = usize::try_from(inspector.number(interrupted).await).expect("a count");
            Some(count).filter(|count| *count > 0)
        });
        let taken_over = taken_over.await;
        eprintln!("{taken_over} leases were taken over after {:?}", begun.elapsed());
        tokio::time::sleep(FROZEN.saturating_sub(begun.elapsed())).await;
        let before = finished(&inspector).await;
        frozen.sigcont();
        // It is back at work under a new name: it delivers again.
        let count = there.figure(DELIVERED).await;
        load.aim_at(&[&api, &there]);
        let works = async || (there.figure(DELIVERED).await > count + 20.0).then_some(());
        poll_until(Duration::from_secs(20), "it works again", works).await;

        let tally = balance(&load, &[&receiver], &inspector).await;
        eprintln!("a frozen replica: {tally:?}");
        assert!(tally.superseded > 0, "what it had under way came to an end, and decided nothing: {tally:?}");
        // An attempt that was written off as interrupted is superseded once its result is known.
        assert!(tally.extra_arrivals <= tally.interrupted + tally.superseded, "{tally:?}");
        assert!(tally.superseded <= taken_over, "{tally:?}");
        let after = finished(&inspector).await;
        let changed: Vec<_> = before.iter().filter(|(id, was)| after.get(*id) != Some(was)).collect();
        assert!(changed.is_empty(), "finished deliveries changed: {changed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_sqlite_file_is_refused() {
    let server = Server::start(Database::Sqlite).await;
    let api = server.bootstrap().await;
    let second = server.run(&["serve"]).await;
    assert!(!second.status.success(), "{second:?}");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another `postern serve` uses"), "{said}");
    assert!(said.contains("postern.db"), "{said}");
    assert_eq!(api.get("/events").await.0, 200, "the first one goes on");
    assert!(server.run(&["migrate", "status"]).await.status.success(), "other commands work beside it");
}
