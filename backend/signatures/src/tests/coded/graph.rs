//! Microsoft Graph with resource data: what its validation tokens must say, and what they leave open.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{pkcs8::DecodePublicKey, traits::PublicKeyParts};
use serde_json::{Value, json};

use super::{
    super::NOW_S,
    Case, credentials,
    keys::{PUBLIC_PEM, rsa_sign},
    parse,
};
use crate::{
    RefusalCause,
    public_key::{PublicAlgorithm, pem},
};

const STATE: &str = "a client state of some length";
const APP: &str = "8e460676-ae3f-4b1e-8790-ee0fb5d6148f";
const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const PUBLISHER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
const KEYS_URL: &str = "https://login.microsoftonline.com/common/discovery/v2.0/keys";

fn claims() -> Value {
    json!({"aud": APP, "iss": format!("https://sts.windows.net/{TENANT}/"), "iat": NOW_S, "nbf": NOW_S,
        "exp": NOW_S + 3_600, "appid": PUBLISHER, "tid": TENANT, "ver": "1.0"})
}

fn token(claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(rsa_sign(PublicAlgorithm::RsaSha256, signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn key_set(kid: &str) -> String {
    let (_, der) = pem(PUBLIC_PEM).expect("PEM");
    let key = rsa::RsaPublicKey::from_public_key_der(&der).expect("a key");
    let [n, e] = [key.n(), key.e()].map(|number| URL_SAFE_NO_PAD.encode(number.to_bytes_be()));
    json!({"keys": [{"kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": e}]}).to_string()
}

fn unfetched(config: &Value, tokens: &[String]) -> Case {
    let scheme = parse("microsoft-graph", config, &credentials(&[STATE], &[])).expect("a scheme");
    let notification = json!({"clientState": STATE, "changeType": "created", "subscriptionId": "s1"});
    Case::new(scheme, &[], json!({"value": [notification], "validationTokens": tokens}).to_string())
}

fn graph(tokens: &[String]) -> Case {
    unfetched(&json!({"app_id": APP}), tokens).having_fetched(KEYS_URL, key_set("k1").as_bytes())
}

#[test]
fn graphs_tokens_are_checked_with_microsofts_keys() {
    let wanted = unfetched(&json!({"app_id": APP}), &[token(&claims())]).asks_for();
    let asked = (wanted.url.as_str(), wanted.method, wanted.host_suffix.as_ref());
    assert_eq!(asked, (KEYS_URL, "GET", "login.microsoftonline.com"));
    let genuine = graph(&[token(&claims()), token(&claims())]);
    assert!(!genuine.shown().covers_body);
    assert!(genuine.replacing("created", "deleted").is_accepted(), "the tokens are not bound to the body");
    let mut newer = claims();
    newer["iss"] = json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    newer["azp"] = newer["appid"].take();
    assert!(graph(&[token(&newer)]).is_accepted(), "tokens of the second version");
    let other_key = genuine.having_fetched(KEYS_URL, key_set("k2").as_bytes());
    assert_eq!(other_key.cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn one_wrong_token_is_enough_to_refuse_all() {
    for (name, value) in [
        ("aud", json!("another")),
        ("aud", Value::Null),
        ("appid", json!(APP)),
        ("appid", Value::Null),
        ("iss", json!("https://sts.windows.net/another/")),
        ("iss", json!("https://evil.example/")),
        ("tid", Value::Null),
        ("exp", json!(NOW_S - 300)),
        ("exp", Value::Null),
        ("nbf", json!(NOW_S + 301)),
    ] {
        let mut wrong = claims();
        wrong[name] = value.clone();
        assert!(!graph(&[token(&claims()), token(&wrong)]).is_accepted(), "{name} as {value}");
    }
    let unsigned = token(&claims()).rsplit_once('.').expect("parts").0.to_owned();
    for text in [format!("{unsigned}."), unsigned.clone(), String::new()] {
        assert!(!graph(&[token(&claims()), text.clone()]).is_accepted(), "{text}");
    }
    assert_eq!(graph(&[]).cause(), RefusalCause::MalformedBody);
    assert_eq!(graph(&vec![token(&claims()); 33]).cause(), RefusalCause::MalformedBody);
}

#[test]
fn a_stranger_who_does_not_know_the_client_state_has_nothing_fetched() {
    let stranger = unfetched(&json!({"app_id": APP}), &[token(&claims())]).replacing(STATE, "a guess of some length");
    assert_eq!(stranger.cause(), RefusalCause::WrongToken);
    let plain = graph(&[token(&claims())]).with_body(json!({"value": [{"clientState": STATE}]}).to_string());
    assert_eq!(plain.cause(), RefusalCause::MalformedBody, "a plain notification has no tokens");
}

#[test]
fn graphs_tenant_may_be_pinned() {
    for (tenant, accepted) in [(TENANT.to_uppercase(), true), ("another".to_owned(), false)] {
        let case = unfetched(&json!({"app_id": APP, "tenant_id": tenant}), &[token(&claims())]);
        let case = case.having_fetched(KEYS_URL, key_set("k1").as_bytes());
        assert_eq!(case.is_accepted(), accepted, "{tenant}");
    }
    let error = parse("microsoft-graph", &json!({}), &credentials(&[STATE], &[])).expect_err("no application");
    assert_eq!(error.field, "config.app_id");
}
