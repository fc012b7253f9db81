//! From a provider's request to a signed delivery, and what is on record about it.

use crate::harness::{Database, Receiver, Route, Server, on_every_database};

on_every_database! {
    async fn a_signed_event_is_delivered_signed(database: Database) {
        let server = Server::start(database).await;
        let receiver = Receiver::start().await;
        let route = Route::to(&server.bootstrap().await, &receiver).await;
        let id = route.accepted("evt_1").await;
        route.event_is(&id, "delivered").await;
        let arrivals = receiver.of(&id);
        assert_eq!(arrivals.len(), 1);
        assert!(arrivals[0].is_signed_with(&route.signing_secret));
    }
}
