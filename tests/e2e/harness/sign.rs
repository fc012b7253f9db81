//! Requests as providers sign them.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Headers to send, ready for [`super::Api::post_raw`].
pub(crate) type Headers = Vec<(String, String)>;

/// HMAC-SHA256 over the parts, one after the other.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Seconds since 1970, as signatures carry them.
pub(crate) fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("not that late")
}

/// As Stripe signs: the secret is used as text, `whsec_` and all.
pub(crate) fn stripe(secret: &str, at_s: i64, body: &[u8]) -> Headers {
    let at = at_s.to_string();
    let signature = hex::encode(mac(secret.as_bytes(), &[at.as_bytes(), b".", body]));
    json([("stripe-signature".to_owned(), format!("t={at},v1={signature}"))])
}

/// As GitHub signs, with the id of the delivery and the name of the event beside it.
pub(crate) fn github(secret: &str, (delivery, event): (&str, &str), body: &[u8]) -> Headers {
    let signature = hex::encode(mac(secret.as_bytes(), &[body]));
    json([
        ("x-hub-signature-256".to_owned(), format!("sha256={signature}")),
        ("x-github-delivery".to_owned(), delivery.to_owned()),
        ("x-github-event".to_owned(), event.to_owned()),
    ])
}

/// As Standard Webhooks signs; `secret` is `whsec_` and base64.
pub(crate) fn standard(secret: &str, (id, at_s): (&str, i64), body: &[u8]) -> Headers {
    json([
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), at_s.to_string()),
        ("webhook-signature".to_owned(), standard_signature(secret, (id, &at_s.to_string()), body)),
    ])
}

/// The value of `webhook-signature`.
pub(crate) fn standard_signature(secret: &str, (id, at_s): (&str, &str), body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64 in the secret");
    format!("v1,{}", STANDARD.encode(mac(&key, &[id.as_bytes(), b".", at_s.as_bytes(), b".", body])))
}

/// The body of a Stripe event.
pub(crate) fn stripe_body(id: &str, event_type: &str) -> Vec<u8> {
    format!(r#"{{"id":"{id}","object":"event","type":"{event_type}","data":{{"object":{{"amount":4200}}}}}}"#)
        .into_bytes()
}

fn json<const N: usize>(headers: [(String, String); N]) -> Headers {
    headers.into_iter().chain([("content-type".to_owned(), "application/json".to_owned())]).collect()
}
