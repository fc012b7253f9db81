//! Schemes whose key is fetched from the sender: PayPal, Plaid, Amazon SNS.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::base64,
    Case, credentials,
    keys::{PAYPAL_CERTIFICATE, PUBLIC_PEM, SNS_CERTIFICATE, p256_key, p256_sign, rsa_sign},
    parse,
};
use crate::{
    RefusalCause,
    coded::Proof,
    fields::Fields,
    public_key::{PublicAlgorithm, chain},
    schemes::paypal::PayPal,
};

/// Within the life of the certificates above.
const NOW_S: i64 = 1_800_000_000;
const BODY: &str = r#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}"#;
const PAYPAL_URL: &str = "https://api.paypal.com/v1/notifications/certs/CERT-1";

fn paypal_with(config: &Value, public_keys: &[&str]) -> Case {
    let scheme = parse("paypal", config, &credentials(&[], public_keys)).expect("a scheme");
    let crc = crc32fast::hash(BODY.as_bytes());
    let signed = format!("t-1|2027-01-15T08:00:00Z|W1|{crc}");
    let signature = base64(&rsa_sign(PublicAlgorithm::RsaSha256, signed.as_bytes()));
    let headers = [
        ("PAYPAL-TRANSMISSION-ID", "t-1"),
        ("PAYPAL-TRANSMISSION-TIME", "2027-01-15T08:00:00Z"),
        ("PAYPAL-TRANSMISSION-SIG", signature.as_str()),
        ("PAYPAL-AUTH-ALGO", "SHA256withRSA"),
        ("PAYPAL-CERT-URL", PAYPAL_URL),
    ];
    Case::new(scheme, &headers, BODY).at(NOW_S)
}

fn paypal() -> Case {
    paypal_with(&json!({"webhook_id": "W1"}), &[])
}

/// With the key of these tests, vouched for by an intermediate authority and that by a root of its own.
const PAYPAL_CHAIN: &str = include_str!("certificates/paypal_chain.pem");
const ROOT: &str = include_str!("certificates/root.pem");

/// As [`paypal`], with the root of these tests as the only one.
fn paypal_by_our_root() -> Case {
    let roots = chain::root_of_tests(ROOT);
    let config = json!({"webhook_id": "W1"});
    let scheme = PayPal::parse(&mut Fields::new(&config).expect("fields"), &credentials(&[], &[]));
    Case { scheme: Arc::new(scheme.expect("a scheme").trusting(roots)), ..paypal() }
}

#[test]
fn paypals_certificate_is_asked_for_once() {
    let wanted = paypal().asks_for();
    assert_eq!((wanted.url.as_str(), wanted.method, wanted.host_suffix.as_ref()), (PAYPAL_URL, "GET", "paypal.com"));
    let shown = paypal_by_our_root().having_fetched(&wanted.cache_as, PAYPAL_CHAIN.as_bytes()).shown();
    assert!(!shown.covers_body, "a CRC-32 is no cover");
    assert_eq!(shown.signed_headers, ["paypal-transmission-id", "paypal-transmission-time"]);
}

#[test]
fn a_certificate_that_is_not_paypals_or_not_valid_proves_nothing() {
    let wanted = paypal().asks_for();
    let answered = |case: &Case, answer: &str| case.having_fetched(&wanted.cache_as, answer.as_bytes());
    for answer in [SNS_CERTIFICATE, PUBLIC_PEM, "", "<html>"] {
        let case = answered(&paypal_by_our_root(), answer);
        assert_eq!(case.cause(), RefusalCause::SignatureMismatch, "{answer}");
    }
    let fetched = answered(&paypal_by_our_root(), PAYPAL_CHAIN);
    assert!(fetched.is_accepted());
    assert_eq!(fetched.at(1_700_000_000).cause(), RefusalCause::SignatureMismatch, "before it is valid");
    assert_eq!(fetched.at(4_950_000_000).cause(), RefusalCause::SignatureMismatch, "after it was");
    let error = parse("paypal", &json!({"webhook_id": "W1"}), &credentials(&[], &[SNS_CERTIFICATE]));
    assert_eq!(error.expect_err("another's").field, "public_keys");
}

