//! The preset files: all are read, all say what they must, and faults in an operator's own are named.

use std::collections::BTreeSet;

use super::*;
use crate::{Need, Trust, preset::builtin::FILES};

#[test]
fn every_file_is_in_the_list_and_can_be_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    let names = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let names: BTreeSet<String> =
        names.map(|name| name.to_str().expect("a name").trim_end_matches(".toml").to_owned()).collect();
    let listed: Vec<&str> = FILES.iter().map(|(id, _)| *id).collect();
    assert!(listed.is_sorted(), "the list is in the order of the names");
    assert_eq!(names, listed.iter().map(|id| (*id).to_owned()).collect());
    for (id, text) in FILES {
        let name = format!("copy-of-{id}");
        if let Err(invalid) = Presets::with_files(&[(name, (*text).to_owned())]) {
            panic!("{invalid}");
        }
        assert!(Presets::builtin().find(id).is_some(), "{id}");
    }
}

#[test]
fn every_preset_tells_its_customer_what_it_must() {
    for preset in Presets::builtin().all() {
        assert!(preset.where_to_click.len() > 40, "{}", preset.id);
        assert!(!preset.name.is_empty() && !preset.category.is_empty() && !preset.schemes.is_empty(), "{}", preset.id);
        for scheme in &preset.schemes {
            let id = format!("{}/{}", preset.id, scheme.id);
            assert!(!scheme.label.is_empty() && !scheme.covers.is_empty() && !scheme.leaves_out.is_empty(), "{id}");
            let has_label = !scheme.secret.label.is_empty();
            assert_eq!(has_label, scheme.secret.need != Need::None, "{id}: a secret has a label");
            let (nothing, token) = (scheme.trust == Trust::E, scheme.trust == Trust::D);
            assert!(!nothing || scheme.secret.need == Need::None, "{id}: a secret proves something");
            assert!(!token || scheme.tolerance_s.is_none(), "{id}: a token has no time");
        }
    }
}

const OWN: &str = r#"
name = "Acme"
category = "general"
where_to_click = "In Acme open Settings, Webhooks, and paste this source's address."
[[scheme]]
id = "acme"
label = "Signature"
trust = "B"
covers = "The body."
leaves_out = "The time."
secret = { label = "Key" }
verify = { kind = "hmac", header = "X-Acme" }
type_from = ["body:/kind"]
"#;

fn with(name: &str, text: &str) -> Result<Presets, postern_domain::Invalid> {
    Presets::with_files(&[(name.to_owned(), text.to_owned())])
}

#[test]
fn a_file_of_the_operator_is_a_preset_like_any_other() {
    let presets = with("acme", OWN).expect("a valid file");
    assert_eq!(presets.all().count(), Presets::builtin().all().count() + 1);
    let scheme = SourceScheme::parse(&presets, Some("acme"), None, &Value::Null, secrets(&["k"])).expect("a source");
    let signature = hex::encode(hmac(Algorithm::Sha256, b"k", &[r#"{"kind":"a.b"}"#]));
    let sample = Sample::new(scheme, &[("x-acme", &signature)], r#"{"kind":"a.b"}"#);
    assert_eq!(sample.verify().expect("valid").event_type.as_deref(), Some("a.b"));
}

#[test]
fn a_fault_in_a_file_is_told_with_file_and_field() {
    let cases = [
        ("acme", OWN.replace("trust = \"B\"", "trust = \"F\""), "acme.toml: scheme[0].trust", "F"),
        ("acme", OWN.replace("label = \"Signature\"", "lable = \"x\""), "acme.toml: scheme[0]", "lable"),
        ("acme", format!("colour = 1\n{OWN}"), "acme.toml", "colour"),
        ("acme", OWN.replace("kind = \"hmac\"", "kind = \"rot13\""), "acme.toml: scheme[0].verify.kind", "rot13"),
        ("acme", OWN.replace("header = \"X-Acme\"", "header = \"x y\""), "acme.toml: scheme[0].verify.header", "x y"),
        ("acme", OWN.replace("header =", "headr ="), "acme.toml: scheme[0].verify.header", "required"),
        ("acme", OWN.replace("\"X-Acme\"", "\"X\", colour = 1"), "acme.toml: scheme[0].verify.colour", "not a field"),
        ("acme", OWN.replace("body:/kind", "cookie:a"), "acme.toml: scheme[0].type", "cookie:a"),
        ("acme", OWN.replace("id = \"acme\"", "id = \"Ac me\""), "acme.toml", "lower-case"),
        ("acme", "name = ".to_owned(), "acme.toml", ""),
        (
            "acme",
            OWN.replace("where_to", "source_ranges = [\"10.0.0.1/99\"]\nwhere_to"),
            "acme.toml: source_ranges",
            "99",
        ),
        ("stripe", OWN.to_owned(), "stripe.toml", "another preset"),
        ("../x", OWN.to_owned(), "../x.toml", "lower-case"),
    ];
    for (name, text, field, detail) in cases {
        let invalid = with(name, &text).expect_err(field);
        assert!(invalid.field.starts_with(field) && invalid.detail.contains(detail), "{field} {detail}: {invalid}");
    }
}
