//! What must hold of a body besides its type.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::place::{Here, Place};

/// As the data files write it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConditionFile {
    /// Each of these places holds one of its values: texts, or numbers and truth values written as texts.
    pub(crate) when: BTreeMap<String, Vec<String>>,
    /// Something stands at each of these.
    pub(crate) present: Vec<String>,
    /// Nothing stands at any of these.
    pub(crate) absent: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    equal: Vec<(Place, Vec<String>)>,
    present: Vec<Place>,
    absent: Vec<Place>,
}

impl Condition {
    pub(crate) fn parse(file: ConditionFile) -> Result<Self, String> {
        let places = |texts: Vec<String>| texts.iter().map(|text| Place::parse(text)).collect::<Result<Vec<_>, _>>();
        let equal = file.when.into_iter().map(|(place, values)| {
            if values.is_empty() { Err(format!("`{place}` has no value")) } else { Ok((Place::parse(&place)?, values)) }
        });
        Ok(Self {
            equal: equal.collect::<Result<_, _>>()?,
            present: places(file.present)?,
            absent: places(file.absent)?,
        })
    }

    pub(crate) fn holds(&self, here: &Here<'_>) -> bool {
        let is_one_of = |(place, values): &(Place, Vec<String>)| {
            place.find(here).and_then(scalar).is_some_and(|text| values.contains(&text))
        };
        self.equal.iter().all(is_one_of)
            && self.present.iter().all(|place| place.find(here).is_some())
            && self.absent.iter().all(|place| place.find(here).is_none())
    }

    /// For people: `/success` is `true`, and `/x` is there. Empty where nothing is asked.
    pub(crate) fn describe(&self) -> String {
        let equal = self.equal.iter().map(|(place, values)| {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("`{}` is {}", place.as_str(), values.join(" or "))
        });
        let present = self.present.iter().map(|place| format!("`{}` is there", place.as_str()));
        let absent = self.absent.iter().map(|place| format!("`{}` is not there", place.as_str()));
        equal.chain(present).chain(absent).collect::<Vec<_>>().join(", ")
    }
}

/// A text, a number or a truth value, as a text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
