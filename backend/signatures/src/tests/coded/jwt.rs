//! Schemes with a signed token in a header: MessageBird, FusionAuth, Vonage, LiveKit, Netlify, monday.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{NOW_S, base64, hmac},
    Case, URL, credentials,
    keys::{PUBLIC_PEM, p256_key, p256_sign, p384_key, p384_sign, rsa_sign},
    parse,
};
use crate::{RefusalCause, mac::Algorithm, public_key::PublicAlgorithm};

const SECRET: &str = "a secret of some length";
const BODY: &str = r#"{"event":{"id":"e1"}}"#;

fn hex_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn base64_hash(text: &str) -> String {
    base64(&Sha256::digest(text))
}

fn signed_by(header: &Value, claims: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&signed));
    format!("{signed}.{signature}")
}

fn shared(algorithm: &str, claims: &Value) -> String {
    let hash = match algorithm {
        "HS384" => Algorithm::Sha384,
        "HS512" => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    };
    signed_by(&json!({"alg": algorithm, "typ": "JWT"}), claims, |signed| hmac(hash, SECRET.as_bytes(), &[signed]))
}

fn case_of(scheme: &str, header: &str, token: &str) -> Case {
    let scheme = parse(scheme, &json!({}), &credentials(&["old", SECRET], &[])).expect("a scheme");
    Case::new(scheme, &[(header, token)], BODY)
}

const MESSAGEBIRD: &str = "MessageBird-Signature-JWT";

fn messagebird_claims() -> Value {
    json!({"iss": "MessageBird", "nbf": NOW_S, "exp": NOW_S + 60, "jti": "j1",
        "url_hash": hex_hash(URL), "payload_hash": hex_hash(BODY)})
}

fn messagebird(alter: impl Fn(&mut Value)) -> Case {
    let mut claims = messagebird_claims();
    alter(&mut claims);
    case_of("messagebird", MESSAGEBIRD, &shared("HS256", &claims))
}

#[test]
fn messagebirds_token_covers_url_and_body_and_names_the_event() {
    let shown = messagebird(|_| ()).shown();
    assert_eq!((shown.secret_index, shown.event_id.as_deref(), shown.covers_body), (Some(1), Some("j1"), true));
    let genuine = messagebird(|_| ());
    assert_eq!(genuine.with_url(&format!("{URL}&y=2")).cause(), RefusalCause::SignatureMismatch);
    assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch);
    assert!(genuine.with_method("PUT").is_accepted(), "the method is not signed");
    for algorithm in ["HS256", "HS384", "HS512"] {
        assert!(genuine.with(MESSAGEBIRD, &shared(algorithm, &messagebird_claims())).is_accepted(), "{algorithm}");
    }
    for algorithm in ["none", "None", "hs256", "RS256", "ES256", ""] {
        let token = shared(algorithm, &messagebird_claims());
        assert_eq!(genuine.with(MESSAGEBIRD, &token).cause(), RefusalCause::MalformedHeader, "{algorithm}");
    }
}

#[test]
fn messagebirds_claims_must_be_there_and_be_right() {
    for (name, value) in [
        ("iss", json!("MessageBirds")),
        ("iss", Value::Null),
        ("nbf", Value::Null),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("nbf", json!({})),
        ("url_hash", Value::Null),
        ("url_hash", json!(hex_hash(URL).to_uppercase())),
        ("payload_hash", Value::Null),
        ("payload_hash", json!("")),
        ("payload_hash", json!(&hex_hash(BODY)[..32])),
    ] {
        let altered = messagebird(|claims| claims[name] = value.clone());
        assert!(!altered.is_accepted(), "{name} as {value}");
        let absent = messagebird(|claims| drop(claims.as_object_mut().map(|claims| claims.remove(name))));
        assert!(!absent.is_accepted(), "without {name}");
    }
}

#[test]
fn messagebirds_token_lives_for_its_time_and_a_second() {
    let genuine = messagebird(|_| ());
    assert!(genuine.at(NOW_S - 1).is_accepted() && genuine.at(NOW_S + 60).is_accepted());
    assert_eq!(genuine.at(NOW_S - 2).cause(), RefusalCause::TimestampTooNew);
    assert_eq!(genuine.at(NOW_S + 61).cause(), RefusalCause::TimestampTooOld);
    assert!(messagebird(|claims| claims["exp"] = json!(NOW_S as f64 + 60.5)).is_accepted(), "fractions are allowed");
    for far in [json!(1e300), json!(-1e300)] {
        assert!(!messagebird(|claims| claims["exp"] = far.clone()).is_accepted(), "{far}");
    }
    assert!(!messagebird(|claims| claims["exp"] = json!(i64::MIN)).is_accepted());
    assert!(messagebird(|claims| claims["exp"] = json!(i64::MAX)).is_accepted());
}

