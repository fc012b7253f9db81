use super::*;
use serde_json::Value;
use serde_json_path::JsonPath;

fn cut_all<'t>(text: &'t str, path: &str) -> Vec<&'t str> {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let found = JsonPath::parse(path).expect("a path").query_located(&value);
    let places: Vec<Place<'_>> = found.locations().map(|place| place.iter().cloned().collect()).collect();
    cut(text, &places).into_iter().map(|text| text.expect("what the value has, the text has")).collect()
}

#[test]
fn a_text_comes_as_it_was_written() {
    let page = "{ \"data\" : [ {\"b\": 1.50,  \"a\":\t12345678901234567890123 } ,\n{\"\\u00e4\":\"\\/\"}, 7 ]}";
    let expected = ["{\"b\": 1.50,  \"a\":\t12345678901234567890123 }", "{\"\\u00e4\":\"\\/\"}", "7"];
    assert_eq!(cut_all(page, "$.data[*]"), expected);
    assert_eq!(cut_all(page, "$.data[0].a"), ["12345678901234567890123"]);
    assert_eq!(cut_all(page, "$.data[1]['ä']"), ["\"\\/\""]);
}

#[test]
fn places_within_places_are_found() {
    let page = r#"{"x": {"x": [ {"x" : 1} ]}}"#;
    assert_eq!(cut_all(page, "$..x"), [r#"{"x": [ {"x" : 1} ]}"#, r#"[ {"x" : 1} ]"#, "1"]);
    assert_eq!(cut_all(" [1] ", "$"), ["[1]"]);
}

#[test]
fn of_a_repeated_name_the_last_counts_as_in_the_value() {
    let page = r#"{"a": {"id": 1}, "a": {"id": 2}}"#;
    assert_eq!(cut_all(page, "$.a"), [r#"{"id": 2}"#]);
    assert_eq!(cut_all(page, "$.a.id"), ["2"]);
}

#[test]
fn what_is_not_there_is_none() {
    let places = [vec![PathElement::Name("a"), PathElement::Index(3)], vec![PathElement::Index(0)]];
    assert_eq!(cut(r#"{"a": [1]}"#, &places), [None, None]);
}
