//! Clocks, missing and doubled headers, lists of signatures, several secrets.

use std::time::Instant;

use super::*;

#[test]
fn the_window_is_300_seconds_both_ways_and_includes_its_edges() {
    let samples = [stripe(&NOW_S.to_string()), standard("msg_1", &NOW_S.to_string()), generic(&NOW_S.to_string())];
    for sample in samples {
        for later_s in [-300, -1, 0, 1, 300] {
            sample.at(NOW_S + later_s).verify().expect("within the window");
        }
        assert_eq!(sample.at(NOW_S + 301).cause(), RefusalCause::TimestampTooOld);
        assert_eq!(sample.at(NOW_S - 301).cause(), RefusalCause::TimestampTooNew);
    }
}

#[test]
fn the_fraction_of_our_clock_does_not_move_the_edges() {
    let mut sample = stripe(&NOW_S.to_string());
    sample.now = Timestamp::from_micros((NOW_S + 300) * 1_000_000 + 999_999);
    sample.verify().expect("still the last second");
}

#[test]
fn a_configured_tolerance_moves_the_past_and_never_the_future() {
    let header = stripe(&NOW_S.to_string()).headers;
    for (tolerance_s, passes, fails) in [(1, 1, 2), (86_400, 86_400, 86_401)] {
        let scheme = scheme("stripe", &json!({"tolerance_s": tolerance_s}), &[SECRET]);
        let sample = Sample { scheme, headers: header.clone(), ..stripe(&NOW_S.to_string()) };
        sample.at(NOW_S + passes).verify().expect("within");
        assert_eq!(sample.at(NOW_S + fails).cause(), RefusalCause::TimestampTooOld);
        assert_eq!(sample.at(NOW_S - 301).cause(), RefusalCause::TimestampTooNew);
    }
}

#[test]
fn timestamps_are_digits_in_range_even_when_rightly_signed() {
    let malformed = ["", "-1", "+1700000000", "1700000000.0", "0x6553f100", " 1700000000", "17e8", "١٧", "now"];
    let far = [i64::MIN.to_string(), u64::MAX.to_string(), "9".repeat(40)];
    for text in malformed.into_iter().chain(far.iter().map(String::as_str)) {
        if text.is_ascii() {
            assert_eq!(stripe(text).cause(), RefusalCause::MalformedHeader, "stripe {text:?}");
            assert_eq!(generic(text).cause(), RefusalCause::MalformedHeader, "hmac {text:?}");
            assert_eq!(standard("msg_1", text).cause(), RefusalCause::MalformedHeader, "standard {text:?}");
        }
    }
    for text in [i64::MAX.to_string(), (NOW_S * 1_000).to_string()] {
        assert_eq!(stripe(&text).cause(), RefusalCause::TimestampTooNew, "{text}");
        assert_eq!(standard("msg_1", &text).cause(), RefusalCause::TimestampTooNew, "{text}");
    }
    assert_eq!(stripe("0").cause(), RefusalCause::TimestampTooOld);
}

#[test]
fn no_clock_makes_the_arithmetic_overflow() {
    for now in [i64::MIN, i64::MAX] {
        for text in ["0", "9223372036854775807"] {
            let sample = Sample { now: Timestamp::from_micros(now), ..stripe(text) };
            assert!(sample.verify().is_err());
        }
    }
}

#[test]
fn a_missing_header_is_named() {
    let time = NOW_S.to_string();
    let cases = [
        (stripe(&time), "stripe-signature"),
        (github(), "x-hub-signature-256"),
        (standard("msg_1", &time), "webhook-id"),
        (standard("msg_1", &time), "webhook-timestamp"),
        (standard("msg_1", &time), "webhook-signature"),
        (generic(&time), "x-sig"),
        (generic(&time), "x-time"),
        (generic(&time), "x-id"),
    ];
    for (sample, header) in cases {
        let refusal = sample.without(header).verify().expect_err("refused");
        assert_eq!(refusal.cause, RefusalCause::MissingHeader);
        assert!(refusal.expected.contains(header), "{}", refusal.expected);
        let value = sample.headers[header].to_str().expect("text").to_owned();
        assert_eq!(sample.with_second(header, &value).cause(), RefusalCause::MalformedHeader, "{header} twice");
        assert!(sample.with_header(header, b"\xff").expect("opaque").verify().is_err());
        assert_eq!(sample.with(header, &"9".repeat(9_000)).cause(), RefusalCause::MalformedHeader);
    }
    assert_eq!(github().with_second("x-github-delivery", "d-2").cause(), RefusalCause::MalformedHeader);
}

#[test]
fn stripe_takes_one_timestamp_and_no_other_version() {
    let time = NOW_S.to_string();
    let good = stripe_signature(SECRET, &time, STRIPE_BODY);
    let upper = good.to_uppercase();
    for (header, cause) in [
        (format!("v1={good}"), RefusalCause::MalformedHeader),
        (format!("t={time},t={time},v1={good}"), RefusalCause::MalformedHeader),
        (good.clone(), RefusalCause::MalformedHeader),
        (format!("t={time}"), RefusalCause::SignatureMismatch),
        (format!("t={time},v1="), RefusalCause::SignatureMismatch),
        (format!("t={time},v0={good}"), RefusalCause::SignatureMismatch),
        (format!("t={time},V1={good}"), RefusalCause::SignatureMismatch),
        (format!("t={time},v1={upper}"), RefusalCause::SignatureMismatch),
    ] {
        assert_eq!(stripe(&time).with("stripe-signature", &header).cause(), cause, "{header}");
    }
    stripe(&time).with("stripe-signature", &format!("v1=x,v1={good},z,t={time}")).verify().expect("any order");
}