#[test]
fn paypals_certificate_counts_only_when_a_known_authority_vouches_for_it() {
    let wanted = paypal().asks_for();
    let answered = |case: Case, answer: &str| case.having_fetched(&wanted.cache_as, answer.as_bytes());
    assert!(answered(paypal_by_our_root(), PAYPAL_CHAIN).is_accepted());
    assert_eq!(answered(paypal(), PAYPAL_CHAIN).cause(), RefusalCause::SignatureMismatch, "our root is nobody's");
    let end = "-----END CERTIFICATE-----\n";
    let (first, between) = PAYPAL_CHAIN.split_once(end).expect("two certificates");
    let first = format!("{first}{end}");
    for chain in [
        first.clone(),
        between.to_owned(),
        format!("{between}{first}"),
        format!("{first}{ROOT}"),
        PAYPAL_CERTIFICATE.to_owned(),
        format!("{PAYPAL_CERTIFICATE}{between}"),
        format!("{PAYPAL_CHAIN}{PUBLIC_PEM}"),
        PAYPAL_CHAIN.repeat(5),
    ] {
        assert_eq!(answered(paypal_by_our_root(), &chain).cause(), RefusalCause::SignatureMismatch, "{chain}");
    }
}

#[test]
fn paypals_certificate_is_fetched_from_paypal_only() {
    for url in [
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/c",
        "http://api.paypal.com/c",
        "https://api.paypal.com:444/c",
        "https://evil.example/?https://api.paypal.com/c",
    ] {
        assert_eq!(paypal().with("PAYPAL-CERT-URL", url).cause(), RefusalCause::MalformedHeader, "{url}");
    }
    // With a configured certificate the request's own address is not even read.
    let configured = paypal_with(&json!({"webhook_id": "W1"}), &[PAYPAL_CERTIFICATE]);
    assert!(configured.with("PAYPAL-CERT-URL", "http://127.0.0.1/").is_accepted());
}

#[test]
fn paypals_parts_cannot_be_cut_otherwise_nor_its_algorithm_chosen() {
    let genuine = paypal_with(&json!({"webhook_id": "W1"}), &[PAYPAL_CERTIFICATE]);
    assert!(genuine.is_accepted());
    for (name, value) in [
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-AUTH-ALGO", "none"),
        ("PAYPAL-AUTH-ALGO", "sha256withrsa"),
        ("PAYPAL-TRANSMISSION-ID", "t-1|2027-01-15T08:00:00Z"),
        ("PAYPAL-TRANSMISSION-ID", ""),
        ("PAYPAL-TRANSMISSION-TIME", "today"),
        ("PAYPAL-TRANSMISSION-TIME", "2027-01-15T08:00:00Z|W1"),
    ] {
        assert_eq!(genuine.with(name, value).cause(), RefusalCause::MalformedHeader, "{name}: {value}");
    }
    // The same moment, written in another way, is not what was signed.
    let written = genuine.with("PAYPAL-TRANSMISSION-TIME", "2027-01-15T08:00:00+00:00");
    assert_eq!(written.cause(), RefusalCause::SignatureMismatch);
    let other = paypal_with(&json!({"webhook_id": "W2"}), &[PAYPAL_CERTIFICATE]);
    assert_eq!(other.cause(), RefusalCause::SignatureMismatch);
    for config in [json!({}), json!({"webhook_id": "W|1"})] {
        let error = parse("paypal", &config, &credentials(&[], &[])).expect_err("no webhook id");
        assert_eq!(error.field, "config.webhook_id");
    }
}

#[test]
fn a_body_with_the_same_crc_is_accepted_by_paypals_signature() {
    let genuine = paypal_with(&json!({"webhook_id": "W1"}), &[PAYPAL_CERTIFICATE]);
    // Four bytes suffice to give any text the CRC-32 that is wanted.
    let forged = with_crc("{\"id\":\"WH-2\",\"pad\":\"", "\"}", crc32fast::hash(BODY.as_bytes()));
    assert!(genuine.with_body(forged.clone()).is_accepted(), "it is as it is, and why PayPal is not trusted more");
    let last = forged.len() - 3;
    for place in [0, 7, last] {
        let mut altered = forged.clone();
        altered[place] ^= 1;
        assert_eq!(genuine.with_body(altered).cause(), RefusalCause::SignatureMismatch);
    }
}

