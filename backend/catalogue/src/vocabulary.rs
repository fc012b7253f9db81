//! The common types: their JSON Schemas, read strictly, so that what the schema says is what is checked.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::currency;

/// Every file of `data/types`; a test compares the list with the folder.
macro_rules! types {
    ($($name:literal),+ $(,)?) => {
        pub(crate) const TYPES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../data/types/", $name, ".json")))),+];
    };
}

types![
    "payment.received",
    "payment.failed",
    "payment.refunded",
    "payment.disputed",
    "payment.payout",
    "kyc.started",
    "kyc.pending",
    "kyc.completed",
    "kyc.approved",
    "kyc.rejected",
    "kyc.resubmission_requested",
    "kyc.expired",
    "registration.created",
    "registration.updated",
    "registration.closed",
    "session.started",
    "session.ended",
    "bet.placed",
    "bet.cancelled",
    "win.paid",
    "win.cancelled",
    "player.updated",
    "player.blocked",
    "player.unblocked",
    "balance.changed",
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.opened",
    "message.clicked",
    "message.complained",
    "message.unsubscribed",
    "message.failed",
    "message.received",
];

/// These count minor units of the event's `currency`.
const MONEY: [&str; 6] = ["amount", "fee", "balance", "change", "bet_amount", "win_amount"];
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// One type of the vocabulary.
#[derive(Clone, Debug)]
pub struct CommonType {
    name: String,
    description: String,
    properties: Vec<Property>,
    schema: Value,
    example: Value,
}

/// The first part of a type's name, under which a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family(String);

/// One field of a type's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    pub(crate) choices: Vec<String>,
    min_length: usize,
    max_length: Option<usize>,
    minimum: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Integer,
    Flag,
    Texts,
}

/// The part of JSON Schema that the vocabulary uses; anything else is a mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFile {
    #[serde(rename = "$schema")]
    schema: String,
    title: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    properties: Map<String, Value>,
    required: Vec<String>,
    examples: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PropertyFile {
    #[serde(rename = "type")]
    kind: String,
    description: String,
    format: Option<String>,
    #[serde(rename = "enum", default)]
    choices: Vec<String>,
    items: Option<Value>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    minimum: Option<i64>,
}

impl CommonType {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let fault = |cause: &dyn std::fmt::Display| format!("types/{name}.json: {cause}");
        let schema: Value = serde_json::from_str(text).map_err(|cause| fault(&cause))?;
        let file: SchemaFile = serde_json::from_value(schema.clone()).map_err(|cause| fault(&cause))?;
        if file.title != name || file.schema != DIALECT || file.kind != "object" {
            return Err(fault(&"`title`, `$schema` or `type` is not as it must be"));
        }
        let properties = file.properties.into_iter();
        let properties: Vec<Property> = properties
            .map(|(field, value)| Property::parse(field, value, &file.required))
            .collect::<Result<_, _>>()
            .map_err(|cause| fault(&cause))?;
        if let Some(missing) = file.required.iter().find(|field| properties.iter().all(|known| known.name != **field)) {
            return Err(fault(&format!("`{missing}` is required and no property")));
        }
        let example = file.examples.into_iter().next().ok_or_else(|| fault(&"`examples` is empty"))?;
        Ok(Self { name: name.to_owned(), description: file.description, properties, schema, example })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    #[must_use]
    pub fn family(&self) -> Family {
        Family(self.name.split('.').next().unwrap_or_default().to_owned())
    }

    /// JSON Schema, draft 2020-12, of an event's `data`.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        &self.schema
    }

    /// What `data` may look like.
    #[must_use]
    pub const fn example(&self) -> &Value {
        &self.example
    }

    pub(crate) fn properties(&self) -> &[Property] {
        &self.properties
    }

    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

impl Family {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Property {
    fn parse(name: String, value: Value, required: &[String]) -> Result<Self, String> {
        let file: PropertyFile = serde_json::from_value(value).map_err(|cause| format!("`{name}`: {cause}"))?;
        let kind = match (file.kind.as_str(), file.format.as_deref(), &file.items) {
            ("string", None, None) => Kind::Text,
            ("string", Some("date-time"), None) => Kind::Time,
            ("integer", None, None) => Kind::Integer,
            ("boolean", None, None) => Kind::Flag,
            ("array", None, Some(items)) if *items == serde_json::json!({"type": "string"}) => Kind::Texts,
            _ => return Err(format!("`{name}`: no such kind of property")),
        };
        let is_text = kind == Kind::Text;
        let has_text_bounds = file.min_length.is_some() || file.max_length.is_some() || !file.choices.is_empty();
        if (has_text_bounds && !is_text) || (file.minimum.is_some() && kind != Kind::Integer) {
            return Err(format!("`{name}`: a bound that does not go with its type"));
        }
        Ok(Self {
            is_required: required.contains(&name),
            name,
            description: file.description,
            kind,
            choices: file.choices,
            min_length: file.min_length.unwrap_or(0),
            max_length: file.max_length,
            minimum: file.minimum,
        })
    }

    pub(crate) fn is_money(&self) -> bool {
        MONEY.contains(&self.name.as_str())
    }

    pub(crate) fn is_currency(&self) -> bool {
        self.name == "currency"
    }

    /// Whether the value is what the schema allows; a currency must be one of ISO 4217 besides.
    pub(crate) fn admits(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (Kind::Text, Value::String(text)) => {
                let length = text.chars().count();
                length >= self.min_length
                    && self.max_length.is_none_or(|most| length <= most)
                    && (self.choices.is_empty() || self.choices.contains(text))
                    && (!self.is_currency() || currency::exponent(text).is_some())
            }
            (Kind::Time, Value::String(text)) => postern_domain::Timestamp::parse_rfc3339(text).is_ok(),
            (Kind::Integer, Value::Number(number)) => {
                number.as_i64().is_some_and(|number| self.minimum.is_none_or(|least| number >= least))
            }
            (Kind::Flag, Value::Bool(_)) => true,
            (Kind::Texts, Value::Array(all)) => all.iter().all(Value::is_string),
            _ => false,
        }
    }
}
