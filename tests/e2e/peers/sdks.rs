//! The providers' own packages, and of each a request that its provider could send. Bodies are not only ASCII: the bytes
//! are signed, not the letters.

use serde_json::{Value, json};

use super::Language::{self, Node, Python};

pub(crate) const BODY: &str = r#"{"id":"evt_peer","type":"invoice.paid","note":"Grüße, 世界 🎉","amount":1.10}"#;
/// As [`BODY`], for a package that writes the numbers again.
const WHOLE_NUMBERS: &str = r#"{"id":"event_01","event":"user.created","data":{"name":"Grüße 🎉"},"amount":110}"#;
const FORM: &str =
    "MessageSid=SM0123456789abcdef&MessageStatus=delivered&Body=Gr%C3%BC%C3%9Fe+%F0%9F%8E%89&From=%2B4930";
const ITEM: &str = r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"7914073381342284",
    "originalReference":"8313842560770001","merchantAccountCode":"TestMerchant","merchantReference":"Größe:42",
    "amount":{"value":1130,"currency":"EUR"},"eventCode":"CAPTURE","success":"true","reason":"🎉"}}]}"#;
const ITEM_SIGNS: &[&str] = &[
    "/pspReference",
    "/originalReference",
    "/merchantAccountCode",
    "/merchantReference",
    "/amount/value",
    "/amount/currency",
    "/eventCode",
    "/success",
    "/additionalData/hmacSignature",
];

const TEXT: &str = "It's a Secret to Everybody, not only ASCII: ü";
const ASCII: &str = "0123456789abcdef0123456789abcdef";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const HEX: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

/// A provider's package, and what it is asked about.
#[derive(Clone, Debug)]
pub(super) struct Sdk {
    /// As the scripts know it.
    pub(super) name: &'static str,
    pub(super) language: Language,
    /// Of the source: provider, scheme, config, public URL.
    pub(super) source: Value,
    pub(super) secret: String,
    /// As good a secret as the other one, and not that of the source.
    pub(super) other_secret: String,
    pub(super) body: &'static str,
    /// What is replaced in the body, and by what; none where the body is not signed as a whole.
    pub(super) body_change: Option<(&'static str, &'static str)>,
    /// Pointers into the item of Adyen that lead to what is signed.
    pub(super) signed_fields: &'static [&'static str],
    /// Sent, but not signed.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// How far ahead of now the request is said to be signed.
    pub(super) ahead_s: i64,
}

impl Sdk {
    fn new(name: &'static str, language: Language, secret: &str) -> Self {
        let other_secret = secret.replace(['d', 'D'], "e").replace('M', "N");
        assert_ne!(other_secret, secret, "{name}");
        Self {
            name,
            language,
            source: json!({ "provider": name }),
            secret: secret.to_owned(),
            other_secret,
            body: BODY,
            body_change: Some(("1.10", "1.11")),
            signed_fields: &[],
            headers: &[("content-type", "application/json")],
            ahead_s: 0,
        }
    }

    fn source(self, source: Value) -> Self {
        Self { source, ..self }
    }

    fn body(self, body: &'static str, from: &'static str, to: &'static str) -> Self {
        Self { body, body_change: Some((from, to)), ..self }
    }

    fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    /// The address that is signed, where one is.
    pub(super) fn public_url(&self) -> Option<&str> {
        self.source["public_url"].as_str()
    }
}

pub(super) fn all() -> Vec<Sdk> {
    [in_node(), with_an_address(), with_a_public_key(), in_python()].concat()
}

