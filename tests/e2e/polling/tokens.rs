//! Credentials that change: OAuth2, with a token endpoint that gives each refresh token once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, on_postgres, until};

const SOON: Duration = Duration::from_secs(60);

/// Which access and refresh token count: those of the last answer.
#[derive(Clone, Debug, Default)]
struct Tokens {
    latest: Arc<AtomicUsize>,
    /// Access tokens up to this are of no use any more.
    ended: Arc<AtomicUsize>,
}

impl Tokens {
    fn issued(&self) -> usize {
        self.latest.load(Ordering::SeqCst)
    }

    /// The records for who shows the latest access token, and a new pair for who shows the latest refresh token.
    fn answer(&self, asked: &Asked) -> Said {
        let latest = self.issued();
        if asked.path() != "/token" {
            let is_known = latest > self.ended.load(Ordering::SeqCst)
                && asked.header("authorization") == format!("Bearer access-{latest}");
            return if is_known { Said::json(&json!({ "data": [{ "id": 1 }] })) } else { Said::status(401) };
        }
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let refreshes = body.contains("grant_type=refresh_token");
        if refreshes && !body.contains(&format!("refresh_token=refresh-{latest}")) {
            return Said::Whole(400, Vec::new(), br#"{"error":"invalid_grant"}"#.to_vec());
        }
        let next = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        let mut tokens =
            json!({ "access_token": format!("access-{next}"), "token_type": "Bearer", "expires_in": 3_600 });
        if refreshes {
            tokens["refresh_token"] = json!(format!("refresh-{next}"));
        }
        Said::json(&tokens)
    }

    /// Another client has asked: the access token and the refresh token of this one are of no use.
    fn revoke(&self) {
        self.latest.fetch_add(1, Ordering::SeqCst);
    }

    /// The provider ends the access token before its time.
    fn end_access(&self) {
        self.ended.store(self.issued(), Ordering::SeqCst);
    }
}

fn client_credentials(stand: &Stand) -> Value {
    json!({
        "kind": "oauth2_client_credentials",
        "token_url": stand.upstream.url("/token"),
        "client_id": "the-client",
        "client_secret": "the-client-secret",
        "scopes": ["orders:read"],
    })
}

fn refresh_token(stand: &Stand) -> Value {
    json!({
        "kind": "oauth2_refresh",
        "token_url": stand.upstream.url("/token"),
        "client_id": "the-client",
        "refresh_token": "refresh-0",
    })
}

on_every_database! {
    async fn sources_with_one_credential_ask_for_one_token(database: Database) {
        let tokens = Tokens::default();
        let answers = tokens.clone();
        let stand = Stand::new(database, move |asked| answers.answer(asked)).await;
        let changes = json!({ "request": { "auth": client_credentials(&stand) }, "schedule": every_s(1) });
        let mut sources = Vec::new();
        for number in 0..8 {
            sources.push(stand.source(&format!("/orders/{number}"), changes.clone()).await);
        }
        for source in &sources {
            source.health_is("ok").await;
        }
        assert_eq!(stand.upstream.asked_for("/token").len(), 1, "one for all of them");
        // It is revoked: one more, and no source fails.
        tokens.revoke();
        let paths = || (0..8).all(|number| {
            let asked = stand.upstream.asked_for(&format!("/orders/{number}"));
            asked.last().is_some_and(|asked| asked.carries("access-3"))
        });
        until(Duration::from_secs(30), "all use the new one", paths).await;
        assert_eq!(stand.upstream.asked_for("/token").len(), 2);
        for source in &sources {
            assert_eq!(source.health().await, "ok");
            assert_eq!(source.events().await.len(), 1);
        }
    }

    /// The token that was used up is of no use to anybody: the next one is kept before anything else is done with it.
    async fn a_refresh_token_that_rotates_survives_a_kill(database: Database) {
        let tokens = Tokens::default();
        let answers = tokens.clone();
        let mut stand = Stand::new(database, move |asked| answers.answer(asked)).await;
        let auth = refresh_token(&stand);
        let source = stand.source("/orders", json!({ "request": { "auth": auth } })).await;
        source.run_well().await;
        for round in 1..=2 {
            stand.server.kill9().await;
            stand.server.restart().await;
            source.run_well().await;
            assert_eq!(tokens.issued(), round, "the access token is known still");
            tokens.end_access();
            source.run_well().await;
            assert_eq!(tokens.issued(), round + 1);
        }
        assert_eq!(source.events().await.len(), 1);
        assert!(!source.shown().await.to_string().contains("refresh-"), "what is secret is not shown");
        // Somebody else used it up: that is said, and not tried again and again.
        tokens.revoke();
        let run = source.run().await;
        assert_eq!(source.health().await, "auth_required", "{run}");
    }

    /// What the provider replaces while somebody only tries the settings is spent all the same.
    async fn a_test_poll_of_a_saved_source_leaves_it_a_refresh_token_that_counts(database: Database) {
        let tokens = Tokens::default();
        let answers = tokens.clone();
        let mut stand = Stand::new(database, move |asked| answers.answer(asked)).await;
        let auth = refresh_token(&stand);
        let source = stand.source("/orders", json!({ "request": { "auth": auth } })).await;
        source.run_well().await;
        tokens.end_access();
        let settings = source.shown().await["poll"].clone();
        let body = json!({ "poll": settings, "source_id": source.id });
        let (status, tested) = stand.api.post("/sources/poll/test", body).await;
        assert_eq!((status, &tested["error"], tokens.issued()), (200, &Value::Null, 2), "{tested}");
        stand.server.kill9().await;
        stand.server.restart().await;
        tokens.end_access();
        source.run_well().await;
        assert_eq!((tokens.issued(), source.health().await.as_str()), (3, "ok"));
    }
}

on_postgres! {
    /// Each refresh token counts once: a replica that showed one that another has spent would end them all.
    async fn replicas_share_the_token_that_one_of_them_asked_for(database: Database) {
        let tokens = Tokens::default();
        let answers = tokens.clone();
        let stand = Stand::new(database, move |asked| answers.answer(asked)).await;
        let other = stand.server.replica().await;
        let changes = json!({ "request": { "auth": refresh_token(&stand) }, "schedule": every_s(1) });
        let mut sources = Vec::new();
        // Nobody gets a token before all of them are there: who is told of a refresh token later is told of a spent one.
        let gate = stand.upstream.hold();
        for number in 0..6 {
            sources.push(stand.source(&format!("/orders/{number}"), changes.clone()).await);
        }
        gate.open();
        let goes_on = |more: usize| {
            let upstream = &stand.upstream;
            let before: Vec<usize> = (0..6).map(|number| upstream.asked_for(&format!("/orders/{number}")).len()).collect();
            move || (0..6).all(|number| upstream.asked_for(&format!("/orders/{number}")).len() >= before[number] + more)
        };
        until(SOON, "all are read", goes_on(3)).await;
        assert_eq!(stand.upstream.asked_for("/token").len(), 1);
        tokens.end_access();
        until(SOON, "all are read with the next token", goes_on(4)).await;
        assert_eq!(stand.upstream.asked_for("/token").len(), 2);
        // Whichever of them asked, the other one goes on with what it left.
        let mut first = stand.server;
        first.sigterm().await;
        until(SOON, "the other one reads", goes_on(3)).await;
        assert_eq!(stand.upstream.asked_for("/token").len(), 2);
        let api = other.api(stand.api.key());
        for source in &mut sources {
            source.api = api.clone();
            assert_eq!((source.health().await.as_str(), source.events().await.len()), ("ok", 1));
        }
    }
}
