//! One rule of a mapping: which types of a provider become which common type, under what condition, with what data.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    condition::{Condition, ConditionFile},
    date,
    field::{self, Field, FieldFile, Purse, Reading},
    money::Exponents,
    place::{Here, Place},
    vocabulary::CommonType,
};

/// Instead of a type's name in `types`: any; in `becomes`: the common type of the same name.
pub(crate) const ANY: &str = "*";

/// As the data files write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    types: Vec<String>,
    becomes: String,
    #[serde(default)]
    when: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    present: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    /// Where this type says when it happened, if not where the others do.
    #[serde(default)]
    occurred_at: Vec<MomentFile>,
    #[serde(default)]
    data: BTreeMap<String, FieldFile>,
    /// Objects whose fields have the names of the common type: the first that is there is taken.
    #[serde(default)]
    take: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MomentFile {
    at: String,
    #[serde(rename = "as")]
    reading: Reading,
}

/// Where it stands when something happened.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    at: Place,
    notation: date::Notation,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) types: Vec<String>,
    pub(crate) becomes: String,
    pub(crate) condition: Condition,
    occurred_at: Vec<Moment>,
    /// In the order of the common type's schema, but the currency first, since money is read by it.
    pub(crate) fields: Vec<(String, Field)>,
    take: Vec<Place>,
}

impl Moment {
    pub(crate) fn parse(file: &MomentFile) -> Result<Self, String> {
        let notation = field::notation(file.reading).ok_or_else(|| "`occurred_at` is read as no moment".to_owned())?;
        Ok(Self { at: Place::parse(&file.at)?, notation })
    }

    pub(crate) fn first(all: &[Self], here: &Here<'_>) -> Option<Timestamp> {
        all.iter().find_map(|moment| date::read(moment.at.find(here)?, moment.notation))
    }
}

impl Rule {
    /// `common` are fields that all rules of the file share, as far as their types have them; `used` notes which were.
    pub(crate) fn parse(
        file: RuleFile,
        common: &BTreeMap<String, FieldFile>,
        types: &[CommonType],
        used: &mut BTreeSet<String>,
    ) -> Result<Self, String> {
        let fault = |cause: String| format!("`{}`: {cause}", file.types.join("`, `"));
        if file.types.is_empty() || (file.becomes == ANY) == file.take.is_empty() {
            return Err(fault("needs `types`, and `take` where it becomes `*`".to_owned()));
        }
        let fields = if file.becomes == ANY {
            Vec::new()
        } else {
            let target = types.iter().find(|known| known.name() == file.becomes);
            let target = target.ok_or_else(|| fault(format!("there is no common type `{}`", file.becomes)))?;
            fields(target, &file.data, common, used).map_err(fault)?
        };
        let condition = ConditionFile { when: file.when, present: file.present, absent: file.absent };
        Ok(Self {
            condition: Condition::parse(condition)?,
            occurred_at: file.occurred_at.iter().map(Moment::parse).collect::<Result<_, _>>()?,
            take: file.take.iter().map(|text| Place::parse(text)).collect::<Result<_, _>>()?,
            types: file.types,
            becomes: file.becomes,
            fields,
        })
    }

    pub(crate) fn is_for(&self, provider_type: &str) -> bool {
        self.types.iter().any(|known| known == ANY || known == provider_type)
    }

    /// The common type that this rule makes of the provider's.
    pub(crate) fn target<'a>(&'a self, provider_type: &'a str) -> &'a str {
        if self.becomes == ANY { provider_type } else { &self.becomes }
    }

    pub(crate) fn occurred_at(&self, here: &Here<'_>) -> Option<Timestamp> {
        Moment::first(&self.occurred_at, here)
    }

    /// The data of the common type, which fits its schema; or why the body does not fit.
    pub(crate) fn data(
        &self,
        target: &CommonType,
        here: &Here<'_>,
        exponents: &Exponents,
    ) -> Result<Map<String, Value>, String> {
        let mut data = match self.take.iter().find_map(|place| place.find(here)) {
            Some(found) => taken(target, found)?,
            None => Map::new(),
        };
        for (name, field) in &self.fields {
            let currency = data.get("currency").and_then(Value::as_str).map(str::to_owned);
            let purse = Purse { currency: currency.as_deref(), exponents };
            let Some(property) = target.property(name) else { continue };
            let read = field.read(here, purse).and_then(|value| match value {
                Some(value) if !property.admits(&value) => Err("is not what the schema allows".to_owned()),
                other => Ok(other),
            });
            match read {
                Ok(Some(value)) => {
                    data.insert(name.clone(), value);
                }
                Ok(None) if property.is_required => return Err(format!("`{name}` is missing")),
                // What need not be there is left out.
                Err(cause) if property.is_required => return Err(format!("`{name}` {cause}")),
                Ok(None) | Err(_) => {}
            }
        }
        let missing = target.properties().iter().find(|known| known.is_required && !data.contains_key(&known.name));
        match missing {
            Some(property) => Err(format!("`{}` is missing", property.name)),
            None => Ok(data),
        }
    }
}

fn fields(
    target: &CommonType,
    own: &BTreeMap<String, FieldFile>,
    common: &BTreeMap<String, FieldFile>,
    used: &mut BTreeSet<String>,
) -> Result<Vec<(String, Field)>, String> {
    if let Some(unknown) = own.keys().find(|name| target.property(name).is_none()) {
        return Err(format!("`{}` has no field `{unknown}`", target.name()));
    }
    let mut fields = Vec::new();
    for property in target.properties() {
        let name = &property.name;
        let Some(file) = own.get(name).or_else(|| common.get(name)) else {
            if property.is_required {
                return Err(format!("`{}` needs `{name}`", target.name()));
            }
            continue;
        };
        used.insert(name.clone());
        let field = Field::parse(file.clone(), property).map_err(|cause| format!("`{name}` {cause}"))?;
        fields.push((name.clone(), field));
    }
    fields.sort_by_key(|(name, _)| name != "currency");
    Ok(fields)
}

/// Fields that already have the common names. One that is there and wrong is a fault, not something to leave out: who
/// speaks the vocabulary wants to be told.
fn taken(target: &CommonType, found: &Value) -> Result<Map<String, Value>, String> {
    let object = found.as_object().ok_or_else(|| "the data is no object".to_owned())?;
    let mut data = Map::new();
    for property in target.properties() {
        match object.get(&property.name) {
            None | Some(Value::Null) => {}
            Some(value) if property.admits(value) => {
                data.insert(property.name.clone(), value.clone());
            }
            Some(_) => return Err(format!("`{}` is not what the schema allows", property.name)),
        }
    }
    Ok(data)
}
