//! Secrets are shown to nobody, and stay where they were given for.

use serde_json::{Value, json};

use super::super::{PollSettings, tests::parsed};

fn auths() -> Vec<(Value, &'static [&'static str])> {
    vec![
        (json!({"kind": "bearer", "token": "s3cret-1"}), &["token"]),
        (json!({"kind": "basic", "username": "u", "password": "s3cret-1"}), &["password"]),
        (json!({"kind": "api_key", "in": "query", "name": "key", "value": "s3cret-1"}), &["value"]),
        (json!({"kind": "api_key", "in": "header", "name": "x-key", "value": "s3cret-1"}), &["value"]),
        (
            json!({"kind": "oauth2_client_credentials", "token_url": "https://auth.example.com/t", "client_id": "c",
                   "client_secret": "s3cret-1"}),
            &["client_secret"],
        ),
        (
            json!({"kind": "oauth2_refresh", "token_url": "https://auth.example.com/t", "client_id": "c",
                   "client_secret": "s3cret-1", "refresh_token": "s3cret-2"}),
            &["client_secret", "refresh_token"],
        ),
    ]
}

fn request(auth: Value) -> PollSettings {
    parsed(json!({"request": {"auth": auth, "headers": {"X-Token": "s3cret-3", "user-agent": "me"}}}))
}

#[test]
fn no_secret_is_shown_nor_logged_and_what_is_shown_comes_back() {
    for (auth, names) in auths() {
        let stored = request(auth);
        let shown = stored.shown();
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
        assert!(!format!("{stored:?}").contains("s3cret"));
        for name in names {
            assert_eq!(shown["request"]["auth"][name], "***");
        }
        assert_eq!(shown["request"]["headers"], json!({"x-token": "***", "user-agent": "me"}));
        let mut back = PollSettings::parse(&shown, 5).expect("what is shown is valid");
        back.merge_secrets(Some(&stored)).expect("all is stored");
        assert_eq!(back, stored);
    }
}

#[test]
fn what_is_new_replaces_what_is_stored() {
    let stored = request(json!({"kind": "bearer", "token": "old"}));
    let mut change = request(json!({"kind": "bearer", "token": "new"}));
    change.merge_secrets(Some(&stored)).expect("nothing to keep");
    assert_eq!(change.to_value()["request"]["auth"]["token"], "new");
}

#[test]
fn a_secret_that_is_not_stored_has_to_be_written_out() {
    let hidden = |auth: Value| parsed(json!({"request": {"auth": auth}}));
    let table = [
        (json!({"kind": "bearer", "token": "***"}), None, "poll.request.auth.token"),
        (
            json!({"kind": "bearer", "token": "***"}),
            Some(json!({"kind": "basic", "username": "u", "password": "p"})),
            "poll.request.auth.token",
        ),
        (
            json!({"kind": "oauth2_refresh", "token_url": "https://a.example/", "client_id": "c", "client_secret": "***",
                   "refresh_token": "r"}),
            Some(json!({"kind": "oauth2_refresh", "token_url": "https://a.example/", "client_id": "c",
                        "refresh_token": "r"})),
            "poll.request.auth.client_secret",
        ),
    ];
    for (auth, stored, field) in table {
        let stored = stored.map(hidden);
        let cause = hidden(auth).merge_secrets(stored.as_ref()).expect_err(field);
        assert_eq!(cause.field, field);
        assert!(cause.detail.contains("there is none"), "{cause}");
    }
    let mut header = parsed(json!({"request": {"headers": {"X-Token": "***"}}}));
    assert_eq!(header.merge_secrets(None).expect_err("nothing stored").field, "poll.request.headers.x-token");
}

#[test]
fn a_stored_secret_goes_to_no_other_host() {
    for (auth, names) in auths() {
        let stored = request(auth.clone());
        for url in ["https://evil.example/orders", "http://api.example.com/orders", "https://api.example.com:8443/"] {
            let mut shown = stored.shown();
            shown["request"]["url"] = url.into();
            shown["request"]["headers"] = json!({});
            let mut change = PollSettings::parse(&shown, 5).expect("valid");
            let cause = change.merge_secrets(Some(&stored)).expect_err(url);
            assert_eq!(cause.field, format!("poll.request.auth.{}", names[0]));
            assert!(cause.detail.contains("another host"), "{cause}");
            assert!(!format!("{:?}", change.to_value()).contains("s3cret"));
        }
    }
    let stored = request(auths().remove(5).0);
    let mut shown = stored.shown();
    shown["request"]["auth"]["token_url"] = "https://evil.example/t".into();
    let mut change = PollSettings::parse(&shown, 5).expect("valid");
    assert_eq!(change.merge_secrets(Some(&stored)).expect_err("evil").field, "poll.request.auth.client_secret");
    let mut shown = stored.shown();
    shown["request"]["url"] = "https://evil.example/".into();
    shown["request"]["auth"] = json!({"kind": "none"});
    let mut change = PollSettings::parse(&shown, 5).expect("valid");
    assert_eq!(change.merge_secrets(Some(&stored)).expect_err("evil").field, "poll.request.headers.x-token");
}

#[test]
fn another_path_of_the_same_host_keeps_the_secrets() {
    let stored = request(json!({"kind": "bearer", "token": "s3cret-1"}));
    let mut shown = stored.shown();
    shown["request"]["url"] = "https://API.example.com:443/other".into();
    let mut change = PollSettings::parse(&shown, 5).expect("valid");
    change.merge_secrets(Some(&stored)).expect("the same origin");
    assert_eq!(change.to_value()["request"]["auth"]["token"], "s3cret-1");
}
