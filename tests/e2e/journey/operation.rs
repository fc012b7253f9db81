//! What an operator sees: alive, ready, figures.

use std::time::Duration;

use reqwest::Method;

use crate::harness::{Database, Receiver, Reply, Route, Server, on_every_database, poll_until};

on_every_database! {
    async fn a_server_is_alive_ready_and_counts(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let get = async |path: &str| api.send(Method::GET, path, &[], None).await.expect("an answer");
        assert_eq!(get("/healthz").await.status, 200);
        let ready = get("/readyz").await;
        let said = String::from_utf8_lossy(&ready.body).into_owned();
        assert_eq!(ready.status, 200, "{said}");
        assert!(said.lines().all(|line| line.ends_with(" ok")) && said.contains("database ok"), "{said}");

        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        let delivered = route.accepted("evt_1").await;
        route.event_is(&delivered, "delivered").await;
        route.send("evt_1", "payment.paid").await;
        receiver.reply(Reply::Status(500));
        let dead = route.accepted("evt_2").await;
        route.event_is(&dead, "dead").await;
        api.done(&format!("/destinations/{}/pause", route.destination)).await;
        for number in 3..6 {
            route.accepted(&format!("evt_{number}")).await;
        }
        for (name, figure) in [
            ("postern_accepted_events_total", 5.0),
            ("postern_duplicate_requests_total", 1.0),
            ("postern_delivered_total", 1.0),
            ("postern_failed_attempts_total{class=\"answered\"}", 3.0),
            ("postern_dead_deliveries_total", 1.0),
            ("postern_backlog_deliveries", 3.0),
            ("postern_end_to_end_seconds_count", 1.0),
        ] {
            // Counted just after it is written.
            poll_until(Duration::from_secs(2), name, async || (api.figure(name).await - figure).abs().lt(&0.5).then_some(())).await;
        }
        assert!(api.figure("postern_database_connections_open").await >= 1.0);
    }
}
