use std::time::Instant;

use serde_json::json;

use super::*;
use crate::sample::{Dice, settings};

fn ids(page: &Page<'_>) -> Vec<String> {
    page.items.iter().map(|item| item.id.clone()).collect()
}

#[test]
fn payloads_are_the_bytes_of_the_page() {
    let body = b"\xef\xbb\xbf{\"data\": [ {\"id\" : 10000000000000000000001, \"p\":1.10},\t{\"p\":\"\\u0041\",\"id\":\"x\"} ] }\n";
    let page = read_page(&settings(json!({})), body).expect("a page");
    let raw: Vec<&[u8]> = page.items.iter().map(|item| item.raw.as_ref()).collect();
    assert_eq!(raw, [&b"{\"id\" : 10000000000000000000001, \"p\":1.10}"[..], &b"{\"p\":\"\\u0041\",\"id\":\"x\"}"[..]]);
    assert_eq!(ids(&page), ["10000000000000000000001", "x"], "an id keeps all its digits");
    assert!(matches!(page.items[0].raw, Cow::Borrowed(_)));
}

#[test]
fn an_empty_list_is_a_page_and_a_missing_one_a_fault() {
    let table = [
        ("$.data[*]", r#"{"data": []}"#, Some(0)),
        ("$.data", r#"{"data": []}"#, Some(0)),
        ("$.data", r#"{"data": [{"id": 1}, {"id": 2}]}"#, Some(2)),
        ("$.data", r#"{"data": {"id": 1}}"#, Some(1)),
        ("$.data", r#"{"data": null}"#, Some(0)),
        ("$.data[*]", r#"{"data": null}"#, Some(0)),
        ("$.data.*", r#"{"data": {"a": {"id": 1}, "b": {"id": 2}}}"#, Some(2)),
        ("$.data[?@.live == true]", r#"{"data": [{"id": 1, "live": false}]}"#, Some(0)),
        ("$.data[0:2]", r#"{"data": [{"id": 1}, {"id": 2}, {"id": 3}]}"#, Some(2)),
        ("$[*]", "[]", Some(0)),
        ("$", r#"[{"id": 1}]"#, Some(1)),
        ("$", r#"{"id": 1}"#, Some(1)),
        ("$..items[*]", r#"{"a": {"items": [{"id": 1}]}, "b": {"items": [{"id": 2}]}}"#, Some(2)),
        ("$['da.ta'][*]", r#"{"da.ta": [{"id": 1}]}"#, Some(1)),
        ("$['x[*]']", r#"{"x[*]": [{"id": 1}]}"#, Some(1)),
        ("$.edges[*].node", r#"{"edges": [{"node": {"id": 1}}]}"#, Some(1)),
        ("$.edges[*].node", r#"{"edges": []}"#, Some(0)),
        ("$.edges[*].node", r#"{"edges": null}"#, Some(0)),
        ("$.edges[?@.open == true].node", r#"{"edges": [{"open": false, "node": {"id": 1}}]}"#, Some(0)),
        ("$.orders[*].lines[*]", r#"{"orders": []}"#, Some(0)),
        ("$.orders[*].lines[*]", r#"{"orders": [{"lines": []}]}"#, Some(0)),
        ("$.orders[*].lines[*]", r#"{"orders": [{"lines": []}, {"lines": [{"id": 1}]}]}"#, Some(1)),
        ("$.edges[*].node", r#"{"edges": [{"knot": {"id": 1}}]}"#, None),
        ("$.edges[*].node", r#"{"nodes": []}"#, None),
        ("$.edges[*].node", r#"{"edges": "none"}"#, None),
        ("$.orders[*].lines[*]", r#"{"orders": [{"items": []}]}"#, None),
        ("$.data[*]", "{}", None),
        ("$.data[*]", r#"{"error": "gone"}"#, None),
        ("$.data[*]", r#"{"data": "none"}"#, None),
        ("$.data", r#"{"data": 7}"#, None),
        ("$.data", "[]", None),
        ("$['da.ta'][*]", r#"{"data": []}"#, None),
        ("$..items[*]", r#"{"a": []}"#, None),
        ("$..item", r#"{"a": []}"#, None),
        ("$[*]", r#""text""#, None),
    ];
    for (path, body, expected) in table {
        let page = read_page(&settings(json!({"items": path})), body.as_bytes());
        match (page, expected) {
            (Ok(page), Some(count)) => assert_eq!(page.items.len(), count, "{path} {body}"),
            (Err(PageFault::PathMissing { path: named, .. }), None) => assert_eq!(named, path),
            (other, _) => panic!("{path} {body}: {other:?}"),
        }
    }
}

#[test]
fn a_missing_path_is_told_with_what_is_there() {
    let fault = read_page(&settings(json!({})), br#"{"orders": [], "total": 0}"#).expect_err("no data");
    assert_eq!(fault.to_string(), "`$.data[*]` leads to nothing in the page, whose keys are: orders, total");
}

#[test]
fn the_last_segment_is_told_from_names_that_look_like_it() {
    let table = [
        ("$.data[*]", Some("$.data")),
        ("$.data.*", Some("$.data")),
        ("$.a['b'][1:2]", Some("$.a['b']")),
        ("$[?@.a == ']']", Some("$")),
        ("$.data[?@['x'] == 'y']", Some("$.data")),
        ("$['a','b']", Some("$")),
        ("$.data[ * ]", Some("$.data")),
        ("$", None),
        ("$.data", None),
        ("$.data[0]", None),
        ("$.data[-1]", None),
        ("$['a.b']", None),
        ("$['it\\'s']", None),
        ("$[\"[*]\"]", None),
        ("$..items", None),
        ("$..[*]", None),
    ];
    for (path, expected) in table {
        assert_eq!(list::parent(path), expected, "{path}");
    }
}

#[test]
fn what_is_not_json_is_a_fault() {
    for body in [&b""[..], b"<html>", b"{\"data\": [1", b"{\"data\":[]} tail", b"\xff\xfe", b"{\"data\": [\"\xff\"]}"] {
        let fault = read_page(&settings(json!({})), body).expect_err("no JSON");
        assert!(matches!(fault, PageFault::NotJson { .. }), "{body:?}: {fault:?}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read_page(&settings(json!({})), deep.as_bytes()), Err(PageFault::NotJson { .. })));
}

#[test]
fn records_without_an_id_are_set_aside() {
    let items = |bad: usize| {
        let list: Vec<Value> =
            (0..20).map(|number| if number < bad { json!({"x": number}) } else { json!({"id": number}) }).collect();
        json!({"data": list}).to_string()
    };
    for (bad, drifted) in [(0, false), (2, false), (3, true), (20, true)] {
        let body = items(bad);
        let page = read_page(&settings(json!({})), body.as_bytes()).expect("a page");
        assert_eq!((page.quarantined.len(), page.items.len(), page.listed()), (bad, 20 - bad, 20));
        assert_eq!(page.has_drifted(), drifted, "{bad} of 20");
    }
    let odd = json!({"data": [{"id": null}, {"id": ""}, {"id": []}, {"id": {}}, {"id": "x".repeat(501)}, 7, null]});
    let body = odd.to_string();
    let page = read_page(&settings(json!({})), body.as_bytes()).expect("a page");
    assert_eq!(page.quarantined.len(), 7);
    assert_eq!(page.quarantined[0].reason, "`$.id` leads to no text or number");
    assert_eq!(page.quarantined[0].raw.as_ref(), br#"{"id":null}"#);
}

#[test]
fn of_one_record_the_last_state_counts() {
    let body = json!({"data": [
        {"id": 1, "v": "2026-03-01T00:00:00Z", "n": "old"},
        {"id": 2, "v": 5},
        {"id": 1, "v": "2026-03-01T02:00:00+01:00", "n": "new"},
        {"id": 1, "v": "2026-02-01T00:00:00Z", "n": "oldest"},
        {"id": 2, "v": 10},
        {"id": 2, "v": 9},
    ]})
    .to_string();
    let page = read_page(&settings(json!({"version": "$.v"})), body.as_bytes()).expect("a page");
    let states: Vec<(&str, Option<&str>)> =
        page.items.iter().map(|item| (item.id.as_str(), item.version.as_deref())).collect();
    assert_eq!(states, [("1", Some("2026-03-01T02:00:00+01:00")), ("2", Some("10"))]);
    assert_eq!((page.superseded, page.listed()), (4, 6));
    let unversioned = read_page(&settings(json!({})), body.as_bytes()).expect("a page");
    assert!(unversioned.items[0].raw.ends_with(br#""oldest","v":"2026-02-01T00:00:00Z"}"#), "the last of the page");
}

#[test]
fn ids_of_several_fields_never_meet() {
    let settings = settings(json!({"id": ["$.a", "$.b"]}));
    let body =
        json!({"data": [{"a": "x:y", "b": "z"}, {"a": "x", "b": "y:z"}, {"a": "x\\", "b": 1}, {"a": 1}]}).to_string();
    let page = read_page(&settings, body.as_bytes()).expect("a page");
    assert_eq!(ids(&page), ["x\\:y:z", "x:y\\:z", "x\\\\:1"]);
    assert_eq!(page.quarantined.len(), 1, "a part is missing");
}

#[test]
fn versions_types_and_cursors_are_looked_up() {
    let rules = json!({
        "version": ["$.updated", "$.created"],
        "type": "$.kind",
        "cursor": {"mode": "timestamp", "value": ["$.updated", "$.created"]},
    });
    let body = json!({"data": [
        {"id": 1, "created": "2026-01-01T00:00:00Z", "kind": "order.new\n"},
        {"id": 2, "created": "2026-01-01T00:00:00Z", "updated": "2026-01-02T00:00:00Z", "kind": 7},
        {"id": 3, "created": "soon"},
    ]})
    .to_string();
    let page = read_page(&settings(rules), body.as_bytes()).expect("a page");
    let types: Vec<Option<&str>> = page.items.iter().map(|item| item.event_type.as_deref()).collect();
    assert_eq!(types, [Some("order.new"), Some("7"), None]);
    let cursors: Vec<Option<&Value>> = page.cursors.iter().map(|value| Some(value.as_ref()?.written())).collect();
    assert_eq!(cursors, [Some(&json!("2026-01-01T00:00:00Z")), Some(&json!("2026-01-02T00:00:00Z")), None]);
    let literal = read_page(&settings(json!({"type": "order.seen"})), body.as_bytes()).expect("a page");
    assert_eq!(literal.items[2].event_type.as_deref(), Some("order.seen"));
}

#[test]
fn a_token_stands_in_the_page() {
    let rules = settings(json!({"cursor": {"mode": "token", "value": "$.next"}}));
    let token =
        |body: &str| read_page(&rules, body.as_bytes()).expect("a page").token.map(|token| token.written().clone());
    assert_eq!(token(r#"{"data": [], "next": "abc"}"#), Some(json!("abc")));
    assert_eq!(token(r#"{"data": [], "next": null}"#), None);
    assert_eq!(token(r#"{"data": []}"#), None);
}

#[test]
fn too_many_items_are_refused() {
    let list: Vec<Value> = (0..=MAX_ITEMS).map(|id| json!({"id": id})).collect();
    let body = json!({"data": list}).to_string();
    assert_eq!(read_page(&settings(json!({})), body.as_bytes()), Err(PageFault::TooManyItems { most: MAX_ITEMS }));
}

#[test]
fn a_page_of_large_items_is_read_in_one_go() {
    let filler = "x".repeat(10_000);
    let list: Vec<Value> = (0..1_000).map(|id| json!({"filler": filler, "id": id})).collect();
    let body = json!({"data": list}).to_string();
    let start = Instant::now();
    let page = read_page(&settings(json!({})), body.as_bytes()).expect("a page");
    assert_eq!(page.items.len(), 1_000);
    // Unoptimised this takes half a second; a reading for each item would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn no_page_loses_a_record() {
    let mut dice = Dice(42);
    let rules = settings(json!({"version": "$.v"}));
    for _ in 0..200 {
        let list: Vec<Value> = (0..dice.below(30))
            .map(|_| match dice.below(8) {
                0 => json!({"x": 1}),
                _ => json!({"id": dice.below(10), "v": dice.below(5)}),
            })
            .collect();
        let body = json!({"data": list}).to_string();
        let page = read_page(&rules, body.as_bytes()).expect("a page");
        assert_eq!(page.items.len() + page.quarantined.len() + page.superseded, list.len());
        for record in list.iter().filter(|record| record.get("id").is_some()) {
            let id = record["id"].to_string();
            let kept = page.items.iter().find(|item| item.id == id).expect("each id is there");
            let version: u64 = kept.version.as_deref().and_then(|version| version.parse().ok()).expect("a number");
            assert!(version >= record["v"].as_u64().expect("a number"));
        }
    }
}
