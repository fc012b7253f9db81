//! Requests that are answered in the sender's own way: by the exchange that the provider documents, and nothing else.

use super::*;
use crate::Greeting;

/// A request to a source of some provider.
struct Call {
    source: SourceScheme,
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Call {
    fn new(provider: &str, config: &Value, texts: &[&str]) -> Self {
        let source = SourceScheme::parse(Presets::builtin(), Some(provider), None, config, secrets(texts));
        let source = source.expect("a source");
        let url = "https://in.example.com/in/abc".to_owned();
        Self { source, method: "POST", url, headers: Vec::new(), body: String::new() }
    }

    fn get(self, query: &str) -> Self {
        Self { method: "GET", url: format!("{}?{query}", self.url), ..self }
    }

    fn post(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn heard(&self) -> Result<Heard, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(*name, value.parse().expect("a header value"));
        }
        let request = RawRequest { method: self.method, url: &self.url, headers: &headers, body: self.body.as_bytes() };
        self.source.hear(&request, Timestamp::from_secs(NOW_S), &())
    }

    fn greeting(&self) -> Greeting {
        match self.heard() {
            Ok(Heard::Greeting(greeting)) => greeting,
            other => panic!("no greeting: {other:?}"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.greeting().body).expect("text")
    }
}

fn signature(body: &str) -> String {
    hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[body]))
}