/// `head`, four bytes, `tail`: the bytes are solved for, since the CRC is linear in each of their bits.
fn with_crc(head: &str, tail: &str, wanted: u32) -> Vec<u8> {
    let text = |pad: u32| [head.as_bytes(), &pad.to_be_bytes(), tail.as_bytes()].concat();
    let zero = crc32fast::hash(&text(0));
    let mut rows: Vec<(u32, u32)> = (0..32).map(|bit| (crc32fast::hash(&text(1 << bit)) ^ zero, 1 << bit)).collect();
    let (mut rest, mut pad) = (wanted ^ zero, 0);
    for bit in (0..32).rev() {
        let Some(place) = rows.iter().position(|(crc, _)| crc >> bit & 1 == 1) else { continue };
        let (crc, bits) = rows.swap_remove(place);
        for row in rows.iter_mut().filter(|(other, _)| other >> bit & 1 == 1) {
            *row = (row.0 ^ crc, row.1 ^ bits);
        }
        if rest >> bit & 1 == 1 {
            (rest, pad) = (rest ^ crc, pad ^ bits);
        }
    }
    assert_eq!(rest, 0, "four bytes reach every CRC");
    text(pad)
}

#[test]
fn paypals_time_has_a_limit_only_where_one_is_configured() {
    let week = NOW_S + 7 * 86_400;
    assert!(paypal_with(&json!({"webhook_id": "W1"}), &[PAYPAL_CERTIFICATE]).at(week).is_accepted());
    let limited = paypal_with(&json!({"webhook_id": "W1", "tolerance_s": 3600}), &[PAYPAL_CERTIFICATE]);
    assert!(limited.is_accepted());
    assert_eq!(limited.at(week).cause(), RefusalCause::TimestampTooOld);
}

const KID: &str = "bfbd5111-8e33-4643-8ced-b2e642a72f3c";

fn jwk(kid: &str, expired_at: Option<i64>) -> Value {
    let point = p256_key().verifying_key().to_encoded_point(false);
    let [x, y] = [point.x(), point.y()].map(|part| URL_SAFE_NO_PAD.encode(part.expect("a coordinate")));
    json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y, "expired_at": expired_at})
}

