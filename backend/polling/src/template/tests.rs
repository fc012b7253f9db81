use serde_json::json;

use super::*;

fn filled(text: &str, cursor: Value) -> Result<Option<String>, String> {
    let cursor = (!cursor.is_null()).then_some(cursor);
    Template::parse("x", text).expect("valid").fill(&Vars::sample(cursor), str::to_owned)
}

#[test]
fn places_are_filled_with_what_the_run_knows() {
    let table = [
        ("plain", json!(null), "plain"),
        ("}} {a} }", json!(null), "}} {a} }"),
        ("a{{ cursor }}b", json!("x y"), "ax yb"),
        ("{{cursor}}{{cursor}}", json!(7), "77"),
        ("{{cursor|default:0}}", json!(null), "0"),
        ("{{cursor|default:}}", json!(null), ""),
        ("{{cursor | default: a b }}", json!(null), "a b"),
        ("{{cursor|default:0}}", json!(5), "5"),
        ("{{cursor.next}}", json!(41), "42"),
        ("{{cursor.next}}", json!("41"), "42"),
        ("{{cursor.iso}}", json!(1_772_366_400), "2026-03-01T12:00:00Z"),
        ("{{cursor.iso}}", json!("2026-03-01T14:00:00.25+02:00"), "2026-03-01T12:00:00.250Z"),
        ("{{cursor.unix}}", json!("2026-03-01T12:00:00Z"), "1772366400"),
        ("{{cursor.unix_ms}}", json!("2026-03-01T12:00:00.5Z"), "1772366400500"),
        ("{{cursor.date}}", json!("2026-03-01T12:00:00Z"), "2026-03-01"),
        ("{{run.now}}", json!(null), "2026-03-01T12:00:00Z"),
        ("{{run.now.unix}} {{run.until.date}}", json!(null), "1772366400 2026-03-01"),
        ("{{run.id}}", json!(null), "run_00000000000000000000000000"),
    ];
    for (text, cursor, expected) in table {
        assert_eq!(filled(text, cursor), Ok(Some(expected.to_owned())), "{text}");
    }
    assert_eq!(filled("a{{cursor}}", json!(null)), Ok(None));
}

#[test]
fn the_first_instant_stands_for_a_cursor_that_is_not_there() {
    let vars = Vars { since: Some(Timestamp::from_secs(0)), ..Vars::sample(None) };
    let fill = |text: &str, vars: &Vars| Template::parse("x", text).expect("valid").fill(vars, str::to_owned);
    assert_eq!(fill("{{cursor}}", &vars), Ok(Some("1970-01-01T00:00:00Z".to_owned())));
    assert_eq!(fill("{{cursor.unix|default:9}}", &vars), Ok(Some("0".to_owned())));
    let vars = Vars { cursor: Some(json!(5)), ..vars };
    assert_eq!(fill("{{cursor}}", &vars), Ok(Some("5".to_owned())));
}

#[test]
fn what_is_not_known_is_refused_when_it_is_saved() {
    for text in [
        "{{}}",
        "{{ }}",
        "{{Cursor}}",
        "{{cursor.}}",
        "{{cursor.foo}}",
        "{{cursor.next.iso}}",
        "{{run}}",
        "{{run.id.iso}}",
        "{{cursor",
        "a {{ b",
        "{{{cursor}}}",
        "{{cursor|upper}}",
        "{{run.now|default:0}}",
        "{{env.HOME}}",
        "{{cursor.iso.iso}}",
    ] {
        assert!(Template::parse("poll.request.url", text).is_err(), "{text}");
    }
    let many = "{{run.id}}".repeat(21);
    assert!(Template::parse("x", &many).is_err());
}

#[test]
fn a_cursor_that_does_not_fit_its_form_is_an_error_and_no_request() {
    for (text, cursor) in [
        ("{{cursor.iso}}", json!("abc")),
        ("{{cursor.next}}", json!("abc")),
        ("{{cursor.next}}", json!(i64::MAX)),
        ("{{cursor.next}}", json!(1.5)),
        ("{{cursor}}", json!({"a": 1})),
        ("{{cursor}}", json!([1])),
        ("{{cursor}}", json!("x".repeat(5_000))),
    ] {
        assert!(filled(text, cursor.clone()).is_err(), "{text} {cursor}");
    }
}

#[test]
fn a_place_that_stands_alone_keeps_the_kind_of_its_value() {
    let fill = |text: &str, cursor: Value| {
        Template::parse("x", text).expect("valid").fill_value(&Vars::sample(Some(cursor))).expect("fits")
    };
    assert_eq!(fill("{{cursor}}", json!(5)), Some(json!(5)));
    assert_eq!(fill("{{cursor}} ", json!(5)), Some(json!("5 ")));
    assert_eq!(fill("{{cursor.unix}}", json!("1970-01-01T00:00:09Z")), Some(json!(9)));
}
