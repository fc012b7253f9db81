//! One common field: where it comes from in a body, and how it is read there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    condition::scalar,
    date::{self, Notation},
    money::{self, Exponents},
    place::{Here, Place},
    vocabulary::{Kind, Property},
};

/// As the data files write it: a place, several of which the first counts, or a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum FieldFile {
    Place(String),
    Places(Vec<String>),
    Table(FieldTable),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FieldTable {
    at: Vec<String>,
    #[serde(rename = "as")]
    reading: Option<Reading>,
    /// What each value becomes; a value that is not here counts as nothing.
    map: BTreeMap<String, Value>,
    /// For money: what is taken from it.
    minus: Option<String>,
    /// For money that a provider writes with a sign where the common type needs none: without it.
    absolute: bool,
    /// Always this.
    is: Option<Value>,
    /// This where nothing is found.
    otherwise: Option<Value>,
}

/// How a value is read. Where a file does not say, the kind of the common field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reading {
    Text,
    Lower,
    /// `whatsapp` of `whatsapp:+49…`; nothing where there is no colon.
    BeforeColon,
    /// Of a URL's path.
    LastSegment,
    Integer,
    Flag,
    /// A list of texts, or one text as a list.
    Texts,
    Currency,
    /// Money in the provider's minor units.
    Minor,
    /// Money in decimal major units.
    Major,
    Rfc3339,
    Rfc2822,
    UnixS,
    UnixMs,
    Spaced,
    Date,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    at: Vec<Place>,
    reading: Reading,
    map: BTreeMap<String, Value>,
    minus: Option<Place>,
    absolute: bool,
    constant: Option<Value>,
    otherwise: Option<Value>,
}

/// What money is read by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purse<'a> {
    /// Of the event, once it is known.
    pub(crate) currency: Option<&'a str>,
    pub(crate) exponents: &'a Exponents,
}

impl Field {
    pub(crate) fn parse(file: FieldFile, property: &Property) -> Result<Self, String> {
        let table = match file {
            FieldFile::Place(place) => FieldTable { at: vec![place], ..FieldTable::default() },
            FieldFile::Places(at) => FieldTable { at, ..FieldTable::default() },
            FieldFile::Table(table) => table,
        };
        let usual = if property.is_currency() { Reading::Currency } else { usual(property.kind) };
        let reading = table.reading.unwrap_or(if table.map.is_empty() { usual } else { Reading::Text });
        if property.is_money() && !matches!(reading, Reading::Minor | Reading::Major) {
            return Err("money is read `as` minor or major".to_owned());
        }
        if table.map.is_empty() && table.is.is_none() && kind(reading) != property.kind {
            return Err("is not read as what the common type has there".to_owned());
        }
        if table.at.is_empty() == table.is.is_none()
            || ((table.minus.is_some() || table.absolute) && !property.is_money())
        {
            return Err("takes either `at` or `is`, and `minus` or `absolute` only for money".to_owned());
        }
        let own = table.map.values().chain(&table.is).chain(&table.otherwise);
        if let Some(wrong) = own.into_iter().find(|value| !property.admits(value)) {
            return Err(format!("{wrong} is not what the common type has there"));
        }
        Ok(Self {
            at: table.at.iter().map(|text| Place::parse(text)).collect::<Result<_, _>>()?,
            reading,
            map: table.map,
            minus: table.minus.as_deref().map(Place::parse).transpose()?,
            absolute: table.absolute,
            constant: table.is,
            otherwise: table.otherwise,
        })
    }

