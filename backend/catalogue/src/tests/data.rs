//! The data files: all there, all read, and true to themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{names, schema};
use crate::{
    Catalogue,
    catalogue::MAPPINGS,
    mapping::Mapping,
    rule::ANY,
    vocabulary::{CommonType, TYPES},
};

#[test]
fn what_comes_with_postern_can_be_read() {
    let read = Catalogue::read().unwrap_or_else(|cause| panic!("{cause}"));
    assert_eq!(read.types().len(), Catalogue::builtin().types().len());
    assert!(read.types().len() >= 30 && read.mappings().len() >= 19);
}

#[test]
fn folders_and_lists_agree() {
    let listed = |all: &[(&str, &str)]| all.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    let found = |folder, ending| names(folder, ending).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(listed(TYPES), found("backend/catalogue/data/types", ".json"));
    assert_eq!(listed(MAPPINGS), found("backend/catalogue/data/mappings", ".toml"));
}

#[test]
fn every_type_has_an_example_that_its_schema_and_its_own_fields_allow() {
    for common in Catalogue::builtin().types() {
        let name = common.name();
        assert_eq!(schema::faults(common.schema(), common.example()), Vec::<String>::new(), "{name}");
        let example = common.example().as_object().expect("an object");
        for (field, value) in example {
            assert!(common.property(field).expect("a property").admits(value), "{name}: {field}");
        }
    }
}

#[test]
fn a_field_means_the_same_in_every_type() {
    let mut seen: BTreeMap<String, &Value> = BTreeMap::new();
    for common in Catalogue::builtin().types() {
        for (field, definition) in common.schema()["properties"].as_object().expect("properties") {
            let first = seen.entry(field.clone()).or_insert(definition);
            assert_eq!(*first, definition, "{}: {field}", common.name());
        }
    }
}

#[test]
fn money_has_a_currency() {
    for common in Catalogue::builtin().types() {
        let has_money = common.properties().iter().any(crate::vocabulary::Property::is_money);
        assert!(!has_money || common.property("currency").is_some(), "{}", common.name());
    }
}

#[test]
fn no_rule_stands_behind_one_that_takes_all_of_its_types() {
    for mapping in Catalogue::builtin().mappings() {
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for rule in &mapping.rules {
            let names: Vec<&str> = rule.types.iter().map(String::as_str).collect();
            assert!(names.iter().any(|name| !taken.contains(name)), "{}: {names:?} is never reached", mapping.name);
            if rule.condition.describe().is_empty() {
                taken.extend(names);
            }
        }
    }
}

#[test]
fn every_type_of_the_vocabulary_is_spoken_by_somebody() {
    let mappings = Catalogue::builtin().mappings();
    let made: BTreeSet<&str> =
        mappings.iter().flat_map(|mapping| &mapping.rules).map(|rule| rule.becomes.as_str()).collect();
    let gaming = ["session", "bet", "win", "player", "balance"];
    for common in Catalogue::builtin().types() {
        let family = common.family();
        assert!(made.contains(common.name()) || gaming.contains(&family.as_str()), "{}", common.name());
    }
    assert!(made.contains(ANY));
}

#[test]
fn a_mistake_in_a_mapping_is_named() {
    let types = Catalogue::builtin().types();
    let head = "provider = \"x\"\nname = \"X\"\ndocs = \"https://x\"\ntype = [\"/type\"]\n";
    let rule = "[[rule]]\ntypes = [\"a\"]\nbecomes = \"message.sent\"\n[rule.data]\nmessage_id = \"/id\"\n";
    let fine = format!("{head}{rule}channel = {{ is = \"sms\" }}\n");
    Mapping::parse("x", &fine, types).expect("a mapping");
    let table = [
        (format!("{head}surprise = 1\n{rule}channel = {{ is = \"sms\" }}\n"), "surprise"),
        (format!("{head}{rule}"), "needs `channel`"),
        (format!("{head}{rule}channel = {{ is = \"fax\" }}\n"), "\"fax\""),
        (format!("{head}{rule}channel = {{ is = \"sms\" }}\namount = \"/x\"\n"), "no field `amount`"),
        (format!("{head}{rule}channel = {{ at = [\"sms\"] }}\n"), "is no place"),
        (format!("{head}{}channel = \"/c\"\n", rule.replace("message.sent", "message.lost")), "message.lost"),
        (format!("{head}[data]\nidle = \"/x\"\n{rule}channel = {{ is = \"sms\" }}\n"), "no rule takes `idle`"),
        (format!("{head}[exponents]\nBTC = 8\n{rule}channel = {{ is = \"sms\" }}\n"), "BTC"),
        (fine.replace("\"x\"\nname", "\"y\"\nname"), "`provider` is `y`"),
    ];
    for (text, expected) in table {
        let cause = Mapping::parse("x", &text, types).expect_err(&text);
        assert!(cause.contains(expected) && cause.starts_with("mappings/x.toml"), "{cause}");
    }
}

#[test]
fn a_schema_of_another_kind_is_refused() {
    let (name, text) = TYPES[0];
    for (from, to) in [("\"minLength\"", "\"pattern\""), ("2020-12", "07"), ("\"integer\"", "\"number\"")] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(CommonType::parse(name, &changed).is_err(), "{to}");
    }
    assert!(CommonType::parse("payment.lost", text).is_err());
}

#[test]
fn the_document_is_what_the_data_says() {
    let written = std::fs::read_to_string(super::repository("docs/catalogue.md")).unwrap_or_default();
    let fresh = crate::document::markdown(Catalogue::builtin()).expect("a text");
    assert!(written == fresh, "write it anew: cargo run -p postern-catalogue --example document");
}
