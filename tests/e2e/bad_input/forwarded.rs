//! A client's address is what a trusted proxy says, and never what the client says of itself.

use reqwest::Method;
use serde_json::json;

use super::stand::{Stand, webhook};
use crate::harness::{Database, Options, on_every_database, text};

/// Others' spellings of the same claim, which nobody believes.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("forwarded", "for=203.0.113.7"),
    ("x-real-ip", "203.0.113.7"),
    ("true-client-ip", "203.0.113.7"),
    ("cf-connecting-ip", "203.0.113.7"),
    ("x-client-ip", "203.0.113.7"),
];

on_every_database! {
    async fn without_a_trusted_proxy_nobody_speaks_for_another(database: Database) {
        let stand = Stand::new(database).await;
        let claims = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "203.0.113.7, 127.0.0.1")];
        for claim in claims.into_iter().chain(OTHER_NAMES) {
            assert_eq!(remote(&stand, &[claim]).await, "127.0.0.1", "{claim:?}");
            assert!(!is_admitted(&stand, &[claim]).await, "{claim:?}");
        }
    }

    async fn a_trusted_proxy_is_believed_as_far_as_it_speaks_itself(database: Database) {
        let stand = Stand::with(Options::new(database).env("POSTERN_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8")).await;
        let listed: [(&[(&str, &str)], &str); 9] = [
            (&[("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "198.51.100.1, 203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.1.2.3")], "203.0.113.7"),
            (&[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "203.0.113.7, 198.51.100.1")], "198.51.100.1"),
            (&[("x-forwarded-for", "203.0.113.7, nonsense")], "127.0.0.1"),
            (&[("x-forwarded-for", "203.0.113.7,")], "127.0.0.1"),
            (&[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7"),
            (&[("x-forwarded-for", "")], "127.0.0.1"),
        ];
        for (headers, address) in listed {
            assert_eq!(remote(&stand, headers).await, address, "{headers:?}");
            assert_eq!(is_admitted(&stand, headers).await, address == "203.0.113.7", "{headers:?}");
        }
        for claim in OTHER_NAMES {
            assert_eq!(remote(&stand, &[claim]).await, "127.0.0.1", "{claim:?}");
        }
    }
}

/// From where an event with these headers is said to have come, and so is a change of the configuration.
async fn remote(stand: &Stand, headers: &[(&str, &str)]) -> String {
    let answer = stand.post(&stand.front_door, headers, b"{}").await;
    let event = stand.api.found(&format!("/events/{}", text(&answer.json(), "id"))).await;
    let body = json!({ "name": text(&event, "id") }).to_string().into_bytes();
    let path = format!("/api/v1/sources/{}", stand.source);
    let changed = stand.api.send(Method::PATCH, &path, headers, Some(body)).await.expect("an answer");
    assert_eq!(changed.status, 200, "{}", changed.json());
    let entry = stand.api.found("/audit?limit=1").await;
    assert_eq!(entry["data"][0]["remote"], event["remote"], "{headers:?}");
    text(&event, "remote")
}

/// Whether a source and a key that are for 203.0.113.7 only let a request with these headers in. Both say the same.
async fn is_admitted(stand: &Stand, headers: &[(&str, &str)]) -> bool {
    let only = json!(["203.0.113.7"]);
    let (source, front_door) = webhook(&stand.api, json!({ "scheme": "none", "allowed_ips": only })).await;
    let made = json!({ "name": "x", "scopes": ["sources:read"], "allowed_ips": only });
    let key = text(&stand.api.created("/api-keys", made).await, "key");
    let door = stand.post(&front_door, headers, b"{}").await;
    let list = stand.api.with_key(&key).send(Method::GET, "/api/v1/sources", headers, None).await.expect("an answer");
    assert_eq!(door.status, list.status, "{headers:?}: {} {}", door.json(), list.json());
    if door.status == 403 {
        assert_eq!(
            (&door.json()["code"], &list.json()["code"]),
            (&json!("address_not_allowed"), &json!("address_not_allowed"))
        );
        assert_eq!(stand.refusal(&source, 1).await["cause"], "address");
    }
    assert!([200, 403].contains(&door.status), "{}", door.json());
    door.status == 200
}
