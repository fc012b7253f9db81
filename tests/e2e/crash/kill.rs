//! kill -9 at random moments under load.

use std::{collections::HashMap, time::Duration};

use tokio::time::sleep;

use super::{PER_S, kills, random_ms, tally::balance, turn};
use crate::harness::{Database, Inspector, Load, Receiver, Reply, Route, Server, on_every_database};

const SEED: u64 = 0x706f_7374_6572_6e21;

/// A kill: what was leased at that moment, and when the next server was started.
struct Kill {
    leased: Vec<String>,
    restarted_at_us: i64,
    next_kill_at_us: i64,
}

on_every_database! {
    async fn nothing_is_lost_and_little_is_repeated(database: Database) {
        let _turn = turn().await;
        let count = kills();
        // Within this time of a restart, what was under way at the kill is delivered, if the server lives that long.
        let recovery = Duration::from_secs(if database.is_sqlite() { 2 } else { 15 });
        let mut server = Server::start(database.clone()).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        // Slow enough that a kill finds something under way.
        receiver.reply(Reply::Slow(Duration::from_millis(30)));
        let mut routes = Vec::new();
        for _ in 0..3 {
            routes.push(Route::to(&api, &receiver).await);
        }
        let load = Load::start(&routes, PER_S);
        let mut chance = SEED;
        let mut history: Vec<Kill> = Vec::new();
        for number in 0..count {
            // Most servers die young; some live long enough to recover what the one before left.
            let lives_long = number == 1 || (database.is_sqlite() && number % 5 == 1);
            let life = if lives_long { recovery } else { Duration::ZERO } + random_ms(&mut chance, 150, 900);
            sleep(life).await;
            server.kill9().await;
            let killed_at_us = now_us();
            if let Some(before) = history.last_mut() {
                before.next_kill_at_us = killed_at_us;
            }
            let leased = leased(&server.inspect_remains().await).await;
            let restarted_at_us = now_us();
            server.restart().await;
            history.push(Kill { leased, restarted_at_us, next_kill_at_us: i64::MAX });
        }
        let inspector = server.inspect().await;
        let tally = balance(&load, &[&receiver], &inspector).await;
        eprintln!("{count} kills: {tally:?}, {} under way", history.iter().map(|kill| kill.leased.len()).sum::<usize>());
        assert!(tally.interrupted > 0, "no kill found anything under way: the test tests nothing");
        assert!(tally.extra_arrivals <= tally.interrupted, "{tally:?}");
        check_recovery(&history, recovery, &inspector).await;
    }
}

/// Each delivery that was under way at a kill was finished in time, counted from the first restart after it that was
/// given that time.
async fn check_recovery(history: &[Kill], recovery: Duration, inspector: &Inspector) {
    let limit_us = i64::try_from(recovery.as_micros()).expect("seconds");
    let finished = inspector.either(
        "SELECT hex(id), CAST(finished_at AS text) FROM deliveries",
        "SELECT upper(encode(uuid_send(id), 'hex')), finished_at::text FROM deliveries",
    );
    let finished: HashMap<String, String> = inspector.pairs(finished).await.into_iter().collect();
    let mut slowest_us = vec![0; history.len()];
    for (number, kill) in history.iter().enumerate() {
        let lived = history.iter().skip(number).find(|later| later.next_kill_at_us - later.restarted_at_us >= limit_us);
        let from_us = lived.expect("the last one lives").restarted_at_us;
        for delivery in &kill.leased {
            let finished_at_us: i64 = finished[delivery].parse().expect("a moment");
            slowest_us[number] = slowest_us[number].max(finished_at_us - from_us);
        }
    }
    eprintln!("what was under way at each kill was delivered so many µs after the restart: {slowest_us:?}");
    assert!(slowest_us.iter().all(|took_us| *took_us <= limit_us), "not within {recovery:?}");
}

async fn leased(inspector: &Inspector) -> Vec<String> {
    let sql = inspector.either(
        "SELECT hex(delivery_id), '' FROM queue WHERE state = 'leased'",
        "SELECT upper(encode(uuid_send(delivery_id), 'hex')), '' FROM queue WHERE state = 'leased'",
    );
    inspector.pairs(sql).await.into_iter().map(|(id, _)| id).collect()
}

fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).expect("not that late")
}
