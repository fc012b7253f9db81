//! Schemes that read a form: Twilio, Mandrill, Mailgun, Braintree, Paddle Classic.

use serde_json::json;

use super::{
    super::{base64, hmac},
    Case, URL, credentials,
    keys::{PUBLIC_PEM, rsa_sign},
    parse,
};
use crate::{RefusalCause, mac::Algorithm, public_key::PublicAlgorithm};

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
const SECRET: &str = "twilio-auth-token";

fn form_case(scheme: &str, config: &serde_json::Value, body: &str) -> Case {
    let scheme = parse(scheme, config, &credentials(&["old", SECRET], &[])).expect("a scheme");
    Case::new(scheme, &[("Content-Type", FORM)], body)
}

/// Signed over the URL and then this text.
fn twilio(url: &str, signed: &str, body: &str) -> Case {
    let signature = base64(&hmac(Algorithm::Sha1, SECRET.as_bytes(), &[url, signed]));
    form_case("twilio", &json!({}), body).with("X-Twilio-Signature", &signature).with_url(url)
}

#[test]
fn twilio_signs_decoded_values_by_name_and_equal_ones_once() {
    let genuine = twilio(URL, "ABodyGrüße & so+Z1Z2", "Z=2&Body=Gr%C3%BC%C3%9Fe+%26+so%2B&A=&Z=1&Z=2");
    assert_eq!(genuine.shown().secret_index, Some(1));
    for body in ["Z=2&Body=x&A=&Z=1", "Z=2&A=&Z=1", "Z=2&Body=Gr%C3%BC%C3%9Fe+%26+so%2B&A=&Z=1&Z=3", ""] {
        assert_eq!(genuine.with_body(body).cause(), RefusalCause::SignatureMismatch, "{body}");
    }
}

#[test]
fn twilio_does_not_sign_where_a_name_ends_nor_the_order_nor_the_number_of_equal_parameters() {
    let genuine = twilio(URL, "MessageSidSM1MessageStatussent", "MessageSid=SM1&MessageStatus=sent");
    for body in [
        "MessageStatus=sent&MessageSid=SM1",
        "MessageSid=SM1&MessageSid=SM1&MessageStatus=sent",
        "MessageSidS=M1&MessageStatus=sent",
        "MessageSid=SM1MessageStatussent",
    ] {
        let shown = genuine.with_body(body).shown();
        assert!(!shown.covers_body, "{body}: an id in the form is not to be relied on");
    }
}

#[test]
fn twilio_takes_the_url_with_its_port_and_without() {
    let body = "A=1";
    for (told, signed) in [
        ("https://a.example/in", "https://a.example:443/in"),
        ("https://a.example:443/in", "https://a.example/in"),
        ("https://a.example?x=1", "https://a.example:443?x=1"),
        ("http://a.example/in", "http://a.example:80/in"),
        ("https://u:p@a.example/in", "https://u:p@a.example:443/in"),
        ("https://u:p@a.example:8443/in?u=a:1", "https://u:p@a.example/in?u=a:1"),
        ("https://[2001:db8::1]/in", "https://[2001:db8::1]:443/in"),
        ("https://[2001:db8::1]:443/in", "https://[2001:db8::1]/in"),
        ("https://a.example/in#rc=3", "https://a.example/in"),
    ] {
        assert!(twilio(signed, "A1", body).with_url(told).is_accepted(), "{told} as {signed}");
    }
    for (told, signed) in [
        ("https://a.example/in", "https://a.example:80/in"),
        ("https://a.example/in", "http://a.example/in"),
        ("https://a.example/in", "https://a.example/in/"),
        ("https://a.example/in?b=%27", "https://a.example/in?b='"),
    ] {
        assert!(!twilio(signed, "A1", body).with_url(told).is_accepted(), "{told} is not {signed}");
    }
}

