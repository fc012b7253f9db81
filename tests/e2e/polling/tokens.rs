//! Credentials that change: OAuth2, with a token endpoint that gives each refresh token once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{
    stand::{Stand, every_s},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database, until};

/// Which access and refresh token count: those of the last answer.
#[derive(Clone, Debug, Default)]
struct Tokens(Arc<AtomicUsize>);

impl Tokens {
    fn issued(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// The records for who shows the latest access token, and a new pair for who shows the latest refresh token.
    fn answer(&self, asked: &Asked) -> Said {
        let latest = self.issued();
        if asked.path() != "/token" {
            let is_known = latest > 0 && asked.header("authorization") == format!("Bearer access-{latest}");
            return if is_known { Said::json(&json!({ "data": [{ "id": 1 }] })) } else { Said::status(401) };
        }
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let refreshes = body.contains("grant_type=refresh_token");
        if refreshes && !body.contains(&format!("refresh_token=refresh-{latest}")) {
            return Said::Whole(400, Vec::new(), br#"{"error":"invalid_grant"}"#.to_vec());
        }
        let next = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let mut tokens =
            json!({ "access_token": format!("access-{next}"), "token_type": "Bearer", "expires_in": 3_600 });
        if refreshes {
            tokens["refresh_token"] = json!(format!("refresh-{next}"));
        }
        Said::json(&tokens)
    }

    /// The provider forgets the access token before its time.
    fn revoke(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
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
        until(std::time::Duration::from_secs(30), "all use the new one", paths).await;
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
        let auth = json!({
            "kind": "oauth2_refresh",
            "token_url": stand.upstream.url("/token"),
            "client_id": "the-client",
            "refresh_token": "refresh-0",
        });
        let source = stand.source("/orders", json!({ "request": { "auth": auth } })).await;
        source.run_well().await;
        for round in 1..=2 {
            stand.server.kill9().await;
            stand.server.restart().await;
            source.run_well().await;
            // What a process knew of the access token went with it.
            assert_eq!(tokens.issued(), round + 1);
        }
        assert_eq!(source.events().await.len(), 1);
        assert!(!source.shown().await.to_string().contains("refresh-"), "what is secret is not shown");
        // Somebody else used it up: that is said, and not tried again and again.
        tokens.revoke();
        let run = source.run().await;
        assert_eq!(source.health().await, "auth_required", "{run}");
    }
}
