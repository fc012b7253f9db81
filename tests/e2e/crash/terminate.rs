//! SIGTERM under load: stop claiming, finish, release.

use std::time::Duration;

use super::{PER_S, tally::balance, turn};
use crate::harness::{Database, Load, Receiver, Reply, Route, Server, on_every_database, until};

on_every_database! {
    async fn a_polite_stop_loses_and_doubles_nothing(database: Database) {
        let _turn = turn().await;
        let mut server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        receiver.reply(Reply::Slow(Duration::from_millis(40)));
        let route = Route::to(&api, &receiver).await;
        let load = Load::start(std::slice::from_ref(&route), PER_S);
        for round in 1..=3 {
            let before = receiver.count();
            until(Duration::from_secs(30), "it is under load", || receiver.count() >= before + 100).await;
            server.sigterm().await;
            let leased = server.inspect_remains().await.number("SELECT count(*) FROM queue WHERE state = 'leased'").await;
            assert_eq!(leased, 0, "stop {round} left leases behind");
            server.restart().await;
        }
        let tally = balance(&load, &[&receiver], &server.inspect().await).await;
        assert_eq!((tally.extra_arrivals, tally.interrupted, tally.superseded), (0, 0, 0), "{tally:?}");
        assert!(tally.events >= 300);
    }
}