#[test]
fn meta_s_challenge_is_given_back_only_with_the_verify_token() {
    let query = |token: &str| format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let own = json!({"verify_token": "shibboleth"});
    let right = Call::new("meta", &own, &[SECRET]).get(&query("shibboleth"));
    let greeting = right.greeting();
    assert_eq!((greeting.status, &greeting.body[..]), (200, &b"1158201444"[..]));
    assert_eq!(greeting.content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert!(greeting.headers.iter().any(|(name, value)| name == "x-content-type-options" && value == "nosniff"));
    for token in ["", "shibbolet", "shibboleth1", "a+secret+of+some+length"] {
        let refusal = Call::new("meta", &own, &[SECRET]).get(&query(token)).heard().expect_err(token);
        assert_eq!((refusal.status, refusal.cause), (403, RefusalCause::WrongToken), "{token}");
    }
    let without_own = Call::new("meta", &json!({}), &[SECRET]).get(&query("a+secret+of+some+length"));
    assert_eq!(without_own.text(), "1158201444");
}

#[test]
fn only_short_visible_ascii_is_reflected() {
    let dropbox = |challenge: &str| Call::new("dropbox", &json!({}), &[SECRET]).get(&format!("challenge={challenge}"));
    assert_eq!(dropbox("a%3Cb%3E").text(), "a<b>");
    for challenge in ["", "a%20b", "a+b", "a%0D%0Ab", "%C3%A9", "%00", &"a".repeat(1_025)] {
        assert!(dropbox(challenge).heard().is_err(), "{challenge}");
    }
    let graph = |token: &str| {
        let call = Call::new("microsoft-graph", &json!({}), &[]);
        Call { url: format!("{}?validationToken={token}", call.url), ..call }
    };
    assert_eq!(graph("Validation%3A+a+b").text(), "Validation: a b");
    assert!(!matches!(graph("a%0Ab").heard(), Ok(Heard::Greeting(_))));
}

#[test]
fn what_is_reflected_into_json_is_escaped() {
    let monday = Call::new("monday", &json!({}), &[]).post(r#"{"challenge":"a\"b\\c"}"#);
    assert_eq!(monday.text(), r#"{"challenge":"a\"b\\c"}"#);
    let event = Call::new("monday", &json!({}), &[]).post(r#"{"challenge":"a","event":{"type":"create_item"}}"#);
    assert!(matches!(event.heard(), Ok(Heard::Event(_))));
}

#[test]
fn a_secret_is_learned_from_the_first_request_and_never_replaced() {
    let first = Call::new("asana", &json!({}), &[]).header("x-hook-secret", "b537207f20cb");
    assert_eq!(first.greeting().learned.expect("a secret").expose(), "b537207f20cb");
    let again = Call::new("asana", &json!({}), &["b537207f20cb"]).header("x-hook-secret", "b537207f20cb");
    assert!(again.greeting().learned.is_none());
    let other = Call::new("asana", &json!({}), &["b537207f20cb"]).header("x-hook-secret", "of somebody else");
    assert_eq!(other.heard().expect_err("refused").cause, RefusalCause::MissingHeader);
    let early = Call::new("asana", &json!({}), &[]).post("{}").header("x-hook-signature", &signature("{}"));
    assert_eq!(early.heard().expect_err("refused").cause, RefusalCause::NoSecret);
    let notion = Call::new("notion", &json!({}), &[]).post(r#"{"verification_token":"secret_abc"}"#);
    assert_eq!(notion.greeting().learned.expect("a secret").expose(), "secret_abc");
    let notion = Call::new("notion", &json!({}), &[SECRET]).post(r#"{"verification_token":"secret_abc"}"#);
    assert!(notion.heard().is_err());
}

#[test]
fn signed_greetings_are_answered_only_when_the_signature_fits() {
    let body = r#"{"events":[]}"#;
    for provider in ["line", "xero"] {
        let mac = base64(&hmac(Algorithm::Sha256, SECRET.as_bytes(), &[body]));
        let header = if provider == "line" { "x-line-signature" } else { "x-xero-signature" };
        let call = |mac: &str| Call::new(provider, &json!({}), &[SECRET]).post(body).header(header, mac);
        let greeting = call(&mac).greeting();
        assert_eq!((greeting.status, greeting.body.len()), (200, 0), "{provider}");
        assert_eq!(call(&mac.to_lowercase()).heard().expect_err("refused").status, 401, "{provider}");
    }
    assert!(Call::new("xero", &json!({}), &[SECRET]).source.refuses_without_body());
}

#[test]
fn zoom_s_token_is_signed_with_the_secret_that_fitted() {
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"q"}}"#;
    let time = NOW_S.to_string();
    let mac = hex::encode(hmac(Algorithm::Sha256, b"new secret", &["v0:", &time, ":", body]));
    let call = Call::new("zoom", &json!({}), &["old secret", "new secret"]).post(body);
    let call = call.header("x-zm-signature", &format!("v0={mac}")).header("x-zm-request-timestamp", &time);
    let token = hex::encode(hmac(Algorithm::Sha256, b"new secret", &["q"]));
    assert_eq!(call.text(), format!(r#"{{"plainToken":"q","encryptedToken":"{token}"}}"#));
}

#[test]
fn unsigned_pings_are_answered_and_never_become_events() {
    let woocommerce = || Call::new("woocommerce", &json!({}), &[SECRET]).post("webhook_id=7");
    assert_eq!(woocommerce().greeting().status, 200);
    assert!(woocommerce().header("x-wc-webhook-topic", "order.created").heard().is_err());
    let slack = || Call::new("slack", &json!({}), &[SECRET]).post("token=x&ssl_check=1");
    assert_eq!(slack().greeting().body.len(), 0);
    assert!(slack().header("x-slack-signature", "v0=00").heard().is_err());
    for provider in ["trello", "intercom"] {
        let head = Call { method: "HEAD", ..Call::new(provider, &json!({}), &[SECRET]) };
        assert_eq!(head.greeting().status, 200, "{provider}");
        assert!(Call::new(provider, &json!({}), &[SECRET]).heard().is_err(), "{provider}");
    }
    let okta = Call::new("okta", &json!({}), &[SECRET]).get("").header("x-okta-verification-challenge", "abc");
    assert_eq!(okta.text(), r#"{"verification":"abc"}"#);
    let ring = Call::new("ringcentral", &json!({}), &[SECRET]).header("validation-token", "abc");
    assert!(ring.greeting().headers.iter().any(|(name, value)| name == "validation-token" && value == "abc"));
}

#[test]
fn cloudevents_says_how_often_only_when_it_was_asked() {
    let call = || Call { method: "OPTIONS", ..Call::new("cloudevents", &json!({}), &[]) };
    let named = |call: Call, name: &str| call.greeting().headers.iter().any(|(known, _)| known == name);
    let origin = || call().header("webhook-request-origin", "eventemitter.example.com");
    assert!(named(origin(), "webhook-allowed-origin") && !named(origin(), "webhook-allowed-rate"));
    assert!(named(origin().header("webhook-request-rate", "120"), "webhook-allowed-rate"));
    assert!(!matches!(call().heard(), Ok(Heard::Greeting(_))), "without an origin nobody asked");
}

#[test]
fn a_client_state_must_be_right_in_every_notification() {
    let call = |texts: &[&str], body: &str| Call::new("microsoft-graph", &json!({}), texts).post(body);
    let both = r#"{"value":[{"clientState":"s3cr3t","changeType":"updated"},{"clientState":"s3cr3t"}]}"#;
    let Ok(Heard::Event(event)) = call(&["s3cr3t"], both).heard() else { panic!("an event") };
    assert_eq!((event.event_type.as_deref(), event.id_is_signed), (Some("updated"), false));
    let one = r#"{"value":[{"clientState":"s3cr3t"},{"clientState":"other"}]}"#;
    let none = r#"{"value":[]}"#;
    for body in [one, none, "[]", "", r#"{"value":[{"clientState":"s3cr3t"},{}]}"#] {
        assert!(call(&["s3cr3t"], body).heard().is_err(), "{body}");
    }
    let open = call(&[], one);
    assert!(matches!(open.heard(), Ok(Heard::Event(_))) && open.source.trust() == crate::Trust::E);
}

#[test]
fn a_sender_without_a_preset_can_have_greetings_of_its_own() {
    let config = json!({"header": "x-sig", "verify_token": "let me in", "handshakes": [{
        "name": "hello", "when": {"method": "GET", "query": {"challenge": "*"}}, "token": "query:token",
        "content_type": "application/json", "body": "{\"echo\":\"${query:challenge}\"}",
        "headers": {"x-echo": "${query:challenge}"}}]});
    let call = |query: &str| {
        Call { source: scheme("hmac", &config, &[SECRET]), ..Call::new("slack", &json!({}), &[SECRET]) }.get(query)
    };
    assert_eq!(call("challenge=abc&token=let+me+in").text(), r#"{"echo":"abc"}"#);
    assert_eq!(call("challenge=abc&token=no").heard().expect_err("refused").status, 403);
    for (table, field) in [
        (json!({"name": "a", "when": {"method": "GET"}, "content_type": "text/html"}), "config.handshakes[0]"),
        (json!({"name": "a", "when": {"method": "GET"}, "headers": {"set-cookie": "a=b"}}), "config.handshakes[0]"),
        (json!({"name": "a", "when": {"method": "GET"}, "learns": "header:x"}), "config.handshakes[0]"),
        (json!({"name": "a", "when": {"method": "GET"}, "status": 302}), "handshake `a`"),
        (json!({"name": "a"}), "handshake `a`"),
        (json!({"name": "a", "when": {"colour": "red"}}), "config.handshakes[0].when"),
    ] {
        let config = json!({"header": "x-sig", "handshakes": [table]});
        let made = SourceScheme::parse(Presets::builtin(), None, Some("hmac"), &config, secrets(&[SECRET]));
        let invalid = made.expect_err("invalid");
        assert!(invalid.field.starts_with(field), "{invalid}");
    }
}

#[test]
fn nobody_has_a_body_signed_by_an_unsigned_greeting() {
    let crc = |token: &str| Call::new("x-twitter", &json!({}), &[SECRET]).get(&format!("crc_token={token}")).heard();
    assert!(matches!(crc("NDQ4MzI_-0"), Ok(Heard::Greeting(_))));
    // What is signed here would be the signature of an event with that body.
    for body in ["%7B%22for_user_id%22%3A%221%22%7D", "[]", "a=b", "\"x\"", &"a".repeat(257)] {
        assert!(!matches!(crc(body), Ok(Heard::Greeting(_))), "{body}");
    }
}