#[test]
fn twilio_covers_a_body_that_is_no_form_by_its_hash_in_the_url() {
    let body = r#"{"a":1}"#;
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body));
    let url = format!("{URL}&bodySHA256={hash}");
    let genuine = twilio(&url, "", body).with("Content-Type", "application/json");
    assert!(genuine.shown().covers_body);
    assert_eq!(genuine.with_body(r#"{"a":2}"#).cause(), RefusalCause::SignatureMismatch);
    // A body that says it is a form is read as one, whatever the URL says.
    assert!(!genuine.with("Content-Type", FORM).is_accepted());
    let twice = format!("{url}&bodySHA256={hash}");
    let twice = twilio(&twice, "", body).with("Content-Type", "application/json");
    assert_eq!(twice.cause(), RefusalCause::MalformedHeader);
    let unhashed = twilio(URL, "", body).with("Content-Type", "application/json");
    assert_eq!(unhashed.cause(), RefusalCause::MalformedHeader);
    assert!(!unhashed.without("Content-Type").is_accepted(), "no content type is no way around it");
}

#[test]
fn twilio_signs_the_url_alone_for_a_get() {
    let genuine = twilio(URL, "", "").without("Content-Type").with_method("GET");
    assert!(genuine.is_accepted());
    assert!(!genuine.with_url(&format!("{URL}&more=1")).is_accepted());
    // The method is not signed: the same without a body may be sent by POST.
    assert!(genuine.with_method("POST").is_accepted());
}

#[test]
fn a_form_with_too_many_parameters_is_not_read() {
    let body = "a=1&".repeat(1_001);
    for scheme in ["twilio", "mandrill"] {
        let case = form_case(scheme, &json!({}), &body)
            .with("X-Twilio-Signature", "AA==")
            .with("X-Mandrill-Signature", "AA==");
        assert_eq!(case.cause(), RefusalCause::MalformedBody, "{scheme}");
    }
}

fn mandrill(signed: &str, body: &str) -> Case {
    let signature = base64(&hmac(Algorithm::Sha1, SECRET.as_bytes(), &[URL, signed]));
    form_case("mandrill", &json!({}), body).with("X-Mandrill-Signature", &signature)
}

#[test]
fn mandrill_signs_the_parameters_by_name() {
    assert!(mandrill("a1mandrill_events[{}]", "mandrill_events=%5B%7B%7D%5D&a=1").is_accepted());
    let genuine = mandrill("mandrill_events[{}]", "mandrill_events=%5B%7B%7D%5D");
    assert!(genuine.shown().covers_body);
    assert!(!genuine.with_body("mandrill_events=%5B%7B%7D%5D&a=1").is_accepted());
    // Cut in another place the same is signed, but then it is not the form that Mandrill sends.
    for cut in ["mandrill_event=s%5B%7B%7D%5D", "mandrill_events%5B%7B%7D%5D", "mandrill_events=%5B&%7B%7D%5D"] {
        assert_eq!(genuine.with_body(cut).cause(), RefusalCause::MalformedBody, "{cut}");
    }
}

#[test]
fn mandrills_empty_test_is_answered_and_is_no_event() {
    let test = form_case("mandrill", &json!({}), "mandrill_events=%5B%5D").with("X-Mandrill-Signature", "AAAA");
    let greeting = test.greeting().expect("a greeting");
    assert_eq!((greeting.status, greeting.body.len()), (200, 0));
    assert!(!test.is_accepted(), "the key that everybody knows proves nothing");
    assert!(test.with_body("mandrill_events=%5B%7B%7D%5D").greeting().is_none());
    assert!(test.with_body("mandrill_events=%5B%5D&a=1").greeting().is_none());
}

const MAILGUN_TIME: &str = "1700000000";

fn mailgun(body: impl Fn(&str) -> String, content_type: &str) -> Case {
    let signature = hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[MAILGUN_TIME, "9token"]));
    form_case("mailgun", &json!({}), &body(&signature)).with("Content-Type", content_type)
}

fn mailgun_json() -> Case {
    let body = |signature: &str| {
        format!(
            r#"{{"event-data":{{"event":"opened","id":"e1"}},"signature":{{"timestamp":"{MAILGUN_TIME}","token":"9token","signature":"{signature}"}}}}"#
        )
    };
    mailgun(body, "application/json")
}

#[test]
fn mailgun_signs_timestamp_and_token_and_nothing_else() {
    let genuine = mailgun_json();
    let shown = genuine.shown();
    assert_eq!((shown.event_id.as_deref(), shown.covers_body), (Some("9token"), false));
    // What the event says is not signed.
    assert!(genuine.replacing("opened", "failed").is_accepted());
    assert!(genuine.replacing("9token", "8token").cause() == RefusalCause::SignatureMismatch);
    assert!(!genuine.replacing(MAILGUN_TIME, "1700000001").is_accepted());
    // Nothing parts the timestamp from the token but its length, which the window keeps.
    let moved = genuine.replacing(MAILGUN_TIME, "17000000009").replacing("9token", "token");
    assert_eq!(moved.cause(), RefusalCause::TimestampTooNew);
    let moved = genuine.replacing(MAILGUN_TIME, "170000000").replacing("9token", "09token");
    assert_eq!(moved.cause(), RefusalCause::TimestampTooOld);
}

