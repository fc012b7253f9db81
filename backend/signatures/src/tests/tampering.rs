//! One bit anywhere in what is signed, or in the signature, and the request is refused.

use super::*;

/// Each single-bit change of some bytes.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut altered = bytes.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        altered
    })
}

fn refuses_each_flip_of_the_body(sample: &Sample) {
    sample.verify().expect("valid before it is altered");
    for body in flips(&sample.body) {
        assert!(sample.with_body(body.clone()).verify().is_err(), "{:?}", String::from_utf8_lossy(&body));
    }
    assert!(sample.with_body([&sample.body[..], b" "].concat()).verify().is_err());
    assert!(sample.with_body(&sample.body[1..]).verify().is_err());
}

fn refuses_each_flip_of(sample: &Sample, header: &str) {
    let value = sample.headers.get(header).expect("is there").as_bytes().to_vec();
    for altered in flips(&value) {
        if let Some(sample) = sample.with_header(header, &altered) {
            assert!(sample.verify().is_err(), "{header}: {:?}", String::from_utf8_lossy(&altered));
        }
    }
}

/// Alters the MAC itself, and then writes it as `write` does.
fn refuses_other_signatures(sample: &Sample, header: &str, mac: &[u8], write: impl Fn(&[u8]) -> String) {
    let with_mac = |mac: &[u8]| sample.with(header, &write(mac));
    with_mac(mac).verify().expect("written as the sender writes it");
    for altered in flips(mac) {
        assert_eq!(with_mac(&altered).cause(), RefusalCause::SignatureMismatch);
    }
    for length in 0..mac.len() {
        assert_eq!(with_mac(&mac[..length]).cause(), RefusalCause::SignatureMismatch, "cut to {length}");
    }
    for tail in [&[0][..], &[255], mac] {
        assert_eq!(with_mac(&[mac, tail].concat()).cause(), RefusalCause::SignatureMismatch);
    }
}

#[test]
fn stripe_refuses_every_flipped_bit() {
    let timestamp = NOW_S.to_string();
    let sample = stripe(&timestamp);
    refuses_each_flip_of_the_body(&sample);
    refuses_each_flip_of(&sample, "stripe-signature");
    let mac = hmac(Algorithm::Sha256, SECRET.as_bytes(), &[&timestamp, ".", STRIPE_BODY]);
    refuses_other_signatures(&sample, "stripe-signature", &mac, |mac| format!("t={timestamp},v1={}", hex::encode(mac)));
}

#[test]
fn github_refuses_every_flipped_bit() {
    let sample = github();
    refuses_each_flip_of_the_body(&sample);
    refuses_each_flip_of(&sample, "x-hub-signature-256");
    let mac = hmac(Algorithm::Sha256, SECRET.as_bytes(), &[std::str::from_utf8(&sample.body).expect("text")]);
    let write = |mac: &[u8]| format!("sha256={}", hex::encode(mac));
    refuses_other_signatures(&sample, "x-hub-signature-256", &mac, write);
}

#[test]
fn standard_webhooks_refuses_every_flipped_bit() {
    let timestamp = NOW_S.to_string();
    let sample = standard("msg_1", &timestamp);
    refuses_each_flip_of_the_body(&sample);
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        refuses_each_flip_of(&sample, header);
    }
    let key = crate::whsec::decode(WHSEC).expect("base64");
    let mac = hmac(Algorithm::Sha256, key.expose(), &["msg_1.", &timestamp, ".", STANDARD_BODY]);
    refuses_other_signatures(&sample, "webhook-signature", &mac, |mac| format!("v1,{}", base64(mac)));
}

#[test]
fn a_configured_hmac_refuses_every_flipped_bit_of_what_it_signs() {
    let timestamp = NOW_S.to_string();
    let sample = generic(&timestamp);
    refuses_each_flip_of_the_body(&sample);
    refuses_each_flip_of(&sample, "x-id");
    refuses_each_flip_of(&sample, "x-time");
    let mut moved = sample.clone();
    moved.url.push('2');
    assert_eq!(moved.cause(), RefusalCause::SignatureMismatch);
    let put = RawRequest { method: "PUT", ..sample.request() };
    assert_eq!(sample.scheme.hear(&put, sample.now, &()).expect_err("refused").cause, RefusalCause::SignatureMismatch);
    let mac = hmac(Algorithm::Sha512, SECRET.as_bytes(), &["POST:", &sample.url, ":n1:", &timestamp, ":hello"]);
    refuses_other_signatures(&sample, "x-sig", &mac, |mac| format!("v0={}", hex::encode(mac)));
}

#[test]
fn base64_that_decodes_to_the_same_bytes_but_is_not_canonical_is_refused() {
    let sample = standard("msg_1", &NOW_S.to_string());
    let signature = standard_signature("msg_1", &NOW_S.to_string(), STANDARD_BODY);
    for altered in [signature.trim_end_matches('=').to_owned(), format!("{signature}="), signature.replace('=', "")] {
        let altered = sample.with("webhook-signature", &format!("v1,{altered}"));
        assert_eq!(altered.cause(), RefusalCause::SignatureMismatch);
    }
}
