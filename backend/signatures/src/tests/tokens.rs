//! Senders that show a secret instead of signing with it.

use super::*;

fn authorized(name: &str, secret: &str, header: &str) -> Sample {
    Sample::new(scheme(name, &json!({}), &[secret]), &[("Authorization", header)], "{}")
}

#[test]
fn a_token_must_be_the_secret_and_nothing_more_or_less() {
    let config = json!({"header": "X-Token", "prefix": "tok "});
    let sample = Sample::new(
        scheme("token", &config, &["first secret", "second secret"]),
        &[("X-Token", "tok second secret")],
        "{}",
    );
    assert_eq!(sample.verify().expect("valid").secret_index, Some(1));
    for wrong in
        ["tok ", "tok second secre", "tok second secret ", "tok Second secret", "tok second secretfirst secret"]
    {
        assert_eq!(sample.with("X-Token", wrong).cause(), RefusalCause::WrongToken, "{wrong:?}");
    }
    assert_eq!(sample.with("X-Token", "second secret").cause(), RefusalCause::MalformedHeader);
    assert_eq!(sample.without("X-Token").cause(), RefusalCause::MissingHeader);
    assert_eq!(sample.with_second("X-Token", "tok second secret").cause(), RefusalCause::MalformedHeader);
}

#[test]
fn no_token_passes_that_is_only_nearly_the_secret_s_hash() {
    let sample = Sample::new(scheme("token", &json!({"header": "X-Token"}), &[SECRET]), &[], "{}");
    for guess in 0..3_000 {
        assert_eq!(sample.with("X-Token", &format!("guess {guess}")).cause(), RefusalCause::WrongToken);
    }
}

#[test]
fn bearer_is_read_in_any_case_and_its_token_is_not() {
    for header in ["Bearer a-long-token", "bearer a-long-token", "BEARER   a-long-token"] {
        authorized("bearer", "a-long-token", header).verify().expect(header);
    }
    assert_eq!(authorized("bearer", "a-long-token", "Bearer A-long-token").cause(), RefusalCause::WrongToken);
    for header in ["a-long-token", "Basic a-long-token", "Bearera-long-token", ""] {
        assert_eq!(authorized("bearer", "a-long-token", header).cause(), RefusalCause::MalformedHeader, "{header}");
    }
}

#[test]
fn basic_parts_user_and_password_at_the_first_colon() {
    let given = |pair: &str| authorized("basic", "user:pass:word", &format!("Basic {}", base64(pair.as_bytes())));
    assert_eq!(given("user:pass:word").verify().expect("valid").secret_index, Some(0));
    for wrong in ["user:pass", "user:pass:wor", "user:pass:word ", ":", "user:", "user:Pass:word", "use:r:pass:word"] {
        assert_eq!(given(wrong).cause(), RefusalCause::WrongToken, "{wrong}");
    }
    assert_eq!(given("no colon").cause(), RefusalCause::MalformedHeader);
    assert_eq!(authorized("basic", "user:pass:word", "Basic %%%").cause(), RefusalCause::MalformedHeader);
    assert_eq!(authorized("basic", "user:pass:word", "user:pass:word").cause(), RefusalCause::MalformedHeader);
}

#[test]
fn a_refused_token_is_not_told_what_the_right_one_is() {
    let sample = authorized("bearer", "a-long-token", "Bearer another-token");
    let shown = format!("{} {:?}", sample.verify().expect_err("refused"), sample.scheme);
    assert!(!shown.contains("a-long-token") && !shown.contains("another-token"), "{shown}");
}

#[test]
fn none_takes_everything_and_still_reads_names() {
    let config = json!({"id_path": "/id"});
    let sample = Sample::new(scheme("none", &config, &[]), &[], r#"{"type":"ping","id":7}"#);
    let verified = sample.verify().expect("nothing is asked");
    let expected =
        Verified { event_id: Some("7".to_owned()), event_type: Some("ping".to_owned()), ..Verified::default() };
    assert_eq!(verified, expected);
}