#[test]
fn messagebird_hashes_no_empty_body() {
    let empty =
        messagebird(|claims| drop(claims.as_object_mut().map(|claims| claims.remove("payload_hash")))).with_body("");
    assert!(empty.is_accepted());
    assert_eq!(empty.with_body(BODY).cause(), RefusalCause::SignatureMismatch);
    assert_eq!(messagebird(|_| ()).with_body("").cause(), RefusalCause::SignatureMismatch);
    let hash = hex_hash("");
    let hashed = messagebird(|claims| claims["payload_hash"] = json!(hash)).with_body("");
    assert_eq!(hashed.cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn a_token_is_three_parts_of_strict_base64_and_nothing_more() {
    let genuine = messagebird(|_| ());
    let token = genuine.headers[MESSAGEBIRD].to_str().expect("text").to_owned();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for altered in [
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}="),
        format!("{header}=.{claims}.{signature}"),
        format!(" {token}"),
        "..".to_owned(),
        "a".repeat(9_000),
    ] {
        assert!(!genuine.with(MESSAGEBIRD, &altered).is_accepted(), "{altered}");
    }
    let extended = json!({"alg": "HS256", "crit": ["exp"]});
    let token =
        signed_by(&extended, &messagebird_claims(), |signed| hmac(Algorithm::Sha256, SECRET.as_bytes(), &[signed]));
    assert_eq!(genuine.with(MESSAGEBIRD, &token).cause(), RefusalCause::MalformedHeader);
}

const FUSIONAUTH: &str = "X-FusionAuth-Signature-JWT";

pub(super) fn fusionauth_by(secrets: &[&str], public_keys: &[&str], token: &str) -> Case {
    let scheme = parse("fusionauth", &json!({}), &credentials(secrets, public_keys)).expect("a scheme");
    Case::new(scheme, &[(FUSIONAUTH, token)], BODY)
}

/// The kind of key, the key as it is configured, and a token by it.
fn fusionauth_tokens() -> Vec<(&'static str, String, String)> {
    let claims = json!({"request_body_sha256": base64_hash(BODY)});
    let coordinate = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.expect("a coordinate"));
    let p256 = p256_key().verifying_key().to_encoded_point(false);
    let p384 = p384_key().verifying_key().to_encoded_point(false);
    let p256 = json!({"kty": "EC", "crv": "P-256", "x": coordinate(p256.x().map(|x| &x[..])), "y": coordinate(p256.y().map(|y| &y[..]))});
    let p384 = json!({"kty": "EC", "crv": "P-384", "x": coordinate(p384.x().map(|x| &x[..])), "y": coordinate(p384.y().map(|y| &y[..]))});
    let edwards = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = URL_SAFE_NO_PAD.encode(edwards.verifying_key().as_bytes());
    let okp = json!({"keys": [{"kty": "RSA"}, {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": public}]});
    let token = |alg: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        signed_by(&json!({"alg": alg, "kid": "k1"}), &claims, |signed| sign(signed.as_bytes()))
    };
    let pem = || PUBLIC_PEM.to_owned();
    vec![
        ("RS256", pem(), token("RS256", &|message| rsa_sign(PublicAlgorithm::RsaSha256, message))),
        ("RS384", pem(), token("RS384", &|message| rsa_sign(PublicAlgorithm::RsaSha384, message))),
        ("RS512", pem(), token("RS512", &|message| rsa_sign(PublicAlgorithm::RsaSha512, message))),
        ("ES256", p256.to_string(), token("ES256", &|message| p256_sign(message).to_bytes().to_vec())),
        ("ES384", p384.to_string(), token("ES384", &|message| p384_sign(message).to_bytes().to_vec())),
        ("EdDSA", okp.to_string(), token("EdDSA", &|message| edwards.sign(message).to_bytes().to_vec())),
    ]
}

#[test]
fn fusionauth_may_sign_with_any_kind_of_key() {
    for (name, key, token) in fusionauth_tokens() {
        let genuine = fusionauth_by(&[SECRET], &[&key], &token);
        assert_eq!(genuine.shown().secret_index, Some(1), "{name}: counted on after the secrets");
        assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch, "{name}");
        let without = fusionauth_by(&[SECRET], &[], &token);
        assert_eq!(without.cause(), RefusalCause::SignatureMismatch, "{name}: no such key");
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
        let token = shared(algorithm, &json!({"request_body_sha256": base64_hash(BODY)}));
        assert_eq!(fusionauth_by(&[SECRET], &[], &token).shown().secret_index, Some(0), "{algorithm}");
    }
}

const KEY_SET: &str = "https://auth.example.com/.well-known/jwks.json";

#[test]
fn fusionauths_keys_are_fetched_as_a_set_from_the_configured_address() {
    let all = fusionauth_tokens();
    let (_, set, token) = &all[5];
    let case = fusionauth_by(&[], &[KEY_SET], token);
    let wanted = case.asks_for();
    let asked = (wanted.url.as_str(), wanted.method, wanted.host_suffix.as_ref());
    assert_eq!(asked, (KEY_SET, "GET", "auth.example.com"));
    assert_eq!(case.having_fetched(&wanted.cache_as, set.as_bytes()).shown().secret_index, Some(0));
    let renamed = set.replace("\"k1\"", "\"k2\"");
    for answer in [renamed.as_str(), "{}", ""] {
        let fetched = case.having_fetched(&wanted.cache_as, answer.as_bytes());
        assert_eq!(fetched.cause(), RefusalCause::SignatureMismatch, "{answer}");
    }
    let claims = json!({"request_body_sha256": base64_hash(BODY)});
    let by_secret = fusionauth_by(&[SECRET], &[KEY_SET], &shared("HS256", &claims));
    assert!(by_secret.is_accepted(), "nothing is asked for a shared key");
    for address in
        ["http://auth.example.com/jwks.json", "https://auth.example.com:8443/j", "https://u@auth.example.com/j"]
    {
        let error = parse("fusionauth", &json!({}), &credentials(&[], &[address])).expect_err("no address for keys");
        assert_eq!(error.field, "public_keys", "{address}");
    }
}

#[test]
fn a_public_key_is_never_taken_for_a_shared_one() {
    let claims = json!({"request_body_sha256": base64_hash(BODY)});
    let forged = signed_by(&json!({"alg": "HS256"}), &claims, |signed| {
        hmac(Algorithm::Sha256, PUBLIC_PEM.as_bytes(), &[signed])
    });
    assert_eq!(fusionauth_by(&[], &[PUBLIC_PEM], &forged).cause(), RefusalCause::SignatureMismatch);
    // A token by one algorithm is not one by another, whatever its header says.
    for (name, key, token) in fusionauth_tokens() {
        let rest = token.split_once('.').expect("parts").1;
        for other in ["RS256", "ES256", "ES384", "EdDSA", "HS256"].into_iter().filter(|other| *other != name) {
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": other, "kid": "k1"}).to_string());
            assert!(!fusionauth_by(&[], &[&key], &format!("{header}.{rest}")).is_accepted(), "{name} as {other}");
        }
    }
}

#[test]
fn fusionauth_needs_some_key_and_heeds_which_one_is_named() {
    let none = parse("fusionauth", &json!({}), &credentials(&[], &[])).expect_err("no key");
    assert_eq!(none.field, "secrets");
    let bad = parse("fusionauth", &json!({}), &credentials(&[], &["not a key"])).expect_err("no key");
    assert_eq!(bad.field, "public_keys");
    let all = fusionauth_tokens();
    let (_, key, token) = &all[5];
    let renamed = key.replace("\"k1\"", "\"k2\"");
    assert_eq!(fusionauth_by(&[], &[&renamed], token).cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn fusionauth_writes_its_hash_in_base64_and_a_time_limit_counts() {
    let genuine = fusionauth_by(&[SECRET], &[], &shared("HS256", &json!({"request_body_sha256": base64_hash(BODY)})));
    assert!(genuine.is_accepted());
    for claims in [
        json!({"request_body_sha256": hex_hash(BODY)}),
        json!({}),
        json!({"request_body_sha256": base64_hash(BODY), "exp": NOW_S - 300}),
        json!({"request_body_sha256": base64_hash(BODY), "nbf": NOW_S + 301}),
    ] {
        assert!(!genuine.with(FUSIONAUTH, &shared("HS256", &claims)).is_accepted(), "{claims}");
    }
    let empty = json!({"request_body_sha256": base64_hash("")});
    assert!(genuine.with(FUSIONAUTH, &shared("HS256", &empty)).with_body("").is_accepted());
}

#[test]
fn vonage_shows_a_bearer_token_with_time_and_hash() {
    let claims = json!({"iat": NOW_S, "jti": "j1", "payload_hash": hex_hash(BODY)});
    let token = shared("HS256", &claims);
    let genuine = case_of("vonage", "Authorization", &format!("Bearer {token}"));
    assert_eq!(genuine.shown().event_id.as_deref(), Some("j1"));
    assert!(genuine.with("Authorization", &format!("bearer  {token}")).is_accepted());
    assert_eq!(genuine.with("Authorization", &format!("Basic {token}")).cause(), RefusalCause::MalformedHeader);
    assert_eq!(genuine.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.at(NOW_S - 301).cause(), RefusalCause::TimestampTooNew);
    assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch);
    let unbound = shared("HS256", &json!({"iat": NOW_S, "jti": "j1"}));
    let unbound = genuine.with("Authorization", &format!("Bearer {unbound}"));
    assert_eq!(unbound.cause(), RefusalCause::SignatureMismatch);
    assert!(unbound.with_body("").is_accepted());
    let untimed = shared("HS256", &json!({"payload_hash": hex_hash(BODY)}));
    assert_eq!(genuine.with("Authorization", &untimed).cause(), RefusalCause::MalformedHeader);
    assert!(!genuine.with("Authorization", &shared("HS512", &claims)).is_accepted());
}

#[test]
fn livekits_issuer_can_be_pinned() {
    let claims = json!({"iss": "APIkey", "exp": NOW_S + 300, "sha256": base64_hash(BODY)});
    let token = shared("HS256", &claims);
    let genuine = case_of("livekit", "Authorization", &token);
    assert!(genuine.is_accepted());
    assert_eq!(genuine.at(NOW_S + 360).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch);
    for (key, accepted) in [("APIkey", true), ("another", false)] {
        let mut pinned = genuine.clone();
        pinned.scheme = parse("livekit", &json!({"api_key": key}), &credentials(&[SECRET], &[])).expect("a scheme");
        assert_eq!(pinned.is_accepted(), accepted, "{key}");
    }
    let endless = shared("HS256", &json!({"iss": "APIkey", "sha256": base64_hash(BODY)}));
    assert!(!genuine.with("Authorization", &endless).is_accepted());
}

#[test]
fn netlifys_token_has_an_issuer_and_a_hash() {
    let claims = json!({"iss": "netlify", "sha256": hex_hash(BODY)});
    let genuine = case_of("netlify", "X-Webhook-Signature", &shared("HS256", &claims));
    assert!(genuine.is_accepted());
    assert_eq!(genuine.replacing("e1", "e2").cause(), RefusalCause::SignatureMismatch);
    for claims in
        [json!({"sha256": hex_hash(BODY)}), json!({"iss": "me", "sha256": hex_hash(BODY)}), json!({"iss": "netlify"})]
    {
        assert!(!genuine.with("X-Webhook-Signature", &shared("HS256", &claims)).is_accepted(), "{claims}");
    }
}

#[test]
fn mondays_token_says_nothing_about_the_body() {
    let token = shared("HS256", &json!({"exp": NOW_S + 300, "accountId": 1}));
    let genuine = case_of("monday-jwt", "Authorization", &token);
    assert!(!genuine.shown().covers_body);
    assert!(genuine.replacing("e1", "e2").is_accepted(), "which is why it is not trusted more");
    assert_eq!(genuine.at(NOW_S + 360).cause(), RefusalCause::TimestampTooOld);
    assert!(!genuine.with("Authorization", SECRET).is_accepted());
    assert!(!genuine.with("Authorization", &shared("HS512", &json!({}))).is_accepted());
}

#[test]
fn without_a_secret_no_token_is_proved() {
    let scheme = parse("monday-jwt", &json!({}), &credentials(&[], &[])).expect("a scheme");
    let token = signed_by(&json!({"alg": "HS256"}), &json!({}), |signed| hmac(Algorithm::Sha256, b"", &[signed]));
    assert_eq!(Case::new(scheme, &[("Authorization", &token)], BODY).cause(), RefusalCause::SignatureMismatch);
}