fn plaid_token(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(p256_sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn plaid_by(config: &Value, secrets: &[&str], public_keys: &[&str]) -> Case {
    let scheme = parse("plaid", config, &credentials(secrets, public_keys)).expect("a scheme");
    let claims = json!({"iat": NOW_S, "request_body_sha256": hex::encode(Sha256::digest(BODY))});
    let token = plaid_token(&json!({"alg": "ES256", "kid": KID, "typ": "JWT"}), &claims);
    Case::new(scheme, &[("Plaid-Verification", &token)], BODY).at(NOW_S)
}

fn plaid() -> Case {
    plaid_by(&json!({}), &[], &[&jwk(KID, None).to_string()])
}

#[test]
fn plaids_event_is_named_by_its_body_and_time() {
    let shown = plaid().shown();
    assert!(shown.covers_body);
    assert_eq!(shown.event_id, Some(format!("{}:{NOW_S}", hex::encode(Sha256::digest(BODY)))));
}

#[test]
fn plaids_key_is_asked_for_with_the_clients_credentials() {
    let config = json!({"client_id": "c1", "environment": "sandbox"});
    let case = plaid_by(&config, &["api secret"], &[]);
    let wanted = case.asks_for();
    assert_eq!(wanted.url, "https://sandbox.plaid.com/webhook_verification_key/get");
    assert_eq!((wanted.method, wanted.host_suffix.as_ref()), ("POST", "plaid.com"));
    let body: Value = serde_json::from_slice(wanted.body.as_ref().expect("a body").expose()).expect("JSON");
    assert_eq!(body, json!({"client_id": "c1", "secret": "api secret", "key_id": KID}));
    assert!(!format!("{wanted:?} {case:?}", case = case.scheme).contains("api secret"));
    let answer = |key: Value| json!({"key": key, "request_id": "r"}).to_string();
    assert!(case.having_fetched(&wanted.cache_as, answer(jwk(KID, None)).as_bytes()).is_accepted());
    for refused in [answer(jwk("another", None)), answer(jwk(KID, Some(NOW_S))), "{}".to_owned(), String::new()] {
        let fetched = case.having_fetched(&wanted.cache_as, refused.as_bytes());
        assert_eq!(fetched.cause(), RefusalCause::SignatureMismatch, "{refused}");
    }
    assert!(case.having_fetched(&wanted.cache_as, answer(jwk(KID, Some(NOW_S + 1))).as_bytes()).is_accepted());
}

#[test]
fn plaid_without_a_way_to_a_key_is_refused() {
    assert_eq!(
        plaid_by(&json!({}), &[], &[&jwk("another", None).to_string()]).cause(),
        RefusalCause::SignatureMismatch
    );
    let made = |config: Value, secrets: &[&str]| {
        parse("plaid", &config, &credentials(secrets, &[])).expect_err("no key").field
    };
    assert_eq!(made(json!({}), &[]), "public_keys");
    assert_eq!(made(json!({"client_id": "c1"}), &[]), "secrets");
    assert_eq!(made(json!({}), &["s"]), "config.client_id");
    assert_eq!(made(json!({"client_id": "c1", "environment": "evil.example/"}), &["s"]), "config.environment");
    let error = parse("plaid", &json!({}), &credentials(&[], &[PUBLIC_PEM])).expect_err("no JWK");
    assert_eq!(error.field, "public_keys");
}

#[test]
fn a_plaid_token_that_names_a_strange_key_or_none_asks_for_nothing() {
    let case = plaid_by(&json!({"client_id": "c1"}), &["s"], &[]);
    let claims = json!({"iat": NOW_S, "request_body_sha256": hex::encode(Sha256::digest(BODY))});
    let too_long = "a".repeat(65);
    for kid in [json!("../x"), json!(""), json!(too_long), Value::Null, json!("a\nb")] {
        let token = plaid_token(&json!({"alg": "ES256", "kid": kid}), &claims);
        assert_eq!(case.with("Plaid-Verification", &token).cause(), RefusalCause::MalformedHeader, "{kid}");
    }
}

#[test]
fn plaids_token_counts_for_five_minutes_and_for_its_body() {
    let genuine = plaid();
    assert!(genuine.at(NOW_S + 300).is_accepted());
    assert_eq!(genuine.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
    assert_eq!(genuine.at(NOW_S - 301).cause(), RefusalCause::TimestampTooNew);
    assert_eq!(genuine.with_body(format!("{BODY}\n")).cause(), RefusalCause::SignatureMismatch);
    let header = json!({"alg": "ES256", "kid": KID});
    let hash = hex::encode(Sha256::digest(BODY));
    for claims in [
        json!({"request_body_sha256": hash}),
        json!({"iat": NOW_S}),
        json!({"iat": "now", "request_body_sha256": hash}),
        json!({"iat": NOW_S, "request_body_sha256": hash.to_uppercase()}),
        json!({"iat": NOW_S, "request_body_sha256": base64(&Sha256::digest(BODY))}),
    ] {
        let token = plaid_token(&header, &claims);
        assert!(!genuine.with("Plaid-Verification", &token).is_accepted(), "{claims}");
    }
}

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const SNS_CERTIFICATE_URL: &str = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem";
const CONFIRM_URL: &str = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=a&Token=t1";

fn sns_signed(mut message: Value, names: &[&str], algorithm: PublicAlgorithm) -> Case {
    let field = |name: &&str| format!("{name}\n{}\n", message[*name].as_str().expect("text"));
    let signed: String = names.iter().map(field).collect();
    message["Signature"] = json!(base64(&rsa_sign(algorithm, signed.as_bytes())));
    let scheme = parse("amazon-sns", &json!({"topic_arn": TOPIC}), &credentials(&[], &[])).expect("a scheme");
    Case::new(scheme, &[], message.to_string())
        .at(NOW_S)
        .having_fetched(SNS_CERTIFICATE_URL, SNS_CERTIFICATE.as_bytes())
}

fn sns_message(kind: &str, version: &str) -> Value {
    json!({"Type": kind, "MessageId": "m1", "TopicArn": TOPIC, "Message": "hello", "Timestamp": "2027-01-15T08:00:00.000Z",
        "SignatureVersion": version, "SigningCertURL": SNS_CERTIFICATE_URL})
}

fn sns() -> Case {
    let names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"];
    sns_signed(sns_message("Notification", "2"), &names, PublicAlgorithm::RsaSha256)
}

#[test]
fn amazon_signs_named_fields() {
    let genuine = sns();
    let shown = genuine.shown();
    assert_eq!((shown.event_id.as_deref(), shown.covers_body), (Some("m1"), false));
    for (from, to) in [("hello", "hallo"), ("m1", "m2"), ("08:00", "08:01"), ("\"2\"", "\"1\"")] {
        assert_eq!(genuine.replacing(from, to).cause(), RefusalCause::SignatureMismatch, "{from} as {to}");
    }
    let subject = genuine.replacing("\"Message\":", "\"Subject\":\"s\",\"Message\":");
    assert_eq!(subject.cause(), RefusalCause::SignatureMismatch, "a subject is signed where there is one");
    let attributes = genuine.replacing("\"Message\":", "\"MessageAttributes\":{},\"Message\":");
    assert!(attributes.is_accepted(), "attributes are not signed");
    let mut message = sns_message("Notification", "1");
    message["Subject"] = json!("a subject");
    let names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
    let older = sns_signed(message, &names, PublicAlgorithm::RsaSha1);
    assert!(older.is_accepted());
    assert!(!older.replacing("a subject", "a Subject").is_accepted());
}

#[test]
fn a_message_of_somebody_elses_topic_is_refused_whoever_signed_it() {
    let mut message = sns_message("Notification", "2");
    message["TopicArn"] = json!("arn:aws:sns:us-east-1:666666666666:orders");
    let names = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"];
    assert_eq!(sns_signed(message, &names, PublicAlgorithm::RsaSha256).cause(), RefusalCause::SignatureMismatch);
    let error = parse("amazon-sns", &json!({}), &credentials(&[], &[])).expect_err("no topic");
    assert_eq!(error.field, "config.topic_arn");
}

#[test]
fn amazons_certificate_is_fetched_from_sns_only() {
    let mut unfetched = sns();
    unfetched.keyring = super::Fetched::default();
    let wanted = unfetched.asks_for();
    assert_eq!((wanted.url.as_str(), wanted.host_suffix.as_ref()), (SNS_CERTIFICATE_URL, "amazonaws.com"));
    for host in [
        "sns.us-east-1.amazonaws.com.evil.example",
        "evil.amazonaws.com",
        "sns.evil.s3.amazonaws.com",
        "sns..amazonaws.com",
        "sns.amazonaws.com",
        "evil-sns.us-east-1.amazonaws.com",
    ] {
        let altered = unfetched.replacing("https://sns.us-east-1.amazonaws.com/", &format!("https://{host}/"));
        assert_eq!(altered.cause(), RefusalCause::MalformedBody, "{host}");
    }
    assert_eq!(unfetched.replacing("-1.pem", "-1.txt").cause(), RefusalCause::MalformedBody);
    let china = unfetched.replacing("us-east-1.amazonaws.com", "cn-north-1.amazonaws.com.cn").asks_for();
    assert_eq!(china.host_suffix, "amazonaws.com.cn");
    assert_eq!(sns().at(1_700_000_000).cause(), RefusalCause::SignatureMismatch, "before the certificate is valid");
    assert_eq!(sns().having_fetched(SNS_CERTIFICATE_URL, b"").cause(), RefusalCause::SignatureMismatch);
}

fn sns_confirmation(url: &str) -> Case {
    let mut message = sns_message("SubscriptionConfirmation", "2");
    message["Token"] = json!("t1");
    message["SubscribeURL"] = json!(url);
    let names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    sns_signed(message, &names, PublicAlgorithm::RsaSha256)
}

#[test]
fn a_signed_confirmation_is_visited_and_then_answered() {
    let genuine = sns_confirmation(CONFIRM_URL);
    let wanted = genuine.asks_for();
    assert_eq!(
        (wanted.url.as_str(), wanted.method, wanted.host_suffix.as_ref()),
        (CONFIRM_URL, "GET", "amazonaws.com")
    );
    let Ok(Proof::Greeting(greeting)) = genuine.having_fetched(&wanted.cache_as, b"<xml/>").verify() else {
        panic!("expected a greeting")
    };
    assert_eq!((greeting.status, &*greeting.kind), (200, "amazon-sns-confirmation"));
    let forged = genuine.replacing("Token=t1", "Token=t2");
    assert_eq!(forged.cause(), RefusalCause::SignatureMismatch, "nothing is visited that is not signed");
    let elsewhere = sns_confirmation("https://169.254.169.254/latest/meta-data");
    assert_eq!(elsewhere.cause(), RefusalCause::MalformedBody);
}

#[test]
fn amazons_versions_and_types_are_few() {
    for (from, to) in
        [("\"2\"", "\"3\""), ("\"Notification\"", "\"Notice\""), ("\"m1\"", "1"), ("\"Message\"", "\"Text\"")]
    {
        assert_eq!(sns().replacing(from, to).cause(), RefusalCause::MalformedBody, "{from} as {to}");
    }
    let config = json!({"topic_arn": TOPIC, "signature_version": "2"});
    let pinned = parse("amazon-sns", &config, &credentials(&[], &[])).expect("a scheme");
    let mut case = sns();
    case.scheme = pinned;
    assert!(case.is_accepted());
    assert_eq!(case.replacing("\"2\"", "\"1\"").cause(), RefusalCause::MalformedBody, "no way down to SHA-1");
}
