//! People on several replicas: what is ended or lowered on one is dead on the others, and what is counted is counted once.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::harness::{Browser, Database, Server, member, on_postgres, poll_until};

/// What is promised.
const DEAD_WITHIN: Duration = Duration::from_secs(2);

/// Waits until the page answers like this; it may show the old state for so long and no longer.
async fn becomes(browser: &mut Browser, path: &str, status: u16) {
    let what = format!("{path} answers {status}");
    poll_until(DEAD_WITHIN, &what, async || (browser.get(path).await.status == status).then_some(())).await;
}

on_postgres! {
    async fn what_ends_on_one_replica_is_dead_on_the_other(database: Database) {
        let one = Server::start(database).await;
        let api = one.bootstrap().await;
        let other = one.replica().await;
        let ada = member(&api, "ada@example.com", "admin").await;
        let mut here = Browser::logged_in(&one, "ada@example.com").await;
        let root = here.get("/").await;
        let tenant = root.header("location").expect("a tenant").trim_end_matches('/').to_owned();
        let (keys, members) = (format!("{tenant}/keys"), format!("{tenant}/members"));

        let mut copy = here.at(&other);
        assert!(copy.is_logged_in().await, "a session is one on both");
        here.post("/logout", "").await;
        becomes(&mut copy, "/account", 303).await;

        let mut there = Browser::logged_in(&other, "ada@example.com").await;
        let mut here = Browser::logged_in(&one, "ada@example.com").await;
        let mut second = there.at(&one);
        assert!(second.is_logged_in().await);
        let changed = here.post("/account/password", "current=correct+horse+battery&password=another+horse+battery").await;
        assert_eq!(changed.header("location"), Some("/account?done=password"));
        becomes(&mut there, "/account", 303).await;

        let mut there = here.at(&other);
        assert_eq!(there.get(&keys).await.status, 200);
        let lowered = api.patch(&format!("/members/{ada}"), json!({ "role": "viewer" })).await;
        assert_eq!(lowered.0, 200);
        becomes(&mut there, &keys, 403).await;
        let form = there.post(&members, "email=more@example.com&role=viewer&password=correct+horse+battery").await;
        assert_eq!(form.status, 403);
        assert_eq!(there.get(&members).await.status, 200, "a viewer still looks on");
        assert_eq!(api.delete(&format!("/members/{ada}")).await.0, 204);
        becomes(&mut there, &members, 404).await;
        assert!(there.is_logged_in().await, "the person remains, without a tenant");
    }

    async fn two_replicas_count_failures_once_and_begin_once(database: Database) {
        let one = Server::start(database).await;
        let api = one.bootstrap().await;
        let other = one.replica().await;
        // Nobody has logged in from here yet, so that the owner is a stranger too.
        let mut tries = [Browser::new(&one), Browser::new(&other)];
        for number in 0..10 {
            let tried = tries[number % 2].log_in(&format!("guess{number}@example.com"), "not the password").await;
            assert_eq!(tried.status, 422, "try {number}");
        }
        for tried in &mut tries {
            let answer = tried.log_in("first@example.com", "not the password").await;
            let wait: u64 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
            assert!(answer.status == 429 && (1..=10).contains(&wait), "{} s", wait);
        }
        // A day later.
        one.inspect().await.execute("DELETE FROM login_throttle").await;

        let owner = Browser::logged_in(&one, "first@example.com").await;
        let (mut here, mut there) = (owner.at(&one), owner.at(&other));
        let root = here.get("/").await;
        let start = format!("{}start", root.header("location").expect("a tenant"));
        let body = format!("_csrf={}", here.token().await);
        let own_page = [("sec-fetch-site", "same-origin")];
        for round in 0..5 {
            let (mut again, mut again_there) = (here.clone(), there.clone());
            let sent = tokio::join!(
                here.send(Method::POST, &start, &own_page, Some(&body)),
                there.send(Method::POST, &start, &own_page, Some(&body)),
                again.send(Method::POST, &start, &own_page, Some(&body)),
                again_there.send(Method::POST, &start, &own_page, Some(&body)),
            );
            assert_eq!([sent.0.status, sent.1.status, sent.2.status, sent.3.status], [303; 4], "round {round}");
            let found = api.found("/sources").await;
            let ids: Vec<_> = found["data"].as_array().expect("a list").iter().map(|row| row["id"].clone()).collect();
            assert_eq!(ids.len(), 1, "round {round}: {ids:?}");
            assert_eq!(api.found("/connections").await["data"].as_array().map(Vec::len), Some(1));
            let source = ids[0].as_str().expect("an id");
            assert_eq!(api.delete(&format!("/sources/{source}")).await.0, 204, "the next round begins anew");
        }
    }
}
