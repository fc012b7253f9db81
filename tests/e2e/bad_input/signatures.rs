//! Forged and stale signatures are refused alike to whoever sends them, and the tenant is told why.

use serde_json::json;

use super::stand::{Stand, one_after_the_other, webhook};
use crate::harness::{
    Database, STRIPE_SECRET,
    sign::{self, Headers},
};

const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const OTHER: &str = "whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid"}"#;

/// Headers, and the cause that goes on record.
type Case = (Headers, &'static str);

one_after_the_other! {
    async fn a_signature_of_stripe_is_checked_in_every_part(stand: Stand) {
        let now = sign::now_s();
        let at = |at_s: i64| sign::stripe(STRIPE_SECRET, at_s, BODY);
        let value = |value: String| vec![("stripe-signature".to_owned(), value)];
        let good = at(now)[0].1.clone();
        let cases: Vec<Case> = vec![
            (sign::stripe(OTHER, now, BODY), "signature_mismatch"),
            (sign::stripe(STRIPE_SECRET, now, b"{}"), "signature_mismatch"),
            (at(now - 330), "timestamp_too_old"),
            (at(0), "timestamp_too_old"),
            (at(now + 330), "timestamp_too_new"),
            (at(now * 1_000), "timestamp_too_new"),
            (Vec::new(), "missing_header"),
            (value(String::new()), "malformed_header"),
            (value(good.replace("t=", "t=-")), "malformed_header"),
            (value(good.replace("t=", "t=9999999999999999999999")), "malformed_header"),
            (value(good.replace("v1=", "v0=")), "signature_mismatch"),
            (value(good[..good.len() - 1].to_owned()), "signature_mismatch"),
            (value(format!("{good}0")), "signature_mismatch"),
            (value(good.to_uppercase().replace("T=", "t=").replace("V1=", "v1=")), "signature_mismatch"),
            ([at(now), at(now)].concat(), "malformed_header"),
        ];
        refuses(&stand, json!({ "provider": "stripe", "secrets": [STRIPE_SECRET] }), &cases, &at(now - 270)).await;
    }

    async fn a_signature_of_github_is_checked_in_every_part(stand: Stand) {
        let names = ("72d3162e-cc78-11e3-81ab-4c9367dc0958", "push");
        let good = sign::github(GITHUB_SECRET, names, BODY);
        let with = |value: &str| [vec![("x-hub-signature-256".to_owned(), value.to_owned())], good[1..].to_vec()].concat();
        let signature = good[0].1.clone();
        let cases: Vec<Case> = vec![
            (sign::github("another", names, BODY), "signature_mismatch"),
            (sign::github(GITHUB_SECRET, names, b"{}"), "signature_mismatch"),
            (sign::github("", names, BODY), "signature_mismatch"),
            (good[1..].to_vec(), "missing_header"),
            (with(""), "malformed_header"),
            (with("sha256="), "signature_mismatch"),
            (with(&signature.replace("sha256=", "sha1=")), "malformed_header"),
            (with(&signature.replace("sha256=", "")), "malformed_header"),
            (with(&signature[..signature.len() - 2]), "signature_mismatch"),
            ([good.clone(), good[..1].to_vec()].concat(), "malformed_header"),
        ];
        refuses(&stand, json!({ "provider": "github", "secrets": [GITHUB_SECRET] }), &cases, &good).await;
    }

    async fn a_signature_of_standard_webhooks_is_checked_in_every_part(stand: Stand) {
        let now = sign::now_s();
        let at = |at_s: i64| sign::standard(WHSEC, ("msg_1", at_s), BODY);
        let without = |name: &str| at(now).into_iter().filter(|(known, _)| known != name).collect::<Headers>();
        let with = |name: &str, value: &str| [without(name), vec![(name.to_owned(), value.to_owned())]].concat();
        let signature = sign::standard_signature(WHSEC, ("msg_1", &now.to_string()), BODY);
        let many = format!("{} ", signature.replace("v1,", "v1,x")).repeat(10_000);
        let cases: Vec<Case> = vec![
            (sign::standard(OTHER, ("msg_1", now), BODY), "signature_mismatch"),
            (sign::standard(WHSEC, ("msg_1", now), b"{}"), "signature_mismatch"),
            (with("webhook-id", "msg_2"), "signature_mismatch"),
            (with("webhook-timestamp", &(now - 1).to_string()), "signature_mismatch"),
            (at(now - 330), "timestamp_too_old"),
            (at(now + 330), "timestamp_too_new"),
            (without("webhook-id"), "missing_header"),
            (without("webhook-timestamp"), "missing_header"),
            (without("webhook-signature"), "missing_header"),
            (with("webhook-timestamp", "soon"), "malformed_header"),
            (with("webhook-timestamp", "-9223372036854775808"), "malformed_header"),
            (with("webhook-timestamp", "1e300"), "malformed_header"),
            (with("webhook-signature", &signature.replace("v1,", "v2,")), "signature_mismatch"),
            (with("webhook-signature", &signature.replace("v1,", "v1a,")), "signature_mismatch"),
            (with("webhook-signature", "v1,"), "signature_mismatch"),
            (with("webhook-signature", &signature[..signature.len() - 2]), "signature_mismatch"),
            (with("webhook-signature", &many[..60_000]), "malformed_header"),
            ([at(now), vec![("webhook-signature".to_owned(), signature.clone())]].concat(), "malformed_header"),
        ];
        refuses(&stand, json!({ "provider": "standard-webhooks", "secrets": [WHSEC] }), &cases, &at(now - 270)).await;
    }
}

async fn refuses(stand: &Stand, source: serde_json::Value, cases: &[Case], good: &Headers) {
    let (source, front_door) = webhook(&stand.api, source).await;
    let mut answers = Vec::new();
    for (number, (headers, cause)) in cases.iter().enumerate() {
        let answer = stand.leaves_no_trace(stand.api.post_raw(&front_door, headers, BODY)).await.expect("an answer");
        assert_eq!(answer.status, 401, "{headers:?}: {}", answer.json());
        answers.push(answer.json());
        let refusal = stand.refusal(&source, number + 1).await;
        assert_eq!(refusal["cause"], *cause, "{headers:.300?}: {refusal}");
        assert_eq!((&refusal["source_id"], &refusal["remote"]), (&json!(source), &json!("127.0.0.1")), "{refusal}");
        assert!(refusal["expected"].as_str().is_some_and(|text| !text.is_empty()), "{refusal}");
    }
    assert!(
        answers.iter().all(|answer| answer == &answers[0]),
        "the sender is told more than that it was refused: {answers:?}"
    );
    let accepted = stand.api.post_raw(&front_door, good, BODY).await.expect("an answer");
    assert_eq!(accepted.status, 200, "{}", accepted.json());
}
