use std::time::{Duration, Instant};

use postern_domain::Secret;
use serde_json::{Value, json};

use super::*;
use crate::sample::settings;

const MOST: usize = 64 * 1024;

fn source(request: Value) -> Redactor {
    let mut whole = json!({"url": "https://api.example.com/orders"});
    for (name, value) in request.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    Redactor::new(&settings(json!({ "request": whole })), None)
}

fn kept(redactor: &Redactor, text: &str) -> String {
    String::from_utf8(redactor.sample(text.as_bytes(), MOST)).expect("UTF-8")
}

fn anybody(text: &str) -> String {
    kept(&source(json!({})), text)
}

#[test]
fn what_a_name_calls_secret_is_taken_out_and_the_rest_stays() {
    let table = [
        (r#"{"token":"abc","a":1}"#, r#"{"token":"[redacted]","a":1}"#),
        (r#"{"clientSecret" : "a\"b\\", "a": "b"}"#, r#"{"clientSecret" : "[redacted]", "a": "b"}"#),
        (r#"{"card":{"number":"4111","exp":[1,2]},"a":1}"#, r#"{"card":[redacted],"a":1}"#),
        (r#"{"ibans":["DE89","]"],"a":1}"#, r#"{"ibans":[redacted],"a":1}"#),
        (r#"{"cvv2":123,"a":1}"#, r#"{"cvv2":[redacted],"a":1}"#),
        (r#"{"debtorIBAN":"DE89","HTTPToken":"x"}"#, r#"{"debtorIBAN":"[redacted]","HTTPToken":"[redacted]"}"#),
        (r#"{"x-api-key":"k","API Key":"k"}"#, r#"{"x-api-key":"[redacted]","API Key":"[redacted]"}"#),
        (r#"{"pass\u0077ord":"k"}"#, r#"{"pass\u0077ord":"[redacted]"}"#),
        (r#"{"Authorization":"Bearer k"}"#, r#"{"Authorization":"[redacted]"}"#),
        (r#"{"has_password":true,"token":null,"secret":""}"#, r#"{"has_password":true,"token":null,"secret":""}"#),
    ];
    for (text, expected) in table {
        assert_eq!(anybody(text), expected);
    }
}

#[test]
fn words_that_only_look_alike_stay() {
    let text = r#"{"discard":"a","shipping":"b","author":"c","company":"d","compass":"e","key":"f","pinned":"g"}"#;
    assert_eq!(anybody(text), text);
}

#[test]
fn text_in_text_and_other_forms_are_read_too() {
    let table = [
        (r#"{"body":"{\"token\":\"a\\\"b\",\"n\":1}"}"#, r#"{"body":"{\"token\":\"[redacted]\",\"n\":1}"}"#),
        (r#"{"body":"{\"card\":{\"n\":\"}4111\"},\"n\":1}"}"#, r#"{"body":"{\"card\":[redacted],\"n\":1}"}"#),
        (r#"{"body":"{\"pin\":1234}","n":1}"#, r#"{"body":"{\"pin\":[redacted]}","n":1}"#),
        (
            r#"{"next":"https://x.io/?access_token=abc&page=2"}"#,
            r#"{"next":"https://x.io/?access_token=[redacted]&page=2"}"#,
        ),
        ("{'password': 'it\\'s', 'a': 1}", "{'password': '[redacted]', 'a': 1}"),
        ("{\"password\" => \"x\"}", "{\"password\" => \"[redacted]\"}"),
        ("Authorization: Digest username=\"x\", response=\"y\"\r\nDate: now", "Authorization: [redacted]\r\nDate: now"),
        ("api_key=1 2 3\nname=x", "api_key=[redacted]\nname=x"),
        ("password: 123 abc, and more\nuser: x", "password: [redacted]\nuser: x"),
        (
            "<a><Password type='x'>p&lt;q</Password><b>1</b></a>",
            "<a><Password type='x'>[redacted]</Password><b>1</b></a>",
        ),
        ("<card><n>4111</n><c>1</c></card><b/>", "<card>[redacted]</card><b/>"),
        ("<login token=\"abc\" id=\"1\"/>", "<login token=\"[redacted]\" id=\"1\"/>"),
    ];
    for (text, expected) in table {
        assert_eq!(anybody(text), expected);
    }
}

#[test]
fn cut_and_broken_text_leaks_nothing() {
    let table = [
        (r#"{"token":"abc"#, r#"{"token":"[redacted]"#),
        (r#"{"a":1,"card":{"number":"4111"#, r#"{"a":1,"card":[redacted]"#),
        (r#"{"token":12"#, r#"{"token":[redacted]"#),
        (r#"5" wide, "password":"abc""#, r#"5" wide, "password":"[redacted]""#),
        (r#"{"password":abc def"#, r#"{"password":[redacted]"#),
        (r#"{"password""#, r#"{"password""#),
        ("<token>abc", "<token>[redacted]"),
    ];
    for (text, expected) in table {
        assert_eq!(anybody(text), expected);
    }
    let binary = [b"\xff\xfe{\"secret\":\"".as_slice(), &[0xff, 0, 0x80], b"\",\"a\":1}"].concat();
    let expected = [b"\xff\xfe{\"secret\":\"[redacted]\",\"a\":1}".as_slice()].concat();
    assert_eq!(source(json!({})).sample(&binary, MOST), expected);
}

#[test]
fn its_own_credential_stands_nowhere_in_any_form() {
    let secret = "pä/ss\"w<o>r&d=1";
    let redactor = source(json!({"auth": {"kind": "basic", "username": "u", "password": secret}}));
    let forms = [
        "pä/ss\"w<o>r&d=1",
        r#"pä/ss\"w<o>r&d=1"#,
        r#"pä\/ss\"w<o>r&d=1"#,
        r#"p\u00e4/ss\"w\u003co\u003er\u0026d=1"#,
        r#"p\u00e4\/ss\"w\u003co\u003er\u0026d=1"#,
        "p%C3%A4%2Fss%22w%3Co%3Er%26d%3D1",
        "p%c3%a4%2fss%22w%3co%3er%26d%3d1",
        "pä/ss&quot;w&lt;o&gt;r&amp;d=1",
        "dTpww6Qvc3MidzxvPnImZD0x",
    ];
    for form in forms {
        assert_eq!(kept(&redactor, &format!("you sent {form}, thanks")), "you sent [redacted], thanks", "{form}");
    }
}

#[test]
fn whatever_proves_who_asks_is_a_credential() {
    let token = Secret::new("at-0123456789".to_owned());
    let request = json!({
        "url": "https://api.example.com/orders?api_key=in-the-url-1",
        "headers": {"x-own": "in-a-header", "accept": "application/json", "x-page-size": "100"},
        "query": {"secret": "in-the-query", "page": "first-of-all"},
        "auth": {"kind": "oauth2_refresh", "token_url": "https://api.example.com/t", "client_id": "client-0",
            "client_secret": "cs-0123456789", "refresh_token": "rt-0123456789"},
    });
    let redactor = Redactor::new(&settings(json!({ "request": request })), Some(&token));
    for secret in ["at-0123456789", "cs-0123456789", "rt-0123456789", "in-a-header", "in-the-query", "in-the-url-1"] {
        assert_eq!(kept(&redactor, &format!("[{secret}]")), "[[redacted]]", "{secret}");
    }
    let open = "application/json 100 first-of-all client-0";
    assert_eq!(kept(&redactor, open), open);
}

#[test]
fn a_short_credential_is_one_only_where_it_stands_alone() {
    let redactor = source(json!({"auth": {"kind": "bearer", "token": "abc"}}));
    assert_eq!(kept(&redactor, "abc, abcd, xabc, \"abc\""), "[redacted], abcd, xabc, \"[redacted]\"");
}

#[test]
fn a_credential_across_the_cut_leaves_nothing() {
    let redactor = source(json!({"auth": {"kind": "bearer", "token": "0123456789abcdef"}}));
    let text = format!("{}0123456789abcdef{}", "x".repeat(10), "y".repeat(100));
    for most in 11..26 {
        let sample = redactor.sample(text.as_bytes(), most);
        assert!(sample.len() <= most, "{most}");
        assert!(sample.starts_with(b"xxxxxxxxxx[") || most < 11, "{most}");
    }
    assert_eq!(redactor.sample(text.as_bytes(), 30), b"xxxxxxxxxx[redacted]yyyy");
}

#[test]
fn hostile_pages_of_ten_mebibytes_take_no_longer_than_others() {
    let token = "a".repeat(4_000);
    let redactor = source(json!({"auth": {"kind": "bearer", "token": token}}));
    let pieces = [
        "a",
        "\"",
        "\\",
        ":",
        "=",
        ">",
        "<",
        "{\"token\":",
        "\"token\":\\\"",
        "token=&",
        "<token>",
        "</toke",
        "token:   ",
        "\"token\":null   ",
        "\"card\":[",
        "u0061\\",
        "'password':'\\'",
    ];
    for piece in pieces {
        let text = piece.repeat(10 * 1024 * 1024 / piece.len());
        let begun = Instant::now();
        let _ = redactor.sample(text.as_bytes(), MOST);
        let _ = redactor.sample(text.as_bytes(), text.len() / 10);
        // Unoptimised it takes a fifth of a second; a square of the length would take hours.
        assert!(begun.elapsed() < Duration::from_secs(20), "{piece}");
    }
}
