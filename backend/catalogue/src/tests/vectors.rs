//! Every provider's documented bodies, field by field.

use std::fs;

use serde_json::{Value, json};

use super::{names, repository, schema};
use crate::{Catalogue, Event, Outcome, catalogue::MAPPINGS};

const FOLDER: &str = "tests/vectors/catalogue";

/// As a vector writes it.
fn shown(event: Event) -> Value {
    let mut shown = json!({
        "type": event.event_type(), "provider_type": event.provider_type, "provider_id": event.provider_id,
        "occurred_at": event.occurred_at, "at": event.at,
    });
    match event.outcome {
        Outcome::Common { data, .. } => shown["data"] = Value::Object(data),
        Outcome::PassedOn { reason } => shown["reason"] = Value::String(reason),
    }
    shown
}

fn events(provider: &str, vector: &Value) -> Vec<Event> {
    let body = match vector["form"].as_str() {
        Some(form) => form.as_bytes().to_vec(),
        None => serde_json::to_vec_pretty(&vector["body"]).expect("JSON"),
    };
    let received = vector["received"].as_str().unwrap_or_default();
    Catalogue::builtin().events(Some(provider), received, (vector["content_type"].as_str(), &body))
}

#[test]
fn documented_bodies_become_what_the_vectors_say_field_by_field() {
    let mut count = 0;
    for (provider, _) in MAPPINGS {
        let cases = names(&format!("{FOLDER}/{provider}"), ".json");
        assert!(cases.len() >= 3, "{provider} has too few vectors");
        for case in cases {
            let text = fs::read(repository(&format!("{FOLDER}/{provider}/{case}.json"))).expect("a vector");
            let vector: Value = serde_json::from_slice(&text).expect("JSON");
            let made: Vec<Value> = events(provider, &vector).into_iter().map(shown).collect();
            let expected = vector["events"].as_array().expect("events");
            assert_eq!(&made, expected, "{provider}/{case}");
            for event in &made {
                let Some(common) = event.get("data").map(|_| event["type"].as_str().expect("a type")) else { continue };
                let common = Catalogue::builtin().find(common).expect("a common type");
                assert_eq!(schema::faults(common.schema(), &event["data"]), Vec::<String>::new(), "{provider}/{case}");
                count += 1;
            }
        }
    }
    assert!(count >= 100, "{count} mapped events");
}

#[test]
fn every_common_type_that_a_provider_speaks_has_a_vector() {
    for mapping in Catalogue::builtin().mappings() {
        let mut made = Vec::new();
        for case in names(&format!("{FOLDER}/{}", mapping.provider), ".json") {
            let path = format!("{FOLDER}/{}/{case}.json", mapping.provider);
            let vector: Value = serde_json::from_slice(&fs::read(repository(&path)).expect("a vector")).expect("JSON");
            let events = events(&mapping.provider, &vector).into_iter();
            made.extend(events.filter(Event::is_common).map(|event| event.event_type().to_owned()));
        }
        for rule in mapping.rules.iter().filter(|rule| rule.becomes != crate::rule::ANY) {
            assert!(made.contains(&rule.becomes), "{}: no vector makes `{}`", mapping.provider, rule.becomes);
        }
    }
}
