use serde_json::json;

use super::*;

fn form(text: &str) -> String {
    canonical(&serde_json::from_str(text).expect("JSON"))
}

#[test]
fn the_form_is_that_of_rfc_8785() {
    // Its section 3.2.2 and 3.2.3; the first number with as many digits as a reader may be a bit wrong about.
    let value = r#"{
        "numbers": [333333333.3333333, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let expected = concat!(
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
        r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
    );
    assert_eq!(form(value), expected);
    let keys = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
    assert_eq!(form(keys), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}");
}

#[test]
fn numbers_are_written_as_ecmascript_writes_them() {
    // From appendix B of RFC 8785, by the bits of the double.
    let table: [(u64, &str); 16] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    ];
    for (bits, expected) in table {
        assert_eq!(ecmascript(f64::from_bits(bits)), expected, "{bits:x}");
    }
    assert_eq!(form("[1.0, 100, -7, 9007199254740993]"), "[1,100,-7,9007199254740993]");
}

#[test]
fn order_spaces_and_notation_do_not_change_a_hash() {
    let hash = |text: &str| content_hash(&serde_json::from_str(text).expect("JSON"), std::iter::empty());
    assert_eq!(hash(r#"{"a": 1, "b": "ä"}"#), hash("{\"b\":\"\\u00e4\",\"a\":1.0}"));
    assert_ne!(hash(r#"{"a": 1}"#), hash(r#"{"a": "1"}"#));
    assert_ne!(hash(r#"{"id": 9007199254740992}"#), hash(r#"{"id": 9007199254740993}"#));
    assert_ne!(hash(r#"[[1],2]"#), hash(r#"[1,[2]]"#));
}

#[test]
fn excluded_paths_do_not_count() {
    let exclude = ["$.seen_at", "$.list[*].at", "$.list[?@.drop]", "$.list[0]", "$.nothing"];
    let paths: Vec<JsonPath> = exclude.iter().map(|path| JsonPath::parse(path).expect("a path")).collect();
    let hash = |value: Value| content_hash(&value, paths.iter());
    let left = json!({"seen_at": 1, "a": 1, "list": [1, {"at": 1, "x": 1}, {"drop": true}, {"x": 2}]});
    let right = json!({"a": 1, "list": ["other", {"x": 1}, {"x": 2, "at": 7}]});
    assert_eq!(hash(left.clone()), hash(right));
    assert_ne!(hash(left), hash(json!({"a": 2, "list": [1, {"x": 1}, {"x": 2}]})));
}
