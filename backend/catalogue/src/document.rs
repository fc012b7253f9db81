//! The catalogue as a document for people, and the schemas of what is sent. `docs/catalogue.md` is what [`markdown`] says.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::{
    Catalogue, CommonType,
    mapping::Mapping,
    rule::{ANY, Rule},
    vocabulary::{Kind, Property},
};

const INTRODUCTION: &str = include_str!("../data/introduction.md");

/// JSON Schema of the common envelope.
#[must_use]
pub fn envelope_schema() -> Value {
    serde_json::from_str(include_str!("../data/envelope.json")).unwrap_or_default()
}

/// JSON Schema of a CloudEvent as it is sent.
#[must_use]
pub fn cloud_event_schema() -> Value {
    serde_json::from_str(include_str!("../data/cloudevent.json")).unwrap_or_default()
}

/// The whole document.
///
/// # Errors
/// Writing into a text does not fail.
pub fn markdown(catalogue: &Catalogue) -> Result<String, fmt::Error> {
    let mut text = INTRODUCTION.to_owned();
    writeln!(text, "\n## The types\n\nFields in bold are always there.")?;
    let mut family = None;
    for common in catalogue.types() {
        if family.as_ref() != Some(&common.family()) {
            let next = common.family();
            writeln!(text, "\n### {}.*", next.as_str())?;
            family = Some(next);
        }
        describe_type(&mut text, catalogue, common)?;
    }
    writeln!(text, "\n## The providers")?;
    for mapping in catalogue.mappings() {
        describe_mapping(&mut text, mapping)?;
    }
    Ok(text)
}

fn describe_type(text: &mut String, catalogue: &Catalogue, common: &CommonType) -> fmt::Result {
    writeln!(text, "\n#### {}\n\n{}", common.name(), common.description())?;
    let speaks = |mapping: &&Mapping| mapping.rules.iter().any(|rule| rule.becomes == common.name());
    let speakers: Vec<&str> = catalogue.mappings().iter().filter(speaks).map(|mapping| mapping.name.as_str()).collect();
    let speakers = if speakers.is_empty() { "your own programs".to_owned() } else { speakers.join(", ") };
    writeln!(text, "From: {speakers}.\n\n| field | type | meaning |\n|---|---|---|")?;
    let (required, optional): (Vec<&Property>, Vec<&Property>) =
        common.properties().iter().partition(|property| property.is_required);
    for property in required.into_iter().chain(optional) {
        let (name, bold) = (&property.name, if property.is_required { "**" } else { "" });
        writeln!(text, "| {bold}`{name}`{bold} | {} | {} |", kind(property), property.description)?;
    }
    writeln!(text, "\n```json\n{:#}\n```", common.example())
}

fn kind(property: &Property) -> String {
    if !property.choices.is_empty() {
        return property.choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
    }
    match property.kind {
        Kind::Text => "text",
        Kind::Time => "date-time",
        Kind::Integer => "integer",
        Kind::Flag => "true or false",
        Kind::Texts => "list of texts",
    }
    .to_owned()
}

fn describe_mapping(text: &mut String, mapping: &Mapping) -> fmt::Result {
    writeln!(text, "\n### {}\n", mapping.name)?;
    let others: Vec<String> = mapping.also.iter().map(|other| format!("`{other}`")).collect();
    let also = if others.is_empty() { String::new() } else { format!(" (also {})", others.join(", ")) };
    writeln!(text, "Provider `{}`{also}. Documented at <{}>.", mapping.provider, mapping.docs)?;
    for batch in &mapping.each {
        writeln!(
            text,
            "\nOne body may hold several events, at `{}`; places below are counted from there.",
            batch.at.as_str()
        )?;
    }
    if !mapping.exponents.is_empty() {
        let own: Vec<String> = mapping.exponents.iter().map(|(code, exponent)| format!("{code} {exponent}")).collect();
        writeln!(text, "\nDecimals that differ from ISO 4217, and are converted: {}.", own.join(", "))?;
    }
    for note in &mapping.notes {
        writeln!(text, "\n{note}")?;
    }
    writeln!(text, "\n| provider's type | becomes | where |\n|---|---|---|")?;
    for rule in &mapping.rules {
        describe_rule(text, rule)?;
    }
    Ok(())
}

fn describe_rule(text: &mut String, rule: &Rule) -> fmt::Result {
    if rule.becomes == ANY {
        return writeln!(
            text,
            "| any type of the vocabulary | itself | its fields by their own names, under `/data` or at the top |"
        );
    }
    let types: Vec<String> = rule.types.iter().map(|name| format!("`{name}`")).collect();
    let condition = rule.condition.describe();
    let condition = if condition.is_empty() { condition } else { format!(" where {condition}") };
    let fields: Vec<String> =
        rule.fields.iter().map(|(name, field)| format!("**{name}** {}", field.describe())).collect();
    writeln!(text, "| {}{condition} | `{}` | {} |", types.join(", "), rule.becomes, fields.join("; "))
}