fn in_node() -> Vec<Sdk> {
    const SHOPIFY: &[(&str, &str)] = &[
        ("content-type", "application/json"),
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
        ("x-shopify-shop-domain", "a-shop.myshopify.com"),
        ("x-shopify-api-version", "2026-01"),
    ];
    const LINE: &str =
        r#"{"destination":"U1","events":[{"type":"message","webhookEventId":"01FZ","message":{"text":"世界 🎉"}}]}"#;
    const PADDLE: &str = r#"{"event_id":"evt_01","event_type":"transaction.paid","data":{"note":"Grüße 🎉"}}"#;
    const ONFIDO: &str = r#"{"payload":{"action":"check.completed","object":{"id":"ü1","status":"complete"}}}"#;
    vec![
        Sdk::new("stripe", Node, "whsec_peer_0123456789abcdef0123456789abcdef"),
        Sdk::new("github", Node, TEXT).headers(&[
            ("content-type", "application/json"),
            ("x-github-delivery", "peer"),
            ("x-github-event", "push"),
        ]),
        Sdk::new("standard", Node, WHSEC).source(json!({ "provider": "standard-webhooks" })),
        Sdk::new("svix", Node, WHSEC),
        Sdk::new("resend", Node, WHSEC),
        Sdk::new("shopify", Node, ASCII).headers(SHOPIFY),
        Sdk::new("line", Node, ASCII).body(LINE, "message", "massage"),
        Sdk::new("razorpay", Node, TEXT)
            .headers(&[("content-type", "application/json"), ("x-razorpay-event-id", "peer")]),
        Sdk::new("onfido", Node, ASCII).body(ONFIDO, "complete\"}", "failed\"}"),
        Sdk::new("workos", Node, ASCII).body(WHOLE_NUMBERS, "110", "111"),
        // It gives a request five seconds, and of one from the future it asks nothing: so that a slow machine has time.
        Sdk {
            ahead_s: 120,
            ..Sdk::new("paddle", Node, "pdl_ntfset_01hdefghijk_0123456789")
                .source(json!({ "provider": "paddle", "config": { "tolerance_s": 300 } }))
                .body(PADDLE, "transaction.paid", "transaction.payd")
        },
    ]
}

/// Which is signed; one has a query of its own, to which the provider adds.
fn with_an_address() -> Vec<Sdk> {
    let twilio = json!({ "provider": "twilio", "public_url": "https://hooks.example.com:8443/in/twilio?shop=ü&all=1" });
    let twilio_json = json!({ "provider": "twilio", "public_url": "https://hooks.example.com/in/twilio" });
    let square = json!({ "provider": "square", "public_url": "https://hooks.example.com/in/square" });
    vec![
        Sdk::new("twilio", Node, ASCII)
            .source(twilio)
            .body(FORM, "delivered", "failed")
            .headers(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]),
        Sdk::new("twilio-json", Node, ASCII).source(twilio_json).body(
            r#"[{"id":"EZ01","type":"com.twilio.messaging.message.sent","data":{"body":"Grüße 🎉"}}]"#,
            "sent",
            "read",
        ),
        Sdk::new("square", Python, ASCII).source(square).body(
            r#"{"event_id":"6a8f5f28","type":"payment.updated","data":{"note":"Grüße 🎉"}}"#,
            "payment.updated",
            "payment.created",
        ),
    ]
}

fn with_a_public_key() -> Vec<Sdk> {
    const SENDGRID: &str = "[{\"sg_event_id\":\"ZGVsaXZlcmVk\",\"event\":\"delivered\",\"category\":\"Grüße 🎉\"}]\r\n";
    vec![
        // The secret is of no use to these: each request that the scripts sign has a pair of keys of its own.
        Sdk::new("sendgrid", Node, ASCII).body(SENDGRID, "\r\n", "\n"),
        Sdk::new("discord", Node, ASCII).body(
            r#"{"type":1,"event":{"type":"ENTITLEMENT_CREATE","note":"🎉"}}"#,
            "🎉",
            "🎊",
        ),
    ]
}

fn in_python() -> Vec<Sdk> {
    const PLATFORM: &str =
        r#"{"data":{"id":"BA00000001","note":"Grüße 🎉"},"type":"balancePlatform.accountHolder.created"}"#;
    let adyen = Sdk::new("adyen", Python, HEX);
    vec![
        Sdk::new("slack", Python, ASCII).body(
            r#"{"event_id":"Ev01","type":"event_callback","event":{"type":"message","text":"Grüße 🎉"}}"#,
            "🎉",
            "🎊",
        ),
        Sdk { body: ITEM, body_change: None, signed_fields: ITEM_SIGNS, ..adyen },
        Sdk::new("adyen-header", Python, HEX)
            .source(json!({ "provider": "adyen", "scheme": "adyen-hmac-header" }))
            .body(PLATFORM, "created", "updated"),
    ]
}
