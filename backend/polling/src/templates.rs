//! Settings to begin with, for providers whose APIs are known. Each is a file in `templates/`; what a customer has to say
//! stands in it as `[[name]]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const FILES: [&str; 6] = [
    include_str!("../templates/stripe_events.json"),
    include_str!("../templates/github_events.json"),
    include_str!("../templates/telegram_updates.json"),
    include_str!("../templates/rest_updated_since.json"),
    include_str!("../templates/json_feed.json"),
    include_str!("../templates/rss_or_atom.json"),
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollTemplate {
    pub id: String,
    pub name: String,
    pub about: String,
    /// Where the provider describes its API.
    pub docs_url: String,
    pub fields: Vec<TemplateField>,
    /// A source's `poll`, with `[[name]]` where a field's value belongs.
    pub settings: Value,
}

/// What only the customer knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateField {
    pub name: String,
    pub label: String,
    pub example: String,
    pub is_secret: bool,
}

/// All of them, in the order they are offered. The files are part of the program and read in its tests.
#[must_use]
pub fn all() -> Vec<PollTemplate> {
    FILES.iter().filter_map(|file| serde_json::from_str(file).ok()).collect()
}

impl PollTemplate {
    /// The settings with each `[[name]]` replaced; what is not given stays, and is found when the settings are parsed.
    #[must_use]
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Value {
        let mut settings = self.settings.clone();
        fill(&mut settings, values);
        settings
    }
}

fn fill(value: &mut Value, values: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            for (name, given) in values {
                *text = text.replace(&format!("[[{name}]]"), given);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|element| fill(element, values)),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