#[test]
fn mailguns_timestamp_counts_for_five_minutes() {
    let genuine = mailgun_json();
    assert!(genuine.at(1_700_000_300).is_accepted());
    assert_eq!(genuine.at(1_700_000_301).cause(), RefusalCause::TimestampTooOld);
    assert!(genuine.at(1_699_999_700).is_accepted());
    assert_eq!(genuine.at(1_699_999_699).cause(), RefusalCause::TimestampTooNew);
}

#[test]
fn of_repeated_fields_in_a_form_mailguns_own_come_last() {
    let fields = |signature: &str| {
        format!("timestamp=1&token=mine&signature=no&timestamp={MAILGUN_TIME}&token=9token&signature={signature}")
    };
    let genuine = mailgun(fields, FORM);
    assert_eq!(genuine.shown().event_id.as_deref(), Some("9token"));
    let own_first = |signature: &str| {
        format!("timestamp={MAILGUN_TIME}&token=9token&signature={signature}&timestamp=1&token=mine&signature=no")
    };
    assert!(!mailgun(own_first, FORM).is_accepted());
}

fn mailgun_parts(fields: &[(&str, &str)], more: &str) -> Case {
    let body = |signature: &str| {
        let part = |(name, value): &(&str, &str)| {
            let value = value.replace("SIGNATURE", signature);
            format!("--b-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        format!("{}{more}--b-1--\r\n", fields.iter().map(part).collect::<String>())
    };
    mailgun(body, "multipart/form-data; boundary=\"b-1\"")
}

const MAILGUN_PARTS: [(&str, &str); 4] =
    [("event", "dropped"), ("timestamp", MAILGUN_TIME), ("token", "9token"), ("signature", "SIGNATURE")];

#[test]
fn mailgun_sends_files_beside_the_three() {
    let file = "--b-1\r\ncontent-type: text/plain\r\ncontent-disposition: form-data; name=\"token\"; \
        filename=\"a\"\r\n\r\nmine\r\n--b-2\r\n\r\n";
    let shown = mailgun_parts(&MAILGUN_PARTS, file).shown();
    let named = (shown.event_id.as_deref(), shown.event_type.as_deref(), shown.covers_body);
    assert_eq!(named, (Some("9token"), Some("dropped"), false));
    let [event, rest @ ..] = MAILGUN_PARTS;
    assert_eq!(mailgun_parts(&rest, "").shown().event_type, None, "a message that came in");
    let last = [("token", "mine"), ("signature", "no"), event, rest[0], rest[1], rest[2]];
    assert!(mailgun_parts(&last, "").is_accepted(), "of repeated fields the last one counts");
    let first = [event, rest[0], rest[1], rest[2], ("token", "mine")];
    assert_eq!(mailgun_parts(&first, "").cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn a_mailgun_form_of_another_form_is_malformed() {
    let genuine = mailgun_parts(&MAILGUN_PARTS, "");
    assert!(genuine.is_accepted());
    for (from, to) in [
        ("--b-1--\r\n", ""),
        ("--b-1--", "--b-1"),
        ("--b-1\r\n", ""),
        ("name=\"token\"", "filename=\"token\""),
        ("name=\"token\"", "name=\"Token\""),
        ("Content-Disposition: form-data; name=\"token\"\r\n\r\n", ""),
    ] {
        assert_eq!(genuine.replacing(from, to).cause(), RefusalCause::MalformedBody, "{from} as {to}");
    }
    for kind in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=b-2"] {
        assert_eq!(genuine.with("Content-Type", kind).cause(), RefusalCause::MalformedBody, "{kind}");
    }
    let many = [("a", "b"); 1_001];
    assert_eq!(mailgun_parts(&many, "").cause(), RefusalCause::MalformedBody);
}

#[test]
fn a_mailgun_body_without_the_three_is_malformed() {
    let genuine = mailgun_json();
    for body in ["", "{}", "[]", r#"{"signature":{}}"#, r#"{"signature":{"timestamp":1700000000,"token":"9token"}}"#] {
        assert_eq!(genuine.with_body(body).cause(), RefusalCause::MalformedBody, "{body}");
    }
    // Of two signatures one would have to be believed.
    let twice = genuine.replacing("{\"event-data\"", "{\"signature\":{},\"event-data\"");
    assert_eq!(twice.cause(), RefusalCause::MalformedBody);
    assert_eq!(genuine.with("Content-Type", FORM).cause(), RefusalCause::MalformedBody);
}

fn braintree(pairs: &str, payload: &str) -> Case {
    let escape = |text: &str| text.replace('+', "%2B").replace('\n', "%0A").replace('|', "%7C").replace('&', "%26");
    let body = format!("bt_signature={}&bt_payload={}", escape(pairs), escape(payload));
    form_case("braintree", &json!({"public_key": "pk"}), &body)
}

fn braintree_signature(payload: &str) -> String {
    let key = <sha1::Sha1 as sha1::Digest>::digest(SECRET);
    hex::encode(hmac(Algorithm::Sha1, &key, &[payload]))
}

#[test]
fn braintree_takes_the_pair_of_its_public_key() {
    let payload = "PG5v+dGlm/==\n";
    let right = braintree_signature(payload);
    assert_eq!(braintree(&format!("pk|{right}"), payload).shown().secret_index, Some(1));
    assert!(braintree(&format!("other|00&pk|{right}"), payload).is_accepted());
    assert!(braintree(&format!("pk|{right}"), payload.trim_end()).is_accepted(), "without the line end");
    for pairs in [format!("other|{right}"), format!("pk|{}", right.to_uppercase()), right.clone(), "pk|".to_owned()] {
        assert!(!braintree(&pairs, payload).is_accepted(), "{pairs}");
    }
    assert_eq!(braintree(&format!("pk|{right}"), "<xml>").cause(), RefusalCause::MalformedBody);
    let twice = braintree(&format!("pk|{right}"), payload);
    let twice = twice.with_body(format!("{}&bt_payload=AAAA", twice.text()));
    assert_eq!(twice.cause(), RefusalCause::MalformedBody);
    let more = braintree(&format!("pk|{right}"), payload);
    assert_eq!(more.with_body(format!("{}&more=1", more.text())).cause(), RefusalCause::MalformedBody);
}

#[test]
fn braintrees_event_is_named_by_its_payload_alone() {
    // <notification><kind>check</kind></notification>
    let payload = "PG5vdGlmaWNhdGlvbj48a2luZD5jaGVj\nazwva2luZD48L25vdGlmaWNhdGlvbj4=\n";
    let right = braintree_signature(payload);
    let shown = braintree(&format!("pk|{right}"), payload).shown();
    assert_eq!(shown.event_type.as_deref(), Some("check"));
    let with_another = braintree(&format!("other|00&pk|{right}"), payload.trim_end()).shown();
    assert_eq!(with_another.event_id, shown.event_id);
}

#[test]
fn braintree_answers_nothing_but_a_challenge() {
    let case = form_case("braintree", &json!({"public_key": "pk"}), "").with_method("GET");
    let challenge = "20f9f8ed05f77439fe955c977e4c8a53";
    let asked = case.with_url(&format!("https://a.example/in?bt_challenge={challenge}"));
    let greeting = asked.greeting().expect("a greeting");
    // The first secret is the newest one.
    let key = <sha1::Sha1 as sha1::Digest>::digest("old");
    let expected = format!("pk|{}", hex::encode(hmac(Algorithm::Sha1, &key, &[challenge])));
    assert_eq!(String::from_utf8(greeting.body), Ok(expected));
    assert!(asked.with_method("POST").greeting().is_none());
    for challenge in ["", "20f9", "20F9F8ED05F77439FE955C977E4C8A53", "PG5v+dGlm/PG5v+dGlm/", &"a".repeat(33)] {
        let url = format!("https://a.example/in?bt_challenge={challenge}");
        assert!(case.with_url(&url).greeting().is_none(), "{challenge}");
    }
    let error = parse("braintree", &json!({}), &credentials(&[SECRET], &[])).expect_err("no public key");
    assert_eq!(error.field, "config.public_key");
}

#[test]
fn paddle_classic_signs_every_field_as_php_writes_them() {
    let signed = "a:2:{s:10:\"alert_name\";s:17:\"payment_succeeded\";s:8:\"customer\";s:7:\"J\u{fc}rgen\";}";
    let signature = base64(&rsa_sign(PublicAlgorithm::RsaSha1, signed.as_bytes())).replace('+', "%2B");
    let scheme = parse("paddle-classic", &json!({}), &credentials(&[], &[PUBLIC_PEM])).expect("a scheme");
    let body = format!("customer=J%C3%BCrgen&p_signature={signature}&alert_name=payment_succeeded");
    let genuine = Case::new(scheme, &[("Content-Type", FORM)], body);
    assert!(genuine.shown().covers_body);
    assert_eq!(genuine.replacing("succeeded", "refunded").cause(), RefusalCause::SignatureMismatch);
    assert!(!genuine.with_body(format!("{}&more=1", genuine.text())).is_accepted());
    assert_eq!(genuine.with_body(format!("{}&customer=x", genuine.text())).cause(), RefusalCause::MalformedBody);
    assert_eq!(genuine.replacing("p_signature", "p_sig").cause(), RefusalCause::MalformedBody);
}