#[test]
fn standard_webhooks_takes_no_ambiguous_id_and_skips_what_it_does_not_know() {
    let time = NOW_S.to_string();
    for id in ["", "msg.1", "msg_1."] {
        assert_eq!(standard(id, &time).cause(), RefusalCause::MalformedHeader, "{id:?}");
    }
    let good = standard_signature("msg_1", &time, STANDARD_BODY);
    let sample = standard("msg_1", &time);
    for header in ["v1,", "", "v1", &good, &format!("v1 {good}"), &format!("v2,{good}"), &format!("V1,{good}")] {
        assert_eq!(sample.with("webhook-signature", header).cause(), RefusalCause::SignatureMismatch, "{header:?}");
    }
    let mixed = format!("v1a,xyz  v9,{good} v1, potato v1,{good}");
    sample.with("webhook-signature", &mixed).verify().expect("one of them fits");
}

#[test]
fn the_32nd_signature_counts_and_the_33rd_does_not() {
    let time = NOW_S.to_string();
    let stripe_good = format!("v1={}", stripe_signature(SECRET, &time, STRIPE_BODY));
    let standard_good = format!("v1,{}", standard_signature("msg_1", &time, STANDARD_BODY));
    let stripe_bad = format!("v1={},", "0".repeat(64));
    let standard_bad = format!("v1,{} ", base64(&[0; 32]));
    for (bad, passes) in [(31, true), (32, false)] {
        let header = format!("t={time},{}{stripe_good}", stripe_bad.repeat(bad));
        assert_eq!(stripe(&time).with("stripe-signature", &header).verify().is_ok(), passes);
        let header = format!("{}{standard_good}", standard_bad.repeat(bad));
        assert_eq!(standard("msg_1", &time).with("webhook-signature", &header).verify().is_ok(), passes);
    }
}

#[test]
fn ten_thousand_signatures_cost_nothing() {
    let time = NOW_S.to_string();
    let start = Instant::now();
    for entry in ["v1=,", &format!("v1={},", "0".repeat(64))] {
        let header = format!("t={time},{}", entry.repeat(10_000));
        assert!(stripe(&time).with("stripe-signature", &header).verify().is_err());
    }
    assert!(standard("msg_1", &time).with("webhook-signature", &"v1,AAAA ".repeat(10_000)).verify().is_err());
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
fn any_of_the_secrets_fits_and_is_told_by_its_number() {
    let old = stripe(&NOW_S.to_string());
    for (texts, index) in [(["other secret", SECRET, "third one"], 1), ([SECRET, "other secret", "third one"], 0)] {
        let sample = Sample { scheme: scheme("stripe", &json!({}), &texts), ..old.clone() };
        assert_eq!(sample.verify().expect("valid").secret_index, Some(index));
    }
    let sample = Sample { scheme: scheme("stripe", &json!({}), &["other secret", "third one"]), ..old };
    assert_eq!(sample.cause(), RefusalCause::SignatureMismatch);
}

#[test]
fn a_refusal_says_what_was_expected_and_gives_nothing_away() {
    let time = NOW_S.to_string();
    for sample in [stripe(&time), github(), standard("msg_1", &time), generic(&time)] {
        let refusal = sample.with_body("forged").verify().expect_err("refused");
        let shown = format!("{refusal} {refusal:?} {:?}", sample.scheme);
        assert!(refusal.to_string().starts_with("signature_mismatch: expected "), "{refusal}");
        assert!(!shown.contains(SECRET) && !shown.contains(&WHSEC[6..]), "{shown}");
        let longest_hex = shown.split(|letter: char| !letter.is_ascii_hexdigit()).map(str::len).max();
        assert!(longest_hex < Some(16), "{shown}");
    }
}

#[test]
fn vibers_signature_may_stand_in_the_url_when_no_header_is_there() {
    let body = r#"{"event":"message","message_token":1}"#;
    let signature = hex::encode(hmac(Algorithm::Sha256, SECRET.as_bytes(), &[body]));
    let source = || SourceScheme::parse(Presets::builtin(), Some("viber"), None, &json!({}), secrets(&[SECRET]));
    let sent = |query: &str| {
        let mut sample = Sample::new(source().expect("a source"), &[], body);
        sample.url = format!("https://in.example.com/in/abc{query}");
        sample
    };
    sent(&format!("?sig={signature}")).verify().expect("signed");
    sent(&format!("?a=1&sig={signature}#x")).verify().expect("signed");
    assert_eq!(sent("").cause(), RefusalCause::MissingHeader);
    assert_eq!(sent("?sig=").cause(), RefusalCause::SignatureMismatch);
    assert_eq!(sent(&format!("?sig={signature}&sig={signature}")).cause(), RefusalCause::MalformedHeader);
    let both = sent(&format!("?sig={signature}")).with("X-Viber-Content-Signature", "00");
    assert_eq!(both.cause(), RefusalCause::SignatureMismatch, "the header counts where it is there");
}
