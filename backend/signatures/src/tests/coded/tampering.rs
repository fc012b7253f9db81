//! Of every genuine request every byte that its scheme covers is changed, and each change must be noticed.

use http::HeaderValue;

use super::{
    Case,
    vectors::{Vector, vectors},
};

/// What a scheme covers, and what it does not or not to the byte.
struct Coverage {
    /// Headers each byte of which counts. Those with encoded signatures have a test of their own below.
    headers: &'static [&'static str],
    body: Body,
    url: bool,
    method: bool,
}

enum Body {
    Every,
    /// Between these two texts.
    Between(&'static str, &'static str),
    /// By other rules, which the scheme's own tests tell.
    Otherwise,
}

const SIGNED_BODY: Coverage = Coverage { headers: &[], body: Body::Every, url: false, method: false };

fn coverage(scheme: &str) -> Coverage {
    match scheme {
        "adyen" => Coverage { body: Body::Between("\"pspReference\":\"", "\""), ..SIGNED_BODY },
        "braintree" => Coverage { body: Body::Between("bt_payload=", "%2B"), ..SIGNED_BODY },
        "hook0" => Coverage { headers: &["x-event-id", "x-delivery-id"], ..SIGNED_BODY },
        "hubspot-v3" => Coverage { headers: &["x-hubspot-request-timestamp"], url: true, method: true, ..SIGNED_BODY },
        "mailgun" => Coverage { body: Body::Otherwise, ..SIGNED_BODY },
        "mandrill" => Coverage { body: Body::Otherwise, url: true, ..SIGNED_BODY },
        "messagebird" => Coverage { url: true, ..SIGNED_BODY },
        "nowpayments" => Coverage { body: Body::Between("\"payment_id\":", ","), ..SIGNED_BODY },
        "paypal" => Coverage { headers: &["paypal-transmission-id", "paypal-transmission-time"], ..SIGNED_BODY },
        "sendgrid" => Coverage { headers: &["x-twilio-email-event-webhook-timestamp"], ..SIGNED_BODY },
        "twilio" => Coverage { body: Body::Otherwise, ..SIGNED_BODY },
        _ => SIGNED_BODY,
    }
}

/// One bit of each byte, each time another one.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len()).map(|place| {
        let mut altered = bytes.to_vec();
        altered[place] ^= 1 << (place % 7);
        altered
    })
}

fn genuine() -> impl Iterator<Item = (Vector, Case)> {
    vectors().into_iter().filter(Vector::is_valid_event).filter_map(|vector| vector.case().map(|case| (vector, case)))
}

#[test]
fn a_changed_byte_of_the_body_is_refused() {
    for (vector, case) in genuine() {
        let range = match coverage(&vector.scheme).body {
            Body::Every => 0..case.body.len(),
            Body::Between(before, after) => {
                let start = case.text().find(before).map(|place| place + before.len());
                let end = |start: usize| case.text()[start..].find(after).map(|length| start + length);
                let Some((start, end)) = start.and_then(|start| Some((start, end(start)?))) else { continue };
                start..end
            }
            Body::Otherwise => continue,
        };
        for part in flipped(&case.body[range.clone()]) {
            let body = [&case.body[..range.start], &part, &case.body[range.end..]].concat();
            let altered = case.with_body(body);
            assert!(!altered.is_accepted(), "{}: {:?}", vector.id, String::from_utf8_lossy(&altered.body));
        }
        if matches!(coverage(&vector.scheme).body, Body::Every) {
            assert!(!case.with_body([&case.body[..], b" "].concat()).is_accepted(), "{}: one byte more", vector.id);
        }
    }
}

#[test]
fn a_changed_byte_of_a_covered_header_is_refused() {
    for (vector, case) in genuine() {
        for name in coverage(&vector.scheme).headers {
            let covered = case.headers.get(*name).filter(|_| !vector.id.contains("v0"));
            for altered in flipped(covered.map(HeaderValue::as_bytes).unwrap_or_default()) {
                let Ok(value) = HeaderValue::from_bytes(&altered) else { continue };
                let mut case = case.clone();
                case.headers.insert(*name, value);
                assert!(!case.is_accepted(), "{}: {name} as {altered:?}", vector.id);
            }
        }
    }
}

#[test]
fn a_changed_url_or_method_is_refused_where_it_is_signed() {
    for (vector, case) in genuine() {
        let coverage = coverage(&vector.scheme);
        if coverage.url {
            for altered in flipped(case.url.as_bytes()) {
                let Ok(url) = String::from_utf8(altered) else { continue };
                assert!(!case.with_url(&url).is_accepted(), "{}: {url}", vector.id);
            }
        }
        assert_eq!(case.with_method("PATCH").is_accepted(), !coverage.method, "{}", vector.id);
    }
}

/// The header that carries the signature, where one does.
const SIGNATURES: [&str; 12] = [
    "x-twilio-signature",
    "x-mandrill-signature",
    "x-nowpayments-sig",
    "paypal-transmission-sig",
    "plaid-verification",
    "messagebird-signature-jwt",
    "x-fusionauth-signature-jwt",
    "x-twilio-email-event-webhook-signature",
    "x-signature-sha256",
    "x-hubspot-signature-v3",
    "x-hook0-signature",
    "x-payload-digest",
];

#[test]
fn a_signature_with_a_changed_character_is_refused() {
    for (vector, case) in genuine() {
        for name in SIGNATURES {
            let Some(value) = case.headers.get(name) else { continue };
            let value = value.to_str().expect("text").to_owned();
            // A header with an older signature beside the one that counts.
            let start = if vector.id == "hook0-upgrade" { value.find("v1=").expect("v1") } else { 0 };
            for place in start..value.len() {
                let letter = if value.as_bytes()[place] == b'a' { 'b' } else { 'a' };
                let altered = format!("{}{letter}{}", &value[..place], &value[place + 1..]);
                assert!(!case.with(name, &altered).is_accepted(), "{}: {name}: {altered}", vector.id);
            }
            assert!(!case.with(name, "").is_accepted(), "{}: an empty signature", vector.id);
            assert!(!case.with(name, &value[..value.len() / 2]).is_accepted(), "{}: half a signature", vector.id);
            assert!(!case.without(name).is_accepted(), "{}: none", vector.id);
            let mut twice = case.clone();
            twice.headers.append(name, value.parse().expect("a value"));
            assert!(!twice.is_accepted(), "{}: the header twice", vector.id);
        }
    }
}