    /// The first place that has something which can be read. `Ok(None)`: there is nothing. `Err`: there is something, and
    /// it is not what it should be.
    pub(crate) fn read(&self, here: &Here<'_>, purse: Purse<'_>) -> Result<Option<Value>, String> {
        if self.constant.is_some() {
            return Ok(self.constant.clone());
        }
        let mut fault = None;
        for found in self.at.iter().filter_map(|place| place.find(here)) {
            match self.convert(found, here, purse) {
                Ok(Some(value)) => return Ok(Some(value)),
                Ok(None) => {}
                // An amount of one place must not meet the currency of another.
                Err(cause) if self.is_money() => return Err(cause),
                Err(cause) => fault = fault.or(Some(cause)),
            }
        }
        match (&self.otherwise, fault) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(cause)) => Err(cause),
            (None, None) => Ok(None),
        }
    }

    const fn is_money(&self) -> bool {
        matches!(self.reading, Reading::Minor | Reading::Major | Reading::Currency)
    }

    fn convert(&self, found: &Value, here: &Here<'_>, purse: Purse<'_>) -> Result<Option<Value>, String> {
        let value = match self.reading {
            Reading::Minor | Reading::Major => return self.money(found, here, purse).map(Some),
            Reading::Currency => return money::code(found).map(|code| Some(Value::String(code))),
            reading => match read(found, reading)? {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        if self.map.is_empty() {
            return Ok(Some(value));
        }
        let known = scalar(&value).and_then(|key| self.map.get(&key));
        Ok(known.cloned())
    }

    fn money(&self, found: &Value, here: &Here<'_>, purse: Purse<'_>) -> Result<Value, String> {
        let currency = purse.currency.ok_or_else(|| "has no currency".to_owned())?;
        let amount = |value: &Value| match self.reading {
            Reading::Major => money::from_major(value, currency),
            _ => money::from_minor(value, currency, purse.exponents),
        };
        let less = match self.minus.as_ref().and_then(|place| place.find(here)) {
            Some(value) => amount(value)?,
            None => 0,
        };
        let left = amount(found)? - less;
        Ok(Value::from(if self.absolute { left.abs() } else { left }))
    }

    /// For people: where it is looked for and how it is read.
    pub(crate) fn describe(&self) -> String {
        if let Some(value) = &self.constant {
            return format!("always `{}`", scalar(value).unwrap_or_default());
        }
        let places: Vec<String> = self.at.iter().map(|place| format!("`{}`", place.as_str())).collect();
        let mut text = places.join(", else ");
        if let Some(minus) = &self.minus {
            text.push_str(&format!(" less `{}`", minus.as_str()));
        }
        if self.absolute {
            text.push_str(" without its sign");
        }
        text.push_str(match self.reading {
            Reading::Minor => " (minor units)",
            Reading::Major => " (major units)",
            Reading::Rfc2822 => " (RFC 2822)",
            Reading::UnixS => " (seconds since 1970)",
            Reading::UnixMs => " (milliseconds since 1970)",
            Reading::Lower => " (in lower case)",
            Reading::BeforeColon => " (before the colon)",
            Reading::LastSegment => " (last segment of the path)",
            _ => "",
        });
        if !self.map.is_empty() {
            text.push_str(" (mapped)");
        }
        if let Some(value) = &self.otherwise {
            text.push_str(&format!(", else `{}`", scalar(value).unwrap_or_default()));
        }
        text
    }
}

const fn usual(kind: Kind) -> Reading {
    match kind {
        Kind::Text => Reading::Text,
        Kind::Time => Reading::Rfc3339,
        Kind::Integer => Reading::Integer,
        Kind::Flag => Reading::Flag,
        Kind::Texts => Reading::Texts,
    }
}

const fn kind(reading: Reading) -> Kind {
    match reading {
        Reading::Text | Reading::Lower | Reading::BeforeColon | Reading::LastSegment | Reading::Currency => Kind::Text,
        Reading::Integer | Reading::Minor | Reading::Major => Kind::Integer,
        Reading::Flag => Kind::Flag,
        Reading::Texts => Kind::Texts,
        Reading::Rfc3339 | Reading::Rfc2822 | Reading::UnixS | Reading::UnixMs | Reading::Spaced | Reading::Date => {
            Kind::Time
        }
    }
}

pub(crate) const fn notation(reading: Reading) -> Option<Notation> {
    Some(match reading {
        Reading::Rfc3339 => Notation::Rfc3339,
        Reading::Rfc2822 => Notation::Rfc2822,
        Reading::UnixS => Notation::UnixS,
        Reading::UnixMs => Notation::UnixMs,
        Reading::Spaced => Notation::Spaced,
        Reading::Date => Notation::Date,
        _ => return None,
    })
}

fn read(found: &Value, reading: Reading) -> Result<Option<Value>, String> {
    if let Some(notation) = notation(reading) {
        let at = date::read(found, notation).ok_or_else(|| "is not a moment as the provider writes them".to_owned())?;
        return Ok(Some(Value::String(at.to_string())));
    }
    if reading == Reading::Texts {
        let all = found.as_array().map_or_else(|| std::slice::from_ref(found), Vec::as_slice);
        let texts: Option<Vec<Value>> = all.iter().map(|one| scalar(one).map(Value::String)).collect();
        return texts.map(|texts| Some(Value::Array(texts))).ok_or_else(|| "is not a list of texts".to_owned());
    }
    let text = scalar(found).ok_or_else(|| "is not a single value".to_owned())?;
    Ok(match reading {
        Reading::Lower => Some(Value::String(text.to_lowercase())),
        Reading::BeforeColon => text.split_once(':').map(|(before, _)| Value::String(before.to_owned())),
        Reading::LastSegment => {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            path.rsplit('/').next().filter(|last| !last.is_empty()).map(|last| Value::String(last.to_owned()))
        }
        Reading::Integer => {
            let number: i64 = text.parse().map_err(|_| "is not a whole number".to_owned())?;
            Some(Value::from(number))
        }
        Reading::Flag => {
            let flag: bool = text.parse().map_err(|_| "is neither true nor false".to_owned())?;
            Some(Value::Bool(flag))
        }
        _ => Some(Value::String(text)),
    })
}
